"""When a source of halts is asked again, and when it has been quiet for too long."""

from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core.trading_calendar import TradingCalendar

Standing = Literal["never asked", "ok", "failing", "stale"]
LONGEST: Final = timedelta(hours=1)  # between two tries of a source that fails


class Seen(NamedTuple):
    """What is remembered of a source; moments are None until they come."""

    checked_at: datetime | None = None  # asked, whatever came of it
    fetched_at: datetime | None = None  # answered
    failures: int = 0  # in a row


class Watch(NamedTuple):
    """How often a source is asked, during which hours, and what it is allowed."""

    every: timedelta
    zone: ZoneInfo
    between: tuple[time, time] | None = None  # of trading days; None: always
    calendar: TradingCalendar | None = None
    stale_after: timedelta = timedelta(hours=1)
    stale_after_failures: int = 5

    def hours(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The hours of the day in which it is asked; None on a day it rests."""
        on = now.astimezone(self.zone).date()
        if self.between is None:
            begins = datetime.combine(on, time(), self.zone)
            return begins.astimezone(UTC), (begins + timedelta(days=1)).astimezone(UTC)
        open_ = on.weekday() < 5
        if self.calendar is not None and self.calendar.covers(on):
            open_ = self.calendar.is_session(on)
        if not open_:
            return None
        first, last = (datetime.combine(on, at, self.zone).astimezone(UTC) for at in self.between)
        return first, last

    def due(self, seen: Seen, now: datetime) -> bool:
        """Whether to ask it now. One that fails is asked less and less often, once an hour at
        the least."""
        hours = self.hours(now)
        if hours is None or not hours[0] <= now <= hours[1]:
            return False
        if seen.checked_at is None:
            return True
        wait = self.every
        if seen.failures:
            wait = max(self.every, min(self.every * 2 ** min(seen.failures, 10), LONGEST))
        return now >= seen.checked_at + wait

    def standing(self, seen: Seen, now: datetime) -> Standing:
        """How a source is doing. Only hours in which it is asked count as silence."""
        if seen.checked_at is None:
            return "never asked"
        if seen.failures >= self.stale_after_failures or self._silent(seen, now):
            return "stale"
        return "failing" if seen.failures else "ok"

    def _silent(self, seen: Seen, now: datetime) -> bool:
        hours = self.hours(now)
        if hours is None or now < hours[0]:
            return False
        since = seen.fetched_at
        if self.between is not None:
            since = max(hours[0], since) if since else hours[0]
        if since is None:
            return False
        return min(now, hours[1]) - since > self.stale_after
