"""Halts as tushare tables them (`suspend_d`): a row a day and security, saved as CSV or XLSX.

S tells that a security does not trade that day, R that it trades again. The table knows no
intervals: days on which nothing is said are no resumption, so a halt lasts until its R. With a
time of day (`suspend_timing`, 09:30-10:00) a row is a pause during that session.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from datetime import date, datetime
from typing import Final

from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock, clock, day
from outreach.core.halts import Statement
from outreach.core.holding_rows import Security, security
from outreach.feeds.halts.saved import MISSING, Parsed, Row, Saved, from_table, ordered

SOURCE: Final = "tushare"
COLUMNS: Final = {
    "symbol": ["ts_code"],
    "name_zh": ["name"],  # of `stock_basic`, where an export joins it
    "halt_at": ["trade_date", "suspend_date"],
    "timing": ["suspend_timing"],
    "type": ["suspend_type"],
}
REQUIRED: Final = ("symbol", "halt_at", "type")
MARKETS: Final = {"SH": "XSHG", "SZ": "XSHE", "BJ": "BJSE"}
_TIMING: Final = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?)\s*[-~]\s*(\d{1,2}:\d{2}(?::\d{2})?)")


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of an export; each day of one halt says the same of its end. Raises
    FileProblem."""
    parsed = from_table(
        saved, COLUMNS, REQUIRED, lambda line, row: _statement(line, row, calendars)
    )
    resumed: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for said in parsed.statements:
        if said.halt_at is None and said.resume_at is not None:
            resumed[said.market, said.symbol].append(said.resume_at)
    for moments in resumed.values():
        moments.sort()
    parsed.statements = [_until(said, resumed) for said in parsed.statements]
    return parsed


def _until(said: Statement, resumed: dict[tuple[str, str], list[datetime]]) -> Statement:
    """A halted day with the resumption that follows it in the file."""
    moments = resumed.get((said.market, said.symbol), [])
    if said.halt_at is None or said.resume_at is not None:
        return said
    place = bisect_right(moments, said.halt_at)
    if place == len(moments):
        return said
    return said._replace(resume_at=moments[place], resume_status="planned")


def _statement(line: int, row: Row, calendars: Calendars) -> Statement | Fault:
    found = _security(row["symbol"])
    if isinstance(found, Bad):
        return Fault("symbol", found)
    market, on = MarketClock.of(found.market, calendars), day(row["halt_at"])
    if on is None or isinstance(on, Bad):
        return Fault("halt_at", on or MISSING)
    opens = market.opening(on)
    if isinstance(opens, Bad):
        return Fault("halt_at", opens)
    said = Statement(line, SOURCE, found.market, found.symbol, row.get("name_zh", ""))
    match row["type"].strip().upper():
        case "R":
            return said._replace(resume_at=opens, resume_status="planned")
        case "S":
            said = said._replace(halt_at=opens, reason_code_raw="S")
        case _:
            return Fault("type", Bad("the type is not known", "it is S or R"))
    return _pause(market, said, on, row.get("timing", ""))


def _pause(market: MarketClock, said: Statement, on: date, timing: str) -> Statement | Fault:
    """The statement for the span of time it is about, where there is one."""
    if not timing:
        return said
    span = _TIMING.fullmatch(timing)
    moments = [_moment(market, on, at) for at in span.groups()] if span else []
    if not moments or None in moments:
        return Fault("timing", Bad("this is no span of time", "it is written as 09:30-10:00"))
    begins, ends = moments
    return ordered(
        said._replace(kind="intraday", halt_at=begins, resume_at=ends, resume_status="planned")
    )


def _moment(market: MarketClock, on: date, written: str) -> datetime | None:
    at = clock(written)
    moment = at if at is None or isinstance(at, Bad) else market.at(on, at)
    return moment if isinstance(moment, datetime) else None


def _security(code: str) -> Security | Bad:
    symbol, _, suffix = code.strip().upper().partition(".")
    if suffix not in MARKETS:
        return Bad("the market is not known", "write the code as 600519.SH, 000001.SZ, 430047.BJ")
    return security(symbol, MARKETS[suffix])
