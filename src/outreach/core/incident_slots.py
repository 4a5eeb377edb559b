"""What may stand in a slot: short, plain, and nothing but what is so now.

The approved text is fixed; a slot is the one place where words reach clients without a second pair
of eyes. So it states no cause (nobody knows it in the first hour, and what is told cannot be taken
back), promises nothing, advises nothing, and holds neither links nor numbers to call.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from outreach.core.campaign import Slot, SlotName
from outreach.core.incident import Facts, Said
from outreach.core.lint import Lint, PhraseGroup
from outreach.core.words import Purpose


class SlotFault(NamedTuple):
    """Why a slot is refused: which, in which language, from which character on (from 1)."""

    slot: str
    language: str  # zh | en; empty for a slot that is no text
    at: int
    found: str
    wrong: str
    write: str

    def __str__(self) -> str:
        where = f"{self.slot}, {self.language}" if self.language else self.slot
        place = f", character {self.at}: “{self.found}”" if self.found else ":"
        return f"{where}{place} {self.wrong}; {self.write}"


def _group(name: str, why: str, write: str, phrases: str, allowed: tuple[str, ...] = ()) -> (
    PhraseGroup
):  # fmt: skip
    return PhraseGroup(
        name, "error", why, write, tuple(one.strip() for one in phrases.split("|")), allowed
    )


SLOT_WORDING: Final = Lint(
    (
        _group(
            "cause",
            "states a cause",
            "say what works and what does not; the cause is told when it is established, by others",
            "因|原因|由于|由於|鉴于|鑒於|缘于|緣於|源于|源於|归因|歸因|起因|致使|导致|導致|造成|引起|引发|引發|触发|觸發|所致"
            "|出于|出於|故障源|根源"
            "|because|due to|owing to|caused|cause|causes|causing|as a result of|results from"
            "|resulted from|resulting from|thanks to|triggered by|traced to|attributed to"
            "|attributable to|on account of|stems from|stemming from|arose from|arising from"
            "|affected by|hit by|suffering from|related to|linked to|reason|reasons|root cause"
            "|after an upgrade|following an upgrade|blamed on",
        ),
        _group(
            "guess",
            "guesses",
            "say what is known to be so now",
            "疑似|怀疑|懷疑|推测|推測|估计|估計|可能是|可能系|可能为|初步判断|初步判斷|初步分析|初步定位|初步排查|据悉|據悉"
            "|probably|presumably|suspected|we suspect|apparently|appears to be|seems to be"
            "|believed to be|likely",
        ),
        _group(
            "blame",
            "names somebody at fault",
            "say what works and what does not",
            "黑客|骇客|駭客|攻击|攻擊|供应商|供應商|服务商|服務商|运营商|運營商|营运商|營運商|第三方|外部机构|人为|误操作|操作失误|程序错误|程序缺陷|交易所系统|机房|宕机|崩溃"
            "|hacker|hackers|cyberattack|attack|attacked|vendor|vendors|supplier|provider|carrier"
            "|third party|human error|bug|bugs|outage at|data centre|data center|crashed|crash",
        ),
        _group(
            "promise",
            "promises something",
            "leave it out; a claim is looked at one by one, and the after-care message says where",
            "保证|保證|承诺|承諾|确保|確保|赔|賠|补偿|補償|补贴|補貼|减免|減免|免除|返还|返還|退还|退還|免费|免費|担保|擔保|一定会"
            "|一定會|必将|必將|绝不|絕不|不会再|不會再|很快|马上|馬上|即将|即將|立即恢复|立即恢復|预计恢复|預計恢復|预计将|預計將"
            "|guarantee|guaranteed|guarantees|promise|promised|ensure|ensures|compensate"
            "|compensated|compensation|refund|refunds|refunded|reimburse|reimbursed|waive|waived"
            "|indemnify|free of charge|never again|will not happen again|won't happen again"
            "|shortly|soon|any minute|imminent|imminently|expected to recover",
        ),
        _group(
            "advice",
            "advises on trading",
            "say what can be used, 可使用…; a notice takes no view on what to trade",
            "建议|建議|推荐|推薦|抄底|加仓|减仓|清仓|满仓|止损|止盈|看好|看空|看多|逢低|逢高|必涨|利好|利空|机会"
            "|recommend|recommended|advise|advised|suggest|should buy|should sell|buy now"
            "|sell now|stop loss|take profit|buy the dip|opportunity|bullish|bearish",
        ),
        _group(
            "credentials",
            "speaks of credentials, as fraudsters do",
            "leave it out; the foot of the mail says that nobody is ever asked for them",
            "密码|密碼|验证码|驗證碼|口令|转账至|汇款"
            "|password|passwords|verification code|one-time code|otp|pin",
        ),
        _group(
            "link",
            "sends people somewhere",
            "leave it out; hotline and website stand in the approved text",
            "点击|點擊|链接|鏈接|連結|扫码|掃碼|二维码|下载|加微信"
            "|click|click here|link|scan the code|download",
        ),
    )
)

_LINK: Final = re.compile(
    r"(?:https?:|www\.|//)\S*"
    r"|[\w-]+(?:\.[\w-]+)*\.(?:com|cn|net|org|hk|io|info|top|xyz|cc|vip|app|link|biz|co)\b",
    re.IGNORECASE,
)
# 系网络中断: "it is that ...", but not 系统, 联系 and the like.
_IT_IS: Final = re.compile(r"(?<![联关体维])系(?!统|列|数)")
# 受网络波动影响: "affected by ...", but not 部分客户受影响.
_AFFECTED: Final = re.compile(r"受(?!到?影[响響]).{1,20}?影[响響]")
_NUMBER: Final = re.compile(r"\d(?:[\s-]?\d){4,}")
_TAG: Final = re.compile(r"\{[%#]|[%#]\}|[{}<>\\]+")
# Gateways strip or refuse these, and 【】 would pass for a signature.
_MARKS: Final = frozenset("【】※●★☆◆￥¥$@#^~|`*_=[]")


def slot_faults(
    slots: Mapping[SlotName, Slot], facts: Facts, *, open_still: bool, also: Sequence[Lint] = ()
) -> Iterator[SlotFault]:
    """Everything wrong with what fills the slots of an approved text. `also`: further wording that
    no notice may use. `open_still`: of an incident that goes on, where required slots are filled.
    """
    texts: dict[SlotName, Said] = {"status": facts.status, "workaround": facts.workaround}
    for name, said in texts.items():
        slot = slots.get(name)
        if not (said.zh or said.en):
            if slot is not None and slot.required and open_still:
                yield SlotFault(name, "", 0, "", "is empty", f"write --{name}")
            continue
        if slot is None:
            yield _no_slot(name)
            continue
        for language, text in zip(Said._fields, said, strict=True):
            yield from _text_faults(name, language, text, slot, also)
    moments = {"next_update_by": facts.next_update_by, "resolved_at": facts.resolved_at}
    for moment, at in moments.items():
        if at is not None and moment not in slots:
            yield _no_slot(moment)


def _no_slot(name: str) -> SlotFault:
    return SlotFault(
        name, "", 0, "", "has no slot in the approved text",
        f"leave it out, or declare it under [slots] of template.toml and print {{{{ {name} }}}}",
    )  # fmt: skip


def _text_faults(
    name: str, language: str, text: str, slot: Slot, also: Sequence[Lint]
) -> Iterator[SlotFault]:
    if not text.strip():
        wrong = "is empty in this language"
        yield SlotFault(name, language, 0, "", wrong, f"write --{name} in both languages")
        return
    if len(text) > slot.longest:
        wrong = f"is {len(text)} characters long"
        yield SlotFault(name, language, 0, "", wrong, f"at most {slot.longest} fit")
    found: dict[int, SlotFault] = {}
    hits = [*_hits(text, also), *(_not_english(text) if language == "en" else ())]
    for at, piece, wrong, write in hits:
        found.setdefault(at, SlotFault(name, language, at + 1, piece, wrong, write))
    yield from (found[at] for at in sorted(found))


def _not_english(text: str) -> Iterator[tuple[int, str, str, str]]:
    for at, character in enumerate(text):
        if character.isalpha() and not character.isascii():
            yield at, character, "is not English", "write it in English"
            return


def _hits(text: str, also: Sequence[Lint]) -> Iterator[tuple[int, str, str, str]]:
    for at, character in enumerate(text):
        if why := _character(character):
            yield at, character, why, "leave it out"
    plain = "hotline and website stand in the approved text"
    for match in _LINK.finditer(text):
        yield match.start(), match[0], "is a link", f"leave it out; {plain}"
    for match in _NUMBER.finditer(text):
        wrong = "is a number somebody could call"
        yield match.start(), match[0], wrong, f"leave it out; {plain}"
    for words in (_IT_IS, _AFFECTED):
        for match in words.finditer(text):
            yield match.start(), match[0], "states a cause", "say what works and what does not"
    for match in _TAG.finditer(text):
        yield match.start(), match[0], "belongs to a template", "write plain words"
    for lint in (SLOT_WORDING, *also):
        for hit in lint.hits(text, Purpose.SERVICE):
            yield hit.at, hit.found, hit.group.why, hit.group.write


def _character(character: str) -> str:
    if character in _MARKS:
        return "is a mark that gateways refuse"
    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp") or (category == "Zs" and character != " "):
        return f"is an invisible character (U+{ord(character):04X})"
    if category in ("So", "Sk") or (ord(character) > 0xFFFF and category[0] != "L"):
        return "is a symbol that many telephones do not show"
    return ""
