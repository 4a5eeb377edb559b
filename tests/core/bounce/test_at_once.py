"""What follows for an address from what its server said while a mail was handed over."""

import pytest

from outreach.core.bounce.at_once import kind_at_once
from outreach.core.bounce.report import Kind
from outreach.core.model import About, Outcome
from outreach.core.retry import given_up
from outreach.core.words import State

READY, FAILED, EXPIRED = State.READY, State.FAILED, State.EXPIRED


@pytest.mark.parametrize(
    ("code", "detail", "expected"),
    [
        ("550 5.1.1", "user unknown", Kind.HARD),
        ("550", "no such user here", Kind.HARD),
        ("552 5.2.2", "mailbox full", Kind.SOFT),
        ("552", "quota exceeded", Kind.SOFT),
        ("554", "transaction failed", Kind.SOFT),
        ("550 5.4.4", "no route to host", Kind.SOFT),
        ("554 5.7.1", "refused by policy", None),
        ("550", "listed at a blacklist", None),
        ("550 5.6.0", "not like this", None),
        ("552 5.3.4", "81920 bytes, and the server takes 5000", None),
        ("503 5.5.1", "out of step", None),
        ("smtputf8", "the server takes no address beyond ASCII", None),
        ("unwritable", "To: this is not one plain e-mail address", None),
        ("21211", "invalid number 5.1.1", None),
        ("550 5.1.1 x", "", None),
    ],
)
def test_a_refusal_for_good(code: str, detail: str, expected: Kind | None) -> None:
    assert kind_at_once(Outcome(FAILED, code, detail)) is expected


@pytest.mark.parametrize(
    ("code", "detail", "for_days", "run_over"),
    [
        ("452 4.2.2", "mailbox full", Kind.SOFT, Kind.SOFT),
        ("452", "<x***@a.cn>: 邮箱空间不足", Kind.SOFT, Kind.SOFT),
        ("450 4.2.1", "mailbox disabled for now", Kind.SOFT, Kind.SOFT),
        # A greylist that never opened in four days is a server that takes nothing; one that did not
        # open before the run was over may have needed more time than the run had.
        ("450 4.2.0", "Greylisted", Kind.SOFT, None),
        ("451 4.4.1", "no answer from host", Kind.SOFT, None),
        ("450 4.1.1", "user unknown", Kind.SOFT, None),
        # Our standing, our text, how we speak.
        ("451 4.7.1", "Greylisting in action", None, None),
        ("450 4.7.28", "an unusual rate of mail", None, None),
        ("451", "IP blacklisted", None, None),
        ("451", "this message is detected as spam", None, None),
        ("503 5.5.1", "out of step", None, None),
        ("timeout", "no answer within 30 seconds", None, None),
        ("connect", "connection refused", None, None),
    ],
)
def test_a_message_that_was_given_up(
    code: str, detail: str, for_days: Kind | None, run_over: Kind | None
) -> None:
    last = Outcome(READY, code, detail)

    assert kind_at_once(last) is None
    assert kind_at_once(given_up(last, FAILED, 25)) is for_days
    assert kind_at_once(given_up(last, EXPIRED, 3)) is run_over


@pytest.mark.parametrize("about", [one for one in About if one is not About.MESSAGE])
def test_what_speaks_of_anything_else_says_nothing_of_the_address(about: About) -> None:
    for state, code in ((FAILED, "550 5.1.1"), (FAILED, "452 4.2.2"), (EXPIRED, "452 4.2.2")):
        assert kind_at_once(Outcome(state, code, "mailbox full", about=about)) is None


@pytest.mark.parametrize("state", [State.ACCEPTED, State.IN_DOUBT, READY])
def test_only_what_ended_a_message_counts(state: State) -> None:
    assert kind_at_once(Outcome(state, "452 4.2.2", "mailbox full")) is None
