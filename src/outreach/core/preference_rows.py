"""Rows of a preferences file: what clients asked of us, and what that adds up to.

An empty cell says nothing; 清除 (or `none`) takes back what was said before. Who said so and when
stands beside it, and what was said later counts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, tzinfo
from typing import Any, Final, NamedTuple

from outreach.core import cells, client_words
from outreach.core.cell_text import half_width
from outreach.core.cells import Bad, Fault, Read
from outreach.core.consent_rows import moment
from outreach.core.holding_rows import UNKNOWN_CLIENT
from outreach.core.topics import entries, topic_named
from outreach.core.written import Bilingual

ALIASES: Final[dict[str, Sequence[str]]] = {
    "client_no": [
        "客户号", "客户编号", "客户代码", "客户账号", "client_id", "client_number", "customer_no",
    ],
    "salutation": ["称谓", "尊称", "称呼", "title", "form_of_address"],
    "preferred_channel": ["首选渠道", "偏好渠道", "联系渠道", "渠道", "channel"],
    "topics": ["关注主题", "兴趣主题", "关注领域", "主题", "interests"],
    "wanted_risk": [
        "意向产品风险上限", "产品风险上限", "意向风险等级", "风险上限", "max_product_risk",
        "risk_ceiling",
    ],
    "own_hours": ["指定联系时段", "联系时段", "联系时间", "方便联系时间", "contact_hours"],
    "locale": ["语言", "首选语言", "沟通语言", "language", "preferred_language"],
    "note": ["备注", "客户经理备注", "服务备注", "adviser_note", "remark"],
    "said_by": ["告知人", "来源", "提出人", "source"],
    "said_at": ["告知时间", "时间", "日期", "at", "date"],
}  # fmt: skip
REQUIRED: Final = ("client_no",)
# Kept in the client book as they stand; a note stays in the history and goes into no text.
IN_BOOK: Final = (
    "salutation", "preferred_channel", "topics", "wanted_risk", "own_hours", "locale",
)  # fmt: skip
PREFERENCES: Final = (*IN_BOOK, "note")
SAID_BY: Final = ("client", "adviser", "branch", "import")

_CLEARED: Final = frozenset({"清除", "清空", "取消", "none", "clear", "无"})
_HOUR: Final = r"([01]?\d|2[0-4])(?:[:时点]([0-5]\d)?分?)?"
_HOURS: Final = re.compile(rf"{_HOUR}\s*(?:-|~|–|—|至|到|to)\s*{_HOUR}")
_RISKS: Final = {
    "低风险": 1, "低": 1, "中低风险": 2, "中低": 2, "中风险": 3, "中": 3, "中高风险": 4, "中高": 4,
    "高风险": 5, "高": 5,
}  # fmt: skip
_RISK: Final = re.compile(r"r?([1-5])(?:级|[(].*[)])?")
_SALUTATION: Final = 20  # characters


class Stated(NamedTuple):
    """What was said about a client's preferences at one time. `said` holds what was spoken of;
    None takes it back."""

    client_id: int
    said: dict[str, Any]
    said_by: str
    said_at: datetime


_channel: Final[Read] = cells.one_of(
    {
        **dict.fromkeys(("sms", "短信", "手机短信"), "sms"),
        **dict.fromkeys(("email", "e-mail", "mail", "邮件", "电子邮件", "邮箱"), "email"),
        **dict.fromkeys(("push", "app", "推送", "App推送", "APP推送"), "push"),
    },
    "write sms, email or push (短信, 邮件 or 推送)",
)
_said_by: Final[Read] = cells.one_of(
    {
        **{one: one for one in SAID_BY},
        **dict.fromkeys(("客户", "客户本人", "本人"), "client"),
        **dict.fromkeys(("客户经理", "投资顾问", "advisor"), "adviser"),
        **dict.fromkeys(("营业部", "分支机构", "柜台"), "branch"),
        **dict.fromkeys(("导入", "批量导入"), "import"),
    },
    "write client, adviser or branch (客户本人, 客户经理 or 营业部)",
)


def hours(cell: str) -> str | Bad | None:
    """Contact hours of a client as `09:30-12:00`."""
    text = half_width(cell).replace(" ", "")
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    fix = "write the hours as 09:30-12:00"
    if not found:
        return Bad("these are no hours of a day", fix)
    opens, closes = (f"{int(found[at]):02}:{found[at + 1] or '00'}" for at in (1, 3))
    closes = "23:59" if closes == "24:00" else closes
    try:
        if time.fromisoformat(opens) >= time.fromisoformat(closes):
            return Bad("the hours end before they begin", fix)
    except ValueError:
        return Bad("there is no such hour", fix)
    return f"{opens}-{closes}"


def risk(cell: str) -> int | Bad | None:
    """A product risk R1 to R5 as 1 to 5: by code, by number or by name (低风险 to 高风险)."""
    word = half_width(cell).casefold().replace(" ", "")
    if not word:
        return None
    if found := _RISK.fullmatch(word):
        return int(found[1])
    return _RISKS.get(word) or Bad("the product risk is not known", "write R1 to R5")


def _salutation(cell: str) -> str | Bad | None:
    value = cells.text(cell)
    if isinstance(value, str) and len(value) > _SALUTATION:
        return Bad(f"it has {len(value)} characters", f"write at most {_SALUTATION}: 张女士")
    return value


def _topics(cell: str, known: Sequence[Bilingual]) -> str | Bad | None:
    """Entries of the firm's list, by either language; any word where the firm has no list. In
    English a topic may be two words, so spaces do not separate there."""
    text = half_width(cell)
    separated = cells.items(text)
    if isinstance(separated, Bad) or not separated:
        return separated or None
    if not known:
        return separated
    found: list[str] = []
    for word in filter(None, (part.strip() for part in re.split(r"[,、;|/]", text))):
        whole = topic_named(word, known)
        parts = [whole] if whole else [topic_named(one, known) for one in word.split()]
        if None in parts:
            listed = ", ".join(topic.zh for topic in known)
            return Bad(f"{word} is no topic of the list", f"write some of {listed}")
        found += [part for part in parts if part]
    return f",{','.join(dict.fromkeys(found))},"


def stated(
    row: Mapping[str, str],
    ids: Mapping[str, int],
    topics: Sequence[Bilingual],
    zone: tzinfo,
    as_of: datetime,
    now: datetime,
) -> Stated | Fault:
    """One row, or the field that is wrong and why. Without a moment it was said as of the file."""
    client = ids.get(half_width(row["client_no"]))
    if client is None:
        return Fault("client_no", UNKNOWN_CLIENT)
    readers: dict[str, Read] = {
        "salutation": _salutation,
        "preferred_channel": _channel,
        "topics": lambda cell: _topics(cell, topics),
        "wanted_risk": risk,
        "own_hours": hours,
        "locale": client_words.LOCALE,
        "note": cells.text,
    }
    said: dict[str, Any] = {}
    for name, read in readers.items():
        cell = row.get(name, "")
        if half_width(cell).casefold() in _CLEARED:
            if name == "locale":
                return Fault(name, Bad("a client always has a language", "write zh-CN or en"))
            said[name] = None
        elif (value := read(cell)) is not None:
            if isinstance(value, Bad):
                return Fault(name, value)
            said[name] = value
    if not said:
        return Fault("client_no", Bad("the row says nothing", "fill a cell, or remove the row"))
    return _signed(row, client, said, zone, as_of, now)


def _signed(
    row: Mapping[str, str],
    client: int,
    said: dict[str, Any],
    zone: tzinfo,
    as_of: datetime,
    now: datetime,
) -> Stated | Fault:
    by, at = _said_by(row.get("said_by", "")), moment(row.get("said_at", ""), zone)
    if isinstance(by, Bad):
        return Fault("said_by", by)
    if isinstance(at, Bad):
        return Fault("said_at", at)
    if at is not None and at > now:
        return Fault("said_at", Bad("the moment is yet to come", "write when it was said"))
    return Stated(client, said, by or "import", at or as_of)


def standing(history: Iterable[Stated]) -> dict[str, Any]:
    """What a client's preferences add up to: of each, what was said last. Given in the order it was
    recorded, which decides between two of one moment."""
    found: dict[str, Any] = {}
    for one in sorted(history, key=lambda event: event.said_at):
        found |= one.said
    return found


def topic_list(value: object) -> list[str]:
    """Stored topics, one by one."""
    return entries(value)
