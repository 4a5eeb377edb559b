"""Setting up an SMTP connection: TCP, TLS, greeting, login. Blocking, each step with a timeout.

The standard library does the set-up, which no message waits for; the letters then go over the bare
socket (`smtp_wire`).
"""

import smtplib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp_reply import Reply
from outreach.channels.smtp_wire import Offers
from outreach.core.dkim import KeyProblem, Signer

_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))
_READ: Final = 4096  # many answers
_READ_TLS: Final = 65536  # larger than a record, so that none of it waits where no poll sees it


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to connect. `timeout` is seconds for one answer of the server."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    weight: int = 1  # its share of the connections, beside the other relays of a sender

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


class Signature(Protocol):
    """One DKIM key of config.toml."""

    @property
    def domain(self) -> str: ...

    @property
    def selector(self) -> str: ...

    @property
    def key_file(self) -> str: ...


class Session:
    """A socket that is past its login, non-blocking, TLS or not."""

    __slots__ = ("_most", "_sock", "offers")

    def __init__(self, sock: socket.socket, offers: Offers) -> None:
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._most = _READ_TLS if isinstance(sock, ssl.SSLSocket) else _READ
        self.offers = offers

    def fileno(self) -> int:
        return self._sock.fileno()

    def write(self, data: bytes | memoryview) -> int | None:
        """The number of bytes taken; nothing when the socket is full. Raises `OSError`."""
        try:
            return self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return None

    def read(self) -> bytes | None:
        """What has come; empty when the server hung up, nothing when there is no more yet."""
        try:
            return self._sock.recv(self._most)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def close(self, *, quit_: bool = False) -> None:
        with suppress(OSError):
            if quit_:
                self._sock.send(b"QUIT\r\n")
        with suppress(OSError):
            self._sock.close()


def signers_of(signatures: Iterable[Signature]) -> tuple[Signer, ...]:
    """Reads the keys. Raises `ChannelUnavailable` for one that cannot be read or cannot sign."""
    found = []
    for one in signatures:
        try:
            found.append(Signer(one.domain, one.selector, Path(one.key_file).read_bytes()))
        except OSError as error:
            reason = error.strerror or error
            raise ChannelUnavailable(f"key_file {one.key_file} cannot be read: {reason}") from error
        except KeyProblem as problem:
            raise ChannelUnavailable(f"key_file {one.key_file}: {problem}") from problem
    return tuple(found)


def tls_context(server: Server) -> ssl.SSLContext | None:
    """What to trust; nothing for a connection in the clear. Raises `ChannelUnavailable`."""
    if server.security == "none":
        if server.username and server.host not in _LOOPBACK:
            raise ChannelUnavailable(
                f"{server.place}: a login needs TLS; set security to starttls or tls"
            )
        return None
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        reason = error.strerror or "it is no PEM file"
        raise ChannelUnavailable(f"ca_file {server.ca_file} cannot be read: {reason}") from error


def connect(server: Server, context: ssl.SSLContext | None, helo: str) -> Session:
    """A session ready for its first letter. Raises `ChannelUnavailable` with place and reason."""
    client: smtplib.SMTP | None = None
    try:
        client = _greeted(server, context, helo)
        _log_in(client, server)
        sock, offers = client.sock, _offers(client)
        if sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        session = Session(sock, offers)
        client.sock = None
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelUnavailable(f"{server.place}: {_reason(error, server)}") from error
    finally:
        if client is not None:
            client.close()
    return session


def _greeted(server: Server, context: ssl.SSLContext | None, helo: str) -> smtplib.SMTP:
    if server.security == "tls":
        client: smtplib.SMTP = _TlsClient(
            server.host, server.port, helo, timeout=server.timeout, context=context
        )
    else:
        client = _Client(server.host, server.port, helo, timeout=server.timeout)
    try:
        client.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            if not client.has_extn("starttls"):
                raise ChannelUnavailable(f"{server.place}: the server does not offer STARTTLS")
            client.starttls(context=context)
            client.ehlo_or_helo_if_needed()
    except BaseException:
        client.close()
        raise
    return client


class _Client(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        return _in_time(self, super().getreply)


class _TlsClient(smtplib.SMTP_SSL):
    def getreply(self) -> tuple[int, bytes]:
        return _in_time(self, super().getreply)


def _in_time(client: smtplib.SMTP, read: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    """One whole answer within the timeout: the socket's own begins anew with each byte, so a server
    that drips, or talks without an end, would be listened to for ever."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            if client.sock is not None:
                client.sock.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(client.timeout, cut)
    clock.daemon = True
    clock.start()
    try:
        return read()
    except (OSError, smtplib.SMTPException) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        clock.cancel()


def _log_in(client: smtplib.SMTP, server: Server) -> None:
    """AUTH PLAIN, or LOGIN where that is all there is (RFC 4616; both only ever inside TLS)."""
    if not server.username:
        return
    offered = client.esmtp_features.get("auth", "").upper().split()
    name, password = server.username.encode(), (server.password or "").encode()
    if "PLAIN" in offered:
        answer = client.docmd("AUTH", "PLAIN " + _base64(b"\0%b\0%b" % (name, password)))
    elif "LOGIN" in offered:
        answer = client.docmd("AUTH", "LOGIN")
        for secret in (name, password):
            if answer[0] == 334:
                answer = client.docmd(_base64(secret))
    else:
        raise ChannelUnavailable(f"{server.place}: the server offers neither AUTH PLAIN nor LOGIN")
    if answer[0] != 235:
        raise smtplib.SMTPAuthenticationError(*answer)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _offers(client: smtplib.SMTP) -> Offers:
    features = client.esmtp_features
    size = features.get("size", "").strip()
    return Offers(
        pipelining="pipelining" in features,
        eight_bit="8bitmime" in features,
        utf8="smtputf8" in features,
        size=int(size) if size.isascii() and size.isdigit() else 0,
        dsn="dsn" in features,
    )


def _reason(error: Exception, server: Server) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"no answer within {server.timeout:g} seconds"
    if isinstance(error, smtplib.SMTPResponseException):
        if error.smtp_code < 0:  # the library's word for an answer without a code
            return "the server's answer makes no sense"
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        reply = Reply(error.smtp_code, " ".join(text.split()))
        what = "login refused" if isinstance(error, smtplib.SMTPAuthenticationError) else "refused"
        return f"{what}: {reply.label} {reply.words}"
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
        return "the server hung up"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
