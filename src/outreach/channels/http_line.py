"""One connection of HTTP/1.1: opened, asked and read without ever waiting."""

import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from outreach.core.http1 import Answer, AnswerReader, head

_READ: Final = 64 * 1024
_WAITS: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

# What a connection is about; each stage ends when its answer is in.
Stage = Literal["connecting", "tunnel", "handshake", "idle", "busy"]


Address = tuple[int, Any]  # its family, and what that calls an address


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a provider answers, and how it is reached."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: SplitResult | None


def origin_of(url: str, ca_file: str | None = None) -> Origin:
    """The origin of an address, by way of the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY
    name. Raises OSError where `ca_file` cannot be read."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    way = None if proxy_bypass(f"{host}:{port}") else getproxies().get(parts.scheme)
    return Origin(
        host, port, trust(ca_file) if secure else None, urlsplit(_with_scheme(way)) if way else None
    )


def trust(ca_file: str | None = None) -> ssl.SSLContext:
    """Who is believed: `ca_file`, else the system's authorities, else, where a bare system has
    none, those that ship with `certifi`."""
    if ca_file is None and not _system_has_any():
        import certifi

        ca_file = certifi.where()
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def addresses_of(origin: Origin) -> list[Address]:
    """Where an origin, or the proxy before it, is reached. The only thing here that waits: a name
    is looked up. Raises OSError."""
    place = origin.proxy or origin
    port = (origin.proxy.port or 3128) if origin.proxy else origin.port
    host = (place.hostname if isinstance(place, SplitResult) else place.host) or ""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host!r} is no name of a host") from error
    return [(family, address) for family, _, _, _, address in found]


class Line:
    """One connection. Raises OSError from whatever finds it broken; nothing blocks."""

    __slots__ = (
        "_addresses", "_origin", "_reader", "_unsent", "fresh", "key", "since", "sock", "stage",
    )  # fmt: skip

    def __init__(self, origin: Origin, addresses: Sequence[Address]) -> None:
        """`addresses` are tried one after the other."""
        self._origin, self._addresses = origin, list(addresses)
        self._unsent = b""
        self._reader = AnswerReader()
        self.key: Any = None  # of the request it carries
        self.fresh = True  # it has carried none yet
        self.since = monotonic()
        self.stage: Stage = "connecting"
        self.sock: socket.socket = self._connect()

    def _connect(self) -> socket.socket:
        """A connection on its way to the next address."""
        family, address = self._addresses.pop(0)
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.connect(address)
        except BlockingIOError:
            pass
        except OSError:
            sock.close()
            if not self._addresses:
                raise
            return self._connect()
        return sock

    def open_further(self) -> bool:
        """One step of opening. True: the line is idle now. False: it waits for the other side, or
        has begun anew with the host's next address."""
        if self.stage == "connecting":
            if error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                if not self._addresses:
                    raise OSError(error, os.strerror(error))
                broken = self.sock  # closed after, so that the next has another number
                self.sock = self._connect()
                broken.close()
                return False
            if self._origin.proxy is not None:
                self.stage = "tunnel"
                self._ask(self._connect_request(self._origin.proxy), tunnel=True)
                return False
            return self._secure()
        if self.stage == "tunnel":
            answer = self.read()
            if answer is None:
                return False
            if answer.status != 200:
                raise ConnectionRefusedError(f"the proxy answers {answer.status}")
            return self._secure()
        return self._shake()

    def _connect_request(self, proxy: SplitResult) -> bytes:
        host = self._origin.host
        target = f"[{host}]:{self._origin.port}" if ":" in host else f"{host}:{self._origin.port}"
        headers = {"Host": target}
        if proxy.username:
            login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + b64encode(login.encode()).decode()
        return head("CONNECT", target, headers) + b"\r\n"

    def _secure(self) -> bool:
        if self._origin.tls is None:
            self.stage = "idle"
            return True
        self.stage = "handshake"
        self.sock = self._origin.tls.wrap_socket(
            self.sock, server_hostname=self._origin.host, do_handshake_on_connect=False
        )
        return self._shake()

    def _shake(self) -> bool:
        try:
            self.sock.do_handshake()  # type: ignore[attr-defined]
        except _WAITS:
            return False
        self.stage = "idle"
        return True

    def alive(self) -> bool:
        """Whether an idle line may still be asked: a server that has hung up has said so by now."""
        try:
            self.sock.recv(1)
        except _WAITS:
            return True
        except OSError:
            return False
        return False

    def ask(self, key: Any, request: bytes) -> None:
        """Hand a request to an idle line. OSError: no byte of it has left."""
        self.fresh = False
        try:
            self._ask(request)
        except OSError:
            if len(self._unsent) == len(request):
                raise
            self._unsent = b""  # part of it has left: reading tells what came of that
        self.key, self.stage, self.since = key, "busy", monotonic()

    def _ask(self, request: bytes, tunnel: bool = False) -> None:
        self._reader = AnswerReader(tunnel=tunnel)
        self._unsent = request
        self.write()

    @property
    def writing(self) -> bool:
        """Whether part of the request waits for room."""
        return bool(self._unsent)

    def write(self) -> None:
        """Send what is left of the request."""
        while self._unsent:
            try:
                sent = self.sock.send(self._unsent)
            except _WAITS:
                return
            self._unsent = self._unsent[sent:]

    def read(self) -> Answer | None:
        """The answer once it is whole. Raises OSError or `Garbled` when it never will be."""
        while True:
            try:
                data = self.sock.recv(_READ)
            except _WAITS:
                return None
            if not data:
                if not self._reader.begun:
                    raise ConnectionResetError("the connection ended before the answer")
                return self._reader.end()
            answer = self._reader.feed(data)
            if answer is not None:
                return answer

    def close(self) -> None:
        self.sock.close()


def _with_scheme(proxy: str) -> str:
    return proxy if "//" in proxy else f"http://{proxy}"


def _system_has_any() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return True
    return bool(paths.capath and any(Path(paths.capath).iterdir()))
