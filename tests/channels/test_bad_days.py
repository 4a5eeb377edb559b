"""A provider's bad day after it has read the request: it may have obeyed it, so the message is in
doubt, whatever comes back instead of an answer, and it is asked nothing twice."""

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from outreach.channels import ChannelUnavailable
from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of
from outreach.channels.twilio_sms import TwilioSms
from outreach.channels.webhook import Webhook
from outreach.core.http1 import MOST_BODY
from outreach.core.model import Message
from outreach.core.words import State
from tests.certificate import made_certificate, server_side
from tests.channels.cases import AT, push, results, sms

Bad = Callable[[socket.socket, threading.Event], None]
OK: Final = b"HTTP/1.1 200 OK\r\n"
BOMB: Final = gzip.compress(b"\0" * 50_000_000)


def said(*parts: bytes) -> Bad:
    def bad(sock: socket.socket, over: threading.Event) -> None:
        for part in parts:
            sock.sendall(part)

    return bad


def page(content: bytes, more: bytes = b"") -> Bad:
    return said(OK + more + b"Content-Length: %d\r\n\r\n" % len(content) + content)


def resets(sock: socket.socket, over: threading.Event) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drips(sock: socket.socket, over: threading.Event) -> None:
    """A header a byte at a time, without an end."""
    sock.sendall(OK + b"X-Slow: ")
    while not over.wait(0.01):
        sock.sendall(b"a")


def pours(sock: socket.socket, over: threading.Event) -> None:
    """Content of no stated length, without an end."""
    sock.sendall(OK + b"\r\n")
    while not over.is_set():
        sock.sendall(b"a" * 65_536)


CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BAD_DAYS: Final[dict[str, Bad]] = {
    "HTML with 200": page(b"<html>Welcome to the portal</html>"),
    "a gzip bomb": page(BOMB, b"Content-Encoding: gzip\r\n"),
    "a gzip bomb in chunks": said(CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMB), BOMB)),
    "a length nobody sends": said(OK + b"Content-Length: %d\r\n\r\n" % (MOST_BODY + 1)),
    "chunks of garbage": said(CHUNKED, b"zz\r\nabc\r\n"),
    "a chunk cut off": said(CHUNKED, b"ff\r\nabc"),
    "half an answer": said(OK + b'Content-Length: 20\r\n\r\n{"si'),
    "another protocol": said(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "announcements without an end": said(b"HTTP/1.1 102 Processing\r\n\r\n" * 100),
    "a reset": resets,
    "nothing but the end": said(),
    "drops without an end": drips,
    "a flood without an end": pours,
}


class Provider:
    """Reads whole requests, and has a bad day after each."""

    def __init__(self, bad: Bad) -> None:
        self.bad, self.over = bad, threading.Event()
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                thread = threading.Thread(target=self._talk, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _talk(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            self._read(sock)
            self.bad(sock, self.over)

    def _read(self, sock: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := sock.recv(65_536)):
                raise ConnectionError
            data += more
        head, _, content = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(content) < length:
            content += sock.recv(65_536)
        self.requests += 1

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


def twilio(url: str, **more: Any) -> TwilioSms:
    return TwilioSms(
        account="AC" + "0" * 32, token="token", address="+15551234567", base_url=url,
        receipts_url="https://broker.example/twilio/main/status", **more,
    )  # fmt: skip


def gateway(url: str, **more: Any) -> SmsGatewayHttp:
    return SmsGatewayHttp(
        profile_of("direct"), account="1", secret="secret", base_url=url,
        signatures=["示例证券"], **more,
    )  # fmt: skip


def webhook(url: str, **more: Any) -> Webhook:
    return Webhook(url=url, secret="secret", **more)


OPENS: Final[dict[str, Callable[..., Any]]] = {
    "twilio": twilio, "gateway": gateway, "webhook": webhook,
}  # fmt: skip


def letter(kind: str) -> Message:
    if kind == "webhook":
        return push(1)
    if kind == "gateway":
        text = "【示例证券】国庆节休市安排。"
        return Message(1, 7, "+8613800000001", "zh-CN", (text,), AT, None)
    return sms(1)


@contextmanager
def provider(bad: Bad) -> Iterator[Provider]:
    with closing(Provider(bad)) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("day", BAD_DAYS)
@pytest.mark.parametrize("kind", OPENS)
def test_the_message_is_in_doubt_and_was_handed_over_once(kind: str, day: str) -> None:
    with provider(BAD_DAYS[day]) as server, closing(OPENS[kind](server.url, timeout=0.5)) as opened:
        (outcome,) = results(opened, [letter(kind)]).values()

    taken = kind == "webhook" and day in ("HTML with 200", "a gzip bomb", "a gzip bomb in chunks")
    # A push service takes a message with 2xx, whatever else it says.
    assert outcome.state == (State.ACCEPTED if taken else State.IN_DOUBT)
    assert server.requests == 1
    assert len(outcome.detail) < 300


@pytest.mark.parametrize("kind", OPENS)
def test_who_shows_a_certificate_that_has_expired_is_told_nothing(
    kind: str, tmp_path: Path
) -> None:
    certificate = made_certificate(tmp_path / "old.pem", expired=True)
    context = server_side(certificate)
    heard: list[bytes] = []

    def shakes(sock: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(sock, server_side=True) as secure:
            heard.append(secure.recv(65_536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: shakes(listener.accept()[0]))
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        opened = OPENS[kind](url, ca_file=str(certificate), connections=1)
        with (
            closing(opened),
            pytest.raises(ChannelUnavailable, match="not trusted: certificate has expired"),
        ):
            list(opened.send([letter(kind)]))
        thread.join()

    assert heard == []
