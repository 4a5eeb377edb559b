"""Tried again: the same mail from the same return address, whatever server and whatever attempt."""

from datetime import UTC, datetime
from email import message_from_bytes

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_session import Server
from outreach.core.dkim import Signer
from outreach.core.mime import Letterhead
from outreach.core.verp import Verp
from outreach.core.words import State
from tests.channels.cases import mail, results
from tests.channels.mta import Answer, Mta, Taken, running, usual
from tests.core.dkim_reader import verdicts

KEY = ed25519.Ed25519PrivateKey.generate()
SIGNER = Signer(
    "broker.example",
    "s1",
    KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ),
)
LETTERHEAD = Letterhead(
    "notice@broker.example", "示例证券", returns=Verp("b@bounces.broker.example", b"key")
)
GREYLISTED = "450 4.2.0 <user1@ok.test>: Recipient address rejected: Greylisted"


def tried(answer: Answer, offers: tuple[str, ...], signers: tuple[Signer, ...]) -> tuple[
    str, str, list[str], list[Taken]
]:  # fmt: skip
    """One attempt in a process of its own: state, code, MAIL commands, what arrived."""
    taken: list[Taken] = []
    with running(lambda _: Mta(*offers, answer=answer, taken=taken)) as server:
        channel = SmtpChannel(Server("127.0.0.1", server.port, "none"), LETTERHEAD, signers=signers)
        # As it is read from the database anew: equal, not the same objects.
        again = mail(1)._replace(at=datetime(2026, 9, 28, 7, 30, tzinfo=UTC))
        outcome = results(channel, [again])[1]
        channel.close()
        senders = [command for command in server.commands if command.startswith("MAIL")]
    return outcome.state, outcome.code, [command.split(" ")[1] for command in senders], taken


@pytest.mark.parametrize("signers", [(), (SIGNER,)], ids=["plain", "signed"])
def test_a_greylisted_mail_is_the_same_mail_from_the_same_sender_next_time(
    signers: tuple[Signer, ...],
) -> None:
    offers = ("PIPELINING", "8BITMIME", "DSN")

    def grey(verb: str, _argument: str, _number: int) -> str | None:
        return GREYLISTED if verb == "RCPT" else None

    state, code, first_sender, taken = tried(grey, offers, signers)
    assert (state, code, taken) == (State.READY, "450 4.2.0", [])

    attempts = [tried(usual, offers, signers) for _ in range(2)]
    assert [(state, code) for state, code, *_ in attempts] == [(State.ACCEPTED, "")] * 2
    assert [senders for _, _, senders, _ in attempts] == [first_sender] * 2
    assert first_sender[0].startswith("FROM:<b+")
    assert attempts[0][3] == attempts[1][3]


def test_another_server_that_needs_ascii_gets_the_same_message_id_and_date() -> None:
    bodies = []
    for offers in (("8BITMIME",), ()):
        *_, taken = tried(usual, offers, ())
        bodies.append(message_from_bytes(taken[0].content))

    for name in ("Message-ID", "Date", "From", "To", "Subject", "List-Unsubscribe"):
        assert bodies[0][name] == bodies[1][name], name
    assert bodies[0]["Date"] == "Mon, 28 Sep 2026 07:30:00 +0000"
    assert bodies[0].as_bytes() != bodies[1].as_bytes()


@pytest.mark.parametrize(
    ("to", "signers", "said"),
    [
        ("user1@ok.test", (), "BODY=8BITMIME"),
        ("user1@ok.test", (SIGNER,), ""),
        ("用户@例子.测试", (SIGNER,), "BODY=8BITMIME SMTPUTF8"),
    ],
)
def test_a_mail_that_is_ascii_for_its_signature_is_not_called_8bit(
    to: str, signers: tuple[Signer, ...], said: str
) -> None:
    taken: list[Taken] = []
    with running(lambda _: Mta("8BITMIME", "SMTPUTF8", taken=taken)) as server:
        channel = SmtpChannel(Server("127.0.0.1", server.port, "none"), LETTERHEAD, signers=signers)
        results(channel, [mail(1, to=to)])
        channel.close()
        assert server.faults == []
        (command,) = (one for one in server.commands if one.startswith("MAIL"))

    assert command.partition("> ")[2] == said


def test_what_is_signed_is_ascii_and_arrives_with_a_good_signature() -> None:
    *_, taken = tried(usual, ("PIPELINING", "8BITMIME", "SMTPUTF8"), (SIGNER,))

    assert taken[0].content.isascii()
    assert verdicts(taken[0].content, {("broker.example", "s1"): KEY.public_key()}) == ["pass"]
