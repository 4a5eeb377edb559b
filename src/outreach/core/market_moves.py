"""From a series of index levels to the moves worth telling: one slide gives one trigger.

A fold over the levels in the order of their moments, whatever order they came in. What has been
told is where it begins: rows that come late, twice or corrected never change it.
"""

import math
import statistics
from bisect import insort
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from outreach.core.market_conditions import MarketCondition
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar

POINT: Final = 10_000  # a level is kept in whole ten-thousandths of a point
SESSIONS_A_YEAR: Final = 252


class Level(NamedTuple):
    """Where an index stood at a moment, and where it closed on the session before.

    Levels are in ten-thousandths of a point. Of several rows for one moment, the one with the
    highest `version` holds.
    """

    code: str  # of the index, as the feed writes it
    at: datetime
    level: int
    prev_close: int
    name_zh: str = ""
    name_en: str = ""
    version: int = 0


class Reading(NamedTuple):
    """What a condition measures at a level. `percent` is negative for a fall; `base` is the level
    a move is counted from, None for a volatility."""

    level: Level
    percent: float
    base: int | None


class Trigger(NamedTuple):
    """The first reading of a slide that reached a condition's threshold."""

    condition: MarketCondition
    at: datetime
    reading: Reading


State = Literal["no_data", "armed", "told", "cooling"]


class Standing(NamedTuple):
    """Where a condition stands: armed; told and not yet come back; or armed but for a cool-down."""

    state: State
    triggered_at: datetime | None = None
    until: datetime | None = None  # the end of the cool-down, where one was begun
    newest: Reading | None = None


class Folded(NamedTuple):
    """What a fold came to: triggers nobody has been told of, and where each condition stands."""

    triggers: list[Trigger]
    standings: dict[str, Standing]  # by the condition's slug


ToldAt = Mapping[str, Sequence[datetime]]  # by the condition's slug


def fold(
    conditions: Sequence[MarketCondition],
    levels: Iterable[Level],
    calendar: TradingCalendar,
    told: ToldAt = MappingProxyType({}),
) -> Folded:
    """The triggers of one campaign's conditions, each later than the last that was told of it.

    A reading of exactly the threshold triggers. A move within one session has come back when the
    next session opens. A cool-down counts from whatever the campaign told last, by any of its
    conditions, so that one slide sends one notice. Levels of days without a session, and of before
    the opening (when vendors still show the day before), count for nothing.
    """
    moments = sorted(at for some in told.values() for at in some)
    watches = [_Watch(one, calendar, told.get(one.slug, ())) for one in conditions]
    triggers: list[Trigger] = []
    for level in in_order(levels):
        for watch in watches:
            reading = watch.fresh(level)
            if reading and watch.would_trigger(reading) and not watch.is_resting(moments):
                watch.trigger()
                insort(moments, level.at)
                triggers.append(Trigger(watch.condition, level.at, reading))
    return Folded(triggers, {one.condition.slug: one.standing(moments) for one in watches})


def in_order(levels: Iterable[Level]) -> list[Level]:
    """Levels by their moments, each index and moment in its last version."""
    held: dict[tuple[datetime, str], Level] = {}
    for level in levels:
        known = held.get((level.at, level.code))
        if known is None or known.version <= level.version:
            held[level.at, level.code] = level
    return [held[key] for key in sorted(held)]


class _Watch:
    """One condition on its way through the levels."""

    def __init__(
        self, condition: MarketCondition, calendar: TradingCalendar, told: Sequence[datetime]
    ) -> None:
        self.condition = condition
        self._gauge, self._limits = _Gauge(condition, calendar), _Limits(condition)
        self._begun = self._last = max(told, default=None)
        self._back = False
        self._newest: Reading | None = None

    def fresh(self, level: Level) -> Reading | None:
        """What the condition measures at a level that is news to it."""
        if level.code != self.condition.index:
            return None
        reading = self._gauge.read(level)
        if reading is None:
            return None
        self._newest = reading
        if self._begun is not None and level.at <= self._begun:
            return None
        anew = self._gauge.began_anew(self._last, level.at)
        self._back = self._back or anew or self._limits.is_back(reading)
        return reading

    def would_trigger(self, reading: Reading) -> bool:
        """Whether it is armed, apart from the cool-down, and the threshold is reached."""
        return (self._last is None or self._back) and self._limits.is_reached(reading)

    def is_resting(self, moments: Sequence[datetime]) -> bool:
        """Whether the campaign told something near the newest level: before it or, late, after."""
        if self._newest is None:
            return False
        at, rest = self._newest.level.at, self.condition.rest
        return any(moment - rest < at < moment + rest for moment in moments)

    def trigger(self) -> None:
        if self._newest is not None:
            self._last, self._back = self._newest.level.at, False

    def standing(self, moments: Sequence[datetime]) -> Standing:
        if self._newest is None:
            return Standing("no_data", self._last)
        until = moments[-1] + self.condition.rest if moments else None
        if self._last is not None and not self._back:
            return Standing("told", self._last, until, self._newest)
        resting = until is not None and self._newest.level.at < until
        return Standing("cooling" if resting else "armed", self._last, until, self._newest)


class _Limits:
    """Threshold and way back, compared in whole numbers, so that 3 % is 3 % and no float."""

    def __init__(self, condition: MarketCondition) -> None:
        self._sign = -1 if condition.measure == "falls" else 1
        self._reach = condition.threshold
        self._back = condition.threshold - condition.rearm

    def is_reached(self, reading: Reading) -> bool:
        if reading.base is None:
            return reading.percent >= self._reach
        moved = self._sign * (reading.level.level - reading.base) * 100
        return moved * self._reach.denominator >= self._reach.numerator * reading.base

    def is_back(self, reading: Reading) -> bool:
        if reading.base is None:
            return reading.percent <= self._back
        moved = self._sign * (reading.level.level - reading.base) * 100
        return moved * self._back.denominator <= self._back.numerator * reading.base


class _Gauge:
    """Reads what a condition measures, level by level in the order of their moments."""

    def __init__(self, condition: MarketCondition, calendar: TradingCalendar) -> None:
        self._condition, self._calendar = condition, calendar
        self._sessions = condition.over_sessions or 1
        self._span = timedelta(minutes=condition.over_minutes or 0)
        self._recent: deque[Level] = deque()  # of this session, within `over_minutes`
        self._days: dict[date, Level] = {}  # the last level of each session
        self._day: date | None = None
        self._opens: datetime | None = None
        self._window: list[date] = []  # the sessions that count today, today first

    def read(self, level: Level) -> Reading | None:
        """None where the measure is not known: no session, or a hole in the window."""
        day = level.at.astimezone(self._calendar.zone).date()
        if day != self._day:
            self._begin(day)
        if self._opens is None or level.at < self._opens:
            return None
        self._days[day] = level
        if self._condition.measure == "volatility":
            return self._volatility(level)
        base = self._extreme(level) if self._condition.over_minutes else self._close(level)
        if base is None:
            return None
        return Reading(level, 100 * (level.level - base) / base, base)

    def began_anew(self, since: datetime | None, at: datetime) -> bool:
        """Whether a session opened in between, for a measure that then begins at nought."""
        if since is None or self._sessions > 1:
            return False
        zone = self._calendar.zone
        return since.astimezone(zone).date() < at.astimezone(zone).date()

    def _begin(self, day: date) -> None:
        self._day = day
        self._recent.clear()
        try:
            session = self._calendar.is_session(day)
            self._opens = self._calendar.open_at(day) if session else None
        except CalendarCoverageError:  # of an old year; the door asks about today
            self._opens = None
        self._window = self._back_from(day) if self._opens is not None else []

    def _back_from(self, day: date) -> list[date]:
        window = [day]
        try:
            while len(window) < self._sessions:
                window.append(self._calendar.previous_session(window[-1]))
        except CalendarCoverageError:
            return []
        return window

    def _close(self, level: Level) -> int | None:
        """The close so many sessions ago: what the first session of the window began from."""
        if not self._window:
            return None
        first = self._days.get(self._window[-1])
        return first.prev_close if first else None

    def _extreme(self, level: Level) -> int:
        """The highest level within the minutes for a fall, the lowest for a rise."""
        self._recent.append(level)
        while self._recent[0].at < level.at - self._span:
            self._recent.popleft()
        found = [one.level for one in self._recent]
        return max(found) if self._condition.measure == "falls" else min(found)

    def _volatility(self, level: Level) -> Reading | None:
        """The annualised standard deviation of daily log returns; all sessions must be there."""
        days = [self._days.get(day) for day in self._window]
        returns = [math.log(one.level / one.prev_close) for one in days if one]
        if not returns or len(returns) < len(days):
            return None
        yearly = statistics.stdev(returns) * math.sqrt(SESSIONS_A_YEAR)
        return Reading(level, 100 * yearly, None)
