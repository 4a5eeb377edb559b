"""Closures as notices have told them, held against the calendar as it stands now.

A notice that went out cannot be taken back, so a closure whose dates have changed is told once
more, under its key with a revision: `CN_A-2026-10-01.2` corrects `CN_A-2026-10-01`. Which
corrections wait follows from the runs on record and the calendar alone, so that every process finds
the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple, Self

from outreach.core.calendar_difference import coming_closures
from outreach.core.sources import Got, Source
from outreach.core.trading_calendar import Closure, TradingCalendar

_REVISION: Final = re.compile(r"(.*\d{4}-\d{2}-\d{2})\.(\d+)")


@dataclass(frozen=True, slots=True)
class ClosureDates:
    """The dates a notice gives. A holiday's name and the weekends around it are no reason to write
    to everybody again."""

    close_from: date
    close_to: date
    last_session: date
    reopen: date

    @classmethod
    def of(cls, closure: Closure) -> Self:
        """Raises ValueError for a closure whose last session lies before the calendar begins."""
        if closure.last_session is None:
            raise ValueError(f"nobody knows the last session before {closure.key}")
        return cls(closure.close_from, closure.close_to, closure.last_session, closure.reopen)

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> Self:
        """What was written as JSON."""
        return cls(**{name: date.fromisoformat(day) for name, day in stored.items()})

    def meets(self, closure: Closure) -> bool:
        """Whether a closure takes days that this one said were closed, or the other way round."""
        return self.close_from < closure.reopen and closure.close_from < self.reopen


class Told(NamedTuple):
    """A run that told of a closure, in whatever state it is now."""

    run: int
    key: str
    state: str
    dates: ClosureDates


class Correction(NamedTuple):
    """A closure that was told otherwise, by `told` (the newest is the last), or one that was told
    and is none any more."""

    told: tuple[Told, ...]
    closure: Closure | None
    key: str | None  # of the occurrence that tells it; None where there is nothing left to tell


# States of a run that has not told everybody: at work, paused, or stopped for what is now told.
_CUT_SHORT: Final = ("planning", "sending", "paused", "superseded")


def only_those(told: Sequence[Told]) -> tuple[Source, ...]:
    """For whom a correction is: for those who got a notice, or may have; for everybody of the
    segment (no source) where the last one was cut short."""
    return () if told[-1].state in _CUT_SHORT else (Got(tuple(one.run for one in told)),)


def parted(key: str) -> tuple[str, int]:
    """(an occurrence's own key, its revision); 1 is what was told, or missed, first."""
    found = _REVISION.fullmatch(key)
    return (found[1], int(found[2])) if found else (key, 1)


def corrections(told: Sequence[Told], calendar: TradingCalendar, today: date) -> list[Correction]:
    """What was told of closures that are not over, and is not true. `told` by age, oldest first."""
    found = []
    coming = coming_closures(calendar, today)
    for closure in coming:
        mine = tuple(one for one in told if one.dates.meets(closure))
        if mine and closure.last_session and mine[-1].dates != ClosureDates.of(closure):
            found.append(Correction(mine, closure, _next_key(closure, mine)))
    gone = [one for one in told if not any(one.dates.meets(closure) for closure in coming)]
    for one in gone:
        if one.dates.reopen > today and _known(calendar, one.dates):
            found.append(Correction((one,), None, None))
    return found


def _next_key(closure: Closure, told: Sequence[Told]) -> str:
    revisions = [revision for key, revision in (parted(one.key) for one in told)
                 if key == closure.key]  # fmt: skip
    return f"{closure.key}.{1 + max(revisions, default=1)}"


def _known(calendar: TradingCalendar, dates: ClosureDates) -> bool:
    """Whether the calendar speaks of all these days: then what it does not name is no closure."""
    days = (dates.reopen - dates.close_from).days + 1
    return all(calendar.covers(dates.close_from + timedelta(days=n)) for n in range(days))
