"""Trading days of one market: sessions, hours and closures, and no answer beyond what is known.

A calendar is its regular week, the days that differ from it, and the span an official notice
covers. Monday to Friday are sessions unless a row says otherwise; Saturday and Sunday are not, also
when the State Council makes them working days (调休), unless the exchange announces a session.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core.market import MARKETS, CalendarDay, Coverage, Hours, Settlement
from outreach.core.words import Sentence

__all__ = [
    "MARKETS",
    "CalendarCoverageError",
    "CalendarDay",
    "Closure",
    "Coverage",
    "Hours",
    "Settlement",
    "TradingCalendar",
]

DAY: Final = timedelta(days=1)
# A make-up working day lies within the weeks round its holiday (国庆 2026: 20 September, 11 days).
WORKDAY_REACH: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Closure:
    """A run of days without a session that takes away at least one weekday.

    `close_from` and `close_to` are the first and last day the notice names. `weekend_closed` are
    the weekend days a client could take for open: those of the run outside the named days, and the
    make-up working days of the holiday, near or adjoining. `last_session` is None when it lies
    before the calendar begins.
    """

    market: str
    close_from: date
    close_to: date
    last_session: date | None
    reopen: date
    weekend_closed: tuple[date, ...]
    holiday: Sentence

    @property
    def close_days(self) -> int:
        """Calendar days from `close_from` to `close_to`, both counted."""
        return (self.close_to - self.close_from).days + 1

    @property
    def key(self) -> str:
        return f"{self.market}-{self.close_from.isoformat()}"


class CalendarCoverageError(Exception):
    """A day was asked for that no official calendar covers. Nothing is guessed; import the data."""

    def __init__(self, market: str, on: date, coverage_to: date | None) -> None:
        self.market, self.on, self.coverage_to = market, on, coverage_to
        how = _how_to_import(market, on.year, coverage_to)
        until = f"ends on {coverage_to}" if coverage_to else "has not been imported"
        bis = f"截至 {coverage_to}" if coverage_to else "尚未导入"
        self.sentence = Sentence(
            f"{on} is not covered: the official calendar of {market} {until}; import it: {how}",
            f"{on} 不在交易日历范围内：{market} 官方日历{bis}；请导入：{how}",
        )
        super().__init__(self.sentence.en)


def _how_to_import(market: str, year: int, coverage_to: date | None) -> str:
    if market in ("HK", "US", "UK"):
        return (
            f"outreach calendar import --from exchange_calendars --market {market} --years {year}"
        )
    if market in ("SB", "NB"):
        return f"CN_A and HK for {year}, from which {market} is derived"
    if coverage_to is None:
        return "outreach calendar import"  # what is shipped
    return f"outreach calendar import {market}-{year}.csv"


@dataclass(frozen=True)
class TradingCalendar:
    """The sessions of one market over the days its official coverage spans.

    Questions about a day outside it, or whose answer may lie outside it, raise
    `CalendarCoverageError`. Provisional coverage and days count only in `with_provisional()`.
    """

    market: str
    zone: ZoneInfo
    regular: Hours
    coverage: tuple[Coverage, ...]
    days: Mapping[date, CalendarDay]
    provisional: bool = field(default=False)
    settlements: Mapping[date, Settlement] = field(default_factory=dict)  # by trade day

    @classmethod
    def of(
        cls, market: str, coverage: Iterable[Coverage], days: Iterable[CalendarDay]
    ) -> "TradingCalendar":
        """The calendar of a known market out of rows that may be of others too. Raises KeyError for
        a market not in `MARKETS`."""
        known = MARKETS[market]
        spans = tuple(span for span in coverage if span.market == market)
        listed = {day.on: day for day in days if day.market == market}
        return cls(market, known.zone, known.hours, spans, listed)

    def with_provisional(self) -> "TradingCalendar":
        """The same calendar, provisional data included: to plan with, never to send by."""
        return replace(self, provisional=True)

    @cached_property
    def spans(self) -> tuple[tuple[date, date], ...]:
        """Covered days as first and last of each unbroken span, in order."""
        counted = [c for c in self.coverage if self.provisional or c.status == "official"]
        merged: list[tuple[date, date]] = []
        for first, last in sorted((c.from_on, c.to_on) for c in counted):
            if merged and first <= merged[-1][1] + DAY:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return tuple(merged)

    @property
    def covered_to(self) -> date | None:
        return self.spans[-1][1] if self.spans else None

    def covers(self, on: date) -> bool:
        return any(first <= on <= last for first, last in self.spans)

    def day(self, on: date) -> CalendarDay | None:
        """The row of a day that differs from the regular week. Raises beyond coverage."""
        if not self.covers(on):
            raise CalendarCoverageError(self.market, on, self.covered_to)
        row = self.days.get(on)
        return row if row and (self.provisional or row.status == "official") else None

    def is_session(self, on: date) -> bool:
        row = self.day(on)
        if row is None or row.kind == "workday":
            return on.weekday() < 5
        return row.kind != "closed"

    def is_working_day(self, on: date) -> bool:
        """Whether the market's own staff work: also on make-up working days, when it is shut.

        Raises ValueError for Stock Connect, whose two sides keep different holidays.
        """
        if self.market in ("SB", "NB"):
            raise ValueError(f"{self.market} has no staff of its own; ask CN_A or HK")
        row = self.day(on)
        return row.kind != "closed" if row else on.weekday() < 5

    def settlement_day(self, trade_on: date) -> date | None:
        """When the money of that day's trades moves; None where no announcement says so.

        Nothing is counted forward, because clearing houses pause on days of their own. Raises
        ValueError on a day without a session.
        """
        if not self.is_session(trade_on):
            raise ValueError(f"{trade_on} is not a session of {self.market}")
        said = self.settlements.get(trade_on)
        return said.settles_on if said else None

    def next_session(self, on: date) -> date:
        """The first session after `on`."""
        return self._step(on, DAY)

    def previous_session(self, on: date) -> date:
        """The last session before `on`."""
        return self._step(on, -DAY)

    def session_on_or_before(self, on: date) -> date:
        return on if self.is_session(on) else self.previous_session(on)

    def _step(self, on: date, step: timedelta) -> date:
        day = on + step
        while not self.is_session(day):
            day += step
        return day

    def sessions(self, first: date, last: date) -> list[date]:
        """Sessions from `first` to `last`, both included."""
        return [day for day in _each(first, last) if self.is_session(day)]

    def hours(self, on: date) -> Hours:
        """Wall-clock hours of a session. Raises ValueError on a day without one."""
        if not self.is_session(on):
            raise ValueError(f"{on} is not a session of {self.market}")
        row = self.day(on)
        if row is None:
            return self.regular
        opens = row.opens or self.regular.opens
        closes = row.closes or self.regular.closes
        pause = (row.break_from, row.break_to) if row.break_from else self._regular_break()
        if pause[0] is None or pause[1] is None or pause[0] >= closes or pause[1] <= opens:
            return Hours(opens, closes)
        return Hours(opens, closes, *pause)

    def _regular_break(self) -> tuple[time | None, time | None]:
        return self.regular.break_from, self.regular.break_to

    def open_at(self, on: date) -> datetime:
        """The instant (UTC) a session opens. Raises ValueError on a day without one."""
        return datetime.combine(on, self.hours(on).opens, self.zone).astimezone(UTC)

    def close_at(self, on: date) -> datetime:
        """The instant (UTC) a session closes. Raises ValueError on a day without one."""
        return datetime.combine(on, self.hours(on).closes, self.zone).astimezone(UTC)

    def closures(self, first: date, last: date) -> list[Closure]:
        """Closures whose `close_from` lies from `first` to `last`, both included."""
        for edge in (first, last):
            self.day(edge)
        self._refuse_unfinished(first, last)
        return [c for c in self._closures if first <= c.close_from <= last]

    def next_closure(self, on: date) -> Closure:
        """The first closure with `close_from` on or after `on`."""
        self.day(on)
        end = next(last for first, last in self.spans if first <= on <= last)
        found = next((c for c in self._closures if on <= c.close_from <= end), None)
        if found is None:
            raise CalendarCoverageError(self.market, end + DAY, self.covered_to)
        return found

    def previous_closure(self, on: date) -> Closure:
        """The last closure with `close_from` before `on`, within the coverage that ends there."""
        day = on - DAY
        self.day(day)
        start = next(first for first, last in self.spans if first <= day <= last)
        found = [c for c in self._closures if start <= c.close_from < on]
        if not found:
            raise CalendarCoverageError(self.market, start - DAY, self.covered_to)
        return found[-1]

    def closure_of(self, on: date) -> Closure | None:
        """The closure a day falls in, from its first day without a session to the last."""
        self.day(on)
        for closure in self._closures:
            if self._after(closure.last_session, closure.close_from) <= on < closure.reopen:
                return closure
        self._refuse_unfinished(on, on)
        return None

    def _after(self, last_session: date | None, close_from: date) -> date:
        return last_session + DAY if last_session else close_from

    def _refuse_unfinished(self, first: date, last: date) -> None:
        """A closure whose reopening lies beyond coverage cannot be told."""
        for run in self._unfinished:
            if first <= run[-1] and run[0] <= last and any(self._named(run)):
                raise CalendarCoverageError(self.market, run[-1] + DAY, self.covered_to)

    @cached_property
    def _runs(self) -> tuple[tuple[date, ...], ...]:
        """Unbroken runs of days without a session, cut where coverage is."""
        runs: list[tuple[date, ...]] = []
        run: list[date] = []
        for first, last in self.spans:
            for day in _each(first, last):
                if not self.is_session(day):
                    run.append(day)
                elif run:
                    runs.append(tuple(run))
                    run = []
            if run:
                runs.append(tuple(run))
                run = []
        return tuple(runs)

    @cached_property
    def _unfinished(self) -> tuple[tuple[date, ...], ...]:
        return tuple(run for run in self._runs if not self.covers(run[-1] + DAY))

    @cached_property
    def _closures(self) -> tuple[Closure, ...]:
        return tuple(
            self._closure(run)
            for run in self._runs
            if any(day.weekday() < 5 for day in run) and self.covers(run[-1] + DAY)
        )

    def _named(self, run: Iterable[date]) -> list[CalendarDay]:
        rows = [self.day(day) for day in run]
        return [row for row in rows if row and row.kind == "closed"]

    def _closure(self, run: tuple[date, ...]) -> Closure:
        named = self._named(run)
        close_from, close_to = named[0].on, named[-1].on
        beside = {day for day in run if not close_from <= day <= close_to}
        beside |= set(self._workdays({row.name_zh for row in named}, close_from, close_to))
        before = run[0] - DAY
        return Closure(
            market=self.market,
            close_from=close_from,
            close_to=close_to,
            last_session=before if self.covers(before) else None,
            reopen=run[-1] + DAY,
            weekend_closed=tuple(sorted(beside)),
            holiday=Sentence(
                " and ".join(dict.fromkeys(row.name_en for row in named)),
                "、".join(dict.fromkeys(row.name_zh for row in named)),
            ),
        )

    def _workdays(self, names: set[str], close_from: date, close_to: date) -> Iterator[date]:
        for row in self.days.values():
            near = close_from - WORKDAY_REACH <= row.on <= close_to + WORKDAY_REACH
            if row.kind == "workday" and row.name_zh in names and near:
                yield row.on


def _each(first: date, last: date) -> Iterator[date]:
    for step in range((last - first).days + 1):
        yield first + timedelta(days=step)
