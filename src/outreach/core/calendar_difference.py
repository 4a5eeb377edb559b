"""Where two calendars of one market differ: days, and the closures made of them."""

from dataclasses import dataclass
from datetime import date, timedelta

from outreach.core.market import CalendarDay, Kind
from outreach.core.trading_calendar import CalendarCoverageError, Closure, TradingCalendar


@dataclass(frozen=True, slots=True)
class DayState:
    """What a calendar says of one day: its kind, its hours where it is a session, and its name."""

    kind: Kind
    hours: str  # `09:30-15:00`, empty on a day without a session
    name_zh: str
    name_en: str

    def __str__(self) -> str:
        return f"{self.kind} {self.hours}".strip()


@dataclass(frozen=True, slots=True)
class DayDifference:
    """A day of which one calendar says something else than the other."""

    on: date
    before: DayState
    after: DayState


@dataclass(frozen=True, slots=True)
class ClosureDifference:
    """A closure that is gone (`after` is None), new (`before` is None), or another one now."""

    before: Closure | None
    after: Closure | None


def state(calendar: TradingCalendar, on: date) -> DayState:
    """What a calendar says of a day. Raises CalendarCoverageError beyond coverage."""
    row = calendar.day(on)
    zh, en = (row.name_zh, row.name_en) if row else ("", "")
    if not calendar.is_session(on):
        return DayState("closed", "", zh, en)
    hours = calendar.hours(on)
    written = f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"
    return DayState(_kind(row), written, zh, en)


def _kind(row: CalendarDay | None) -> Kind:
    return row.kind if row and row.kind in ("half", "late_open") else "open"


def differing_days(
    before: TradingCalendar, after: TradingCalendar, first: date, last: date
) -> list[DayDifference]:
    """Days from `first` to `last` whose session or hours differ; a name alone is no difference.

    Days that only one calendar covers are passed over; nothing is said of them.
    """
    found = []
    for step in range((last - first).days + 1):
        on = first + timedelta(days=step)
        if not (before.covers(on) and after.covers(on)):
            continue
        old, new = state(before, on), state(after, on)
        if (old.kind, old.hours) != (new.kind, new.hours):
            found.append(DayDifference(on, old, new))
    return found


def differing_closures(
    before: TradingCalendar, after: TradingCalendar, first: date
) -> list[ClosureDifference]:
    """Closures in progress on `first` or later that differ; those that overlap are paired."""
    old, new = coming_closures(before, first), coming_closures(after, first)
    gone = [closure for closure in old if closure not in new]
    fresh = [closure for closure in new if closure not in old]
    found = []
    for closure in gone:
        successor = next((other for other in fresh if _overlap(closure, other)), None)
        if successor is not None:
            fresh.remove(successor)
        found.append(ClosureDifference(closure, successor))
    found += [ClosureDifference(None, closure) for closure in fresh]
    return sorted(found, key=lambda one: _begins(one))


def coming_closures(calendar: TradingCalendar, first: date) -> list[Closure]:
    """Closures that are not over by `first`, as far as the calendar can tell their reopening."""
    found: list[Closure] = []
    if not calendar.covers(first):
        return found
    try:
        if current := calendar.closure_of(first):
            found.append(current)
        day = first
        while True:
            closure = calendar.next_closure(day)
            if closure not in found:
                found.append(closure)
            day = max(closure.close_from + timedelta(days=1), closure.reopen)
    except CalendarCoverageError:
        return found


def _overlap(one: Closure, other: Closure) -> bool:
    return one.close_from <= other.close_to and other.close_from <= one.close_to


def _begins(difference: ClosureDifference) -> date:
    closure = difference.before or difference.after
    assert closure is not None  # noqa: S101  one of the two is always there
    return closure.close_from
