"""From a series of index levels to the moves worth telling: one slide gives one trigger.

A fold over the levels in the order of their moments, whatever order they came in. What has been
told is where it begins: rows that come late, twice or corrected never change it.
"""

import math
import statistics
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
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
    """The first reading of a slide that reached the threshold."""

    at: datetime
    reading: Reading


State = Literal["no_data", "armed", "told", "cooling"]


class Standing(NamedTuple):
    """Where a condition stands: armed; told and not yet come back; come back but cooling down."""

    state: State
    triggered_at: datetime | None = None
    until: datetime | None = None  # the end of the cool-down
    newest: Reading | None = None


class Told(NamedTuple):
    """What a fold came to: triggers nobody has been told of, and where the condition stands."""

    triggers: list[Trigger]
    standing: Standing


def fold(
    condition: MarketCondition,
    levels: Iterable[Level],
    calendar: TradingCalendar,
    told: Sequence[datetime] = (),
) -> Told:
    """The triggers later than the last one that was `told`.

    A reading of exactly the threshold triggers. A move within one session has come back when the
    next session opens. Levels of days without a session, and of before the opening (when vendors
    still show the day before), count for nothing.
    """
    gauge, limits = _Gauge(condition, calendar), _Limits(condition)
    begun = last = max(told, default=None)
    back, triggers, newest = False, list[Trigger](), None
    for level in in_order(condition, levels):
        reading = gauge.read(level)
        if reading is None:
            continue
        newest = reading
        if begun is not None and level.at <= begun:
            continue
        back = back or limits.is_back(reading) or gauge.began_anew(last, level.at)
        if last is not None and not (back and level.at >= last + condition.rest):
            continue
        if limits.is_reached(reading):
            triggers.append(Trigger(level.at, reading))
            last, back = level.at, False
    return Told(triggers, _standing(condition, last, back, newest))


def in_order(condition: MarketCondition, levels: Iterable[Level]) -> list[Level]:
    """The levels of the condition's index by their moments, each moment in its last version."""
    held: dict[datetime, Level] = {}
    for level in levels:
        if level.code == condition.index:
            known = held.get(level.at)
            if known is None or known.version <= level.version:
                held[level.at] = level
    return [held[at] for at in sorted(held)]


def _standing(
    condition: MarketCondition, last: datetime | None, back: bool, newest: Reading | None
) -> Standing:
    if last is None:
        return Standing("armed" if newest else "no_data", newest=newest)
    until = last + condition.rest
    if not back:
        return Standing("told", last, until, newest)
    over = newest is not None and newest.level.at >= until
    return Standing("armed" if over else "cooling", last, until, newest)


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
