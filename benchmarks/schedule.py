"""How long the year of 1,000 campaigns takes to work out: every firing with its occurrence.

`python -m benchmarks.schedule` prints a line for each kind of schedule and one for all together.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, islice
from time import perf_counter
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach.core.campaign import Campaign
from outreach.core.occurrence import Blocked
from outreach.core.timetable import Here, firings, occurrence_at, timing
from outreach.core.trading_calendar import CalendarCoverageError
from outreach.feeds import calendar_file

CAMPAIGNS: Final = 1_000
FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2026, 12, 31, 15, tzinfo=UTC)
ZONES: Final = ("Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe")


def schedules() -> dict[str, dict[str, Any]]:
    """One schedule of each kind; the time of day and the zone are varied by the caller."""
    return {
        "daily": {},
        "weekly": {"weekdays": ["monday", "thursday"]},
        "monthly": {"day": 31},
        "session_open": {"offset_minutes": -30},
        "session_close": {"offset_minutes": 60},
        "before_closure": {"sessions": 2},
        "after_closure": {"sessions": 2},
        "month_first_session": {},
        "month_last_session": {},
        "every_sessions": {"sessions": 5, "starts_on": date(2025, 1, 2)},
        "once": {"day": date(2026, 9, 28)},
        "client_event": {"event": "opened_on", "days": 7},
    }


def campaign(on: str, number: int) -> Campaign:
    """A campaign of one kind of schedule, at a time and on a clock of its own."""
    schedule = {"on": on, **schedules()[on]}
    if not on.startswith("session"):
        schedule["at"] = time(number % 24, number % 60)
        schedule["zone"] = ZONES[number % len(ZONES)]
    return Campaign.model_validate(
        {
            "name": {"zh": "基准", "en": "Benchmark"},
            "purpose": "service",
            "segment": "active-clients",
            "template": "bench",
            "channels": ["sms"],
            "owner": "bench",
            "occurrence": {"kind": "closure" if on == "before_closure" else "day"},
            "schedule": schedule,
        }
    )


def year(one: Campaign, here: Here) -> Iterator[str]:
    """The keys of a campaign's occurrences of 2026, as far as the calendar tells them."""
    rule = timing(one.schedule, here)
    if rule is None:
        return
    try:
        for fires_at in firings(rule, FROM + timedelta(days=1), UNTIL):
            found = occurrence_at(one, rule, fires_at, here)
            if not isinstance(found, Blocked):
                yield found.key
    except CalendarCoverageError:
        return  # the end of what is official


def measured(kinds: list[str], here: Here) -> tuple[int, float]:
    """How many firings 1,000 campaigns of these kinds have, and the seconds that took."""
    made = [campaign(on, n) for n, on in enumerate(islice(cycle(kinds), CAMPAIGNS))]
    begun = perf_counter()
    found = sum(1 for one in made for _ in year(one, here))
    return found, perf_counter() - begun


def main() -> None:
    shipped = calendar_file.shipped()
    calendar = shipped.calendar("CN_A")
    here = Here(ZoneInfo("Asia/Shanghai"), "CN_A", {"CN_A": calendar})
    kinds = list(schedules())
    print(f"{'1,000 campaigns over 2026':<28}{'firings':>10}{'seconds':>10}{'us each':>10}")
    for label, some in [*((kind, [kind]) for kind in kinds), ("all kinds in turn", kinds)]:
        found, seconds = measured(some, here)
        print(f"{label:<28}{found:>10,}{seconds:>10.2f}{seconds / found * 1e6:>10.1f}")


if __name__ == "__main__":
    main()
