"""The SMTP channel against aiosmtpd, a server written by others: TLS, logins, mixed recipients."""

import asyncio
import email.policy
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from outreach.channels import Adapter, ChannelUnavailable, open_channel
from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_session import Server
from outreach.core.campaign import Bilingual
from outreach.core.mime import Letterhead
from outreach.core.words import Channel, State
from outreach.project.config import SmtpSender
from tests.certificate import made_certificate, server_side
from tests.channels.cases import CASES, letters, mail, results, states

LETTERHEAD = Letterhead("notice@broker.example", "示例证券")


class Inbox:
    """Keeps what arrives; refuses by the recipient's domain."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - the server calls it so
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.endswith("@reject.test"):
            return "550 5.1.1 user unknown"
        if address.endswith("@defer.test"):
            return "451 4.3.2 try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return f"250 2.0.0 OK: queued as {len(self.envelopes):X}"

    def messages(self) -> dict[str, EmailMessage]:
        return {
            envelope.rcpt_tos[0]: message_from_bytes(
                envelope.original_content or b"", policy=email.policy.default
            )
            for envelope in self.envelopes
        }


@contextmanager
def serving(inbox: Inbox, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """aiosmtpd on a free port of the loopback; `tls` = from the first byte on."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def protocol() -> SMTP:
        return SMTP(inbox, hostname="mx.test", loop=loop, **options)

    async def start() -> asyncio.Server:
        return await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one PEM file."""
    return made_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@contextmanager
def channel(server: Server, connections: int = 3) -> Iterator[SmtpChannel]:
    opened = SmtpChannel(server, LETTERHEAD, connections=connections)
    try:
        yield opened
    finally:
        opened.close()


def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = data.login == "通知".encode() and data.password == "密码 secret".encode()
    return AuthResult(success=good, handled=good)


@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
def test_shared_case(shared: Callable[[Adapter], None]) -> None:
    with serving(Inbox()) as port, channel(Server("127.0.0.1", port, "none")) as opened:
        shared(opened)


@pytest.mark.parametrize("utf8", [True, False])
def test_a_chinese_message_arrives_with_its_subject_and_both_parts(utf8: bool) -> None:
    inbox = Inbox()
    subject = "关于2026年国庆节、中秋节休市安排及𠮷祥如意😀的通知" * 3
    text, html = "尊敬的客户：\n.\n国庆节休市。\n", "<p>国庆节休市。</p>\n"
    with (
        serving(inbox, enable_SMTPUTF8=utf8) as port,
        channel(Server("127.0.0.1", port, "none")) as opened,
    ):
        outcome = results(opened, [mail(7, subject, text, html)])[7]

    received = inbox.messages()["user7@ok.test"]
    plain, rich = received.iter_parts()
    assert received["Subject"] == subject
    assert received["From"].addresses[0].display_name == "示例证券"
    assert plain.get_content() == text.replace("\n", "\r\n")
    assert rich.get_content() == html.replace("\n", "\r\n")
    assert outcome.provider_ref == "OK: queued as 1"


def test_each_recipient_has_its_own_answer() -> None:
    inbox = Inbox()
    messages = [
        mail(id_, to=f"user{id_}@{('ok.test', 'reject.test', 'defer.test')[id_ % 3]}")
        for id_ in range(1, 31)
    ]
    with serving(inbox) as port, channel(Server("127.0.0.1", port, "none")) as opened:
        found = states(opened, messages)

    expected = (State.ACCEPTED, State.FAILED, State.READY)
    assert found == {id_: expected[id_ % 3] for id_ in range(1, 31)}
    assert len(inbox.envelopes) == 10


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("offered", ["PLAIN", "LOGIN"])
def test_a_login_inside_tls(certificate: Path, security: Any, offered: str) -> None:
    inbox, context = Inbox(), server_side(certificate)
    other = {"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[offered]
    options: dict[str, Any] = {
        "authenticator": login,
        "auth_required": True,
        "auth_exclude_mechanism": [other],
    }
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    else:
        options["auth_require_tls"] = False  # it cannot tell that the socket is TLS already
    with serving(inbox, context if security == "tls" else None, **options) as port:
        server = Server(
            "127.0.0.1", port, security, str(certificate), "通知", "密码 secret", timeout=5.0
        )
        with channel(server) as opened:
            for first in (1, 21):
                found = states(opened, letters(Channel.EMAIL, 20, first))
                assert set(found.values()) == {State.ACCEPTED}
        with (
            channel(replace(server, password="wrong")) as opened,
            pytest.raises(ChannelUnavailable, match=r"login refused: 535 5\.7\.8") as caught,
        ):
            list(opened.send([mail()]))

    assert len(inbox.envelopes) == 40
    assert "wrong" not in str(caught.value)


def test_a_large_message_goes_through_tls(certificate: Path) -> None:
    inbox, context = Inbox(), server_side(certificate)
    html = "<p>国庆节休市安排</p>\n" * 20_000
    with (
        serving(inbox, context) as port,
        channel(Server("127.0.0.1", port, "tls", str(certificate))) as opened,
    ):
        found = states(opened, [mail(1, html=html), mail(2), mail(3, html=html)])

    assert set(found.values()) == {State.ACCEPTED}
    sizes = {to: len(received.as_bytes()) for to, received in inbox.messages().items()}
    assert sizes["user1@ok.test"] > 500_000


def test_a_certificate_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with (
        serving(Inbox(), tls_context=server_side(certificate)) as port,
        channel(Server("127.0.0.1", port, "starttls")) as opened,
        pytest.raises(ChannelUnavailable, match=r"its certificate is not trusted: self.signed"),
    ):
        list(opened.send([mail()]))


def test_a_certificate_that_has_expired_is_refused(tmp_path: Path) -> None:
    old = made_certificate(tmp_path / "old.pem", expired=True)
    with (
        serving(Inbox(), tls_context=server_side(old)) as port,
        channel(Server("127.0.0.1", port, "starttls", str(old))) as opened,
        pytest.raises(ChannelUnavailable, match=r"not trusted: certificate has expired"),
    ):
        list(opened.send([mail()]))


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_is_renewed_with_its_authority_is_trusted_again(
    tmp_path: Path, security: Any
) -> None:
    shown = made_certificate(tmp_path / "ca.pem", expired=True)
    context = server_side(shown)
    inbox = Inbox()
    served = serving(inbox, context) if security == "tls" else serving(inbox, tls_context=context)
    with served as port, channel(Server("127.0.0.1", port, security, str(shown))) as opened:
        with pytest.raises(ChannelUnavailable, match="certificate has expired"):
            list(opened.send([mail(1)]))
        context.load_cert_chain(made_certificate(shown))

        assert states(opened, [mail(1)]) == {1: State.ACCEPTED}


def test_an_authority_that_is_gone_meanwhile_is_one_sentence(tmp_path: Path) -> None:
    shown = made_certificate(tmp_path / "ca.pem", expired=True)
    with (
        serving(Inbox(), server_side(shown)) as port,
        channel(Server("127.0.0.1", port, "tls", str(shown))) as opened,
    ):
        with pytest.raises(ChannelUnavailable, match="certificate has expired"):
            list(opened.send([mail(1)]))
        shown.unlink()
        with pytest.raises(ChannelUnavailable, match=r"ca\.pem cannot be read: No such file"):
            list(opened.send([mail(1)]))


def test_a_name_that_nobody_resolves_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", gone)
    with (
        channel(Server("mail.broker.example", 25, "none")) as opened,
        pytest.raises(ChannelUnavailable, match=r"^mail\.broker\.example:25: the host name cannot"),
    ):
        list(opened.send([mail()]))


def test_a_certificate_of_another_host_is_refused(certificate: Path) -> None:
    with (
        serving(Inbox(), tls_context=server_side(certificate)) as port,
        channel(Server("localhost", port, "starttls", str(certificate))) as opened,
        pytest.raises(ChannelUnavailable, match=r"not trusted: Hostname mismatch.*'localhost'"),
    ):
        list(opened.send([mail()]))


def test_a_server_without_tls_gets_nothing() -> None:
    inbox = Inbox()
    with (
        serving(inbox) as port,
        channel(Server("127.0.0.1", port, "starttls")) as opened,
        pytest.raises(ChannelUnavailable, match="the server does not offer STARTTLS"),
    ):
        list(opened.send([mail()]))
    assert inbox.envelopes == []


def test_tls_to_a_server_that_speaks_in_the_clear() -> None:
    with (
        serving(Inbox()) as port,
        channel(Server("127.0.0.1", port, "tls", timeout=2.0)) as opened,
        pytest.raises(ChannelUnavailable, match="TLS failed: WRONG_VERSION_NUMBER"),
    ):
        list(opened.send([mail()]))


def test_a_ca_file_that_is_missing_is_named() -> None:
    with (
        channel(Server("127.0.0.1", 25, "tls", "/nowhere/ca.pem")) as opened,
        pytest.raises(
            ChannelUnavailable, match=r"ca_file /nowhere/ca\.pem cannot be read: No such"
        ),
    ):
        list(opened.send([mail()]))


def test_a_login_where_none_is_offered() -> None:
    with (
        serving(Inbox(), auth_exclude_mechanism=["PLAIN", "LOGIN"]) as port,
        channel(Server("127.0.0.1", port, "none", username="a", password="b")) as opened,
        pytest.raises(ChannelUnavailable, match="the server offers neither AUTH PLAIN nor LOGIN"),
    ):
        list(opened.send([mail()]))


def test_the_sender_of_config_toml_opens_the_channel(tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        sender = SmtpSender(
            kind="smtp", address="notice@broker.example", host="127.0.0.1", port=port,
            security="none", connections=2,
        ).at(tmp_path, lambda _: None, tmp_path / "run" / "relay.domains")  # fmt: skip
        firm = Bilingual(zh="示例证券", en="Example Securities")
        opened = open_channel(
            sender, secret=None, outbox=tmp_path, firm_name=firm, mailto="leave@broker.example"
        )
        assert states(opened, [mail(1)]) == {1: State.ACCEPTED}
        opened.close()

    assert (tmp_path / "run" / "relay.domains").is_file()  # where processes meet
    received = inbox.messages()["user1@ok.test"]
    assert received["From"] == "示例证券 <notice@broker.example>"
    assert "<mailto:leave@broker.example>" in received["List-Unsubscribe"]
