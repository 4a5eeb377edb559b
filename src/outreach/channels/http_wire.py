"""Many requests over a few kept connections, one at a time on each, without a thread.

A request goes out once. What has no answer is `Lost`, which says whether a byte of it may have
left: before that nothing was sent, after it nobody knows.
"""

import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from outreach.channels.http_line import Address, Line, Origin, addresses_of
from outreach.core.http1 import Answer, Garbled

K = TypeVar("K")

_KEEP: Final = 60.0  # seconds for which an address is believed
_IN: Final = select.EPOLLIN
_BOTH: Final = select.EPOLLIN | select.EPOLLOUT
_READABLE: Final = select.EPOLLIN | select.EPOLLERR | select.EPOLLHUP


class Lost(NamedTuple):
    """A request without an answer. `begun`: a byte of it may have left."""

    begun: bool
    code: str  # connect | timeout | connection_lost | garbled
    words: str


Came = Answer | Lost
NOT_SENT: Final = Lost(False, "not_sent", "it was not to go any more")


class HttpWire:
    """Connections to one origin, opened as they are needed and kept for the next call. One
    `exchange` at a time."""

    def __init__(self, origin: Origin, *, connections: int, timeout: float) -> None:
        self._origin, self._most, self._timeout = origin, connections, timeout
        self._epoll: select.epoll | None = None
        self._lines: dict[int, Line] = {}  # by number of the socket, the longest waiting first
        self._addresses: tuple[Address, ...] = ()  # as they were looked up last
        self._until = 0.0  # when they are looked up again
        self._enough = False  # a further connection was refused us: those we have must do

    def exchange(
        self, todo: deque[K], request: Callable[[K], bytes | None]
    ) -> Iterator[tuple[K, Came]]:
        """Ask for everything in `todo`, in its order; yields what came of each, as it comes.

        `request` is asked for the bytes at the last moment; where it gives None, nothing is sent.
        The caller may add to `todo` and clear it between two results: what he takes out is not
        asked. Stopping early drops the connections whose answers are still out.
        """
        self._enough = False
        try:
            while True:
                failed = self._start(todo, request)
                if failed is not None:
                    yield failed
                elif todo or any(line.stage == "busy" for line in self._lines.values()):
                    yield from self._turn(todo)
                else:
                    return
        finally:
            for line in [line for line in self._lines.values() if line.stage != "idle"]:
                self._drop(line)

    def ask(self, request: bytes) -> Came:
        """One request."""
        (came,) = [came for _, came in self.exchange(deque([request]), lambda one: one)]
        return came

    def close(self) -> None:
        for line in list(self._lines.values()):
            self._drop(line)
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None

    # --- one turn of the loop -----------------------------------------------------------------

    def _start(self, todo: deque[K], request: Callable[[K], bytes | None]) -> tuple[K, Came] | None:
        """Give idle lines their next requests, and open lines for what is left over. What came of
        a request that is not to go any more, or that no line can be opened for."""
        if not todo:
            return None
        for line in [line for line in self._lines.values() if line.stage == "idle"]:
            if todo and (refused := self._hand(line, todo, request)) is not None:
                return refused
        opening = sum(line.stage not in ("idle", "busy") for line in self._lines.values())
        while len(todo) > opening and len(self._lines) < self._most:
            if self._enough and self._lines:
                return None
            try:
                self._register(Line(self._origin, self._looked_up()))
            except OSError as error:
                self._enough = True
                if not self._lines:
                    return todo.popleft(), self._unreachable(error)
            opening += 1
        return None

    def _hand(
        self, line: Line, todo: deque[K], request: Callable[[K], bytes | None]
    ) -> tuple[K, Came] | None:
        if not line.alive():
            self._drop(line)
            return next(self._hung_up(line, todo), None)
        key = todo.popleft()
        content = request(key)
        if content is None:
            return key, NOT_SENT
        try:
            line.ask(key, content)
        except OSError:
            todo.appendleft(key)  # the line was dead, and not a byte has left
            self._drop(line)
            return None
        fd = line.sock.fileno()
        del self._lines[fd]
        self._lines[fd] = line  # behind all that wait longer
        if line.writing:
            self._watch(line, _BOTH)
        return None

    def _turn(self, todo: deque[K]) -> Iterator[tuple[K, Came]]:
        assert self._epoll is not None  # noqa: S101 - a line is open
        oldest = next(line for line in self._lines.values() if line.stage != "idle")
        left = oldest.since + self._timeout - monotonic()
        for fd, event in self._epoll.poll(max(left, 0.0)):
            line = self._lines.get(fd)
            if line is not None:
                yield from self._step(line, event, todo)
        now = monotonic()
        for line in list(self._lines.values()):
            if line.stage != "idle" and now >= line.since + self._timeout:
                yield from self._late(line, todo)

    def _step(self, line: Line, event: int, todo: deque[K]) -> Iterator[tuple[K, Came]]:
        if line.stage == "idle":
            if not line.alive():
                self._drop(line)
                yield from self._hung_up(line, todo)
        elif line.stage == "busy":
            came = self._further(line, event)
            if came is not None:
                key = line.key
                if isinstance(came, Answer) and came.again and not line.writing:
                    line.stage, line.key = "idle", None
                else:
                    self._drop(line)
                yield key, came
        else:
            yield from self._opened(line, todo)

    def _further(self, line: Line, event: int) -> Came | None:
        """What came of the request this line carries, if that is known by now."""
        try:
            if line.writing and event & select.EPOLLOUT:
                line.write()
                if not line.writing:
                    self._watch(line, _IN)
            if event & _READABLE:
                return line.read()
        except Garbled as error:
            return Lost(True, "garbled", f"the answer cannot be read: {error}")
        except OSError:
            return Lost(True, "connection_lost", "the connection ended before the answer")
        return None

    def _opened(self, line: Line, todo: deque[K]) -> Iterator[tuple[K, Came]]:
        before = line.sock.fileno()
        try:
            ready = line.open_further()
        except (OSError, Garbled) as error:
            self._drop(line)
            yield from self._without(todo, self._unreachable(error))
            return
        if line.sock.fileno() != before:
            del self._lines[before]
            self._register(line)
        elif ready or line.stage != "connecting":
            self._watch(line, _IN)

    def _late(self, line: Line, todo: deque[K]) -> Iterator[tuple[K, Came]]:
        key, busy = line.key, line.stage == "busy"
        if busy:  # the caller may have taken his time, or this process stood still
            yield from self._step(line, _IN, todo)
            if line.stage != "busy" or line.sock.fileno() not in self._lines:
                return
        self._drop(line)
        if busy:
            yield key, Lost(True, "timeout", f"no answer within {self._timeout:g} seconds")
        else:
            words = f"no connection within {self._timeout:g} seconds"
            yield from self._without(todo, Lost(False, "connect", words))

    def _hung_up(self, line: Line, todo: deque[K]) -> Iterator[tuple[K, Came]]:
        """The server has hung up on an idle line. One that was never asked was as good as refused:
        a balancer with nobody behind it takes every connection, and would be asked for ever."""
        if line.fresh:
            what = "the proxy" if self._origin.proxy else "the host"
            yield from self._without(todo, Lost(False, "connect", f"{what} hangs up at once"))

    def _without(self, todo: deque[K], lost: Lost) -> Iterator[tuple[K, Came]]:
        """A line could not be opened: that is somebody's loss only where no other is left."""
        self._enough, self._addresses = True, ()  # the host may have moved
        if todo and not self._lines:
            yield todo.popleft(), lost

    def _looked_up(self) -> tuple[Address, ...]:
        """Where the host is. It is not asked for each line: a name server that takes its time would
        hold up all the others."""
        if not self._addresses or monotonic() >= self._until:
            self._addresses = tuple(addresses_of(self._origin))
            self._until = monotonic() + _KEEP
        return self._addresses

    # --- lines --------------------------------------------------------------------------------

    def _register(self, line: Line) -> None:
        if self._epoll is None:
            self._epoll = select.epoll()
        self._lines[line.sock.fileno()] = line
        self._epoll.register(line.sock.fileno(), _BOTH)

    def _watch(self, line: Line, events: int) -> None:
        assert self._epoll is not None  # noqa: S101 - the line is in it
        self._epoll.modify(line.sock.fileno(), events)

    def _drop(self, line: Line) -> None:
        fd = line.sock.fileno()
        if self._lines.pop(fd, None) is not None and self._epoll is not None:
            self._epoll.unregister(fd)
        line.close()

    def _unreachable(self, error: Exception) -> Lost:
        """Why no connection was to be had: nothing was sent."""
        what = "the proxy" if self._origin.proxy else "the host"
        if isinstance(error, ssl.SSLCertVerificationError):
            words = f"its certificate is not trusted: {error.verify_message}"
        elif isinstance(error, ssl.SSLError):
            words = "no secure connection could be agreed on"
        elif isinstance(error, socket.gaierror):
            words = f"the name of {what} cannot be looked up"
        else:
            words = f"{what} cannot be reached"
        return Lost(False, "connect", words)
