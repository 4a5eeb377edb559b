"""The SMTP channel against Postfix: an answer for each domain; its log and mailboxes are asked."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_session import Server
from outreach.core.dkim import Signer
from outreach.core.mime import Letterhead
from outreach.core.verp import Verp
from outreach.core.words import State
from tests.channels.cases import mail, results
from tests.core.dkim_reader import PublicKey, verdicts
from tests.postfix_world import PostfixWorld, missing, postfix_world

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there")

LETTERHEAD: Final = Letterhead(
    "notice@broker.example.com", "示例证券", returns=Verp("b@bounces.example.com", b"key")
)
# What each recipient domain comes to at once: state and code.
ANSWERS: Final = {
    "ok.example.com": (State.ACCEPTED, ""),
    "reject.example.com": (State.FAILED, "550 5.1.1"),
    "blocked.example.com": (State.FAILED, "554 5.7.1"),
    "defer.example.com": (State.READY, "451 4.3.2"),
    "busy.example.com": (State.READY, "452 4.2.2"),
    "bounce.example.com": (State.ACCEPTED, ""),
    "nowhere.example.com": (State.FAILED, "550 5.1.2"),
}


@pytest.fixture(scope="module")
def world() -> Iterator[PostfixWorld]:
    with postfix_world() as made:
        yield made


def opened(world: PostfixWorld, **options: Any) -> SmtpChannel:
    server = Server(
        "127.0.0.1", world.ports.smtp, "starttls", ca_file=str(world.certificate), timeout=10
    )
    return SmtpChannel(server, LETTERHEAD, **options)


def soon(ask: Callable[[], Any]) -> Any:
    """What is asked for, once it is there: Postfix delivers behind our back."""
    end = time.monotonic() + 60
    while not (found := ask()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def test_each_domain_is_answered_for_itself_over_tls_and_pipelining(world: PostfixWorld) -> None:
    names = tuple(ANSWERS)
    messages = [mail(id_, to=f"u{id_}@{names[id_ % 7]}") for id_ in range(1, 281)]
    channel = opened(world, connections=4)
    outcomes = results(channel, messages)
    channel.close()

    for message in messages:
        outcome = outcomes[message.id]
        assert (outcome.state, outcome.code) == ANSWERS[message.to.partition("@")[2]], message.to
        if outcome.state is State.ACCEPTED:
            assert re.match(r"Ok: queued as \w+", outcome.provider_ref)
    soon(lambda: len(re.findall(r"to=<u\d+@ok\.example\.com>.* status=sent", world.log)) == 40)
    ended = re.compile(r"disconnect from .* starttls=1 .*mail=(\d+)").findall
    soon(lambda: sum(map(int, ended(world.log))) == 280)
    assert len(ended(world.log)) <= 4
    assert "improper command pipelining" not in world.log


def test_a_report_names_our_message_and_its_recipient(world: PostfixWorld) -> None:
    channel = opened(world)
    assert results(channel, [mail(901, to="gone+1@bounce.example.com")])[901].state == "accepted"
    channel.close()

    def report() -> str | None:
        mails = [str(one) for one in world.mails("b@bounces.example.com")]
        return next((one for one in mails if "m901.r7" in one), None)

    found = soon(report)
    assert "Original-Envelope-Id: m901.r7" in found
    assert "Original-Recipient: rfc822;gone+1@bounce.example.com" in found.replace("+2B", "+")
    assert "Action: failed" in found


def test_what_is_larger_than_the_server_takes_is_refused_before_it_is_sent(
    world: PostfixWorld,
) -> None:
    channel = opened(world)
    large = "<p>休市</p>\n" * 90_000
    outcomes = results(
        channel,
        [mail(911, html=large, to="large@ok.example.com"), mail(912, to="a@ok.example.com")],
    )
    channel.close()

    assert (outcomes[911].state, outcomes[911].code) == (State.FAILED, "552 5.3.4")
    assert outcomes[912].state is State.ACCEPTED
    assert "large@ok.example.com" not in world.log


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("plain", "Dear client,\n.\n..dots, and = signs\nthe market is closed.\n", "7bit"),
        ("mostly", "Dear 张伟,\n.\nthe market is closed. " + "." * 300 + "\n", "quoted-printable"),
        ("chinese", "尊敬的客户：\n10月1日起休市。\n", "base64"),
    ],
)
def test_a_signed_mail_arrives_as_it_was_signed(
    world: PostfixWorld, name: str, text: str, encoding: str
) -> None:
    keys: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey] = {
        "r1": rsa.generate_private_key(65537, 2048), "e1": ed25519.Ed25519PrivateKey.generate(),
    }  # fmt: skip
    signers = [
        Signer(
            "broker.example.com",
            selector,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        for selector, key in keys.items()
    ]
    channel = opened(world, signers=signers)
    to = f"{name}@ok.example.com"
    assert results(channel, [mail(921, text=text, to=to)])[921].state is State.ACCEPTED
    channel.close()

    folder = world.maildir(to) / "new"
    (file,) = soon(lambda: list(folder.glob("*")) if folder.is_dir() else [])
    lines = Path(file).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    public: dict[tuple[str, str], PublicKey] = {
        ("broker.example.com", selector): key.public_key() for selector, key in keys.items()
    }
    assert verdicts(lines, public) == ["pass", "pass"]
    part = next(message_from_bytes(lines, policy=SMTP).iter_parts())
    assert part["Content-Transfer-Encoding"] == encoding
    assert part.get_content() == text.replace("\n", "\r\n")


def test_a_dead_relay_beside_a_living_one_costs_no_mail(world: PostfixWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = Server("127.0.0.1", listener.getsockname()[1], "none")
    living = Server("127.0.0.1", world.ports.smtp, "starttls", ca_file=str(world.certificate))
    channel = SmtpChannel([dead, living], LETTERHEAD)
    outcomes = results(channel, [mail(id_, to="f@ok.example.com") for id_ in range(931, 961)])
    channel.close()

    assert {outcome.state for outcome in outcomes.values()} == {State.ACCEPTED}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_is_asked_for_and_taken_inside_tls_only(world: PostfixWorld, security: Any) -> None:
    port = world.ports.submission if security == "starttls" else world.ports.smtps
    server = Server("127.0.0.1", port, security, str(world.certificate), "outreach", world.password)
    channel = SmtpChannel(server, LETTERHEAD)
    outcomes = results(channel, [mail(id_, to="l@ok.example.com") for id_ in range(981, 991)])
    channel.close()
    assert {outcome.state for outcome in outcomes.values()} == {State.ACCEPTED}

    for wrong, why in (
        (replace(server, password="wrong"), "login refused: 535 5.7.8"),
        (replace(server, username=None), "the server does not serve this sender: 554 5.7.1"),
    ):
        channel = SmtpChannel(wrong, LETTERHEAD)
        with pytest.raises(ChannelUnavailable, match=why):
            list(channel.send([mail(991, to="l@ok.example.com")]))
        channel.close()


def test_an_address_beyond_ascii_is_taken_with_smtputf8(world: PostfixWorld) -> None:
    channel = opened(world)
    outcome = results(channel, [mail(971, to="用户@ok.example.com")])[971]
    channel.close()

    assert outcome.state is State.ACCEPTED
