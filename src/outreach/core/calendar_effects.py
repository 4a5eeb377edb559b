"""What a change of a trading calendar does to the occurrences of campaigns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from outreach.core.calendar_difference import (
    DayDifference,
    coming_closures,
    differing_closures,
    differing_days,
)
from outreach.core.campaign import OccurrenceRule, OnClosure, OnHalt
from outreach.core.occurrence import Blocked, Occurrence, from_key
from outreach.core.trading_calendar import TradingCalendar

Calendars = Mapping[str, TradingCalendar]


@dataclass(frozen=True, slots=True)
class OccurrenceDifference:
    """An occurrence that is gone (`after` is None), new (`before` is None), or says other things.

    Where both are there, their keys may be the same: then the notice keeps its name and changes its
    dates or its expiry.
    """

    before: Occurrence | None
    after: Occurrence | None


def touched(
    rule: OccurrenceRule, before: Calendars, after: Calendars, now: datetime, zone: ZoneInfo
) -> list[OccurrenceDifference]:
    """How the occurrences of a campaign from `now` on differ between two sets of calendars."""
    if isinstance(rule, OnClosure) and rule.market in before:
        return list(_closures(rule, before, after, now, zone))
    if isinstance(rule, OnHalt) and rule.calendar in before:
        return list(_halts(rule, before, after, now, zone))
    return []


def _closures(
    rule: OnClosure, before: Calendars, after: Calendars, now: datetime, zone: ZoneInfo
) -> Iterator[OccurrenceDifference]:
    today = now.astimezone(before[rule.market].zone).date()
    paired = set()
    for found in differing_closures(before[rule.market], after[rule.market], today):
        keys = [closure.key if closure else None for closure in (found.before, found.after)]
        paired |= set(keys)
        old = _occurrence(rule, keys[0], before, now, zone)
        new = _occurrence(rule, keys[1], after, now, zone)
        if old or new:
            yield OccurrenceDifference(old, new)
    # The hours of the reopening day count too: they are when the notice expires.
    for closure in coming_closures(after[rule.market], today):
        if closure.key not in paired:
            old = _occurrence(rule, closure.key, before, now, zone)
            new = _occurrence(rule, closure.key, after, now, zone)
            if old != new:
                yield OccurrenceDifference(old, new)


def _halts(
    rule: OnHalt, before: Calendars, after: Calendars, now: datetime, zone: ZoneInfo
) -> Iterator[OccurrenceDifference]:
    for found in _days(before[rule.calendar], after[rule.calendar], now):
        key = found.on.isoformat()
        old = _occurrence(rule, key, before, now, zone)
        new = _occurrence(rule, key, after, now, zone)
        if old != new:
            yield OccurrenceDifference(old, new)


def _days(before: TradingCalendar, after: TradingCalendar, now: datetime) -> list[DayDifference]:
    return differing_days(before, after, now.astimezone(before.zone).date(), last_day(before))


def last_day(calendar: TradingCalendar) -> date:
    """The last day a calendar covers, or the earliest day there is when it covers none."""
    return calendar.covered_to or date.min


def _occurrence(
    rule: OccurrenceRule, key: str | None, calendars: Calendars, now: datetime, zone: ZoneInfo
) -> Occurrence | None:
    if key is None:
        return None
    found = from_key(rule, key, now, calendars, zone)
    return None if isinstance(found, Blocked) else found
