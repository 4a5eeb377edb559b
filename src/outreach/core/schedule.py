"""Schedule rules: pure functions from an instant to the instants before and after it, in UTC.

Wall-clock rules follow the clock on the wall. A time that the clocks skip becomes the first instant
after the gap; a time that comes twice is taken the first time only.
"""

import calendar as months
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


def wall_clock(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the clocks of `zone` first show `at`, or pass it, on `on`."""
    local = datetime.combine(on, at.replace(fold=0), zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local, zone)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant the clocks go forward. Inside a gap, fold tells the offsets on its two sides."""
    before = local.replace(fold=1).astimezone(UTC)
    after = local.replace(fold=0).astimezone(UTC)
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


class Rule(ABC):
    """A rule that fires at a wall-clock time on certain days, at most once a day."""

    @abstractmethod
    def _first_on_or_after(self, day: date) -> date:
        """The first day on or after `day` on which the rule fires."""

    @abstractmethod
    def _last_on_or_before(self, day: date) -> date:
        """The last day on or before `day` on which the rule fires."""

    @abstractmethod
    def _wall(self) -> tuple[time, ZoneInfo]:
        """The time of day and whose clock shows it."""

    def next_after(self, t: datetime) -> datetime:
        """The first instant (UTC) later than `t` at which the rule fires."""
        at, zone = self._wall()
        day = self._first_on_or_after(t.astimezone(zone).date())
        while (instant := wall_clock(day, at, zone)) <= t:
            day = self._first_on_or_after(day + _DAY)
        return instant

    def floor(self, t: datetime) -> datetime:
        """The last instant (UTC) not later than `t` at which the rule fired."""
        at, zone = self._wall()
        # Clocks that go back over midnight have shown the next date already.
        day = self._last_on_or_before(t.astimezone(zone).date() + _DAY)
        while (instant := wall_clock(day, at, zone)) > t:
            day = self._last_on_or_before(day - _DAY)
        return instant


@dataclass(frozen=True, slots=True)
class Daily(Rule):
    """Every day at a time of day."""

    at: time
    zone: ZoneInfo

    def _first_on_or_after(self, day: date) -> date:
        return day

    def _last_on_or_before(self, day: date) -> date:
        return day

    def _wall(self) -> tuple[time, ZoneInfo]:
        return self.at, self.zone


@dataclass(frozen=True, slots=True)
class Weekly(Rule):
    """On one day of the week, 1 Monday to 7 Sunday."""

    weekday: int
    at: time
    zone: ZoneInfo

    def _first_on_or_after(self, day: date) -> date:
        return day + timedelta(days=(self.weekday - day.isoweekday()) % 7)

    def _last_on_or_before(self, day: date) -> date:
        return day - timedelta(days=(day.isoweekday() - self.weekday) % 7)

    def _wall(self) -> tuple[time, ZoneInfo]:
        return self.at, self.zone


@dataclass(frozen=True, slots=True)
class Monthly(Rule):
    """On one day of the month, 1 to 31; in a shorter month, on its last day."""

    day: int
    at: time
    zone: ZoneInfo

    def _in_month_of(self, day: date) -> date:
        return day.replace(day=min(self.day, months.monthrange(day.year, day.month)[1]))

    def _first_on_or_after(self, day: date) -> date:
        here = self._in_month_of(day)
        return here if here >= day else self._in_month_of(day.replace(day=28) + 4 * _DAY)

    def _last_on_or_before(self, day: date) -> date:
        here = self._in_month_of(day)
        return here if here <= day else self._in_month_of(day.replace(day=1) - _DAY)

    def _wall(self) -> tuple[time, ZoneInfo]:
        return self.at, self.zone


@dataclass(frozen=True, slots=True)
class SessionsBeforeClosure(Rule):
    """On the n-th session before each closure (1 = the last session), on the market's clock.

    Raises CalendarCoverageError when the closure or the session is not in the calendar.
    """

    calendar: TradingCalendar
    n: int
    at: time

    def session_before(self, close_from: date) -> date:
        """The n-th session before the closure that begins on `close_from`."""
        day = close_from
        for _ in range(self.n):
            day = self.calendar.previous_session(day)
        return day

    def _first_on_or_after(self, day: date) -> date:
        closure = self.calendar.next_closure(day)
        while (fires_on := self.session_before(closure.close_from)) < day:
            closure = self.calendar.next_closure(closure.reopen)
        return fires_on

    def _last_on_or_before(self, day: date) -> date:
        """The one before the first that comes too late; the order of closures is theirs."""
        close_from = self._close_from(day)
        while self.session_before(close_from) <= day:
            close_from = self._close_from(close_from + _DAY)
        return self.session_before(self.calendar.previous_closure(close_from).close_from)

    def _close_from(self, day: date) -> date:
        """First day of the next closure; with none left, the first day it could have."""
        try:
            return self.calendar.next_closure(day).close_from
        except CalendarCoverageError as error:
            if not self.calendar.covers(day):
                raise
            return error.on

    def _wall(self) -> tuple[time, ZoneInfo]:
        return self.at, self.calendar.zone


@dataclass(frozen=True, slots=True)
class Once:
    """A single instant."""

    at: datetime

    def next_after(self, t: datetime) -> datetime | None:
        """The instant, or None when it is not later than `t`."""
        return self.at.astimezone(UTC) if self.at > t else None

    def floor(self, t: datetime) -> datetime | None:
        """The instant, or None when it is still to come."""
        return self.at.astimezone(UTC) if self.at <= t else None
