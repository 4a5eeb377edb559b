"""How a halted security is told to a client: one line a security, in the client's language."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core.formats import chinese, format_date, format_time
from outreach.core.words import Sentence

EXCHANGES: Final = {
    "XSHG": Sentence("SSE", "上交所"),
    "XSHE": Sentence("SZSE", "深交所"),
    "BJSE": Sentence("BSE", "北交所"),
    "XHKG": Sentence("HKEX", "港交所"),
}
OPENING: Final = time(9, 30)

# The reason families of A-share halt announcements; an unknown one is told in Chinese only.
REASONS_EN: Final = {
    "重大事项": "material matters",
    "重大资产重组": "planned major asset restructuring",
    "拟筹划重大资产重组": "planned major asset restructuring",
    "刊登重要公告": "publication of an important announcement",
    "交易异常波动": "unusual trading movements",
    "澄清公告": "clarification announcement",
    "召开股东大会": "shareholders' meeting",
    "撤销/实施退市风险警示": "change of delisting risk warning",
    "未按期披露定期报告": "periodic report not disclosed in time",
    "盘中临时停牌": "intraday volatility pause",
}


class Halted(NamedTuple):
    """What a notice needs of a halt."""

    market: str
    symbol: str
    name_zh: str
    name_en: str
    halt_at: datetime
    resume_at: datetime | None
    reason_text: str | None
    reason_family: str | None


def security_lines(
    halts: Iterable[Halted], locales: Sequence[str], zone: ZoneInfo, year: int
) -> dict[str, dict[str, dict[str, str]]]:
    """{"XSHG:600519": {locale: line}}; a security halted twice is told by its latest halt."""
    lines = {}
    for halt in sorted(halts, key=lambda halt: halt.halt_at):
        key = f"{halt.market}:{halt.symbol}"
        lines[key] = {locale: _line(halt, locale, zone, year) for locale in locales}
    return lines


def _line(halt: Halted, locale: str, zone: ZoneInfo, year: int) -> dict[str, str]:
    zh = chinese(locale)
    exchange = EXCHANGES.get(halt.market, Sentence(halt.market, halt.market))
    family = REASONS_EN.get(halt.reason_family or "", "")
    return {
        "name": halt.name_zh if zh else (halt.name_en or halt.name_zh),
        "symbol": halt.symbol,
        "market": exchange.in_(locale),
        "halted": _moment(halt.halt_at, locale, zone, year),
        "resumes": _moment(halt.resume_at, locale, zone, year) if halt.resume_at else "",
        "reason": (halt.reason_text or "") if zh else family,
    }


def _moment(at: datetime, locale: str, zone: ZoneInfo, year: int) -> str:
    """The day alone for a halt from the opening; with the time when it began during the session."""
    local = at.astimezone(zone)
    if local.time() == OPENING:
        return format_date(local.date(), locale, year)
    return format_time(local, locale, year)
