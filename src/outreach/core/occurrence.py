"""Occurrences: which due moment of a campaign is meant now, and what a key stands for.

An occurrence is a function of its key and the calendars, so that every process that asks finds the
same one. Beyond calendar coverage the campaign is blocked; no date is guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from outreach.core.campaign import Bilingual, OccurrenceRule, OnClosure, OnDay
from outreach.core.market import MARKETS
from outreach.core.trading_calendar import CalendarCoverageError, Closure, TradingCalendar
from outreach.core.words import Sentence

OccurrenceValue = date | int | list[date] | Bilingual
Calendars = Mapping[str, TradingCalendar]

_CLOSURE_KEY: Final = re.compile(r"([A-Z][A-Z_]*)-(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One due moment of a campaign.

    `due_at` is the first instant at which it may be worked, `expires_at` the instant from which its
    messages are stale. `values` are raw: dates, numbers, lists of dates, bilingual texts.
    """

    key: str
    due_at: datetime
    expires_at: datetime
    values: dict[str, OccurrenceValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why there is no occurrence: the calendar does not reach, nothing is due, or a bad key."""

    code: Literal["calendar", "nothing_due", "key"]
    sentence: Sentence


def due(
    rule: OccurrenceRule, now: datetime, calendars: Calendars, zone: ZoneInfo
) -> Occurrence | Blocked:
    """The occurrence meant at `now`. `zone` is the firm's; `calendars` by market.

    Closure: the next that begins today or within `within_days`; else the one in progress. Halt: the
    latest session day, today included. Day: today on the firm's clock.
    """
    try:
        match rule:
            case OnClosure():
                return _closure_due(rule, now, _calendar(calendars, rule.market, now))
            case OnDay():
                return _on_day(rule, _day(now, zone), now, zone)
            case _:
                return _of_event(rule)
    except CalendarCoverageError as error:
        return Blocked("calendar", error.sentence)


def from_key(
    rule: OccurrenceRule, key: str, now: datetime, calendars: Calendars, zone: ZoneInfo
) -> Occurrence | Blocked:
    """The occurrence a key names, past or coming. A key that names none is a sentence."""
    try:
        match rule:
            case OnClosure():
                return _closure_from_key(rule, key, now, calendars)
            case OnDay():
                day = _date(key)
                if day is None:
                    return _bad_key(key, _day(now, zone).isoformat())
                return _on_day(rule, day, now, zone)
            case _:
                return _of_event(rule)
    except CalendarCoverageError as error:
        return Blocked("calendar", error.sentence)


def _of_event(rule: OccurrenceRule) -> Blocked:
    """No calendar tells when an event comes."""
    return Blocked(
        "nothing_due",
        Sentence(
            f"nothing of kind {rule.kind} has happened that waits to be told",
            f"没有待告知的 {rule.kind} 事件",
        ),
    )


def _calendar(calendars: Calendars, market: str, now: datetime) -> TradingCalendar:
    if market not in calendars:
        raise CalendarCoverageError(market, now.date(), None)
    return calendars[market]


def _day(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


def _date(text: str) -> date | None:
    """A date written YYYY-MM-DD and nothing else."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)


def _bad_key(key: str, example: str) -> Blocked:
    return Blocked(
        "key",
        Sentence(
            f"{key!r} is no occurrence of this campaign, write it like {example}",
            f"“{key}”不是本活动的期次，请按 {example} 的格式书写",
        ),
    )


# --- closures --------------------------------------------------------------------------------


def _closure_due(rule: OnClosure, now: datetime, calendar: TradingCalendar) -> Occurrence | Blocked:
    today = _day(now, calendar.zone)
    horizon = today + timedelta(days=rule.within_days)
    current = calendar.closure_of(today)
    try:
        coming = calendar.next_closure(today)
    except CalendarCoverageError:
        # No closure is left in the calendar: that is an answer only if it reaches the horizon.
        if current is None and not calendar.covers(horizon):
            raise
        coming = None
    if coming is not None and coming.close_from <= horizon:
        return _closure(rule, coming, calendar)
    if current is not None:
        return _closure(rule, current, calendar)
    return Blocked(
        "nothing_due",
        Sentence(
            f"no closure of {rule.market} begins within {rule.within_days} days of {today}",
            f"{today} 起 {rule.within_days} 天内 {rule.market} 没有休市安排",
        ),
    )


def _closure_from_key(
    rule: OnClosure, key: str, now: datetime, calendars: Calendars
) -> Occurrence | Blocked:
    calendar = _calendar(calendars, rule.market, now)
    found = _CLOSURE_KEY.fullmatch(key)
    day = _date(found[2]) if found else None
    if found is None or day is None or found[1] != rule.market:
        return _bad_key(key, f"{rule.market}-2026-10-01 (the first day of the closure)")
    closure = calendar.closure_of(day)
    if closure is None:
        return Blocked(
            "key",
            Sentence(
                f"{key!r}: {rule.market} has no closure on {day}",
                f"“{key}”：{rule.market} 在 {day} 没有节假日休市",
            ),
        )
    if closure.close_from != day:
        return _bad_key(key, closure.key)
    return _closure(rule, closure, calendar)


def _closure(rule: OnClosure, closure: Closure, calendar: TradingCalendar) -> Occurrence:
    if closure.last_session is None:
        before = closure.close_from - timedelta(days=1)
        raise CalendarCoverageError(closure.market, before, calendar.covered_to)
    market = MARKETS[closure.market].name
    first_day = closure.close_from - timedelta(days=rule.within_days)
    return Occurrence(
        key=closure.key,
        due_at=_midnight(first_day, calendar.zone),
        expires_at=calendar.open_at(closure.reopen),
        values={
            "holiday": Bilingual(zh=closure.holiday.zh, en=closure.holiday.en),
            "close_from": closure.close_from,
            "close_to": closure.close_to,
            "close_days": closure.close_days,
            "last_session": closure.last_session,
            "reopen": closure.reopen,
            "weekend_closed": list(closure.weekend_closed),
            "market_name": Bilingual(zh=market.zh, en=market.en),
        },
    )


# --- days ------------------------------------------------------------------------------------


def _on_day(rule: OnDay, day: date, now: datetime, zone: ZoneInfo) -> Occurrence:
    """Due when it is asked for, within its day; the hours to expiry count from then."""
    first, last = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    due_at = min(max(now.astimezone(UTC), first), last - timedelta(seconds=1))
    return Occurrence(day.isoformat(), due_at, due_at + timedelta(hours=rule.expires_after_hours))
