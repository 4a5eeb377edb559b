"""How a halted security is told to a client: one line a security, in the client's language."""

import re
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
    "XNAS": Sentence("Nasdaq", "纳斯达克"),
    "XNYS": Sentence("NYSE", "纽交所"),
    "XASE": Sentence("NYSE American", "美交所"),
    "ARCX": Sentence("NYSE Arca", "NYSE Arca"),
    "BATS": Sentence("Cboe BZX", "Cboe BZX"),
    "XLON": Sentence("LSE", "伦敦证交所"),
}
OPENING: Final = time(9, 30)

# The reason families of halts (core.halt_reasons) in both languages. A reason without a family is
# told as the source words it, and only to clients who read the source's language.
REASONS: Final = {
    family: Sentence(en, zh)
    for family, en, zh in (
        ("重大事项", "material matters", "重大事项"),
        ("重大资产重组", "planned major asset restructuring", "重大资产重组"),
        ("拟筹划重大资产重组", "planned major asset restructuring", "拟筹划重大资产重组"),
        ("刊登重要公告", "publication of an important announcement", "刊登重要公告"),
        ("交易异常波动", "unusual trading movements", "交易异常波动"),
        ("澄清公告", "clarification announcement", "澄清公告"),
        ("召开股东大会", "shareholders' meeting", "召开股东大会"),
        ("撤销/实施退市风险警示", "change of delisting risk warning", "撤销/实施退市风险警示"),
        ("未按期披露定期报告", "periodic report not disclosed in time", "未按期披露定期报告"),
        ("盘中临时停牌", "intraday volatility pause", "盘中临时停牌"),
        ("news pending", "news pending", "重要消息待公布"),
        ("regulatory concern", "regulatory concern", "监管机构关注"),
        ("volatility pause", "volatility pause", "价格波动触发的暂停交易"),
        ("extraordinary activity", "extraordinary market activity", "交易异常活动"),
        ("market-wide halt", "market-wide circuit breaker", "全市场熔断"),
        ("new issue", "new issue not yet trading", "新上市证券尚未开始交易"),
        ("operations", "operational reasons of the exchange", "交易所运营原因"),
        ("corporate action", "corporate action", "公司行动"),
        ("exchange traded fund", "halt of an exchange traded fund", "交易所交易基金停牌"),
    )
}
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


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
    return {
        "name": halt.name_zh if zh else (halt.name_en or halt.name_zh),
        "symbol": halt.symbol,
        "market": exchange.in_(locale),
        "halted": _moment(halt.halt_at, locale, zone, year),
        "resumes": _moment(halt.resume_at, locale, zone, year) if halt.resume_at else "",
        "reason": _reason(halt, locale),
    }


def _reason(halt: Halted, locale: str) -> str:
    """In Chinese the exchange's own words where they are Chinese, for they say more than a family;
    else the family's. What is in another language and has no family is left out."""
    text, family = halt.reason_text or "", REASONS.get(halt.reason_family or "")
    if family is None or (chinese(locale) and _HAN.search(text)):
        return text if bool(_HAN.search(text)) is chinese(locale) else ""
    return family.in_(locale)


def _moment(at: datetime, locale: str, zone: ZoneInfo, year: int) -> str:
    """The day alone for a halt from the opening; with the time when it began during the session."""
    local = at.astimezone(zone)
    if local.time() == OPENING:
        return format_date(local.date(), locale, year)
    return format_time(local, locale, year)
