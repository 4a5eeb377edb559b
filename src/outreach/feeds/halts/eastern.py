"""What the American feeds share: symbol, market, and Eastern wall-clock moments in four cells."""

from datetime import datetime
from typing import NamedTuple

from outreach.core import us_symbols
from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock, clock, day
from outreach.feeds.halts.saved import MISSING, Row


class Eastern(NamedTuple):
    market: str
    symbol: str
    halt_at: datetime
    resume_at: datetime | None
    resume_quote_at: datetime | None


def eastern(row: Row, calendars: Calendars) -> Eastern | Fault:
    """Which security halts when and, where both day and trade time are given, resumes when.

    `row` has the fields symbol, market, halt_at (a day), halt_time, resume_on, resume_at (the
    trade time) and, where a feed has it, quote_time. A resumption without its day, or its time, is
    not known yet.
    """
    symbol, mic = us_symbols.symbol(row.get("symbol", "")), us_symbols.market(row.get("market", ""))
    if isinstance(symbol, Bad):
        return Fault("symbol", symbol)
    if isinstance(mic, Bad):
        return Fault("market", mic)
    market = MarketClock.of(mic, calendars)
    halts = _moment(market, row, "halt_at", "halt_time")
    if halts is None or isinstance(halts, Fault):
        return halts or Fault("halt_at", MISSING)
    resumes = _moment(market, row, "resume_on", "resume_at")
    if isinstance(resumes, Fault):
        return resumes
    quotes = _moment(market, row, "resume_on", "quote_time")
    if isinstance(quotes, Fault):
        return quotes
    return Eastern(mic, symbol, halts, resumes, quotes)


def _moment(market: MarketClock, row: Row, on: str, when: str) -> datetime | Fault | None:
    day_, time_ = day(row.get(on, "")), clock(row.get(when, ""))
    if isinstance(day_, Bad):
        return Fault(on, day_)
    if isinstance(time_, Bad):
        return Fault(when, time_)
    if day_ is None or time_ is None:
        return None
    at = market.at(day_, time_)
    return Fault(when, at) if isinstance(at, Bad) else at
