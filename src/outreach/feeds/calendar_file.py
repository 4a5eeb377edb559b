"""Calendar files: one CSV a market and year, as the exchange's notice states it.

Columns: market, kind, from_on, to_on, opens, closes, break_from, break_to, name_zh, name_en,
source_ref, published_on, status. A `coverage` row says which days the notice speaks of; `closed`,
`half`, `open` and `late_open` rows name days that differ (`to_on` empty = one day); `workday` rows
name make-up working days on which the market stays shut; a `settlement` row says that trades of
`from_on` are paid on `to_on`. A file with a fault is refused whole,
because a closure left out would turn its days into sessions.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from importlib.resources import files
from typing import Final, TypeVar, cast, get_args

from outreach.core.market import MARKETS, CalendarDay, Coverage, Kind, Settlement, Status
from outreach.core.problem import Problem
from outreach.core.trading_calendar import TradingCalendar

COLUMNS: Final = (
    "market", "kind", "from_on", "to_on", "opens", "closes", "break_from", "break_to",
    "name_zh", "name_en", "source_ref", "published_on", "status",
)  # fmt: skip
KINDS: Final = ("coverage", "settlement", *get_args(Kind))
_LONGEST_SPAN: Final = timedelta(days=31)  # of days shut; a longer one is a slip of the pen


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """What a file says, or what is wrong with it; never both."""

    coverage: tuple[Coverage, ...]
    days: tuple[CalendarDay, ...]
    problems: tuple[Problem, ...] = ()
    settlements: tuple[Settlement, ...] = ()

    def of(self, market: str) -> "CalendarFile":
        """What it says of one market."""
        return CalendarFile(
            tuple(span for span in self.coverage if span.market == market),
            tuple(day for day in self.days if day.market == market),
            self.problems,
            tuple(one for one in self.settlements if one.market == market),
        )

    def calendar(self, market: str) -> TradingCalendar:
        """The calendar of one market as the file tells it. Raises KeyError for an unknown one."""
        return TradingCalendar.of(market, self.coverage, self.days)


def shipped() -> CalendarFile:
    """The calendars and settlement days that come with the program: A-shares and Hong Kong."""
    folder = files("outreach.data") / "calendars"
    coverage: list[Coverage] = []
    days: list[CalendarDay] = []
    settlements: list[Settlement] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        part = parse(entry.name, entry.read_bytes())
        if part.problems:
            raise ValueError(str(part.problems[0]))
        coverage += part.coverage
        days += part.days
        settlements += part.settlements
    return CalendarFile(tuple(coverage), tuple(days), (), tuple(settlements))


def parse(name: str, content: bytes) -> CalendarFile:
    """Read a calendar file (UTF-8 with or without BOM, or GB18030). `name` is for the problems."""
    rows = list(csv.reader(io.StringIO(_text(content), newline="")))
    header = tuple(cell.strip() for cell in rows[0]) if rows else ()
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        wrong = f"column {missing[0]} is missing"
        return _refused([Problem(name, 1, "", wrong, f"begin the file with {','.join(COLUMNS)}")])
    coverage: list[Coverage] = []
    days: dict[tuple[str, date], CalendarDay] = {}
    settlements: dict[tuple[str, date], Settlement] = {}
    problems: list[Problem] = []
    for line, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        row = _Row(name, line, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
        try:
            if row.cells.get("kind") == "coverage":
                coverage.append(row.coverage())
            elif row.cells.get("kind") == "settlement":
                _add(settlements, row.settlement(), row)
            else:
                for day in row.days():
                    _add(days, day, row)
        except _RowFault as fault:
            problems.append(fault.problem)
    if not problems and (days or not settlements):
        problems += _uncovered(name, coverage, days.values())
    if problems:
        return _refused(problems)
    return CalendarFile(tuple(coverage), tuple(days.values()), (), tuple(settlements.values()))


def _refused(problems: list[Problem]) -> CalendarFile:
    return CalendarFile((), (), tuple(problems))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


_Stated = TypeVar("_Stated", CalendarDay, Settlement)


def _add(known: dict[tuple[str, date], _Stated], said: _Stated, row: "_Row") -> None:
    on = said.on if isinstance(said, CalendarDay) else said.trade_on
    if (said.market, on) in known:
        raise row.fault("from_on", f"{on} is named twice", "keep one of the two rows")
    known[said.market, on] = said


def _uncovered(
    name: str, coverage: list[Coverage], days: Iterable[CalendarDay]
) -> Iterator[Problem]:
    if not coverage:
        yield Problem(
            name, 1, "kind", "no row says which days the notice covers",
            "add a row of kind coverage, such as CN_A,coverage,2027-01-01,2027-12-31",
        )  # fmt: skip
        return
    for day in days:
        if not any(c.market == day.market and c.from_on <= day.on <= c.to_on for c in coverage):
            yield Problem(
                name, 1, "from_on", f"{day.on} of {day.market} lies outside every coverage row",
                "correct the date or widen the coverage",
            )  # fmt: skip


class _RowFault(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file and the questions put to it."""

    file: str
    line: int
    cells: dict[str, str]

    def fault(self, key: str, wrong: str, write: str) -> _RowFault:
        return _RowFault(Problem(self.file, self.line, key, wrong, write))

    def coverage(self) -> Coverage:
        first, last = self._span()
        return Coverage(self._market(), first, last, self._status(), self._needed("source_ref"))

    def settlement(self) -> Settlement:
        trade_on, settles_on = self._date("from_on"), self._date("to_on")
        if settles_on < trade_on:
            wrong = f"trades of {trade_on} cannot be paid on {settles_on}"
            raise self.fault("to_on", wrong, "write the day on which the money moves")
        published = self._date("published_on") if self.cells.get("published_on") else None
        source = self._needed("source_ref")
        return Settlement(self._market(), trade_on, settles_on, source, published)

    def days(self) -> Iterator[CalendarDay]:
        kind = self._kind()
        first, last = self._span()
        if last - first >= _LONGEST_SPAN:
            raise self.fault("to_on", f"{first} to {last} is more than a month", "check the dates")
        day = CalendarDay(
            market=self._market(),
            on=first,
            kind=kind,
            name_zh=self._needed("name_zh"),
            name_en=self._needed("name_en"),
            source_ref=self._needed("source_ref"),
            published_on=self._date("published_on") if self.cells.get("published_on") else None,
            status=self._status(),
            opens=self._time("opens", kind == "late_open"),
            closes=self._time("closes", kind == "half"),
            break_from=self._time("break_from", False),
            break_to=self._time("break_to", False),
        )
        for step in range((last - first).days + 1):
            yield self._checked(replace(day, on=first + timedelta(days=step)))

    def _checked(self, day: CalendarDay) -> CalendarDay:
        if day.kind == "workday" and day.on.weekday() < 5:
            wrong = f"{day.on} is no weekend day, so it cannot be a make-up working day"
            raise self.fault("from_on", wrong, "correct the date or the kind")
        known = MARKETS[day.market].hours
        if (day.opens or known.opens) >= (day.closes or known.closes):
            raise self.fault("closes", "the session closes before it opens", "check the times")
        return day

    def _needed(self, key: str) -> str:
        value = self.cells.get(key, "")
        if not value:
            raise self.fault(key, "is empty", "every row names its holiday and its source")
        return value

    def _market(self) -> str:
        market = self._needed("market")
        if market not in MARKETS:
            raise self.fault(
                "market", f"{market} is not a known market", f"write one of {', '.join(MARKETS)}"
            )
        return market

    def _kind(self) -> Kind:
        kind = self._needed("kind")
        if kind not in KINDS:
            raise self.fault("kind", f"{kind} is no kind", f"write one of {', '.join(KINDS)}")
        return cast("Kind", kind)

    def _status(self) -> Status:
        status = self._needed("status")
        if status not in get_args(Status):
            raise self.fault("status", f"{status} is no status", "write official or provisional")
        return cast("Status", status)

    def _span(self) -> tuple[date, date]:
        first = self._date("from_on")
        last = self._date("to_on") if self.cells.get("to_on") else first
        if last < first:
            raise self.fault("to_on", f"{last} is before {first}", "put the earlier date first")
        return first, last

    def _date(self, key: str) -> date:
        value = self._needed(key)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.fault(key, f"{value} is not a date", "write it as 2026-10-01") from None

    def _time(self, key: str, needed: bool) -> time | None:
        value = self.cells.get(key, "")
        if not value and not needed:
            return None
        try:
            return time.fromisoformat(value)
        except ValueError:
            wrong = f"{value} is not a time" if value else "is empty"
            raise self.fault(key, wrong, "write the market's wall clock as 12:00") from None
