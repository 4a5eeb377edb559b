"""What a mail server's answer speaks of: the message, the text, the line, our pace or our account.

From that follows who waits: the message, the domain, or the sender with all its workers.
"""

import pytest

from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_session import Server
from outreach.core.mime import Letterhead
from outreach.core.model import About
from outreach.core.said import about
from outreach.core.words import State
from tests.channels.cases import mail, results
from tests.channels.mta import Mta, Taken, running

BOTH = pytest.mark.parametrize("offers", [("PIPELINING",), ()], ids=["pipelined", "stepwise"])


@BOTH
@pytest.mark.parametrize(
    ("verb", "said", "state", "whose"),
    [
        # Before any recipient was named it is the server, or how much comes from us.
        ("MAIL", "452 4.3.1 Insufficient system storage", State.READY, About.CONNECTION),
        ("MAIL", "451 4.3.0 Temporary lookup failure", State.READY, About.CONNECTION),
        ("MAIL", "450 4.7.1 Error: too much mail from 192.0.2.1", State.READY, About.RATE),
        # The recipient, or his domain, which the channel slows by itself.
        ("RCPT", "452 4.2.2 mailbox full", State.READY, About.MESSAGE),
        ("RCPT", "450 4.2.0 Greylisted", State.READY, About.MESSAGE),
        ("RCPT", "450 4.7.28 an unusual rate of mail", State.READY, About.MESSAGE),
        ("RCPT", "451 4.3.2 slow down", State.READY, About.MESSAGE),
        ("RCPT", "450 4.7.1 Error: too many recipients from 192.0.2.1", State.READY, About.RATE),
        # Who refuses a recipient has not seen the text.
        ("RCPT", "554 5.7.1 <x@ok.test>: Recipient address rejected", State.FAILED, About.MESSAGE),
        ("RCPT", "550 5.7.1 user refuses mail", State.FAILED, About.MESSAGE),
        ("DATA", "554 5.7.1 policy", State.FAILED, About.MESSAGE),
        ("DATA", "452 4.3.1 disk full", State.READY, About.CONNECTION),
        # The whole mail was seen.
        ("END", "452 no room", State.READY, About.CONNECTION),
        ("END", "451 4.3.0 Error: queue file write error", State.READY, About.CONNECTION),
        ("END", "451 4.7.1 greylisted", State.READY, About.MESSAGE),
        ("END", "450 4.7.28 too many messages", State.READY, About.MESSAGE),
        ("END", "554 5.7.1 rejected by our filter", State.FAILED, About.CONTENT),
        ("END", "550 5.6.0 not like this", State.FAILED, About.CONTENT),
        ("END", "550 Mail content denied", State.FAILED, About.CONTENT),
        ("END", "554 5.7.1 rejected: SPF check failed", State.FAILED, About.MESSAGE),
        ("END", "550 5.1.1 user unknown", State.FAILED, About.MESSAGE),
        ("END", "554 transaction failed", State.FAILED, About.MESSAGE),
        # The line.
        ("END", "421 4.3.2 shutting down", State.READY, About.CONNECTION),
        ("END", "421 4.7.0 too many messages, come back", State.READY, About.RATE),
    ],
)
def test_what_an_answer_speaks_of(
    offers: tuple[str, ...], verb: str, said: str, state: State, whose: About
) -> None:
    def answer(asked: str, _argument: str, number: int) -> str | None:
        return said if (asked, number) == (verb, 1) else None

    taken: list[Taken] = []
    with running(lambda _: Mta(*offers, answer=answer, taken=taken)) as server:
        channel = SmtpChannel(
            Server("127.0.0.1", server.port, "none", timeout=5),
            Letterhead("notice@broker.example"),
            connections=1,
        )
        outcomes = results(channel, [mail(1), mail(2)])
        channel.close()

    assert (outcomes[1].state, about(outcomes[1])) == (state, whose)
    assert outcomes[1].code.split()[0] == said.split()[0]


@BOTH
def test_refused_in_the_middle_the_rest_knows_that_it_is_our_account(
    offers: tuple[str, ...],
) -> None:
    def answer(asked: str, _argument: str, number: int) -> str | None:
        return "550 5.7.1 sender rejected" if (asked, number) == ("MAIL", 2) else None

    with running(lambda _: Mta(*offers, answer=answer, taken=[])) as server:
        channel = SmtpChannel(
            Server("127.0.0.1", server.port, "none", timeout=5),
            Letterhead("notice@broker.example"),
            connections=1,
        )
        outcomes = results(channel, [mail(id_) for id_ in range(1, 5)])
        channel.close()

    assert outcomes.pop(1).state is State.ACCEPTED
    assert {about(outcome) for outcome in outcomes.values()} == {About.ACCOUNT}
