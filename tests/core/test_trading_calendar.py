"""A-share trading days of 2025 and 2026, as the notices of 2024-12-23 and 2025-12-22 say."""

import warnings
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.stock_connect import derive_stock_connect
from outreach.core.trading_calendar import (
    CalendarCoverageError,
    CalendarDay,
    Coverage,
    TradingCalendar,
)
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()
CN_A = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)
COVERED = st.dates(date(2025, 1, 1), date(2026, 12, 31))


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def day(on: str, kind: str = "closed", market: str = "HK", **more: object) -> CalendarDay:
    return CalendarDay(
        market=market,
        on=date.fromisoformat(on),
        kind=kind,  # type: ignore[arg-type]
        name_zh="节",
        name_en="Holiday",
        source_ref="a notice",
        **more,  # type: ignore[arg-type]
    )


def hong_kong(*rows: CalendarDay) -> TradingCalendar:
    covered = Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX circular")
    return TradingCalendar.of("HK", [covered], rows)


@pytest.mark.parametrize(
    "on",
    [
        pytest.param("2026-02-14", id="make-up Saturday before 春节"),
        pytest.param("2026-02-28", id="make-up Saturday after 春节"),
        pytest.param("2026-05-09", id="make-up Saturday after 劳动节"),
        pytest.param("2026-09-20", id="make-up Sunday before 国庆节"),
        pytest.param("2026-10-10", id="make-up Saturday after 国庆节"),
        pytest.param("2026-01-04", id="make-up Sunday after 元旦"),
        pytest.param("2026-01-02", id="a Friday taken by 元旦"),
        pytest.param("2026-02-23", id="the last day of 春节"),
        pytest.param("2026-10-07", id="the last day of 国庆节"),
    ],
)
def test_the_market_is_shut_on(on: str) -> None:
    assert not CN_A.is_session(date.fromisoformat(on))


@pytest.mark.parametrize(
    "on",
    ["2026-01-05", "2026-02-13", "2026-02-24", "2026-04-03", "2026-04-07", "2026-09-28",
     "2026-09-30", "2026-10-08", "2026-12-31"],
)  # fmt: skip
def test_the_market_trades_on(on: str) -> None:
    assert CN_A.is_session(date.fromisoformat(on))


@pytest.mark.parametrize(
    ("zh", "close_from", "close_to", "last_session", "reopen", "weekend_closed"),
    [
        ("元旦", "2026-01-01", "2026-01-03", "2025-12-31", "2026-01-05", ["2026-01-04"]),
        ("春节", "2026-02-15", "2026-02-23", "2026-02-13", "2026-02-24",
         ["2026-02-14", "2026-02-28"]),
        ("清明节", "2026-04-04", "2026-04-06", "2026-04-03", "2026-04-07", []),
        ("劳动节", "2026-05-01", "2026-05-05", "2026-04-30", "2026-05-06", ["2026-05-09"]),
        ("端午节", "2026-06-19", "2026-06-21", "2026-06-18", "2026-06-22", []),
        ("中秋节", "2026-09-25", "2026-09-27", "2026-09-24", "2026-09-28", []),
        ("国庆节", "2026-10-01", "2026-10-07", "2026-09-30", "2026-10-08",
         ["2026-09-20", "2026-10-10"]),
    ],
)  # fmt: skip
def test_each_closure_of_2026_is_as_the_notice_states_it(
    zh: str,
    close_from: str,
    close_to: str,
    last_session: str,
    reopen: str,
    weekend_closed: list[str],
) -> None:
    closure = CN_A.closures(*days(close_from, close_from))[0]

    assert closure.holiday.zh == zh
    assert [closure.close_from, closure.close_to] == days(close_from, close_to)
    assert [closure.last_session, closure.reopen] == days(last_session, reopen)
    assert list(closure.weekend_closed) == days(*weekend_closed)


def test_the_years_have_as_many_sessions_and_closures_as_announced() -> None:
    assert len(CN_A.sessions(*days("2025-01-01", "2025-12-31"))) == 243
    assert len(CN_A.sessions(*days("2026-01-01", "2026-12-31"))) == 242
    assert len(CN_A.closures(*days("2025-01-01", "2025-12-31"))) == 6
    assert len(CN_A.closures(*days("2026-01-01", "2026-12-31"))) == 7
    spring = CN_A.next_closure(date(2026, 1, 2))
    assert (spring.key, spring.close_days) == ("CN_A-2026-02-15", 9)


def test_every_day_agrees_with_the_library_of_exchange_calendars() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exchange_calendars

        library = exchange_calendars.get_calendar("XSHG", start="2025-01-01", end="2026-12-31")

    ours = CN_A.sessions(*days("2025-01-01", "2026-12-31"))
    assert ours == [stamp.date() for stamp in library.sessions]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda: CN_A.next_session(date(2026, 12, 31)), id="next session"),
        pytest.param(lambda: CN_A.is_session(date(2027, 1, 1)), id="is a session"),
        pytest.param(lambda: CN_A.is_session(date(2027, 1, 2)), id="not even a Saturday"),
        pytest.param(lambda: CN_A.next_closure(date(2026, 10, 2)), id="next closure"),
        pytest.param(lambda: CN_A.closures(date(2026, 1, 1), date(2027, 1, 1)), id="closures"),
        pytest.param(lambda: CN_A.previous_session(date(2025, 1, 2)), id="before it begins"),
        pytest.param(lambda: CN_A.open_at(date(2027, 1, 4)), id="opening"),
    ],
)
def test_nothing_is_answered_beyond_coverage(ask: object) -> None:
    with pytest.raises(CalendarCoverageError, match="outreach calendar import CN_A-20"):
        ask()  # type: ignore[operator]


def test_provisional_data_answer_only_when_asked_for() -> None:
    coming = Coverage("CN_A", date(2027, 1, 1), date(2027, 12, 31), "provisional", "State Council")
    calendar = TradingCalendar.of(
        "CN_A",
        [*SHIPPED.coverage, coming],
        [*SHIPPED.days, day("2027-01-01", market="CN_A", status="provisional")],
    )

    with pytest.raises(CalendarCoverageError):
        calendar.next_session(date(2026, 12, 31))
    assert calendar.with_provisional().next_session(date(2026, 12, 31)) == date(2027, 1, 4)


def test_a_forecast_inside_official_coverage_does_not_shut_the_market() -> None:
    """A typhoon day foreseen but not announced."""
    calendar = hong_kong(day("2026-09-01", status="provisional"))

    assert calendar.is_session(date(2026, 9, 1))
    assert not calendar.with_provisional().is_session(date(2026, 9, 1))


def test_a_closure_that_runs_past_coverage_is_not_told() -> None:
    calendar = hong_kong(day("2026-12-31"))

    with pytest.raises(CalendarCoverageError):
        calendar.closures(*days("2026-12-01", "2026-12-31"))
    with pytest.raises(CalendarCoverageError):
        calendar.closure_of(date(2026, 12, 31))


def test_hours_are_the_wall_clock_of_the_market_in_utc() -> None:
    assert CN_A.open_at(date(2026, 10, 8)) == datetime(2026, 10, 8, 1, 30, tzinfo=UTC)
    assert CN_A.close_at(date(2026, 10, 8)) == datetime(2026, 10, 8, 7, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="not a session"):
        CN_A.open_at(date(2026, 10, 1))


def test_a_half_day_and_a_late_opening_have_no_lunch_break() -> None:
    calendar = hong_kong(
        day("2026-12-24", "half", closes=time(12)),
        day("2026-09-01", "late_open", opens=time(13, 30)),
    )

    assert calendar.hours(date(2026, 12, 24)).break_from is None
    assert calendar.hours(date(2026, 9, 1)).break_from is None
    assert calendar.hours(date(2026, 9, 2)).break_from == time(12)
    assert calendar.close_at(date(2026, 12, 24)) == datetime(2026, 12, 24, 4, tzinfo=UTC)
    assert calendar.open_at(date(2026, 9, 1)) == datetime(2026, 9, 1, 5, 30, tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(COVERED)
def test_next_and_previous_session_are_sessions_and_answer_each_other(on: date) -> None:
    try:
        after = CN_A.next_session(on)
    except CalendarCoverageError:
        assert on == date(2026, 12, 31)
        return

    assert after > on
    assert CN_A.is_session(after)
    assert CN_A.sessions(on, after)[-1] == after
    if CN_A.is_session(on):
        assert CN_A.previous_session(after) == on


@settings(max_examples=60, deadline=None)
@given(COVERED)
def test_a_day_is_in_a_closure_exactly_when_a_weekday_was_taken_round_it(on: date) -> None:
    closure = CN_A.closure_of(on)

    if closure is None:
        assert CN_A.is_session(on) or on.weekday() >= 5
    else:
        assert not CN_A.is_session(on)
        assert closure.last_session is None or closure.last_session < on < closure.reopen


def test_stock_connect_trades_when_both_sides_do() -> None:
    hk = hong_kong(day("2026-04-03"), day("2026-12-24", "half", closes=time(12)))
    south = derive_stock_connect(CN_A, hk, "SB")
    north = derive_stock_connect(CN_A, hk, "NB")

    assert not south.is_session(date(2026, 4, 3))
    assert not south.is_session(date(2026, 2, 16))
    assert south.close_at(date(2026, 12, 24)) == datetime(2026, 12, 24, 4, tzinfo=UTC)
    assert north.close_at(date(2026, 12, 24)) == datetime(2026, 12, 24, 7, tzinfo=UTC)
    with pytest.raises(CalendarCoverageError):
        south.is_session(date(2025, 12, 31))
