"""What sample clients prefer, who of them agreed to surveys, and what they write back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from outreach.samples.bad_rows import FAULTS
from outreach.samples.columns import client_no

PREFERENCE_COLUMNS: Final = (
    "客户号", "称谓", "首选渠道", "关注主题", "意向产品风险上限", "联系时段", "语言", "备注",
    "告知人", "告知时间",
)  # fmt: skip
CONSENT_COLUMNS: Final = (
    "客户号",
    "渠道",
    "用途",
    "动作",
    "来源",
    "凭证编号",
    "话术版本",
    "发生时间",
)
REPLY_COLUMNS: Final = ("手机号", "内容", "接收时间")
_FAULTY: Final = frozenset(fault.row for fault in FAULTS)
_WEALTHY: Final = 600.0  # 万元 of average daily assets
PREFERRING, SURVEYED, REPLYING = 60, 120, 96

_TOPICS: Final = ("宏观、固收", "科技", "新能源、医药", "海外、港股", "", "Macro; ETF", "消费")
_HOURS: Final = ("", "", "9:30-11:30", "14:00-17:00", "", "")
_RISKS: Final = ("R3", "R2", "", "R4", "中低风险", "R5")
_NOTES: Final = ("", "出差较多，电话请先发短信", "", "由配偶代为沟通须先核实授权")
# Most are pleased; some write what only a person can read, some want no more of it.
_REPLIES: Final = (
    "5", "A5", "4", "５", "非常满意", "A4", "5 客户经理很耐心", "满意", "3", "A5", "4分", "5！",
    "2 等待时间太长", "5", "4，开户流程可以再快一点", "a5", "一般", "5", "4", "1 我要投诉客服态度",
    "不知道怎么打分", "5", "A3 APP偶尔闪退", "4", "TD", "5分", "很满意", "A5", "4.5", "5", "4",
    "谢谢",
)  # fmt: skip
_BAD: Final = (
    ("9999999999", "王先生", "短信", "科技", "R3", "", "", "", "客户经理", ""),
    ("0000000044", "", "", "新能原", "", "", "", "", "客户本人", ""),
    ("0000000045", "", "微信", "", "R3", "", "", "", "客户经理", ""),
)

Columns = Mapping[str, Sequence[str]]


def preference_rows(columns: Columns) -> Iterator[tuple[str, ...]]:
    """The service file of the wealthiest and of those surveyed first; three rows are wrong."""
    wealthy = [row for row in _persons(columns) if _number(columns, row) >= _WEALTHY]
    surveyed = _surveyed(columns)[: PREFERRING // 2]
    chosen = sorted({*wealthy[: PREFERRING // 2], *surveyed})
    for place, row in enumerate(chosen):
        name = columns["客户姓名"][row - 1]
        yield (
            client_no(row),
            name[:1] + ("先生", "女士", "总")[place % 3] if name[:1] > "\u2e80" else "",
            ("短信", "邮件", "")[place % 3],
            _TOPICS[place % len(_TOPICS)],
            _RISKS[place % len(_RISKS)],
            _HOURS[place % len(_HOURS)],
            "",
            _NOTES[place % len(_NOTES)],
            ("客户本人", "客户经理", "营业部")[place % 3],
            f"2026-09-{1 + place % 22:02} 10:{place % 60:02}",
        )
    yield from _BAD


def survey_consent_rows(columns: Columns) -> Iterator[tuple[str, ...]]:
    """Clients who agreed to be surveyed, on every channel."""
    for row in _surveyed(columns):
        number = client_no(row)
        yield (
            number, "", "survey", "grant", "app", f"APP-{number}", "SRV-2026-01",
            f"2026-09-{1 + row % 20:02} 10:00",
        )  # fmt: skip


def reply_rows(columns: Columns) -> Iterator[tuple[str, ...]]:
    """What those surveyed write back on 29 September 2026, one of them twice, and a stranger."""
    phones = columns["手机号"]
    for place, row in enumerate(_surveyed(columns)[:REPLYING]):
        text = _REPLIES[place % len(_REPLIES)]
        yield phones[row - 1], text, f"2026-09-29 {9 + place // 24:02}:{place % 60:02}"
    first = _surveyed(columns)[2]
    yield phones[first - 1], "A4", "2026-09-29 13:30"
    yield "13490000000", "5", "2026-09-29 13:31"


def _surveyed(columns: Columns) -> list[int]:
    chosen = [
        row
        for row in _persons(columns)
        if columns["持仓市值(元)"][row - 1] != "0.00" and columns["居住地"][row - 1] == "CN"
        and columns["手机号"][row - 1].isdigit() and len(columns["手机号"][row - 1]) == 11
    ]  # fmt: skip
    return chosen[:SURVEYED]


def _persons(columns: Columns) -> list[int]:
    return [
        row
        for row, (kind, status) in enumerate(
            zip(columns["客户类型"], columns["账户状态"], strict=True), start=1
        )
        if (kind, status) == ("个人", "正常") and row not in _FAULTY
    ]


def _number(columns: Columns, row: int) -> float:
    return float(columns["日均资产(万元)"][row - 1] or 0)
