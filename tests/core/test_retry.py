"""When what was certainly not taken is tried again: waits by what was said, to the run's end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.model import About, Outcome, throttled, unavailable
from outreach.core.retry import (
    LAST_TRY,
    LATER,
    LINE,
    LONGEST,
    SLOWER,
    GivenUp,
    given_up,
    next_try,
    spread,
)
from outreach.core.words import State

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
GREY = unavailable("450 4.2.0", "greylisted")


def waits(outcome: Outcome, ends: datetime | None = None) -> list[timedelta | State]:
    """The waits of one message that nobody ever takes, and the state it ends in."""
    found: list[timedelta | State] = []
    at, tries = AT, 1
    while isinstance(moment := next_try(outcome, 0, tries, at, AT, ends), datetime):
        found.append(moment - at)
        at, tries = moment, tries + 1
    return [*found, moment.state]


def test_greylisting_is_asked_after_1_5_15_60_and_240_minutes_for_four_days() -> None:
    *found, state = waits(GREY)
    steps = [one for one in found if isinstance(one, timedelta)]

    assert steps[:5] == list(LATER)
    assert set(steps[5:-1]) == {timedelta(hours=4)}
    assert sum(steps, timedelta()) == LONGEST - LAST_TRY
    assert state is State.FAILED


@pytest.mark.parametrize(
    ("outcome", "schedule"),
    [
        pytest.param(unavailable("connect"), LINE, id="a line that is down is tried sooner"),
        pytest.param(unavailable("x", about=About.CONNECTION), LINE, id="as the adapter says"),
        pytest.param(throttled("429"), SLOWER, id="a throttled message leaves it to the sender"),
        pytest.param(unavailable("20429"), SLOWER, id="a code that everybody knows"),
        pytest.param(unavailable("451 4.3.0"), LATER, id="any other temporary refusal"),
    ],
)
def test_the_waits_go_by_what_was_said(outcome: Outcome, schedule: tuple[timedelta, ...]) -> None:
    assert tuple(waits(outcome)[: len(schedule)]) == schedule


def test_the_providers_own_time_is_the_least() -> None:
    moment = next_try(throttled("429", wait=90.0), 0, 1, AT, AT, None)
    later = next_try(unavailable("450", wait=5.0), 0, 1, AT, AT, None)

    assert moment == AT + timedelta(seconds=90)
    assert later == AT + timedelta(minutes=1)


def test_what_is_left_of_a_run_is_used_for_a_last_try_a_minute_before_its_end() -> None:
    ends = AT + timedelta(minutes=30)

    assert waits(GREY, ends) == [
        timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=8),
        State.EXPIRED,
    ]  # fmt: skip


def test_a_provider_that_asks_for_longer_than_the_run_lasts_ends_the_message() -> None:
    ends = AT + timedelta(minutes=30)

    assert next_try(throttled("429", wait=3600.0), 7, 1, AT, AT, ends) == GivenUp(State.EXPIRED)


def test_a_run_that_lasts_longer_than_four_days_gives_a_message_up_as_failed() -> None:
    assert waits(GREY, AT + timedelta(days=9))[-1] is State.FAILED


@settings(max_examples=50)
@given(number=st.integers(1, 10**12), minutes=st.integers(1, 240))
def test_messages_refused_together_come_back_apart_and_always_at_the_same_moment(
    number: int, minutes: int
) -> None:
    wait = timedelta(minutes=minutes)
    mine, next_ones = spread(number, wait), spread(number + 1, wait)

    assert timedelta() <= mine <= wait / 10
    assert mine == spread(number, wait)
    assert abs(mine - next_ones) > wait / 50


def test_who_is_given_up_is_told_why_how_often_it_was_tried_and_what_was_said() -> None:
    said = given_up(GREY, State.FAILED, 17)

    assert (said.state, said.code) == (State.FAILED, "450 4.2.0")
    assert said.detail == "given up after 4 days, tried 17 times: greylisted"
    assert given_up(GREY, State.EXPIRED, 2).detail.startswith("its run is over, tried 2 times")
