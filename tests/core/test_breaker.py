"""When trouble stops a sender, and how it is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from outreach.core.breaker import ERRORS, RESTS, Breaker, Position, after, opened, troubled
from outreach.core.model import (
    About,
    Outcome,
    accepted,
    in_doubt,
    refused,
    throttled,
    unavailable,
)

NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
DOWN, LOST, OK = unavailable("connect", "no route"), in_doubt("timeout", "no answer"), accepted()
DOUBT = in_doubt("no_sid", "named no message")
TRIAL = Breaker(Position.HALF_OPEN, NOW, rests=1)


def test_five_errors_of_the_line_in_a_row_open_it() -> None:
    four = after(Breaker(), [DOWN] * 4, NOW)
    assert (four.position, four.errors) == (Position.CLOSED, 4)

    five = after(four, [DOWN], NOW)

    assert (five.position, five.open_until) == (Position.OPEN, NOW + RESTS[0])
    assert five.why == f"{ERRORS} errors of the line in a row: no route"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK, id="an accepted message"),
        pytest.param(refused("550 5.1.1"), id="a refused recipient"),
        pytest.param(unavailable("450 4.2.0"), id="greylisting"),
        pytest.param(throttled("429"), id="being asked for less"),
    ],
)
def test_any_answer_of_the_provider_ends_the_row(answer: Outcome) -> None:
    found = after(Breaker(), [*[DOWN] * 4, answer, *[DOWN] * 4], NOW)

    assert (found.position, found.errors) == (Position.CLOSED, 4)


def test_more_than_one_in_a_hundred_of_the_last_200_in_doubt_opens_it() -> None:
    two = after(Breaker(), [DOUBT, *[OK] * 99, DOUBT, *[OK] * 98], NOW)
    assert (two.position, two.recent.bit_count()) == (Position.CLOSED, 2)

    assert after(two, [OK, DOUBT], NOW).position is Position.CLOSED, "the first is 201 ago"
    third = after(two, [DOUBT], NOW)
    assert third.position is Position.OPEN
    assert third.why == "3 of the last 200 messages are in doubt: named no message"


def test_one_refusal_of_our_account_opens_it() -> None:
    ours = unavailable("20003", "the token is wrong", About.ACCOUNT)
    found = after(Breaker(), [OK, ours, OK], NOW)

    assert (found.position, found.open_until) == (Position.OPEN, NOW + RESTS[0])
    assert found.why == "it refuses our account or sender: the token is wrong"
    assert troubled([OK, ours])


def test_doubts_long_ago_are_forgotten() -> None:
    assert after(Breaker(), [DOUBT, DOUBT, *[OK] * 200], NOW).spotless


def test_a_trial_that_is_answered_closes_it_and_forgets_the_trouble() -> None:
    assert after(TRIAL, [OK, OK, OK], NOW).spotless
    assert after(TRIAL, [refused("550 5.1.1")], NOW).spotless


def test_each_trial_that_fails_makes_the_rest_longer() -> None:
    found, rests = Breaker(), []
    for _ in range(6):
        found = after(found, [LOST] * 5, NOW)
        assert found.position is Position.OPEN
        assert found.open_until is not None
        rests.append(found.open_until - NOW)
        found = found._replace(position=Position.HALF_OPEN)

    assert rests == [*RESTS, RESTS[-1], RESTS[-1]]


@pytest.mark.parametrize("outcome", [DOWN, LOST, DOUBT])
def test_one_failure_is_enough_for_a_trial_to_fail(outcome: Outcome) -> None:
    assert after(TRIAL, [outcome], NOW).position is Position.OPEN


def test_a_trial_that_told_nothing_leaves_it_to_the_next_worker() -> None:
    later = NOW + timedelta(seconds=3)
    found = after(TRIAL, [unavailable("late")], later)

    assert (found.position, found.open_until) == (Position.HALF_OPEN, later)


def test_what_a_person_stopped_no_outcome_starts() -> None:
    stopped = Breaker(Position.STOPPED, why="the contract ended")

    assert after(stopped, [OK] * 300, NOW) == stopped


def test_a_window_without_trouble_needs_no_row() -> None:
    assert not troubled([OK, refused("550"), unavailable("450"), throttled("429")])
    assert troubled([OK, DOUBT])
    assert troubled([unavailable("x", about=About.CONNECTION)])
    assert opened(Breaker(), "w", NOW).position is Position.OPEN
