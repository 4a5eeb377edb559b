"""Schedule rules on trading days, over the shipped A-share days and a made-up American year."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.market import CalendarDay, Coverage
from outreach.core.schedule import (
    EverySessions,
    FirstSessionOfMonth,
    LastSessionOfMonth,
    SessionClose,
    SessionOpen,
    SessionsAfterClosure,
    SessionsBeforeClosure,
    Timing,
)
from outreach.core.schedule.sessions import EVERY_DAY
from outreach.core.timetable import firings
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.feeds import calendar_file
from outreach.feeds.exchange_calendars import calendar_days

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
SHIPPED = calendar_file.shipped()
CN_A = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)
_NYSE = "https://www.nyse.com/markets/hours-calendars"
FRIDAY = frozenset({5})


def _american(on: str, name: str, closes: time | None = None) -> CalendarDay:
    kind = "half" if closes else "closed"
    return CalendarDay("US", date.fromisoformat(on), kind, name, name, _NYSE, closes=closes)  # type: ignore[arg-type]


US = TradingCalendar.of(
    "US",
    [Coverage("US", date(2026, 1, 1), date(2026, 12, 31), "official", _NYSE)],
    [
        _american("2026-01-01", "New Year's Day"),
        _american("2026-01-19", "Martin Luther King Jr. Day"),
        _american("2026-02-16", "Washington's Birthday"),
        _american("2026-04-03", "Good Friday"),
        _american("2026-05-25", "Memorial Day"),
        _american("2026-06-19", "Juneteenth"),
        _american("2026-07-03", "Independence Day"),
        _american("2026-09-07", "Labor Day"),
        _american("2026-11-26", "Thanksgiving Day"),
        _american("2026-11-27", "day after Thanksgiving", time(13)),
        _american("2026-12-24", "Christmas Eve", time(13)),
        _american("2026-12-25", "Christmas Day"),
    ],
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


@pytest.mark.parametrize(
    ("rule", "t", "expected"),
    [
        pytest.param(
            SessionOpen(CN_A, minutes(15)), "2026-09-30T01:45Z", "2026-10-08T01:45Z",
            id="a quarter of an hour after the opening: over 国庆 to 8 October",
        ),
        pytest.param(
            SessionOpen(CN_A, minutes(-60)), "2026-02-13T00:30Z", "2026-02-24T00:30Z",
            id="an hour before the opening: not on the make-up Saturday, 14 February",
        ),
        pytest.param(
            SessionClose(CN_A, minutes(60)), "2026-09-28T07:59Z", "2026-09-28T08:00Z",
            id="an hour after the close, a minute before it is due",
        ),
        pytest.param(
            SessionClose(CN_A, minutes(60), FRIDAY), "2026-09-18T08:00Z", "2026-10-09T08:00Z",
            id="Fridays after the close: 中秋 takes the 25th, 国庆 the 2nd",
        ),
        pytest.param(
            SessionClose(CN_A, minutes(10 * 60)), "2026-09-30T12:00Z", "2026-09-30T17:00Z",
            id="ten hours after the close of 30 September, on 1 October, when the market is shut",
        ),
        pytest.param(
            SessionOpen(US, minutes(15)), "2026-11-24T14:45Z", "2026-11-25T14:45Z",
            id="the American opening, winter time",
        ),
        pytest.param(
            SessionOpen(US, minutes(15)), "2026-11-25T14:45Z", "2026-11-27T14:45Z",
            id="over Thanksgiving to the half day",
        ),
        pytest.param(
            SessionClose(US), "2026-11-25T21:00Z", "2026-11-27T18:00Z",
            id="the half day closes at one in New York",
        ),
        pytest.param(
            SessionOpen(US), "2026-03-06T14:30Z", "2026-03-09T13:30Z",
            id="the opening moves with summer time",
        ),
        pytest.param(
            SessionsBeforeClosure(US, time(10), n=2), "2026-11-20T00:00Z", "2026-11-24T15:00Z",
            id="two sessions before Thanksgiving",
        ),
        pytest.param(
            SessionsBeforeClosure(US, time(10), n=2), "2026-11-24T15:00Z", "2026-12-23T15:00Z",
            id="two sessions before Christmas: the half day is a session",
        ),
        pytest.param(
            SessionsBeforeClosure(CN_A, time(15, 30), n=2), "2026-09-23T07:30Z",
            "2026-09-29T07:30Z", id="two sessions before 国庆, after the close",
        ),
        pytest.param(
            SessionsBeforeClosure(US, time(10), SHANGHAI, n=1), "2026-11-20T00:00Z",
            "2026-11-25T02:00Z", id="the session of New York, ten o'clock in Shanghai",
        ),
        pytest.param(
            SessionsAfterClosure(CN_A, time(9), n=1), "2026-09-28T01:00Z", "2026-10-08T01:00Z",
            id="the reopening after 国庆",
        ),
        pytest.param(
            SessionsAfterClosure(CN_A, time(9), n=3), "2026-09-28T00:00Z", "2026-09-30T01:00Z",
            id="the third session after 中秋 is the last before 国庆",
        ),
        pytest.param(
            SessionsAfterClosure(CN_A, time(9), n=4), "2026-09-28T00:00Z", "2026-10-08T01:00Z",
            id="the fourth session after 中秋 lies behind 国庆",
        ),
        pytest.param(
            SessionsAfterClosure(CN_A, time(9), n=4), "2026-10-08T01:00Z", "2026-10-13T01:00Z",
            id="and the fourth after 国庆 follows",
        ),
        pytest.param(
            FirstSessionOfMonth(CN_A, time(9)), "2026-09-01T01:00Z", "2026-10-08T01:00Z",
            id="the first session of October",
        ),
        pytest.param(
            FirstSessionOfMonth(CN_A, time(9)), "2026-01-01T00:00Z", "2026-01-05T01:00Z",
            id="the first session of the year",
        ),
        pytest.param(
            LastSessionOfMonth(CN_A, time(9)), "2026-01-30T01:00Z", "2026-02-27T01:00Z",
            id="the last session of February is a Friday",
        ),
        pytest.param(
            EverySessions(CN_A, 5, date(2026, 9, 24), time(9)), "2026-09-24T01:00Z",
            "2026-10-09T01:00Z", id="every fifth session, over two closures",
        ),
        pytest.param(
            EverySessions(CN_A, 5, date(2026, 9, 25), time(9)), "2026-01-01T00:00Z",
            "2026-09-28T01:00Z", id="a start on a closed day is the next session",
        ),
    ],
)  # fmt: skip
def test_next_after(rule: Timing, t: str, expected: str) -> None:
    assert rule.next_after(at(t)) == at(expected)
    assert rule.floor(at(expected)) == at(expected)


Made = Callable[[TradingCalendar, int, time], Timing]
EVERY_RULE: list[Made] = [
    lambda calendar, n, _: SessionOpen(calendar, minutes(n * 37 - 200)),
    lambda calendar, n, _: SessionClose(calendar, minutes(n * 60 - 300)),
    lambda calendar, n, _: SessionClose(calendar, minutes(n), frozenset({1, n % 5 + 1})),
    lambda calendar, n, wall: SessionsBeforeClosure(calendar, wall, n=n),
    lambda calendar, n, wall: SessionsBeforeClosure(calendar, wall, SHANGHAI, n=n),
    lambda calendar, n, wall: SessionsAfterClosure(calendar, wall, n=n),
    lambda calendar, _, wall: FirstSessionOfMonth(calendar, wall),
    lambda calendar, _, wall: LastSessionOfMonth(calendar, wall, NEW_YORK),
    lambda calendar, n, wall: EverySessions(calendar, n, date(2026, 1, 5), wall),
]
made = st.builds(
    lambda make, calendar, n, wall: make(calendar, n, wall),
    st.sampled_from(EVERY_RULE),
    st.sampled_from([CN_A, US]),
    st.integers(1, 8),
    st.times().map(lambda wall: wall.replace(microsecond=0)),
)
WITHIN = st.datetimes(datetime(2026, 3, 9), datetime(2026, 8, 31), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=200, deadline=None)
@given(made, WITHIN)
def test_floor_and_next_after_answer_each_other(rule: Timing, t: datetime) -> None:
    before, after = rule.floor(t), rule.next_after(t)

    assert before is not None
    assert after is not None
    assert before <= t < after
    assert rule.floor(after) == after
    assert rule.next_after(before) == after
    assert rule.floor(after - timedelta(microseconds=1)) == before
    assert rule.day_of(after) > rule.day_of(before)
    assert rule.day_of(t) == rule.day_of(before)


def _fired(rule: Timing, first: datetime, last: datetime) -> list[date]:
    """The days of every firing from `first` to `last`."""
    return [rule.day_of(t) for t in firings(rule, first - timedelta(microseconds=1), last)]


YEAR = at("2026-02-02T00:00Z"), at("2026-09-15T23:00Z")


@cache
def calendar_of(market: str) -> TradingCalendar:
    """The shipped A-share days; of other markets, those of the library we import from."""
    if market == "CN_A":
        return CN_A
    span, days = calendar_days(market, 2026, 2026, "official")
    return TradingCalendar.of(market, [span], days)


@pytest.mark.parametrize("market", ["CN_A", "HK", "US", "UK"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_a_year_of_each_rule_is_what_counting_sessions_by_hand_gives(market: str, n: int) -> None:
    noon, (first, last), calendar = time(12), YEAR, calendar_of(market)
    sessions = calendar.sessions(date(2026, 1, 2), date(2026, 12, 30))
    due = [day for day in sessions if date(2026, 2, 2) <= day <= date(2026, 9, 15)]
    shut = calendar.closures(date(2026, 1, 2), date(2026, 12, 20))
    before = {max(d for d in sessions if d < one.close_from): one for one in shut}
    after = {min(d for d in sessions if d >= one.reopen) for one in shut}
    nth_before = [d for d in due if any(_away(sessions, d, b) == n - 1 for b in before)]
    nth_after = [d for d in due if any(_away(sessions, a, d) == n - 1 for a in after)]
    months = {(d.year, d.month): d for d in reversed(sessions)}

    assert _fired(SessionsBeforeClosure(calendar, noon, n=n), first, last) == nth_before
    assert _fired(SessionsAfterClosure(calendar, noon, n=n), first, last) == nth_after
    assert _fired(SessionOpen(calendar, minutes(n)), first, last) == due
    assert _fired(FirstSessionOfMonth(calendar, noon), first, last) == [
        d for d in due if d in months.values()
    ]
    counted = [d for d in sessions if d >= date(2026, 2, 2)][::n]
    every = EverySessions(calendar, n, date(2026, 2, 2), noon)
    assert _fired(every, first, last) == [d for d in counted if d in due]


def _away(sessions: list[date], earlier: date, later: date) -> int:
    return sessions.index(later) - sessions.index(earlier)


def test_each_day_before_a_closure_tells_which_closure_it_is() -> None:
    rule = SessionsBeforeClosure(CN_A, time(10), n=5)

    assert rule.closure_of(date(2026, 9, 23)).key == "CN_A-2026-10-01"
    assert rule.closure_of(date(2026, 9, 18)).key == "CN_A-2026-09-25"


NOON = time(12)


@pytest.mark.parametrize(
    ("rule", "answered", "refused"),
    [
        (SessionOpen(CN_A), "2026-12-30T02:00Z", "2026-12-31T01:30Z"),
        (SessionClose(CN_A), "2026-12-30T08:00Z", "2026-12-31T07:00Z"),
        (SessionClose(CN_A, weekdays=FRIDAY), "2026-12-24T08:00Z", "2026-12-25T07:00Z"),
        (SessionsBeforeClosure(CN_A, NOON, n=1), "2026-09-29T08:00Z", "2026-09-30T04:00Z"),
        (SessionsAfterClosure(CN_A, NOON, n=2), "2026-10-08T08:00Z", "2026-10-09T04:00Z"),
        (FirstSessionOfMonth(CN_A, NOON), "2026-11-30T08:00Z", "2026-12-01T04:00Z"),
        (LastSessionOfMonth(CN_A, NOON), "2026-12-30T08:00Z", "2026-12-31T04:00Z"),
        (EverySessions(CN_A, 1, date(2026, 1, 5), NOON), "2026-12-30T08:00Z", "2026-12-31T04:00Z"),
    ],
)
def test_the_end_of_2026_is_the_end_of_what_is_known(
    rule: Timing, answered: str, refused: str
) -> None:
    last = rule.next_after(at(answered))

    assert last == at(refused)
    with pytest.raises(CalendarCoverageError, match="2027"):
        rule.next_after(at(refused))
    assert rule.floor(at(refused)) == last, "what has come is known on the last day too"
    with pytest.raises(CalendarCoverageError):
        rule.floor(at("2027-03-01T00:00Z"))
    with pytest.raises(CalendarCoverageError):
        rule.next_after(at("2027-03-01T00:00Z"))


def test_every_nth_session_has_no_answer_before_its_start_nor_from_a_start_not_covered() -> None:
    rule = EverySessions(CN_A, 5, date(2026, 9, 24), NOON)

    assert rule.floor(at("2026-09-24T03:59Z")) is None
    assert rule.next_after(at("2020-01-01T00:00Z")) == at("2026-09-24T04:00Z")
    with pytest.raises(CalendarCoverageError):
        EverySessions(CN_A, 5, date(2019, 1, 1), NOON).next_after(at("2026-09-24T03:59Z"))


def test_without_weekdays_every_session_counts() -> None:
    assert SessionOpen(CN_A).weekdays == EVERY_DAY
