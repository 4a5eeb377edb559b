"""Of several relays of a sender, the one that has a mail is on record: whose log to look at."""

import pytest

from outreach.core.words import State
from tests.channels.cases import mail, results
from tests.channels.mta import CUT, usual
from tests.channels.test_smtp_relays import always, two


@pytest.mark.parametrize("down", [0, 1])
def test_what_was_taken_names_the_relay_that_took_it(down: int) -> None:
    dead = always("CONNECT", CUT)
    with two(dead if down == 0 else usual, dead if down == 1 else usual) as found:
        came = results(found.channel, [mail(id_) for id_ in range(1, 6)])
        place = found.addresses[1 - down].place

        assert [len(taken) for taken in found.taken][1 - down] == 5
        for outcome in came.values():
            assert outcome.provider_ref.startswith(f"{place}: Ok: queued as Q")


def test_a_doubt_names_the_relay_that_may_have_taken_it() -> None:
    with two(first=always("END", CUT), second=always("CONNECT", CUT)) as found:
        (outcome,) = results(found.channel, [mail(1)]).values()

        assert outcome.state is State.IN_DOUBT
        assert outcome.detail.startswith(f"{found.addresses[0].place}: ")


def test_a_refusal_stays_as_it_was_said() -> None:
    said = "550 5.1.1 no such user"
    with two(first=always("RCPT", said), second=always("RCPT", said)) as found:
        (outcome,) = results(found.channel, [mail(1)]).values()

        assert (outcome.state, outcome.code, outcome.detail) == (
            State.FAILED, "550 5.1.1", "no such user",
        )  # fmt: skip
