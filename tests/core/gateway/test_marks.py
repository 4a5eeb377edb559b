"""Our own mark on a request, and what a gateway's receipt says by it."""

from datetime import UTC, datetime

import pytest

from outreach.channels.sms_gateway_http import profile_of
from outreach.core.gateway.answer import Receipt
from outreach.core.gateway.heard import all_heard, as_heard
from outreach.core.gateway.marks import mark_of, read_mark
from outreach.core.receipt import Reply
from outreach.core.words import State

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)


def test_a_mark_names_the_run_and_the_messages_of_a_request() -> None:
    assert mark_of(7, [43, 41, 42]) == "7-41-43"
    assert read_mark("7-41-43") == (41, 43)


@pytest.mark.parametrize(
    ("mark", "among"),
    [
        ("7-41", (41, 5041)),  # of a request sent before marks told the last message
        ("7-41-41", (41, 41)),
        ("7-43-41", None),
        ("7-41-99999", None),
        ("order 12", None),
        ("７-41-43", None),
        ("", None),
    ],
)
def test_a_mark_that_is_none_of_ours_names_nothing(
    mark: str, among: tuple[int, int] | None
) -> None:
    assert read_mark(mark) == among


def told(
    mark: str = "7-41-43",
    reference: str = "biz^1",
    state: str = "delivered",
    reason: str = "DELIVRD",
) -> Receipt:
    return Receipt("+8613800000001", state, reason, None, reference, mark)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "became"),
    [
        ("delivered", State.DELIVERED),
        ("undelivered", State.UNDELIVERED),
        ("waiting", State.ACCEPTED),  # the gateway has it: that settles a doubt
    ],
)
def test_a_receipt_names_its_message_by_our_mark_and_its_number(state: str, became: State) -> None:
    found = as_heard(told(state=state), AT)

    assert found is not None
    assert (found.state, found.among, found.address, found.reference, found.said_at) == (
        became, (41, 43), "+8613800000001", "biz^1", AT,
    )  # fmt: skip


def test_without_our_mark_the_gateways_reference_names_it_and_without_either_nothing_does() -> None:
    found = as_heard(told(mark=""), AT)

    assert found is not None
    assert (found.among, found.reference) == (None, "biz^1")
    assert as_heard(told(mark="", reference=""), AT) is None


@pytest.mark.parametrize(
    ("state", "reason", "slower", "stopped"),
    [
        ("undelivered", "FLOW", 0.0, False),
        ("undelivered", "GONE", None, True),
        ("undelivered", "77", None, False),
        ("delivered", "FLOW", None, False),
    ],
)
def test_a_code_of_the_profile_in_a_report_asks_for_less_or_tells_of_an_opt_out(
    state: str, reason: str, slower: float | None, stopped: bool
) -> None:
    profile = profile_of("direct")
    codes = {**profile.codes, "FLOW": "throttled", "GONE": "opted_out"}
    profile = profile.model_copy(update={"codes": codes})
    said, *more = all_heard(profile, [told(state=state, reason=reason)], "95000", AT)

    assert getattr(said, "slower", "none") == slower
    assert more == (
        [Reply("95000", "+8613800000001", "STOP", AT, reference="biz^1")] if stopped else []
    )
