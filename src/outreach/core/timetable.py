"""From what a clerk writes under [schedule] to a rule, and from its instants to occurrences.

A fire instant and a campaign give one occurrence key, the same in every process that asks: the
closure's key for a closure, the trading day for halts, the schedule's own day for the rest.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core.campaign import (
    WEEKDAYS,
    AfterClientEvent,
    AroundClosure,
    AtSession,
    ByHand,
    Campaign,
    DailyAt,
    EveryNth,
    InMonth,
    MonthlyAt,
    OccurrenceRule,
    OnceAt,
    OnClosure,
    OnDay,
    OnMarketEvent,
    Schedule,
    WeeklyAt,
)
from outreach.core.occurrence import Blocked, Calendars, Occurrence, due, from_key
from outreach.core.schedule import (
    Daily,
    EverySessions,
    FirstSessionOfMonth,
    LastSessionOfMonth,
    Monthly,
    Once,
    SessionClose,
    SessionOpen,
    SessionsAfterClosure,
    SessionsBeforeClosure,
    Timing,
    Weekly,
)
from outreach.core.schedule.sessions import EVERY_DAY
from outreach.core.segment import Segment, Where
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar

MICROSECOND: Final = timedelta(microseconds=1)


class Here(NamedTuple):
    """Where a schedule is read: the firm's clock and market, and the calendars by market."""

    zone: ZoneInfo
    market: str
    calendars: Calendars

    def calendar(self, market: str | None) -> TradingCalendar:
        """The calendar of a market, or of the firm's. One that is missing answers nothing, and
        raises CalendarCoverageError when it is asked."""
        name = market or self.market
        return self.calendars.get(name) or TradingCalendar.of(name, (), ())


def markets_of(campaign: Campaign, firm_market: str) -> set[str]:
    """The markets whose calendars a campaign's schedule and occurrence are told by."""
    schedule, rule = campaign.schedule, campaign.occurrence
    markets = {getattr(rule, "market", None), getattr(rule, "calendar", None)}
    if hasattr(schedule, "market"):
        markets.add(schedule.market or firm_market)
    return {market for market in markets if market}


def timing(schedule: Schedule, here: Here) -> Timing | None:
    """The rule a schedule stands for; None for one that waits for an event or for a person."""
    match schedule:
        case ByHand() | OnMarketEvent():
            return None
        case AtSession():
            edge = SessionOpen if schedule.on == "session_open" else SessionClose
            offset = timedelta(minutes=schedule.offset_minutes)
            weekdays = _weekdays(schedule.weekdays) or EVERY_DAY
            return edge(here.calendar(schedule.market), offset, weekdays)
        case AroundClosure() | InMonth() | EveryNth():
            return _on_sessions(schedule, here.calendar(schedule.market))
        case _:
            return _on_the_wall(schedule, here.zone)


def _on_the_wall(
    schedule: DailyAt | WeeklyAt | MonthlyAt | OnceAt | AfterClientEvent, firm: ZoneInfo
) -> Timing:
    zone = ZoneInfo(schedule.zone) if schedule.zone else firm
    match schedule:
        case WeeklyAt():
            return Weekly(schedule.at, zone, _weekdays(schedule.weekdays))
        case MonthlyAt():
            return Monthly(schedule.at, zone, schedule.day)
        case OnceAt():
            return Once(schedule.day, schedule.at, zone)
        case DailyAt() | AfterClientEvent():
            return Daily(schedule.at, zone)


def _on_sessions(schedule: AroundClosure | InMonth | EveryNth, calendar: TradingCalendar) -> Timing:
    at, zone = schedule.at, ZoneInfo(schedule.zone) if schedule.zone else None
    match schedule:
        case AroundClosure(on="before_closure"):
            return SessionsBeforeClosure(calendar, at, zone, n=schedule.sessions)
        case AroundClosure():
            return SessionsAfterClosure(calendar, at, zone, n=schedule.sessions)
        case InMonth(on="month_first_session"):
            return FirstSessionOfMonth(calendar, at, zone)
        case InMonth():
            return LastSessionOfMonth(calendar, at, zone)
        case EveryNth():
            return EverySessions(calendar, schedule.sessions, schedule.starts_on, at, zone)


def _weekdays(names: tuple[str, ...]) -> frozenset[int]:
    return frozenset(WEEKDAYS[name] for name in names)


def firings(rule: Timing, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every instant (UTC) later than `after` and not later than `until`.

    Raises CalendarCoverageError behind the last that is known, when more could come before `until`.
    """
    t = after
    while True:
        try:
            following = rule.next_after(t)
        except CalendarCoverageError:
            if _quiet(rule, t, until):
                return
            raise
        if following is None or following > until:
            return
        yield following
        t = following


def _quiet(rule: Timing, after: datetime, until: datetime) -> bool:
    """Whether nothing fires in between, although nobody knows what fires next."""
    try:
        last = rule.floor(until)
    except CalendarCoverageError:
        return False
    return last is None or last <= after


def occurrence_at(
    campaign: Campaign, rule: Timing, fires_at: datetime, here: Here
) -> Occurrence | Blocked:
    """The occurrence a firing stands for. Its `key` is the same whoever asks, and however late."""
    kind, calendars, zone = campaign.occurrence, here.calendars, here.zone
    try:
        key = _key(kind, rule, fires_at)
    except CalendarCoverageError as error:
        return Blocked("calendar", error.sentence)
    if key is None:
        return due(kind, fires_at, calendars, zone)
    return from_key(kind, key, fires_at, calendars, zone)


def _key(kind: OccurrenceRule, rule: Timing, fires_at: datetime) -> str | None:
    """None where the moment alone tells which occurrence is due."""
    day = rule.day_of(fires_at)
    match kind:
        case OnClosure():
            return rule.closure_of(day).key if isinstance(rule, SessionsBeforeClosure) else None
        case OnDay():
            # The schedule's own day, not the firm's date: at 11:30 in New York two days running
            # can fall on one date in Shanghai, when the clocks go forward.
            return day.isoformat()
        case _:
            return None


def audience_on(segment: Segment, schedule: Schedule, day: date) -> Segment:
    """Who a firing on `day` is for: of the segment, after a client event those whose day it is."""
    if not isinstance(schedule, AfterClientEvent):
        return segment
    event_on = day - timedelta(days=schedule.days)
    its_day = Where(field=schedule.event, on=event_on)
    return Segment(name=segment.name, where=Where(all=(segment.where, its_day)))
