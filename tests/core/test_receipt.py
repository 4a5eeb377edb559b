"""Receipts come late, twice and in any order: the state they give is the same."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from outreach.core.message_state import Happened, Standing, derive
from outreach.core.receipt import Heard, Receipt, best, sender_of, telling
from outreach.core.words import State

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
IDLE = Standing(in_window=True, batch="done", not_before=AT)


def heard(*states: str) -> list[Heard]:
    return [Heard(number, state, f"c{number}", "", "", AT) for number, state in enumerate(states)]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (["accepted"], "accepted"),
        (["accepted", "undelivered"], "undelivered"),
        (["accepted", "delivered"], "delivered"),
        (["accepted", "undelivered", "delivered"], "delivered"),
        (["accepted", "accepted", "delivered", "delivered"], "delivered"),
    ],
)
def test_the_order_of_receipts_does_not_matter(said: list[str], state: str) -> None:
    assert {best(order) for order in permutations(said)} == {state}


def test_no_receipt_gives_no_state() -> None:
    assert best([]) is None


@pytest.mark.parametrize("outcome", ["accepted", "in_doubt", "failed", "ready", "suppressed"])
def test_a_receipt_counts_more_than_any_outcome(outcome: str) -> None:
    happened = [Happened(1, outcome, "", "", "", b"", AT)]

    assert derive(happened, IDLE, AT, heard("accepted")) == "accepted"
    assert derive(happened, IDLE, AT, heard("undelivered")) == "undelivered"


def test_the_receipt_that_tells_the_state_is_the_newest_that_gives_it() -> None:
    told = telling(heard("undelivered", "undelivered", "accepted"))

    assert told is not None
    assert told.code == "c1"


@pytest.mark.parametrize("state", [State.READY, State.IN_DOUBT, State.FAILED, State.CANCELLED])
def test_a_receipt_says_only_what_a_provider_can_know(state: State) -> None:
    with pytest.raises(ValueError, match="cannot make"):
        Receipt(state, AT, message_id=1)


def test_a_receipt_names_what_it_is_about() -> None:
    with pytest.raises(ValueError, match="names a message"):
        Receipt(State.DELIVERED, AT)


@pytest.mark.parametrize(
    ("source", "sender"),
    [
        ("twilio:main", "main"),
        ("gateway:sms:cn", "sms:cn"),
        ("lookup:main", "main"),
        ("mail:bounces", None),
        ("unsubscribe", None),
        ("survey", None),
    ],
)
def test_a_source_speaks_for_its_sender_only(source: str, sender: str | None) -> None:
    assert sender_of(source) == sender
