"""Rules on the trading days of a market: its sessions and its closures.

Every answer comes from the calendar. Beyond its coverage a rule raises CalendarCoverageError; it
never guesses. A time of day is read on the market's clock unless the rule names another zone.
"""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NoReturn
from zoneinfo import ZoneInfo

from outreach.core.schedule.wall import DAY, Rule, next_month, wall_clock
from outreach.core.trading_calendar import CalendarCoverageError, Closure, TradingCalendar

EVERY_DAY = frozenset(range(1, 8))


class _OfMarket(Rule):
    """A rule whose days come from a calendar."""

    calendar: TradingCalendar

    def _latest_day(self, t: datetime) -> date:
        day = t.astimezone(self._clock()).date()
        # The last covered day has no next one to be asked about, and is an answer all the same.
        return day + DAY if self.calendar.covers(day + DAY) else day

    def _session_on_or_after(self, day: date) -> date:
        return day if self.calendar.is_session(day) else self.calendar.next_session(day)

    def _moved(self, session: date, sessions: int) -> date:
        """The session so many sessions later, or earlier when negative."""
        calendar = self.calendar
        step = calendar.next_session if sessions > 0 else calendar.previous_session
        for _ in range(abs(sessions)):
            session = step(session)
        return session


@dataclass(frozen=True)
class _AtTime(_OfMarket):
    """A rule that fires on its days at a time of day."""

    calendar: TradingCalendar
    at: time
    zone: ZoneInfo | None = None  # None: the market's

    def _clock(self) -> ZoneInfo:
        return self.zone or self.calendar.zone

    def _instant(self, day: date) -> datetime:
        return wall_clock(day, self.at, self._clock())


# --- opening and close -----------------------------------------------------------------------


@dataclass(frozen=True)
class _AtEdge(_OfMarket):
    """At the opening or close of each session, so long after it (or before, when negative).

    Only sessions on `weekdays` (1 Monday to 7 Sunday) count. Half days and late openings move it.
    """

    calendar: TradingCalendar
    offset: timedelta = timedelta()
    weekdays: frozenset[int] = EVERY_DAY

    @abstractmethod
    def _edge(self) -> Callable[[date], datetime]:
        """What tells the instant of a session's opening or close."""

    def _clock(self) -> ZoneInfo:
        return self.calendar.zone

    def _instant(self, day: date) -> datetime:
        return self._edge()(day)

    def _first_on_or_after(self, day: date) -> date:
        session = self._session_on_or_after(day)
        while session.isoweekday() not in self.weekdays:
            session = self.calendar.next_session(session)
        return session

    def _last_on_or_before(self, day: date) -> date:
        session = self.calendar.session_on_or_before(day)
        while session.isoweekday() not in self.weekdays:
            session = self.calendar.previous_session(session)
        return session

    # The offset is time that passes, so shifting the question shifts the answer.

    def next_after(self, t: datetime) -> datetime:
        """The first instant (UTC) later than `t` at which the rule fires."""
        return super().next_after(t - self.offset) + self.offset

    def floor(self, t: datetime) -> datetime:
        """The last instant (UTC) not later than `t` at which the rule fired."""
        return self._instant(self.day_of(t)) + self.offset

    def day_of(self, fires_at: datetime) -> date:
        """The session of the last firing not later than an instant."""
        return super().day_of(fires_at - self.offset)


class SessionOpen(_AtEdge):
    """So long after each session opens (or before it does)."""

    def _edge(self) -> Callable[[date], datetime]:
        return self.calendar.open_at


class SessionClose(_AtEdge):
    """So long after each session closes (or before it does)."""

    def _edge(self) -> Callable[[date], datetime]:
        return self.calendar.close_at


# --- closures --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SessionsBeforeClosure(_AtTime):
    """On the n-th session before each closure; 1 is the last session before it."""

    n: int

    def session_before(self, close_from: date) -> date:
        """The n-th session before the closure that begins on `close_from`."""
        return self._moved(close_from, -self.n)

    def closure_of(self, fires_on: date) -> Closure:
        """The closure meant by one of the rule's days."""
        closure = self.calendar.next_closure(fires_on)
        while self.session_before(closure.close_from) < fires_on:
            closure = self.calendar.next_closure(closure.reopen)
        return closure

    def _first_on_or_after(self, day: date) -> date:
        return self.session_before(self.closure_of(day).close_from)

    def _last_on_or_before(self, day: date) -> date:
        """The one before the first that comes too late; the order of closures is theirs."""
        close_from = self._close_from(day)
        while self.session_before(close_from) <= day:
            close_from = self._close_from(close_from + DAY)
        return self.session_before(self.calendar.previous_closure(close_from).close_from)

    def _close_from(self, day: date) -> date:
        """First day of the next closure; with none left, the first day it could have."""
        try:
            return self.calendar.next_closure(day).close_from
        except CalendarCoverageError as error:
            if not self.calendar.covers(day):
                raise
            return error.on


@dataclass(frozen=True, kw_only=True)
class SessionsAfterClosure(_AtTime):
    """On the n-th session after each closure; 1 is the day the market reopens."""

    n: int

    def _session_after(self, closure: Closure) -> date:
        return self._moved(closure.reopen, self.n - 1)

    def _first_on_or_after(self, day: date) -> date:
        # A closure counts when it reopens no earlier than n - 1 sessions before the day.
        reopen = self._moved(self._session_on_or_after(day), 1 - self.n)
        calendar = self.calendar
        return self._session_after(
            calendar.closure_of(reopen - DAY) or calendar.next_closure(reopen)
        )

    def _last_on_or_before(self, day: date) -> date:
        reopen = self._moved(self.calendar.session_on_or_before(day), 1 - self.n)
        return self._session_after(self.calendar.previous_closure(reopen))


# --- months and counts -----------------------------------------------------------------------


class _OncePerMonth(_AtTime):
    @abstractmethod
    def _in_month_of(self, day: date) -> date:
        """The day on which it fires in the month of `day`."""

    def _first_on_or_after(self, day: date) -> date:
        here = self._in_month_of(day)
        return here if here >= day else self._in_month_of(next_month(day))

    def _last_on_or_before(self, day: date) -> date:
        here = self._in_month_of(day)
        return here if here <= day else self._in_month_of(day.replace(day=1) - DAY)


class FirstSessionOfMonth(_OncePerMonth):
    """On the first session of each month."""

    def _in_month_of(self, day: date) -> date:
        return self._session_on_or_after(day.replace(day=1))


class LastSessionOfMonth(_OncePerMonth):
    """On the last session of each month. Known only while the whole month is covered."""

    def _in_month_of(self, day: date) -> date:
        return self.calendar.session_on_or_before(next_month(day) - DAY)


@dataclass(frozen=True)
class EverySessions:
    """On every n-th session, counted from the first session on or after `starts_on`."""

    calendar: TradingCalendar
    n: int
    starts_on: date
    at: time
    zone: ZoneInfo | None = None  # None: the market's

    @cached_property
    def _covered_to(self) -> date:
        calendar = self.calendar
        for first, last in calendar.spans:
            if first <= self.starts_on <= last:
                return last
        raise CalendarCoverageError(calendar.market, self.starts_on, calendar.covered_to)

    @cached_property
    def _days(self) -> list[date]:
        """The days it fires on, as far as the coverage that holds its start goes."""
        return self.calendar.sessions(self.starts_on, self._covered_to)[:: self.n]

    @cached_property
    def _instants(self) -> list[datetime]:
        clock = self.zone or self.calendar.zone
        return [wall_clock(day, self.at, clock) for day in self._days]

    def next_after(self, t: datetime) -> datetime:
        """The first instant (UTC) later than `t`; before the start, that of the start."""
        later = bisect_right(self._instants, t)
        if later == len(self._instants):
            self._refuse_beyond()
        return self._instants[later]

    def floor(self, t: datetime) -> datetime | None:
        """The last instant (UTC) not later than `t`; None before the first."""
        if t.astimezone(self.zone or self.calendar.zone).date() > self._covered_to:
            self._refuse_beyond()
        earlier = bisect_right(self._instants, t)
        return self._instants[earlier - 1] if earlier else None

    def day_of(self, fires_at: datetime) -> date:
        """The session of the last firing not later than an instant; of the first, before it."""
        return self._days[max(bisect_right(self._instants, fires_at) - 1, 0)]

    def _refuse_beyond(self) -> NoReturn:
        calendar = self.calendar
        raise CalendarCoverageError(calendar.market, self._covered_to + DAY, calendar.covered_to)
