"""Margin ratios over time: newly below, back, and how far back since."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.margin import Crossing, Ratio, Standing, compare

START = datetime(2026, 9, 28, 7, 0, tzinfo=UTC)


def series(*percents: float) -> list[Ratio]:
    """One client's ratios, a day apart; warn line 150 %, close line 130 %."""
    return [
        Ratio(7, round(percent * 100), 15_000, 13_000, START + timedelta(days=day))
        for day, percent in enumerate(percents)
    ]


def crossings(ratios: list[Ratio]) -> list[list[Crossing]]:
    """What each file tells, one after the other."""
    standings: dict[int, Standing] = {}
    told = []
    for one in ratios:
        done = compare(standings, [one])
        standings |= {each.client_id: each for each in done.standings}
        told.append(done.crossings)
    return told


def said(ratios: list[Ratio]) -> list[list[str]]:
    return [
        [f"{one.direction} {one.line} {one.recovered}" for one in each]
        for each in crossings(ratios)
    ]


def test_a_client_is_newly_below_once_and_back_once() -> None:
    assert said(series(160, 149, 140, 150, 151, 120)) == [
        [], ["below warn None"], [], ["back warn None"], [], ["below warn 100", "below close None"],
    ]  # fmt: skip


def test_exactly_at_a_line_is_not_below_it() -> None:
    assert said(series(150, 130)) == [[], ["below warn None"]]
    assert said(series(129.99)) == [["below warn None", "below close None"]]


def test_how_far_a_client_had_come_back_goes_with_the_next_fall() -> None:
    # 149 is told; 152 is 2 points above, 149 again tells of no more than that; then 156.
    told = said(series(149, 152, 149, 151, 156, 153, 148))
    assert [each for each in told if each and each[0].startswith("below")] == [
        ["below warn None"], ["below warn 200"], ["below warn 600"],
    ]  # fmt: skip


def test_a_file_of_before_or_told_twice_is_no_news() -> None:
    first, second, third = series(160, 149, 160)
    known = {7: compare({}, [second]).standings[0]}
    assert compare(known, [second]).known == 1
    late = compare(known, [first])
    assert (late.late, late.crossings, late.news) == (1, [], [])
    assert compare(known, [third]).crossings == [Crossing(7, "warn", "back", None)]


def test_another_ratio_for_the_same_moment_is_a_correction() -> None:
    (one,) = series(149)
    known = {7: compare({}, [one]).standings[0]}
    done = compare(known, [one._replace(ratio=15_500)])
    assert done.crossings == [Crossing(7, "warn", "back", None)]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(min_value=140, max_value=160), min_size=1, max_size=20),
    st.integers(min_value=0, max_value=8),
)
def test_between_two_falls_that_are_news_the_client_was_back_by_the_points(
    percents: list[int], points: int
) -> None:
    """The same as a fold with hysteresis over the whole series would find."""
    expected, armed = [], True
    for day, percent in enumerate(percents):
        armed = armed or percent >= 150 + points
        if percent < 150 and armed:
            expected.append(day)
            armed = False
    news = [
        day
        for day, each in enumerate(crossings(series(*percents)))
        for one in each
        if one.line == "warn" and one.direction == "below"
        if one.recovered is None or one.recovered >= points * 100
    ]
    assert news == expected


@pytest.mark.parametrize("line", ["warn", "close"])
def test_a_line_that_moves_over_a_client_is_crossed(line: str) -> None:
    first = series(140)[0]._replace(warn_line=13_500, close_line=11_000)
    moved = first._replace(
        as_of=START + timedelta(days=1), **{f"{line}_line": 14_100, "warn_line": 14_100}
    )
    known = {7: compare({}, [first]).standings[0]}
    told = compare(known, [moved]).crossings
    assert Crossing(7, line, "below", None) in told  # type: ignore[arg-type]
