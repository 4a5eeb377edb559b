"""Connections of HTTP/1.1 against a peer that does exactly what it is told, byte by byte."""

import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from outreach.channels.http_line import Line as HttpLine
from outreach.channels.http_line import origin_of
from outreach.channels.http_wire import NOT_SENT, Came, HttpWire, Lost
from outreach.core.http1 import Answer
from tests.certificate import made_certificate, server_side

GOOD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
CUT: Final = b""


class Line:
    """One connection as the peer has it."""

    def __init__(self, peer: "Peer", sock: socket.socket, number: int) -> None:
        self.peer, self.sock, self.number = peer, sock, number
        self.buffer = b""

    def request(self) -> bytes:
        """The next request: `<name>!`; nothing where the other side has hung up."""
        while b"!" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return b""
            self.buffer += data
        name, _, self.buffer = self.buffer.partition(b"!")
        with self.peer.lock:
            self.peer.asked.append(name)
        return name

    def answer(self, name: bytes) -> None:
        self.sock.sendall(GOOD + name[-2:])


Script = Callable[[Line], None]


def obliging(line: Line) -> None:
    while name := line.request():
        line.answer(name)


class Peer:
    def __init__(self, script: Script, tls: ssl.SSLContext | None) -> None:
        self.script, self.tls = script, tls
        self.asked: list[bytes] = []
        self.lines = 0
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.threads: list[threading.Thread] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.lines += 1
                thread = threading.Thread(target=self.talk, args=(sock, self.lines))
                self.threads.append(thread)
                thread.start()

    def talk(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError):
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock:
                self.script(Line(self, sock, number))

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"


@contextmanager
def peer(script: Script = obliging, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    opened = Peer(script, tls)
    thread = threading.Thread(target=opened.serve)
    thread.start()
    try:
        yield opened
    finally:
        opened.released.set()
        with suppress(OSError):
            opened.listener.shutdown(socket.SHUT_RDWR)
        opened.listener.close()
        thread.join()
        for each in opened.threads:
            each.join()


@contextmanager
def wire(
    url: str, connections: int = 4, timeout: float = 5.0, ca_file: str | None = None
) -> Iterator[HttpWire]:
    opened = HttpWire(origin_of(url, ca_file), connections=connections, timeout=timeout)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def names(count: int) -> list[bytes]:
    return [b"r%02d" % number for number in range(count)]


def ask(opened: HttpWire, wanted: list[bytes]) -> dict[bytes, Came]:
    found = list(opened.exchange(deque(wanted), lambda name: name + b"!"))
    assert sorted(name for name, _ in found) == sorted(wanted)
    return dict(found)


def good(found: dict[bytes, Came]) -> bool:
    return all(isinstance(one, Answer) and one.content == name[-2:] for name, one in found.items())


def test_each_request_goes_once_and_each_answer_to_its_own() -> None:
    with peer() as server, wire(server.url) as opened:
        for _ in range(3):
            assert good(ask(opened, names(40)))

        assert sorted(server.asked) == sorted(names(40) * 3)
        assert server.lines <= 4


def test_nothing_to_ask_connects_to_nobody() -> None:
    with peer() as server, wire(server.url) as opened:
        assert ask(opened, []) == {}

        assert server.lines == 0


def test_a_line_kept_too_long_by_us_is_noticed_before_anything_is_asked_on_it() -> None:
    hung_up = threading.Event()

    def once(line: Line) -> None:
        line.answer(line.request())
        line.sock.shutdown(socket.SHUT_WR)
        hung_up.set()

    with peer(once) as server, wire(server.url, connections=1) as opened:
        for name in names(3):
            assert good(ask(opened, [name]))
            hung_up.wait(5)
            hung_up.clear()

        assert server.asked == names(3)


def test_a_server_that_closes_after_each_answer_is_asked_on_new_lines() -> None:
    def once(line: Line) -> None:
        name = line.request()
        line.sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + name[-2:])

    with peer(once) as server, wire(server.url) as opened:
        assert good(ask(opened, names(9)))

        assert server.lines == 9


def test_a_line_whose_server_takes_no_more_is_not_asked_again_though_it_is_open() -> None:
    def once(line: Line) -> None:
        name = line.request()
        line.sock.sendall(GOOD.replace(b"OK", b"OK\r\nConnection: close") + name[-2:])
        line.peer.released.wait(10)

    with peer(once) as server, wire(server.url, connections=1) as opened:
        assert good(ask(opened, names(3)))

        assert server.lines == 3


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (CUT, "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "garbled"),
        (b"HTT", "garbled"),
        (b"220 mx.test ESMTP\r\n", "garbled"),
    ],
)
def test_an_answer_that_cannot_be_read_loses_its_request_and_no_other(
    said: bytes, code: str
) -> None:
    def script(line: Line) -> None:
        while name := line.request():
            if name == b"r03":
                line.sock.sendall(said)
                return
            line.answer(name)

    with peer(script) as server, wire(server.url) as opened:
        found = ask(opened, names(12))
        lost = found.pop(b"r03")

        assert isinstance(lost, Lost)
        assert (lost.begun, lost.code) == (True, code)
        assert good(found)
        assert sorted(server.asked) == names(12)  # nothing a second time


def test_an_answer_that_never_comes_is_waited_for_so_long_and_holds_up_nobody() -> None:
    def script(line: Line) -> None:
        while name := line.request():
            if name == b"r01":
                line.peer.released.wait(10)
            line.answer(name)

    with peer(script) as server, wire(server.url, connections=2, timeout=1.0) as opened:
        found = ask(opened, names(8))

        assert found.pop(b"r01") == Lost(True, "timeout", "no answer within 1 seconds")
        assert good(found)


def test_an_answer_that_came_while_the_caller_took_his_time_is_not_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """He writes to a database that stands still; the answers have long been there."""
    clock, first, sent = [1000.0], threading.Event(), threading.Semaphore(0)
    for module in ("http_wire", "http_line"):
        monkeypatch.setattr(f"outreach.channels.{module}.monotonic", lambda: clock[0])

    def script(line: Line) -> None:
        name = line.request()
        if name != b"r00":
            first.wait(20)
        line.answer(name)
        sent.release()
        line.request()

    with peer(script) as server, wire(server.url, connections=3) as opened:
        answers = opened.exchange(deque(names(3)), lambda name: name + b"!")
        found = [next(answers)]
        first.set()
        for _ in range(3):
            assert sent.acquire(timeout=20)
        clock[0] += 100.0
        found += answers

        assert good(dict(found))
        assert len(found) == 3


def test_an_answer_in_small_pieces_is_put_together() -> None:
    def script(line: Line) -> None:
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while name := line.request():
            for byte in b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD + name[-2:]:
                line.sock.sendall(bytes([byte]))

    with peer(script) as server, wire(server.url) as opened:
        assert good(ask(opened, names(6)))


def test_a_request_larger_than_any_buffer_goes_out_whole() -> None:
    large = b"x" * 1_000_000

    with peer() as server, wire(server.url) as opened:
        found = opened.ask(large + b"!")

        assert isinstance(found, Answer)
        assert server.asked == [large]


def test_where_nobody_listens_nothing_has_left() -> None:
    with peer() as server:
        url = server.url
    with wire(url) as opened:
        found = ask(opened, names(3))

    assert set(found.values()) == {Lost(False, "connect", "the host cannot be reached")}


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 64 + ".invalid"])
def test_a_host_that_nobody_knows_is_told_nothing(host: str) -> None:
    with wire(f"http://{host}") as opened:
        came = opened.ask(b"x!")

    assert isinstance(came, Lost)
    assert (came.begun, came.code) == (False, "connect")
    assert came.words in ("the name of the host cannot be looked up", "the host cannot be reached")


def test_a_name_is_looked_up_once_for_many_lines_and_again_where_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, look_up = [], socket.getaddrinfo

    def looks(*given: Any, **more: Any) -> Any:
        asked.append(given[0])
        return look_up(*given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looks)
    with peer() as server, wire(server.url, connections=4) as opened:
        assert good(ask(opened, names(40)))
        assert len(asked) == 1
        url = server.url
    with wire(url) as opened:
        for _ in range(2):
            came = opened.ask(b"x!")
            assert isinstance(came, Lost)
    assert len(asked) == 3


def test_a_connection_nobody_takes_up_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=0.2)
        with wire(f"https://127.0.0.1:{port}", timeout=0.3) as opened:
            found = opened.ask(b"x!")

    assert found == Lost(False, "connect", "no connection within 0.3 seconds")


def test_who_hangs_up_on_every_connection_at_once_is_not_asked_for_ever() -> None:
    """A balancer with nobody behind it. That it has hung up is known before anything is asked."""

    def goes(line: Line) -> None:
        line.sock.close()

    class Seen(HttpLine):
        def alive(self) -> bool:
            select.select([self.sock], [], [], 20)  # until it has hung up
            return super().alive()

    with peer(goes) as server, pytest.MonkeyPatch.context() as patched:
        patched.setattr("outreach.channels.http_wire.Line", Seen)
        with wire(server.url, connections=1) as opened:
            found = ask(opened, names(3))

        assert set(found.values()) == {Lost(False, "connect", "the host hangs up at once")}
        assert server.lines == 3
        assert server.asked == []


def test_a_line_that_breaks_in_the_middle_of_a_request_leaves_it_in_doubt() -> None:
    """Part of it has left: it is not asked again on another line."""

    class Broken(HttpLine):
        def write(self) -> None:
            if self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent[:4]) :]
                raise ConnectionResetError

    with peer() as server, pytest.MonkeyPatch.context() as patched:
        patched.setattr("outreach.channels.http_wire.Line", Broken)
        with wire(server.url, connections=1, timeout=0.2) as opened:
            (came,) = dict(opened.exchange(deque([b"r01"]), lambda _: b"r01 and more!")).values()

        assert isinstance(came, Lost)
        assert came.begun
        assert server.lines == 1


def test_where_no_further_connection_is_to_be_had_the_first_does_all() -> None:
    def script(line: Line) -> None:
        line.peer.listener.shutdown(socket.SHUT_RDWR)
        obliging(line)

    with peer(script) as server, wire(server.url, connections=1) as opened:
        assert good(ask(opened, [b"r99"]))
        opened._most = 5

        assert good(ask(opened, names(20)))
        assert server.lines == 1


def test_stopping_early_drops_what_is_out_and_the_wire_goes_on() -> None:
    with peer() as server, wire(server.url) as opened:
        todo = deque(names(20))
        exchange = opened.exchange(todo, lambda name: name + b"!")
        next(exchange)
        exchange.close()  # type: ignore[attr-defined]

        assert len(todo) >= 16
        assert good(ask(opened, [b"r98", b"r99"]))


def test_what_is_taken_out_is_not_asked_and_what_is_added_is() -> None:
    with peer() as server, wire(server.url, connections=1) as opened:
        todo = deque(names(10))
        found = []
        for name, _ in opened.exchange(todo, lambda name: name + b"!"):
            found.append(name)
            if name == b"r02":
                todo.clear()
                todo.append(b"r77")

        assert found == [*names(3), b"r77"]
        assert server.asked == found


def test_what_is_not_to_go_any_more_is_looked_at_once_more_before_it_goes() -> None:
    with peer() as server, wire(server.url, connections=2) as opened:
        late = {b"r03", b"r04"}
        request = lambda name: None if name in late else name + b"!"  # noqa: E731
        found = dict(opened.exchange(deque(names(6)), request))

        assert {name for name, came in found.items() if came is NOT_SENT} == late
        assert sorted(server.asked) == [name for name in names(6) if name not in late]


# --- secure connections ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def test_over_tls_each_request_goes_once(certificate: Path) -> None:
    with (
        peer(tls=server_side(certificate)) as server,
        wire(server.url, ca_file=str(certificate)) as opened,
    ):
        for _ in range(3):
            assert good(ask(opened, names(40)))

        assert sorted(server.asked) == sorted(names(40) * 3)
        assert server.lines <= 4


def test_a_large_answer_over_tls_is_read_to_its_end(certificate: Path) -> None:
    size = 300_000

    def script(line: Line) -> None:
        while line.request():
            line.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)

    with (
        peer(script, server_side(certificate)) as server,
        wire(server.url, ca_file=str(certificate)) as opened,
    ):
        found = ask(opened, names(3))

    assert {len(one.content) for one in found.values() if isinstance(one, Answer)} == {size}


def test_a_certificate_nobody_vouches_for_is_told_nothing(certificate: Path) -> None:
    with peer(tls=server_side(certificate)) as server, wire(server.url) as opened:
        found = opened.ask(b"secret!")

        assert isinstance(found, Lost)
        assert (found.begun, found.code) == (False, "connect")
        assert found.words.startswith("its certificate is not trusted: ")
        assert server.asked == []


def test_the_certificate_of_another_host_is_not_believed(certificate: Path) -> None:
    with peer(tls=server_side(certificate)) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with wire(url, ca_file=str(certificate)) as opened:
            found = opened.ask(b"secret!")

        assert isinstance(found, Lost)
        assert (found.begun, found.code) == (False, "connect")
        assert found.words.startswith("its certificate is not trusted: ")
        assert server.asked == []


def test_a_server_without_tls_is_told_nothing() -> None:
    def script(line: Line) -> None:
        line.sock.recv(100)
        line.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(script) as server, wire(server.url.replace("http", "https")) as opened:
        found = opened.ask(b"secret!")

        assert found == Lost(False, "connect", "no secure connection could be agreed on")
        assert server.asked == []


# --- through a proxy --------------------------------------------------------------------------


def relaying(to: int, status: bytes = b"200 Connection established") -> Script:
    def script(line: Line) -> None:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            asked += line.sock.recv(4096)
        line.peer.asked.append(asked)
        line.sock.sendall(b"HTTP/1.1 %b\r\n\r\n" % status)
        with socket.create_connection(("127.0.0.1", to)) as further:
            pump = threading.Thread(target=_pour, args=(further, line.sock))
            pump.start()
            _pour(line.sock, further)
            pump.join()

    return script


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_more(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(tls=server_side(certificate)) as server, peer(relaying(server.port)) as proxy:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HTTPS_PROXY", f"http://clerk:p%40ss@127.0.0.1:{proxy.port}")
        with wire(server.url, ca_file=str(certificate), connections=2) as opened:
            assert good(ask(opened, names(6)))

        first = proxy.asked[0].split(b"\r\n")
        assert first[0] == b"CONNECT 127.0.0.1:%d HTTP/1.1" % server.port
        assert b"Proxy-Authorization: Basic Y2xlcms6cEBzcw==" in first
        assert sorted(server.asked) == names(6)


def test_a_proxy_that_lets_nobody_through_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer() as server, peer(relaying(server.port, b"407 Who are you")) as proxy:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
        with wire(server.url) as opened:
            assert opened.ask(b"x!") == Lost(False, "connect", "the proxy cannot be reached")

        assert server.asked == []
