"""When a source of halts is asked, and when its silence is too long."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from outreach.core.feed_watch import Seen, Watch
from tests.feeds.halts.halt_files import CALENDARS

SHANGHAI = ZoneInfo("Asia/Shanghai")
WATCH = Watch(
    timedelta(minutes=5), SHANGHAI, (time(8, 30), time(15, 30)), CALENDARS["CN_A"],
    timedelta(minutes=60), 3,
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("checked", "failures", "now", "due"),
    [
        pytest.param(None, 0, "09-24 08:29", False, id="before its hours"),
        pytest.param(None, 0, "09-24 08:30", True, id="never asked"),
        pytest.param("09-24 09:00", 0, "09-24 09:04", False, id="asked four minutes ago"),
        pytest.param("09-24 09:00", 0, "09-24 09:05", True, id="asked five minutes ago"),
        pytest.param("09-24 15:26", 0, "09-24 15:31", False, id="after its hours"),
        pytest.param("09-24 15:30", 0, "09-25 10:00", False, id="a holiday"),
        pytest.param("09-24 15:30", 0, "09-20 10:00", False, id="a Sunday on which staff work"),
        pytest.param("09-24 15:30", 0, "09-28 08:30", True, id="the session after the holiday"),
        pytest.param("09-24 09:00", 1, "09-24 09:09", False, id="failed once: ten minutes"),
        pytest.param("09-24 09:00", 1, "09-24 09:10", True, id="ten minutes after a failure"),
        pytest.param("09-24 09:00", 30, "09-24 09:59", False, id="fails all the time"),
        pytest.param("09-24 09:00", 30, "09-24 10:00", True, id="once an hour at the least"),
    ],
)
def test_when_a_source_is_asked(checked: str | None, failures: int, now: str, due: bool) -> None:
    seen = Seen(at(checked) if checked else None, None, failures)
    assert WATCH.due(seen, at(now)) is due


def test_without_hours_it_is_asked_day_and_night() -> None:
    always = WATCH._replace(between=None)
    assert always.due(Seen(at("09-24 23:00")), at("09-26 03:00"))


@pytest.mark.parametrize(
    ("checked", "fetched", "failures", "now", "stands"),
    [
        pytest.param(None, None, 0, "09-24 10:00", "never asked", id="never asked"),
        pytest.param("09-24 10:00", "09-24 10:00", 0, "09-24 11:00", "ok", id="an hour ago"),
        pytest.param("09-24 10:00", "09-24 10:00", 0, "09-24 11:01", "stale", id="longer ago"),
        pytest.param("09-24 10:30", "09-24 10:00", 2, "09-24 10:31", "failing", id="two failures"),
        pytest.param("09-24 10:30", "09-24 10:00", 3, "09-24 10:31", "stale", id="three failures"),
        # The night and the holidays before are no silence.
        pytest.param("09-24 15:30", "09-24 15:30", 0, "09-28 09:29", "ok", id="after a holiday"),
        pytest.param("09-24 15:30", "09-24 15:30", 0, "09-28 09:31", "stale", id="quiet morning"),
        pytest.param("09-24 15:30", "09-24 14:00", 0, "09-24 23:00", "stale", id="quiet at close"),
        pytest.param("09-24 15:30", "09-24 15:30", 0, "09-26 12:00", "ok", id="on a holiday"),
    ],
)  # fmt: skip
def test_how_a_source_stands(
    checked: str | None, fetched: str | None, failures: int, now: str, stands: str
) -> None:
    seen = Seen(at(checked) if checked else None, at(fetched) if fetched else None, failures)
    assert WATCH.standing(seen, at(now)) == stands
