"""Days and clock times of halt feeds as moments, through the market's calendar.

Feeds write a market's wall clock without a zone, and days without a time. A day becomes the
opening of its session. Nothing is guessed: a day without a session, a clock time that happens
twice or never, and a day no calendar covers are problems.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core import cells
from outreach.core.cell_text import half_width
from outreach.core.cells import Bad
from outreach.core.halts import CALENDARS, MARKET_CLOCKS, Statement
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar

Calendars = Mapping[str, TradingCalendar]  # by calendar: CN_A, US

# yyyymmdd, 2026-09-28, 09/28/2026, each with `开市` or a clock time behind it, or neither.
_WRITTEN: Final = re.compile(r"(\S*?\d日?)(?:\s*(开市|收市)|[ T]+(\d.*))?")
_US_DAY: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_CLOCK: Final = re.compile(r"(\d{1,2}):?(\d{2})(?::(\d{2})\s*(?:\.\d+)?)?\s*([AaPp][Mm])?")
OPEN_ENDED: Final = date(1900, 1, 1)  # how vendor databases write that no end is known


def day(cell: str) -> date | Bad | None:
    """A day, mainland, ISO or American (month first). None for an empty cell or 1900-01-01."""
    if found := _US_DAY.fullmatch(cell := half_width(cell)):
        cell = f"{found[3]}-{found[1]}-{found[2]}"
    value = cells.day(cell)
    return None if value == OPEN_ENDED or value == date.max else value


def clock(cell: str) -> time | Bad | None:
    """A time of day to the second: `09:45:12`, `07:32:12 .540`, `930`, `4:05 PM`."""
    if not (cell := half_width(cell)):
        return None
    found = _CLOCK.fullmatch(cell)
    if not found:
        return Bad("this is no time of day", "write it as 09:30:00")
    hour, half = int(found[1]), (found[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, int(found[2]), int(found[3] or 0))
    except ValueError:
        return Bad("there is no such time of day", "write it as 09:30:00")


@dataclass(frozen=True, slots=True)
class MarketClock:
    """The wall clock and the sessions of one market. Without a calendar it knows no openings."""

    market: str
    calendar: TradingCalendar | None

    @classmethod
    def of(cls, market: str, calendars: Calendars) -> "MarketClock":
        return cls(market, calendars.get(CALENDARS[market]))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(MARKET_CLOCKS[self.market][0])

    def at(self, on: date, when: time) -> datetime | Bad:
        """The instant of a wall-clock time; Bad for one the clock shows twice, or never."""
        early = datetime.combine(on, when, self.zone)
        late = early.replace(fold=1)
        if early.utcoffset() == late.utcoffset():
            return early.astimezone(UTC)
        if early.astimezone(UTC).astimezone(self.zone).time() != when:
            wrong = "the clock is put forward over this time, so it does not exist"
        else:
            wrong = "the clock is put back, so this time comes twice that day"
        return Bad(f"{wrong} ({self.zone.key})", "write the moment with its offset, as -04:00")

    def opening(self, on: date) -> datetime | Bad:
        """When the session of a day opens; Bad for a day without one. A day before the calendar
        begins is taken to have opened at the regular minute, since the source says it did."""
        if self.calendar is None:
            return Bad(f"there is no calendar for {self.market}", "outreach calendar import")
        if not self._before(on):
            return self._session(self.calendar, on)
        if on.weekday() >= 5:
            return no_session(on, self.market)
        return self.at(on, time.fromisoformat(MARKET_CLOCKS[self.market][1]))

    def opening_after(self, on: date) -> datetime | Bad:
        """When the first session after a day opens: the resumption of a halt that lasts through
        that day."""
        if self.calendar is None:
            return self.opening(on + timedelta(days=1))
        try:
            return self.calendar.open_at(self.calendar.next_session(on))
        except CalendarCoverageError as error:
            return _beyond(error)

    def afternoon(self, on: date) -> datetime | Bad:
        """When trading goes on after the lunch break of a session."""
        opens = self.opening(on)
        if isinstance(opens, Bad) or self.calendar is None:
            return opens
        known = self.calendar.covers(on)
        pause = (self.calendar.hours(on) if known else self.calendar.regular).break_to
        return self.at(on, pause) if pause else Bad("this session has no break", "write the time")

    def written(self, cell: str) -> datetime | Bad | None:
        """A moment as feeds write it: a day, a day with 开市, or a day with a clock time."""
        cell = half_width(cell)
        if not cell:
            return None
        found = _WRITTEN.fullmatch(cell)
        if found is None:
            return Bad("this is no moment", "write it as 2026-09-28 09:30")
        on = day(found[1])
        if on is None or isinstance(on, Bad):
            return on
        if found[3]:
            when = clock(found[3])
            return when if isinstance(when, Bad) or when is None else self.at(on, when)
        return self.opening_after(on) if found[2] == "收市" else self.opening(on)

    def _before(self, on: date) -> bool:
        return bool(self.calendar and self.calendar.spans and on < self.calendar.spans[0][0])

    def _session(self, calendar: TradingCalendar, on: date) -> datetime | Bad:
        try:
            return calendar.open_at(on) if calendar.is_session(on) else no_session(on, self.market)
        except CalendarCoverageError as error:
            return _beyond(error)


def no_session(on: date, market: str) -> Bad:
    """A day on which the market does not open, said so that a make-up Saturday is understood."""
    return Bad(
        f"{on:%Y-%m-%d} ({on:%A}) is no session of {market}, also when staff work that day (调休)",
        "write the day the exchange gives, or take its corrected file",
    )


def off_session(said: Statement, calendars: Calendars) -> tuple[str, Bad] | None:
    """The moment of a statement on a day its market does not trade, as (field, what is wrong)."""
    clock_ = MarketClock.of(said.market, calendars)
    for name, at in (("resume_at", said.resume_at), ("halt_at", said.halt_at)):
        if at is None:
            continue
        on = at.astimezone(clock_.zone).date()
        covered = clock_.calendar is not None and clock_.calendar.covers(on)
        shut = on.weekday() >= 5
        if covered and clock_.calendar is not None:
            shut = not clock_.calendar.is_session(on)
        if shut:
            return name, no_session(on, said.market)
    return None


def _beyond(error: CalendarCoverageError) -> Bad:
    wrong, _, fix = error.sentence.en.partition("; ")
    return Bad(wrong, fix or "import the calendar")
