"""What a change of a trading calendar does to the occurrences and the firings of campaigns."""

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
from outreach.core.campaign import Campaign, OccurrenceRule, OnClosure, OnHalt
from outreach.core.occurrence import Blocked, Occurrence, from_key
from outreach.core.timetable import Here, firings, occurrence_at, timing
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar

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


# --- firings -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FiringDifference:
    """A firing that is dropped (`after` is None), added (`before` is None), or moved."""

    occurrence: str
    before: datetime | None
    after: datetime | None

    @property
    def change(self) -> str:
        if self.before is None:
            return "added"
        return "dropped" if self.after is None else "moved"


def differing_firings(
    campaign: Campaign, before: Here, after: Here, now: datetime, until: datetime
) -> list[FiringDifference]:
    """How the firings of a campaign later than `now` and up to `until` differ, as far as both
    calendars tell them; by moment. An occurrence is one firing, whenever it is."""
    old, new = (_by_occurrence(campaign, here, now, until) for here in (before, after))
    found = [
        FiringDifference(key, old.get(key), new.get(key))
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    ]
    return sorted(found, key=lambda one: (one.before or one.after or now, one.occurrence))


def _by_occurrence(
    campaign: Campaign, here: Here, now: datetime, until: datetime
) -> dict[str, datetime]:
    rule = timing(campaign.schedule, here)
    found: dict[str, datetime] = {}
    if rule is None:
        return found
    try:
        for at in firings(rule, now, until):
            occurrence = occurrence_at(campaign, rule, at, here)
            if isinstance(occurrence, Blocked):
                found.setdefault(rule.day_of(at).isoformat(), at)
            else:
                found.setdefault(occurrence.key, at)
    except CalendarCoverageError:
        pass  # behind the end of the calendar nothing is known of either
    return found
