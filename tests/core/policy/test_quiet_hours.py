"""Contact hours 08:00-21:00 on the client's own clock, round the clock changes of 2026.

New York goes forward on Sunday 8 March and back on Sunday 1 November, London forward on Sunday
29 March and back on Sunday 25 October; Shanghai keeps its clocks.
"""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.model import ALLOW, ContactHours, Defer
from outreach.core.policy.quiet_hours import quiet_hours, says
from outreach.core.policy.wall_clock import clocks_of, is_open, next_open, next_shut
from outreach.core.words import Reason

from .cases import facts

HOURS = ContactHours(time(8), time(21))
NY, LONDON, SHANGHAI = "America/New_York", "Europe/London", "Asia/Shanghai"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "now", "opens"),
    [
        pytest.param(SHANGHAI, "2026-11-22T20:59:59+08:00", None, id="20:59 is open"),
        pytest.param(
            SHANGHAI, "2026-11-22T21:00+08:00", "2026-11-23T08:00+08:00", id="21:00 is shut"
        ),
        pytest.param(
            SHANGHAI, "2026-11-23T07:59:59+08:00", "2026-11-23T08:00+08:00", id="07:59 is shut"
        ),
        pytest.param(SHANGHAI, "2026-11-23T08:00+08:00", None, id="08:00 is open"),
        pytest.param(
            SHANGHAI, "2026-11-23T00:00+08:00", "2026-11-23T08:00+08:00", id="midnight: today"
        ),
        pytest.param(
            NY, "2026-03-07T21:00-05:00", "2026-03-08T08:00-04:00",
            id="New York: the night before summer time is an hour shorter",
        ),
        pytest.param(
            NY, "2026-03-08T07:59-04:00", "2026-03-08T08:00-04:00",
            id="New York: eight is eight in summer time",
        ),
        pytest.param(NY, "2026-03-08T20:59-04:00", None, id="New York: 20:59 in summer time"),
        pytest.param(
            NY, "2026-10-31T21:00-04:00", "2026-11-01T08:00-05:00",
            id="New York: the night back to winter time is an hour longer",
        ),
        pytest.param(
            NY, "2026-11-01T07:59-05:00", "2026-11-01T08:00-05:00",
            id="New York: 07:59 in winter time",
        ),
        pytest.param(NY, "2026-11-01T08:00-05:00", None, id="New York: 08:00 in winter time"),
        pytest.param(
            LONDON, "2026-03-28T21:00+00:00", "2026-03-29T08:00+01:00",
            id="London: the night before summer time",
        ),
        pytest.param(
            LONDON, "2026-03-29T07:59+01:00", "2026-03-29T08:00+01:00",
            id="London: 07:59 in summer time, 06:59 by the winter clock",
        ),
        pytest.param(
            LONDON, "2026-10-24T21:00+01:00", "2026-10-25T08:00+00:00",
            id="London: the night back to winter time",
        ),
        pytest.param(LONDON, "2026-10-25T20:59+00:00", None, id="London: 20:59 in winter time"),
        pytest.param(
            None, "2026-07-01T11:59-04:00", None,
            id="unknown, continental US: 08:59 in Los Angeles is open",
        ),
        pytest.param(
            None, "2026-07-01T10:59-04:00", "2026-07-01T11:00-04:00",
            id="unknown, continental US: opens with Los Angeles",
        ),
        pytest.param(
            None, "2026-07-01T21:00-04:00", "2026-07-02T11:00-04:00",
            id="unknown, continental US: closes with New York",
        ),
        pytest.param(
            None, "2026-03-07T22:00-05:00", "2026-03-08T11:00-04:00",
            id="unknown, over the change to summer time",
        ),
        pytest.param(
            "Mars/Olympus", "2026-07-01T10:59-04:00", "2026-07-01T11:00-04:00",
            id="a name that is no zone is an unknown zone",
        ),
    ],
)  # fmt: skip
def test_a_message_waits_for_the_clients_next_contact_hour(
    zone: str | None, now: str, opens: str | None
) -> None:
    seen = facts(
        now=utc(now),
        zone=zone,
        contact_hours=HOURS,
        candidate_zones=(NY, "America/Chicago", "America/Denver", "America/Los_Angeles"),
    )

    expected = Defer(utc(opens), Reason.QUIET_HOURS) if opens else ALLOW
    assert quiet_hours(seen) == expected


def test_a_purpose_without_contact_hours_goes_out_at_night() -> None:
    assert quiet_hours(facts(now=utc("2026-11-22T03:00+08:00"), contact_hours=None)) is ALLOW


def test_without_candidate_zones_the_firms_clock_stands_in() -> None:
    seen = facts(now=utc("2026-11-22T21:00+08:00"), zone=None, contact_hours=HOURS)

    assert quiet_hours(seen) == Defer(utc("2026-11-23T08:00+08:00"), Reason.QUIET_HOURS)


def test_zones_that_share_no_hour_are_never_open_and_looked_at_daily() -> None:
    office = ContactHours(time(9), time(17))
    now = utc("2026-07-01T12:00+08:00")
    seen = facts(now=now, zone=None, contact_hours=office, candidate_zones=(SHANGHAI, NY))

    assert quiet_hours(seen) == Defer(now + timedelta(days=1), Reason.QUIET_HOURS)


def test_an_opening_within_the_repeated_hour_comes_twice() -> None:
    hours = ContactHours(time(1, 30), time(2))
    clock = clocks_of(facts(zone=NY))

    # 01:10 for the second time: the first 01:30 has passed, the second is twenty minutes off.
    assert next_open(hours, clock, utc("2026-11-01T01:10-05:00")) == utc("2026-11-01T01:30-05:00")


@pytest.mark.parametrize(
    ("zones", "now", "shuts"),
    [
        pytest.param(
            (SHANGHAI,), "2026-11-22T20:59+08:00", "2026-11-22T21:00+08:00", id="in a minute"
        ),
        pytest.param(
            (SHANGHAI,), "2026-11-22T21:00+08:00", "2026-11-23T21:00+08:00", id="just now: tomorrow"
        ),
        pytest.param(
            (NY,), "2026-10-31T21:30-04:00", "2026-11-01T21:00-05:00", id="over a clock change"
        ),
        pytest.param(
            (NY, LONDON), "2026-07-01T15:00-04:00", "2026-07-01T21:00+01:00",
            id="the first of several clocks",
        ),
    ],
)  # fmt: skip
def test_contact_hours_end_when_they_end_on_any_clock(
    zones: tuple[str, ...], now: str, shuts: str
) -> None:
    clocks = clocks_of(facts(zone=None, candidate_zones=zones))

    assert next_shut(HOURS, clocks, utc(now)) == utc(shuts)


def test_the_sentence_tells_the_clients_own_time() -> None:
    seen = facts(now=utc("2026-03-08T07:59-04:00"), zone=NY, contact_hours=HOURS)

    assert says(seen).en == "It is 07:59 America/New_York, outside contact hours 08:00-21:00."
    assert says(seen).zh == "当地时间 07:59 America/New_York，不在可联系时段 08:00-21:00 内。"


# Hypothesis takes naive bounds and adds the zone.
MOMENTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ZONES = st.sampled_from([NY, LONDON, SHANGHAI, "Asia/Kolkata", "Australia/Lord_Howe", None])


@st.composite
def contact_hours(draw: st.DrawFn) -> ContactHours:
    opens = draw(st.integers(5 * 60, 12 * 60))
    closes = draw(st.integers(opens + 1, 23 * 60 + 59))
    return ContactHours(time(*divmod(opens, 60)), time(*divmod(closes, 60)))


@settings(max_examples=200, deadline=None)
@given(now=MOMENTS, zone=ZONES, hours=contact_hours())
def test_a_deferral_ends_later_and_inside_contact_hours(
    now: datetime, zone: str | None, hours: ContactHours
) -> None:
    seen = facts(now=now, zone=zone, contact_hours=hours, candidate_zones=("Asia/Tokyo",))
    verdict = quiet_hours(seen)

    if isinstance(verdict, Defer):
        assert verdict.until > now
        assert is_open(hours, clocks_of(seen), verdict.until)
        assert quiet_hours(seen._replace(now=verdict.until)) is ALLOW


@settings(max_examples=100, deadline=None)
@given(now=MOMENTS, hours=contact_hours())
def test_an_unknown_zone_is_open_only_when_every_candidate_zone_is(
    now: datetime, hours: ContactHours
) -> None:
    zones = (NY, LONDON)
    unknown = facts(now=now, zone=None, contact_hours=hours, candidate_zones=zones)
    known = [facts(now=now, zone=zone, contact_hours=hours) for zone in zones]

    assert (quiet_hours(unknown) is ALLOW) is all(quiet_hours(one) is ALLOW for one in known)
