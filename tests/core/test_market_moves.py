"""Index levels over time: one slide is told once, exactly at the threshold, in any order."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from outreach.core.market import CalendarDay, Coverage
from outreach.core.market_conditions import MarketCondition
from outreach.core.market_moves import POINT, Level, Standing, Trigger, fold
from outreach.core.trading_calendar import TradingCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")


def closed(*spans: tuple[str, str]) -> list[CalendarDay]:
    days = []
    for first, last in spans:
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            days.append(CalendarDay("CN_A", day, "closed", "休市", "closure", "test"))
            day += timedelta(days=1)
    return days


# The closures around the days below, as the exchanges announced them; in 2020 the Spring Festival
# closure was extended to 2 February.
CALENDAR = TradingCalendar.of(
    "CN_A",
    [Coverage("CN_A", date(2015, 1, 1), date(2026, 12, 31), "official", "test")],
    closed(
        ("2020-01-24", "2020-02-02"), ("2024-02-09", "2024-02-16"), ("2024-10-01", "2024-10-07"),
        ("2026-09-25", "2026-09-25"), ("2026-10-01", "2026-10-07"),
    ),
)  # fmt: skip

# SSE Composite, closing figures of the Shanghai Stock Exchange: day, close, close before.
SSE = {
    "2015-06-26": ("4192.87", "4527.78"),  # -7.40 %
    "2015-08-24": ("3209.91", "3507.74"),  # -8.49 %
    "2015-08-25": ("2964.97", "3209.91"),  # -7.63 %
    "2015-08-26": ("2927.29", "2964.97"),  # -1.27 %
    "2020-02-03": ("2746.61", "2976.53"),  # -7.72 %, the first session after the closure
    "2024-10-08": ("3489.78", "3336.50"),  # +4.59 %
    "2024-10-09": ("3258.86", "3489.78"),  # -6.62 %
}


def points(text: str) -> int:
    return round(float(text) * POINT)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def closes(*days: str) -> list[Level]:
    return [
        Level("SSE", at(f"{day}T15:00"), points(SSE[day][0]), points(SSE[day][1])) for day in days
    ]


def level(moment: str, now: float, prev: float = 4000, **more: Any) -> Level:
    return Level("SSE", at(f"2026-{moment}"), round(now * POINT), round(prev * POINT), **more)


def when(**written: Any) -> MarketCondition:
    return MarketCondition.model_validate({"index": "SSE", **written})


FALLS_3 = when(falls_percent=3)


def moments(triggers: list[Trigger]) -> list[str]:
    return [f"{one.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" for one in triggers]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (when(falls_percent=7), ["2015-06-26", "2015-08-24", "2015-08-25", "2020-02-03"]),
        (when(falls_percent=7, cool_down="2d"), ["2015-06-26", "2015-08-24", "2020-02-03"]),
        (when(falls_percent=8), ["2015-08-24"]),
        (when(falls_percent=7.72, rearm_percent=7), ["2015-08-24", "2020-02-03"]),
        (when(falls_percent=7.73, rearm_percent=7), ["2015-08-24"]),
        (when(rises_percent=4), ["2024-10-08"]),
        (when(rises_percent=4.6), []),
        (when(falls_percent=15, over_sessions=2), ["2015-08-25"]),  # 3507.74 to 2964.97
        (when(falls_percent=16, over_sessions=3), ["2015-08-26"]),  # 3507.74 to 2927.29
    ],
)  # fmt: skip
def test_published_days_trigger_what_they_should(
    condition: MarketCondition, expected: list[str]
) -> None:
    told = fold([condition], closes(*SSE), CALENDAR).triggers
    assert [one[:10] for one in moments(told)] == expected


def test_a_fall_after_a_rise_is_told_the_next_day() -> None:
    days = closes("2024-10-08", "2024-10-09")
    (told,) = fold([FALLS_3], days, CALENDAR).triggers
    assert moments([told]) == ["2024-10-09 15:00"]
    assert round(told.reading.percent, 2) == -6.62


@pytest.mark.parametrize(
    ("now", "triggers"), [(3880.0001, 0), (3880.0, 1), (3879.9999, 1), (3920.0, 0)]
)
def test_exactly_the_threshold_counts(now: float, triggers: int) -> None:
    assert len(fold([FALLS_3], [level("09-28T10:00", now)], CALENDAR).triggers) == triggers


def test_one_slide_is_told_once_and_a_second_one_again() -> None:
    series = [
        level("09-28T10:00", 3890),
        level("09-28T10:30", 3880),  # told
        level("09-28T11:00", 3850),
        level("09-28T13:30", 3885),  # not back by 1 point
        level("09-28T14:00", 3870),
        level("09-29T10:00", 3860, 3990),  # a second slide, within the cool-down
        level("09-29T10:30", 3860, 3990),  # still on when the cool-down ends: told
        level("09-29T11:00", 3850, 3990),
        level("09-30T10:00", 3700, 3850),  # a third one, but the cool-down ends with its recovery
        level("09-30T10:30", 3840, 3850),
    ]
    done = fold([FALLS_3], series, CALENDAR)
    assert moments(done.triggers) == ["2026-09-28 10:30", "2026-09-29 10:30"]


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], "no_data"),
        ([level("09-28T10:00", 3990)], "armed"),
        ([level("09-28T10:00", 3870), level("09-28T10:30", 3885)], "told"),
        ([level("09-28T10:00", 3870), level("09-28T10:30", 3920)], "cooling"),
        ([level("09-28T10:00", 3870), level("09-29T10:00", 3870, 3870)], "armed"),
        ([level("09-28T10:00", 3870), level("09-29T09:59", 3870, 3870)], "cooling"),
    ],
)  # fmt: skip
def test_it_stands_armed_told_or_cooling(rows: list[Level], state: str) -> None:
    assert fold([FALLS_3], rows, CALENDAR).standings["SSE-falls-3-day"].state == state


def test_the_standing_says_until_when_it_cools_down() -> None:
    rows = [level("09-28T10:00", 3870), level("09-28T10:30", 3920)]
    standing = fold([FALLS_3], rows, CALENDAR).standings["SSE-falls-3-day"]
    assert (standing.triggered_at, standing.until) == (
        at("2026-09-28T10:00"),
        at("2026-09-29T10:00"),
    )
    assert standing.newest is not None
    assert standing.newest.percent == -2.0


def test_late_repeated_and_corrected_rows_change_nothing_that_was_told() -> None:
    told = [at("2026-09-28T10:30")]
    known = [level("09-28T10:00", 3890), level("09-28T10:30", 3870), level("09-28T11:00", 3860)]
    late = [
        level("09-28T09:45", 3800),  # it had fallen earlier than anybody knew
        level("09-28T10:30", 3870),
        level("09-28T10:30", 3990, version=2),  # the row it was told by was wrong
        level("09-28T10:15", 3999),
    ]
    assert fold([FALLS_3], known, CALENDAR, {"SSE-falls-3-day": told}).triggers == []
    assert fold([FALLS_3], [*known, *late], CALENDAR, {"SSE-falls-3-day": told}).triggers == []


def test_other_indexes_closed_days_and_moments_before_the_opening_are_nothing() -> None:
    rows = [
        level("09-28T10:00", 3000)._replace(code="HSI"),
        level("09-26T10:00", 3000),  # a Saturday: a test of the systems
        level("10-10T10:00", 3000),  # a make-up working Saturday
        level("09-28T08:55", 3000),  # what the vendor still shows of the day before
    ]
    assert fold([FALLS_3], rows, CALENDAR) == ([], {"SSE-falls-3-day": Standing("no_data")})


def test_a_recovery_before_what_was_told_arms_nothing() -> None:
    condition = when(falls_percent=3, cool_down="0m")
    rows = [level("09-28T10:15", 3999), level("09-28T10:30", 3870), level("09-28T11:00", 3860)]
    told = {condition.slug: [at("2026-09-28T10:30")]}
    assert fold([condition], rows, CALENDAR, told).triggers == []


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_rows_for_a_moment_the_later_version_counts(turned: bool) -> None:
    rows = [level("09-28T10:30", 3870, version=1), level("09-28T10:30", 3990, version=2)]
    assert fold([FALLS_3], rows[::-1] if turned else rows, CALENDAR).triggers == []


SLOWER = when(falls_percent=2.5, over_sessions=2)
OTHER = MarketCondition(index="CHINEXT", falls_percent=5, cool_down="1d")
AT_ONCE = when(falls_percent=7, cool_down="0m")


def chinext(moment: str, now: float) -> Level:
    return level(moment, now, 2000)._replace(code="CHINEXT")


def test_one_slide_is_told_by_one_condition_of_a_campaign() -> None:
    rows = [
        level("09-28T10:30", 3880), chinext("09-28T10:31", 1900), level("09-28T10:40", 3870),
        level("09-29T10:29", 3860, 3870), chinext("09-29T10:29", 1890),
    ]  # fmt: skip
    done = fold([OTHER, FALLS_3, SLOWER], rows, CALENDAR)
    assert [one.condition for one in done.triggers] == [FALLS_3]
    assert [one.state for one in done.standings.values()] == ["cooling"] * 3


def test_a_condition_without_a_cool_down_is_told_beside_another() -> None:
    rows = [level("09-28T10:30", 3880), level("09-28T10:35", 3700)]
    triggers = fold([FALLS_3, AT_ONCE], rows, CALENDAR).triggers
    assert [one.condition for one in triggers] == [FALLS_3, AT_ONCE]


def test_what_comes_late_of_another_index_is_not_told_beside_what_was() -> None:
    told = {FALLS_3.slug: [at("2026-09-28T10:30")]}
    rows = [level("09-28T10:30", 3880), chinext("09-28T10:25", 1900)]
    assert fold([FALLS_3, OTHER], rows, CALENDAR, told).triggers == []


def test_a_fall_within_minutes_counts_from_the_highest_level_of_them() -> None:
    condition = when(falls_percent=2, over_minutes=30)
    slow = [level(f"09-28T{10 + n // 60}:{n % 60:02}", 4000 - n) for n in range(0, 120, 10)]
    assert fold([condition], slow, CALENDAR).triggers == []
    fast = [level("09-28T10:00", 4050), level("09-28T10:20", 4010), level("09-28T10:30", 3969)]
    assert moments(fold([condition], fast, CALENDAR).triggers) == ["2026-09-28 10:30"]
    over_noon = [level("09-28T10:00", 4050), level("09-28T10:31", 3969)]
    assert fold([condition], over_noon, CALENDAR).triggers == []


def test_a_window_with_a_hole_in_it_is_not_guessed() -> None:
    condition = when(falls_percent=15, over_sessions=2)
    assert fold([condition], closes("2015-08-25"), CALENDAR).triggers == []
    assert fold([condition], closes("2015-08-24", "2015-08-25"), CALENDAR).triggers != []


def test_volatility_is_the_yearly_deviation_of_daily_returns() -> None:
    condition = when(volatility_percent=30, over_sessions=5)
    days = ("09-18", "09-21", "09-22", "09-23", "09-24")
    calm = [level(f"{day}T15:00", 4000 + n % 2, 4001 - n % 2) for n, day in enumerate(days)]
    wild = [level(f"{day}T15:00", 4100 - n % 2 * 200, 4000) for n, day in enumerate(days)]
    assert fold([condition], calm, CALENDAR).triggers == []
    (told,) = fold([condition], wild, CALENDAR).triggers
    assert moments([told]) == ["2026-09-24 15:00"]
    # ln(1.025) three times and ln(0.975) twice: a deviation of 2.739 % a day
    assert round(told.reading.percent, 1) == 43.5


# --- what holds for every series ---------------------------------------------------------------

minutes = st.integers(min_value=0, max_value=110)
numbers = st.integers(min_value=3_600 * POINT, max_value=4_400 * POINT)
series = st.dictionaries(minutes, numbers, max_size=25).map(
    lambda found: [
        Level("SSE", at("2026-09-28T09:30") + timedelta(minutes=minute), number, 4000 * POINT)
        for minute, number in found.items()
    ]
)


@settings(max_examples=60, deadline=None)
@given(series)
def test_a_monotone_slide_triggers_at_most_once(rows: list[Level]) -> None:
    falling = sorted((one.level for one in rows), reverse=True)
    rows.sort(key=lambda row: row.at)
    rows = [row._replace(level=number) for row, number in zip(rows, falling, strict=True)]
    told = fold([when(falls_percent=3, cool_down="0m")], rows, CALENDAR).triggers
    assert len(told) == any(n <= 3880 * POINT for n in falling)


@settings(max_examples=60, deadline=None)
@given(series, st.integers(min_value=1, max_value=9))
def test_the_scale_of_an_index_does_not_matter(rows: list[Level], scale: int) -> None:
    condition = when(falls_percent=3, cool_down="10m")
    larger = [
        one._replace(level=one.level * scale, prev_close=one.prev_close * scale) for one in rows
    ]
    one, other = fold([condition], rows, CALENDAR), fold([condition], larger, CALENDAR)
    assert moments(one.triggers) == moments(other.triggers)


@settings(max_examples=60, deadline=None)
@given(series, st.randoms(use_true_random=False), st.booleans())
def test_the_order_rows_come_in_does_not_matter(
    rows: list[Level], random: Any, twice: bool
) -> None:
    shuffled = [*rows, *rows] if twice else [*rows]
    random.shuffle(shuffled)
    condition = when(falls_percent=3, cool_down="10m")
    assert fold([condition], shuffled, CALENDAR) == fold([condition], rows, CALENDAR)


@settings(max_examples=60, deadline=None)
@given(series)
def test_between_two_triggers_it_came_back_and_the_cool_down_passed(rows: list[Level]) -> None:
    told = fold([when(falls_percent=3, cool_down="10m")], rows, CALENDAR).triggers
    for one, other in pairwise(told):
        assert other.at - one.at >= timedelta(minutes=10)
        between = [row for row in rows if one.at < row.at < other.at]
        assert any(row.level >= 3920 * POINT for row in between)


@settings(max_examples=40, deadline=None)
@given(series, st.integers(min_value=0, max_value=24))
def test_telling_as_rows_come_in_tells_no_more_than_once_a_slide(
    rows: list[Level], seed: int
) -> None:
    """Rows come one by one in any order, and whatever is found is told at once."""
    condition, told = when(falls_percent=3, cool_down="1d"), list[datetime]()
    for n in range(len(rows)):
        seen = (rows[seed:] + rows[:seed])[: n + 1]
        told += [
            one.at for one in fold([condition], seen, CALENDAR, {"SSE-falls-3-day": told}).triggers
        ]
    assert len(told) <= 1


# --- what a clerk writes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ({"falls_percent": 3}, "names no index"),
        ({"index": "SSE"}, "has no measures"),
        ({"index": "SSE", "falls_percent": 3, "rises_percent": 3}, "has 2 measures"),
        ({"index": "SSE", "falls_percent": 3, "over_sessions": 5, "over_minutes": 5}, "two w"),
        ({"index": "SSE", "volatility_percent": 30}, "needs a window"),
        ({"index": "SSE", "falls_percent": 1}, "would never be armed again"),
        ({"margin_below": "warn", "index": "SSE"}, "has index beside margin_below"),
        ({"index": "SSE", "falls_percent": 3, "rearm_points": 2}, "write rearm_percent"),
    ],
)  # fmt: skip
def test_a_condition_says_one_thing(written: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        MarketCondition.model_validate(written)


@pytest.mark.parametrize(
    ("condition", "slug", "en", "zh"),
    [
        (FALLS_3, "SSE-falls-3-day", "SSE falls 3 % in a day", "SSE 单日下跌 3%"),
        (
            when(falls_percent=8.5, over_sessions=5), "SSE-falls-8.5-5-sessions",
            "SSE falls 8.5 % over 5 sessions", "SSE 5 个交易日累计下跌 8.5%",
        ),
        (
            when(rises_percent=2, over_minutes=30), "SSE-rises-2-30-minutes",
            "SSE rises 2 % within 30 minutes", "SSE 30 分钟内上涨 2%",
        ),
        (
            when(volatility_percent=35, over_sessions=20), "SSE-volatility-35-20-sessions",
            "SSE volatility of 35 % over 20 sessions", "SSE 20 个交易日年化波动率达 35%",
        ),
        (
            MarketCondition(margin_below="close"), "margin-close",
            "margin ratio newly below the close line", "维持担保比例新跌破平仓线",
        ),
    ],
)  # fmt: skip
def test_a_condition_says_itself(condition: MarketCondition, slug: str, en: str, zh: str) -> None:
    assert (condition.slug, condition.sentence.en, condition.sentence.zh) == (slug, en, zh)
    frozen = condition.model_dump_json()
    assert MarketCondition.model_validate_json(frozen) == condition


@pytest.mark.parametrize(
    ("condition", "number", "key"),
    [
        (FALLS_3, 1, "2026-09-28-SSE-falls-3-day"),
        (FALLS_3, 2, "2026-09-28-SSE-falls-3-day-2"),
        (MarketCondition(margin_below="warn"), 17, "2026-09-28-margin-warn-17"),
    ],
)
def test_a_key_names_a_trigger_and_no_other(
    condition: MarketCondition, number: int, key: str
) -> None:
    day = date(2026, 9, 28)
    assert condition.key(day, number) == key
    assert condition.named_by(key) == (day, number)
    assert condition.named_by(f"{key}-x") is None
    assert when(falls_percent=30).named_by(key) is None
