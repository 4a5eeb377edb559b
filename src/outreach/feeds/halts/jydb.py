"""Halts of the vendor database most large brokers hold (JYDB, LC_SuspendResumption), as a table.

The export joins SecuCode, SecuMarket and SecuAbbr of SecuMain to each row: InnerCode alone says
nothing outside that database. An end of 1900-01-01 means that none is known.
"""

from datetime import date, datetime, time
from typing import Final

from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock, clock, day
from outreach.core.halt_reasons import family_of
from outreach.core.halts import MARKET_CLOCKS, Statement
from outreach.core.holding_rows import security
from outreach.feeds.halts.saved import MISSING, Parsed, Row, Saved, from_table, ordered

SOURCE: Final = "jydb"
COLUMNS: Final = {
    "symbol": ["SecuCode", "证券代码"],
    "market": ["SecuMarket", "证券市场"],
    "name_zh": ["SecuAbbr", "ChiNameAbbr", "证券简称"],
    "halt_at": ["SuspendDate"],
    "halt_time": ["SuspendTime"],
    "resume_at": ["ResumptionDate"],
    "resume_time": ["ResumptionTime"],
    "reason_code_raw": ["SuspendTerm"],
    "reason_text_raw": ["SuspendReason"],
    "announcement_title": ["SuspendStatement"],
    "resume_title": ["ResumptionStatement"],
    "changed_at": ["UpdateTime"],
    "inner_code": ["InnerCode", "ID", "JSID"],
}
REQUIRED: Final = ("symbol", "market", "name_zh", "halt_at", "resume_at")
# The market of a security in SecuMain.
MARKETS: Final = {"83": "XSHG", "90": "XSHE", "18": "BJSE", "72": "XHKG"}
# SuspendTerm: morning, afternoon, from today on, during the session, one day, one hour.
KINDS: Final = {
    "10": "intraday", "20": "intraday", "30": "continuous", "40": "intraday", "50": "full_day",
    "60": "intraday",
}  # fmt: skip
MORNING, AFTERNOON = "10", "20"


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of an export. Raises FileProblem."""
    columns = {name: words for name, words in COLUMNS.items() if name != "inner_code"}
    parsed = from_table(
        saved, columns, REQUIRED, lambda line, row: _statement(line, row, calendars)
    )
    parsed.unknown = tuple(name for name in parsed.unknown if name not in COLUMNS["inner_code"])
    return parsed


def _statement(line: int, row: Row, calendars: Calendars) -> Statement | Fault:
    found = security(row["symbol"], MARKETS.get(row["market"], row["market"]))
    if isinstance(found, Bad):
        return Fault("symbol", found)
    if found.market not in MARKET_CLOCKS:
        return Fault("market", Bad("the market is not known", f"write {', '.join(MARKETS)}"))
    market, term = MarketClock.of(found.market, calendars), row.get("reason_code_raw", "")
    begun = day(row["halt_at"])
    if begun is None or isinstance(begun, Bad):
        return Fault("halt_at", begun or MISSING)
    halt_at = _moment(market, begun, row.get("halt_time", ""), afternoon=term == AFTERNOON)
    if isinstance(halt_at, Bad):
        return Fault("halt_at", halt_at)
    ended = day(row["resume_at"])
    if isinstance(ended, Bad):
        return Fault("resume_at", ended)
    half = term == MORNING and ended == begun
    resume_at = (
        _moment(market, ended, row.get("resume_time", ""), afternoon=half) if ended else None
    )
    if isinstance(resume_at, Bad):
        return Fault("resume_at", resume_at)
    reason = row.get("reason_text_raw", "")
    return ordered(
        Statement(
            line, SOURCE, found.market, found.symbol, row["name_zh"],
            kind=KINDS.get(term, "continuous"), halt_at=halt_at, resume_at=resume_at,
            resume_status="planned" if resume_at else "none", reason_code_raw=term or None,
            reason_text_raw=reason or None, reason_family=family_of(reason),
            announcement_title=(row.get("announcement_title") or None),
            source_updated_at=_changed(market, row.get("changed_at", "")),
        )
    )  # fmt: skip


def _changed(market: MarketClock, written: str) -> datetime | None:
    """When the vendor changed the row last; None when it does not say, or not legibly: no halt is
    left out for that."""
    on, _, at = written.strip().replace("T", " ").partition(" ")
    day_, time_ = day(on), clock(at)
    if not isinstance(day_, date) or isinstance(time_, Bad):
        return None
    moment = market.at(day_, time_ or time(0))
    return None if isinstance(moment, Bad) else moment


def _moment(market: MarketClock, on: date, written: str, *, afternoon: bool) -> datetime | Bad:
    """The time that is given; else the end of the break, or the opening."""
    at = clock(written)
    if isinstance(at, Bad):
        return at
    if at is not None:
        return market.at(on, at)
    return market.afternoon(on) if afternoon else market.opening(on)
