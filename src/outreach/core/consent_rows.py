"""Rows of a consent file, and what the consent columns of a client file amount to."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final

from outreach.core import cells
from outreach.core.cell_text import half_width
from outreach.core.cells import Bad, Fault, Read
from outreach.core.consent import Action, ConsentEvent, Source
from outreach.core.holding_rows import UNKNOWN_CLIENT

ALIASES: Final = {
    "client_no": [
        "客户号",
        "客户编号",
        "客户代码",
        "客户账号",
        "client_id",
        "client_number",
        "customer_no",
    ],
    "channel": ["渠道", "通道", "联系渠道"],
    "purpose": ["用途", "目的", "信息类型"],
    "action": ["动作", "操作", "行为", "event"],
    "source": ["来源", "采集来源", "来源渠道"],
    "source_ref": ["凭证编号", "凭证", "凭证号", "来源编号", "reference", "evidence", "proof"],
    "wording": ["话术版本", "文本版本", "告知文本", "wording_version"],
    "captured_at": [
        "发生时间",
        "采集时间",
        "同意时间",
        "时间",
        "at",
        "time",
        "date",
        "occurred_at",
    ],
    "valid_until": ["有效期至", "有效期", "到期日", "expires", "valid_to"],
}
REQUIRED: Final = ("client_no", "action", "captured_at")


def _words(table: Mapping[str, str]) -> dict[str, str]:
    return {word: value for value, words in table.items() for word in words.split()}


_ALL: Final = dict.fromkeys(("all", "*", "全部", "所有", "any"), "every")
_channel: Final = cells.one_of(
    {
        **_words(
            {
                "sms": "sms 短信 手机短信",
                "email": "email e-mail mail 邮件 电子邮件 邮箱",
                "push": "push app 推送 App推送 APP推送",
            }
        ),
        **_ALL,
    },
    "write sms, email, push, or nothing for all",
)
_purpose: Final = cells.one_of(
    {
        **_words(
            {
                "regulatory": "regulatory 监管 监管告知",
                "service": "service 服务 服务通知",
                "education": "education 投教 投资者教育",
                "survey": "survey 调查 满意度调查",
                "marketing": "marketing 营销 营销推广 推广",
            }
        ),
        **_ALL,
    },
    "write marketing, survey, education, service, or nothing for all",
)
action: Final[Read] = cells.one_of(
    _words(
        {
            Action.GRANT: "grant 同意 授权 订阅 恢复 opt_in",
            Action.WITHDRAW: "withdraw 退订 撤回 取消 拒收 opt_out",
            Action.OBJECT: "object 拒绝 反对 投诉 complaint",
            Action.CONFIRM: "confirm 确认",
            Action.EXPIRE: "expire 失效 到期",
        }
    ),
    "write grant, withdraw, object, confirm or expire",
)
source: Final[Read] = cells.one_of(
    {
        **{one.value: one.value for one in Source},
        **_words(
            {
                Source.ACCOUNT_OPENING_FORM: "开户 开户协议 开户表单",
                Source.APP: "手机app 手机客户端",
                Source.WEB: "网站 网上营业厅",
                Source.CALL_RECORDING: "电话 电话录音 录音",
                Source.BRANCH_PAPER: "柜台 临柜 营业部 纸质",
                Source.SMS_MO: "短信回复 上行短信",
                Source.ONE_CLICK: "一键退订",
                Source.EMAIL_REPLY: "邮件回复",
                Source.STAFF: "员工 客服",
                Source.BATCH_IMPORT: "批量导入 导入",
            }
        ),
    },
    "write a source such as app, web, branch_paper or batch_import",
)


def channel(cell: str) -> str | Bad | None:
    """A channel; None is every channel."""
    value = _channel(cell)
    return None if value == "every" else value


def purpose(cell: str) -> str | Bad | None:
    """A purpose; None is every purpose."""
    value = _purpose(cell)
    return None if value == "every" else value


_MOMENT: Final = re.compile(r"\d{4}[-/年.]?\d{1,2}[-/月.]?\d{1,2}日?[ T]?\d{1,2}:\d{2}.*")
_PARTED: Final = re.compile(r"(\d{4})[-/年.](\d{1,2})[-/月.](\d{1,2})日?[ T]?(\d{1,2})(:.*)")


def moment(cell: str, zone: tzinfo, *, end_of_day: bool = False) -> datetime | Bad | None:
    """A moment, ISO 8601 or a date; on the firm's clock when no offset is given. A term given as a
    day lasts until the end of that day."""
    text = half_width(cell)
    if not text:
        return None
    fix = "write the moment as 2026-11-20T09:30:00+08:00"
    if _MOMENT.fullmatch(text):
        iso = text
        if found := _PARTED.fullmatch(text):
            year, month, day, hour, rest = found.groups()
            iso = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}{rest}"
        try:
            value = datetime.fromisoformat(iso)
        except ValueError:
            return Bad("there is no such moment", fix)
        if not 1900 <= value.year <= 2199:
            return Bad(f"the year {value.year} cannot be meant", fix)
        return value if value.tzinfo else value.replace(tzinfo=zone)
    on = cells.day(text)
    if on is None or isinstance(on, Bad):
        return Bad("this is no moment", fix) if on else None
    if not end_of_day or on.year == 9999:
        return datetime.combine(on, time(0), zone) if on.year < 9999 else None
    return datetime.combine(on + timedelta(days=1), time(0), zone)


Event = tuple[
    int, str | None, str | None, str, str, datetime, datetime | None, str | None, str | None
]


def event(
    row: Mapping[str, str], ids: Mapping[str, int], zone: tzinfo, now: datetime
) -> Event | Fault:
    """One event (client, channel, purpose, action, source, captured, until, reference, wording), or
    the field that is wrong and why. Without a source it is an import's."""
    client = ids.get(half_width(row["client_no"]))
    if client is None:
        return Fault("client_no", UNKNOWN_CLIENT)
    read: dict[str, Any] = {
        "channel": channel(row.get("channel", "")),
        "purpose": purpose(row.get("purpose", "")),
        "action": action(row["action"]),
        "source": source(row.get("source", "")),
        "captured_at": moment(row["captured_at"], zone),
        "valid_until": moment(row.get("valid_until", ""), zone, end_of_day=True),
        "source_ref": cells.text(row.get("source_ref", "")),
        "wording": cells.text(row.get("wording", "")),
    }
    for name, value in read.items():
        if isinstance(value, Bad):
            return Fault(name, value)
    if read["action"] is None:
        return Fault("action", Bad("the action is missing", "write grant, withdraw or object"))
    captured, until = read["captured_at"], read["valid_until"]
    if captured is None or captured > now:
        wrong = "the moment is missing" if captured is None else "the moment is yet to come"
        return Fault("captured_at", Bad(wrong, "write when the client said so"))
    if until is not None and until <= captured:
        return Fault("valid_until", Bad("the term ends before it begins", "correct the term"))
    return (
        client, read["channel"], read["purpose"], read["action"],
        read["source"] or Source.BATCH_IMPORT.value, captured, until, read["source_ref"],
        read["wording"],
    )  # fmt: skip


# --- consent columns of a client file --------------------------------------------------------

MARKETING: Final = "marketing"
_ENDS: Final = frozenset({Action.WITHDRAW.value, Action.OBJECT.value})


_SAYS: Final = (("sms_consent", "sms"), ("email_consent", "email"))
_FLAGS: Final = (("sms_opted_out", "sms"), ("email_opted_out", "email"))


def claims(
    columns: Mapping[str, Sequence[bool | None]],
    ids: Sequence[int],
    known: Mapping[int, Sequence[ConsentEvent]],
    as_of: datetime,
) -> list[tuple[int, str, str | None, str]]:
    """(client, channel, purpose, action) for everything the consent columns of some clients say
    that is news to the ledger."""
    news: list[tuple[int, str, str | None, str]] = []
    for column, channel in _FLAGS:
        for client, flagged in zip(ids, columns.get(column, ()), strict=False):
            if flagged and opted_out(known.get(client, ()), channel, as_of):
                news.append((client, channel, None, Action.WITHDRAW.value))
    for column, channel in _SAYS:
        for client, says in zip(ids, columns.get(column, ()), strict=False):
            events = known.get(client)
            if events is None:  # nearly everybody: nothing on record, so a yes is a grant
                if says:
                    news.append((client, channel, MARKETING, Action.GRANT.value))
            elif says is not None and (found := claimed(events, channel, says, as_of)):
                news.append((client, channel, MARKETING, found.value))
    return news


def claimed(
    events: Sequence[ConsentEvent], channel: str, says: bool, as_of: datetime
) -> Action | None:
    """What a yes or no about marketing consent adds to the ledger: a grant when none is on record,
    an expiry when one is. What the file says about a time the ledger knows better adds nothing, and
    a grant recorded here lifts no opt-out (`core.consent.fold`)."""
    last: ConsentEvent | None = None
    for event in sorted(events, key=lambda one: one.captured_at):
        about = event.channel in (None, channel) and event.purpose in (None, MARKETING)
        if about and (event.purpose is not None or event.action in _ENDS):
            last = event
    if last is not None and last.captured_at >= as_of:
        return None
    granted = last is not None and last.action in (Action.GRANT, Action.CONFIRM)
    if says:
        return None if granted else Action.GRANT
    return Action.EXPIRE if granted else None


def opted_out(events: Sequence[ConsentEvent], channel: str, as_of: datetime) -> bool:
    """Whether an opt-out flag of a client file is news: no event of this channel says so already,
    and none is as new as the file."""
    stop = None
    for event in sorted(events, key=lambda one: one.captured_at):
        if event.channel in (None, channel) and event.purpose is None:
            stop = event
    if stop is None:
        return True
    return stop.action not in _ENDS and stop.captured_at < as_of
