"""How a halted security is told to a client: one line a security, in the client's language."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core.formats import chinese, format_date, format_time
from outreach.core.halts import Halt
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
# What happened to a halt, in the words of a sentence.
EVENT_WORDS: Final = {
    "halted": Sentence("halted", "停牌"),
    "extended": Sentence("extended", "延长停牌"),
    "resume_planned": Sentence("to resume", "拟复牌"),
    "resumed": Sentence("resumed", "复牌"),
    "corrected": Sentence("corrected", "停牌信息更正"),
    "cancelled": Sentence("called off", "停牌撤销"),
    "delisting": Sentence("delisting period", "退市整理期"),
}
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


def security_line(
    halt: Halt, says: str, last_on: date | None, locale: str, zone: ZoneInfo, year: int
) -> dict[str, str]:
    """What a notice says of one halt. `says` is the event it tells (core.halt_merge.EVENTS),
    `last_on` the last session of a delisting period. Moments are on the clock of `zone`."""
    exchange = EXCHANGES.get(halt.market, Sentence(halt.market, halt.market))
    return {
        "event": says,
        "name": halt.name_zh if chinese(locale) else (halt.name_en or halt.name_zh),
        "symbol": halt.symbol,
        "market": exchange.in_(locale),
        "halted": _moment(halt.halt_at, locale, zone, year),
        "resumes": _moment(halt.resume_at, locale, zone, year) if halt.resume_at else "",
        "last_day": format_date(last_on, locale, year) if last_on else "",
        "reason": "" if says in ("resumed", "cancelled") else _reason(halt, locale),
    }


def _reason(halt: Halt, locale: str) -> str:
    """In Chinese the exchange's own words where they are Chinese, for they say more than a family;
    else the family's. What is in another language and has no family is left out."""
    text, family = halt.reason_text_raw or "", REASONS.get(halt.reason_family or "")
    if family is None or (chinese(locale) and _HAN.search(text)):
        return text if bool(_HAN.search(text)) is chinese(locale) else ""
    return family.in_(locale)


def _moment(at: datetime, locale: str, zone: ZoneInfo, year: int) -> str:
    """The day alone for a halt from the opening; with the time when it began during the session."""
    local = at.astimezone(zone)
    if local.time() == OPENING:
        return format_date(local.date(), locale, year)
    return format_time(local, locale, year)


# --- made-up lines for previews and the lint -------------------------------------------------

_MONDAY: Final = ("9月28日(星期一)", "Monday 28 September")
_TUESDAY: Final = ("9月29日(星期二)", "Tuesday 29 September")
_NAMES: Final = (("示例科技", "Sample Tech"), ("样本股份", "Model Group"))


def sample_securities(locale: str) -> list[dict[str, str]]:
    """Two halted securities of one client."""
    return [
        _sample("halted", 0, "600999", locale, "", ("筹划重大资产重组", "major restructuring")),
        _sample("halted", 1, "300998", locale, _day(_TUESDAY, locale), ("异常波动核查", "")),
    ]


def sample_events(events: Iterable[str], locale: str) -> list[list[dict[str, str]]]:
    """What clients with one security are told, for each event of a halt; once without an end."""
    tuesday, reason = _day(_TUESDAY, locale), ("筹划重大资产重组", "major restructuring")
    return [
        [_sample(event, 0, "600999", locale, resumes, reason)]
        for event in events
        for resumes in (("",) if event == "halted" else ()) + (tuesday,)
    ]


def _day(words: tuple[str, str], locale: str) -> str:
    return words[0 if chinese(locale) else 1]


def _sample(
    event: str, name: int, symbol: str, locale: str, resumes: str, reason: tuple[str, str]
) -> dict[str, str]:
    return {
        "event": event,
        "name": _day(_NAMES[name], locale),
        "symbol": symbol,
        "market": EXCHANGES["XSHG" if name == 0 else "XSHE"].in_(locale),
        "halted": _day(_MONDAY, locale),
        "resumes": resumes,
        "last_day": _day(_TUESDAY, locale) if event == "delisting" else "",
        "reason": "" if event in ("resumed", "cancelled") else _day(reason, locale),
    }


# By how a halt concerns a client, and whether an earlier run told of it.
CONCERNS: Final = {
    ("holds", False): Sentence(
        "{event}: the client holds {symbol} by holdings book {book}",
        "{event}：根据持仓快照 {book}，客户持有 {symbol}",
    ),
    ("holds", True): Sentence(
        "{event}: run {run} told the client, who held {symbol} by holdings book {book}",
        "{event}：批次 {run} 曾告知该客户（持仓快照 {book} 显示持有 {symbol}）",
    ),
    ("watches", False): Sentence(
        "{event}: the client watches {symbol} by watching book {book}",
        "{event}：根据关注快照 {book}，客户关注 {symbol}",
    ),
    ("watches", True): Sentence(
        "{event}: run {run} told the client, who watched {symbol} by watching book {book}",
        "{event}：批次 {run} 曾告知该客户（关注快照 {book} 显示关注 {symbol}）",
    ),
}
# By how it could have concerned the client.
NOT_CONCERNED: Final = {
    "holds": Sentence(
        "by holdings book {book}, the client does not hold {symbol}",
        "根据持仓快照 {book}，客户未持有 {symbol}",
    ),
    "watches": Sentence(
        "by watching book {book}, the client does not watch {symbol}",
        "根据关注快照 {book}，客户未关注 {symbol}",
    ),
}
