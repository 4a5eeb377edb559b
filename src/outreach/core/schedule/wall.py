"""Rules on the clock of a wall: daily, weekly, monthly, and what every rule by days has in common.

Wall-clock rules follow the clock on the wall. A time that the clocks skip becomes the first instant
after the gap; a time that comes twice is taken the first time only.
"""

import calendar as months
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


class Timing(Protocol):
    """When something fires: a pure function of an instant, and of calendars where days decide.

    Raises CalendarCoverageError where the answer lies, or may lie, beyond a calendar's coverage.
    """

    def next_after(self, t: datetime) -> datetime | None:
        """The first instant (UTC) later than `t`; None when there is none any more."""

    def floor(self, t: datetime) -> datetime | None:
        """The last instant (UTC) not later than `t`; None when there was none yet."""

    def day_of(self, fires_at: datetime) -> date:
        """The day an instant of the rule stands for, which names its occurrence."""


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
    """A rule that fires on certain days, at most once a day and on each at a moment of its own."""

    @abstractmethod
    def _first_on_or_after(self, day: date) -> date:
        """The first day on or after `day` on which the rule fires."""

    @abstractmethod
    def _last_on_or_before(self, day: date) -> date:
        """The last day on or before `day` on which the rule fires."""

    @abstractmethod
    def _instant(self, day: date) -> datetime:
        """The instant (UTC) at which it fires on one of its days."""

    @abstractmethod
    def _clock(self) -> ZoneInfo:
        """The clock that tells which day it is."""

    def _latest_day(self, t: datetime) -> date:
        """The latest day the clock can have shown by `t`."""
        # Clocks that go back over midnight have shown the next date already.
        return t.astimezone(self._clock()).date() + DAY

    def next_after(self, t: datetime) -> datetime:
        """The first instant (UTC) later than `t` at which the rule fires."""
        day = self._first_on_or_after(t.astimezone(self._clock()).date())
        while (instant := self._instant(day)) <= t:
            day = self._first_on_or_after(day + DAY)
        return instant

    def floor(self, t: datetime) -> datetime:
        """The last instant (UTC) not later than `t` at which the rule fired."""
        return self._instant(self.day_of(t))

    def day_of(self, fires_at: datetime) -> date:
        """The day of the last firing not later than an instant."""
        day = self._last_on_or_before(self._latest_day(fires_at))
        while self._instant(day) > fires_at:
            day = self._last_on_or_before(day - DAY)
        return day


@dataclass(frozen=True, slots=True)
class _AtWallClock(Rule):
    """A rule whose moment is a time of day on the clock that also counts its days."""

    at: time
    zone: ZoneInfo

    def _instant(self, day: date) -> datetime:
        return wall_clock(day, self.at, self.zone)

    def _clock(self) -> ZoneInfo:
        return self.zone


@dataclass(frozen=True, slots=True)
class Daily(_AtWallClock):
    """Every day at a time of day."""

    def _first_on_or_after(self, day: date) -> date:
        return day

    def _last_on_or_before(self, day: date) -> date:
        return day


@dataclass(frozen=True, slots=True)
class Weekly(_AtWallClock):
    """On certain days of the week, 1 Monday to 7 Sunday."""

    weekdays: frozenset[int]

    def _first_on_or_after(self, day: date) -> date:
        while day.isoweekday() not in self.weekdays:
            day += DAY
        return day

    def _last_on_or_before(self, day: date) -> date:
        while day.isoweekday() not in self.weekdays:
            day -= DAY
        return day


@dataclass(frozen=True, slots=True)
class Monthly(_AtWallClock):
    """On one day of the month, 1 to 31; in a shorter month, on its last day."""

    day: int

    def _in_month_of(self, day: date) -> date:
        return day.replace(day=min(self.day, months.monthrange(day.year, day.month)[1]))

    def _first_on_or_after(self, day: date) -> date:
        here = self._in_month_of(day)
        return here if here >= day else self._in_month_of(next_month(day))

    def _last_on_or_before(self, day: date) -> date:
        here = self._in_month_of(day)
        return here if here <= day else self._in_month_of(day.replace(day=1) - DAY)


def next_month(day: date) -> date:
    """The first day of the month after that of `day`."""
    return (day.replace(day=28) + 4 * DAY).replace(day=1)


@dataclass(frozen=True, slots=True)
class Once:
    """A single moment: a day, and a time of day on a clock."""

    day: date
    at: time
    zone: ZoneInfo

    @property
    def _instant(self) -> datetime:
        return wall_clock(self.day, self.at, self.zone)

    def next_after(self, t: datetime) -> datetime | None:
        """The instant, or None when it is not later than `t`."""
        return self._instant if self._instant > t else None

    def floor(self, t: datetime) -> datetime | None:
        """The instant, or None when it is still to come."""
        return self._instant if self._instant <= t else None

    def day_of(self, fires_at: datetime) -> date:
        """The day it was written for."""
        return self.day
