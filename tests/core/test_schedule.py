"""Schedule rules on the clocks of twenty zones, their gaps and overlaps, and before closures."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.schedule import (
    Daily,
    Monthly,
    Once,
    Rule,
    SessionsBeforeClosure,
    Weekly,
    wall_clock,
)
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.feeds import calendar_file

ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Tokyo", "Asia/Kolkata", "Asia/Kathmandu",
        "Asia/Tehran", "Asia/Gaza", "Africa/Cairo", "Africa/Casablanca", "Europe/London",
        "Europe/Berlin", "Atlantic/Azores", "America/St_Johns", "America/New_York",
        "America/Havana", "America/Sao_Paulo", "America/Santiago", "Australia/Lord_Howe",
        "Pacific/Apia", "Antarctica/Troll",
    )
]  # fmt: skip
NEW_YORK = ZoneInfo("America/New_York")
SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = calendar_file.shipped()
CN_A = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)

walls = st.times().map(lambda at: at.replace(microsecond=0))
zones = st.sampled_from(ZONES)
rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Daily, walls, zones),
    st.builds(Weekly, walls, zones, st.frozensets(st.integers(1, 7), min_size=1)),
    st.builds(Monthly, walls, zones, st.integers(1, 31)),
)
instants = st.datetimes(
    datetime(2010, 1, 1),  # noqa: DTZ001
    datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda t: t.replace(microsecond=0))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@settings(max_examples=200, deadline=None)
@given(rules, instants)
def test_floor_and_next_after_answer_each_other(rule: Rule, t: datetime) -> None:
    before, after = rule.floor(t), rule.next_after(t)

    assert before <= t < after
    assert rule.floor(after) == after
    assert rule.next_after(before) == after
    assert rule.floor(after - timedelta(microseconds=1)) == before


@settings(max_examples=100, deadline=None)
@given(walls, zones, instants)
def test_a_daily_rule_fires_on_every_date_the_zone_has(
    wall: time, zone: ZoneInfo, t: datetime
) -> None:
    after = Daily(wall, zone).next_after(t)

    shown = after.astimezone(zone)
    skipped = shown.replace(tzinfo=None) != datetime.combine(shown.date(), wall)
    assert (
        not skipped
        or (after - timedelta(seconds=1)).astimezone(zone).utcoffset() != shown.utcoffset()
    )
    assert after - t <= timedelta(hours=49)


@pytest.mark.parametrize(
    ("rule", "t", "expected"),
    [
        pytest.param(
            Daily(time(2, 30), NEW_YORK), "2026-03-08T06:00Z", "2026-03-08T07:00Z",
            id="half past two does not exist: three o'clock, the first instant after the gap",
        ),
        pytest.param(
            Daily(time(2, 30), NEW_YORK), "2026-03-08T07:00Z", "2026-03-09T06:30Z",
            id="the day after the gap it is half past two again",
        ),
        pytest.param(
            Daily(time(1, 30), NEW_YORK), "2026-11-01T04:00Z", "2026-11-01T05:30Z",
            id="half past one comes twice: the first",
        ),
        pytest.param(
            Daily(time(1, 30), NEW_YORK), "2026-11-01T05:30Z", "2026-11-02T06:30Z",
            id="half past one comes twice: never the second",
        ),
        pytest.param(
            Daily(time(10), ZoneInfo("Pacific/Apia")), "2011-12-30T00:00Z", "2011-12-30T10:00Z",
            id="the 30 December 2011 that Samoa skipped: the midnight it skipped to",
        ),
        pytest.param(
            Weekly(time(9), SHANGHAI, frozenset({1})), "2026-09-28T01:00Z", "2026-10-05T01:00Z",
            id="Mondays at nine, strictly later",
        ),
        pytest.param(
            Monthly(time(9), SHANGHAI, 31), "2026-02-01T00:00Z", "2026-02-28T01:00Z",
            id="the 31st of February is the 28th",
        ),
        pytest.param(
            Monthly(time(9), SHANGHAI, 31), "2026-02-28T01:00Z", "2026-03-31T01:00Z",
            id="and March has its 31st",
        ),
        pytest.param(
            SessionsBeforeClosure(CN_A, time(10), n=1), "2026-01-05T00:00Z", "2026-02-13T02:00Z",
            id="one session before 春节 is 13 February",
        ),
        pytest.param(
            SessionsBeforeClosure(CN_A, time(10), n=5), "2026-09-20T00:00Z", "2026-09-23T02:00Z",
            id="five sessions before 国庆 lie before 中秋",
        ),
        pytest.param(
            SessionsBeforeClosure(CN_A, time(10), n=2), "2026-09-23T02:00Z", "2026-09-29T02:00Z",
            id="after the one for 中秋 the one for 国庆",
        ),
    ],
)  # fmt: skip
def test_next_after(rule: Rule, t: str, expected: str) -> None:
    assert rule.next_after(at(t)) == at(expected)
    assert rule.floor(at(expected)) == at(expected)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.datetimes(datetime(2025, 3, 1), datetime(2026, 9, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_sessions_before_closures_answer_each_other(n: int, t: datetime) -> None:
    rule = SessionsBeforeClosure(CN_A, time(10), n=n)
    after = rule.next_after(t)

    assert CN_A.is_session(after.astimezone(SHANGHAI).date())
    assert rule.floor(after) == after
    before = rule.floor(t)
    assert before <= t < after
    assert rule.next_after(before) == after


WALLS = [time(0), time(0, 30), time(2, 30), time(23, 30)]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_five_years_of_days_are_what_watching_the_clock_gives(zone: ZoneInfo) -> None:
    """On every day the first minute at which the clock shows the time, or has passed it."""
    first, last = date(2022, 1, 1), date(2026, 12, 31)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for wall in WALLS:
        rule, t = Daily(wall, zone), wall_clock(first, wall, zone) - timedelta(seconds=1)
        for day in days:
            t = rule.next_after(t)
            if t.astimezone(zone).replace(tzinfo=None) != datetime.combine(day, wall):
                assert _changes(day, zone), f"{day} {wall}: {t}"
            assert rule.day_of(t) == day
    for day in filter(lambda day: _changes(day, zone), days):
        for wall in WALLS:
            assert wall_clock(day, wall, zone) == _watched(day, wall, zone)


def _changes(day: date, zone: ZoneInfo) -> bool:
    noon = datetime.combine(day, time(12), UTC)
    before, after = noon - timedelta(hours=30), noon + timedelta(hours=30)
    return before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset()


def _watched(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Minute by minute from the evening before, on any clock of the world."""
    t, sought = (
        datetime.combine(day, time(), UTC) - timedelta(hours=16),
        datetime.combine(day, wall),
    )
    while t.astimezone(zone).replace(tzinfo=None) < sought:
        t += timedelta(minutes=1)
    return t


def test_clocks_that_go_back_over_midnight_have_shown_the_next_date_already() -> None:
    """At 00:01 on 7 November 2010 the clocks of St John's went back to 23:01 on the 6th."""
    rule = Daily(time(0, 0, 30), ZoneInfo("America/St_Johns"))

    assert rule.floor(at("2010-11-07T02:40Z")) == at("2010-11-07T02:30:30Z")
    assert rule.next_after(at("2010-11-07T02:40Z")) == at("2010-11-08T03:30:30Z")


def test_a_closure_the_calendar_does_not_know_is_not_scheduled_for() -> None:
    rule = SessionsBeforeClosure(CN_A, time(10), n=2)

    with pytest.raises(CalendarCoverageError):
        rule.next_after(at("2026-10-01T00:00Z"))
    assert rule.floor(at("2026-11-22T00:00Z")) == at("2026-09-29T02:00Z")
    with pytest.raises(CalendarCoverageError):
        rule.floor(at("2026-12-31T00:00Z"))


def test_once_fires_once() -> None:
    rule = Once(date(2026, 9, 28), time(15, 30), SHANGHAI)

    assert rule.next_after(at("2026-09-28T07:29Z")) == at("2026-09-28T07:30Z")
    assert rule.next_after(at("2026-09-28T07:30Z")) is None
    assert rule.floor(at("2026-09-28T07:29Z")) is None
    assert rule.floor(at("2027-01-01T00:00Z")) == at("2026-09-28T07:30Z")
