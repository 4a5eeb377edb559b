"""Twilio's forms: every state it knows, codes with their words, and a client who wrote STOP."""

from datetime import UTC, datetime

import pytest

from outreach.core.receipt import Reply
from outreach.core.twilio_form import status, withdrawal
from outreach.core.words import State

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
FORM = {
    "MessageSid": "SM1", "MessageStatus": "sent", "To": "+12025550041", "From": "+15551234567",
    "ApiVersion": "2010-04-01", "AccountSid": "AC1", "SomethingNew": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("accepted", State.ACCEPTED),
        ("scheduled", State.ACCEPTED),
        ("queued", State.ACCEPTED),
        ("sending", State.ACCEPTED),
        ("sent", State.ACCEPTED),
        ("delivered", State.DELIVERED),
        ("read", State.DELIVERED),
        ("undelivered", State.UNDELIVERED),
        ("failed", State.UNDELIVERED),
        ("canceled", State.UNDELIVERED),
        ("receiving", None),  # of replies
        ("received", None),
        ("partially_delivered", State.ACCEPTED),
        ("brand_new", None),
    ],
)
def test_each_of_the_states_is_known(said: str, state: State | None) -> None:
    found = status({**FORM, "MessageStatus": said}, 41, AT)

    assert (found.state if found else None) == state


def test_a_code_comes_with_its_words() -> None:
    found = status({**FORM, "MessageStatus": "undelivered", "ErrorCode": "30005"}, 41, AT)

    assert found is not None
    assert (found.code, found.detail) == (
        "30005", "unknown handset: the number is unknown or out of use",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("30001", 0.0),  # the queues of a service are full: told after the message was taken
        ("30022", 0.0),
        ("30017", 0.0),
        ("30023", 84_600.0),  # until midnight on the Pacific coast, 23:30 before it is 00:30
        ("30003", None),
        ("30007", None),
        ("", None),
    ],
)
def test_a_code_that_asks_for_less_names_how_long_the_sender_is_to_wait(
    code: str, seconds: float | None
) -> None:
    found = status({**FORM, "MessageStatus": "undelivered", "ErrorCode": code}, 41, AT)

    assert found is not None
    assert found.slower == seconds


def test_a_client_whom_twilio_knows_to_have_written_stop_has_withdrawn() -> None:
    form = {**FORM, "MessageStatus": "failed", "ErrorCode": "21610"}

    assert withdrawal(form, AT) == Reply(
        "+15551234567", "+12025550041", "STOP", AT, reference="SM1"
    )


@pytest.mark.parametrize("code", ["", "0", "30004", "30007", "99999", "no number"])
def test_no_other_code_is_a_wish_of_the_client(code: str) -> None:
    assert withdrawal({**FORM, "ErrorCode": code}, AT) is None
