"""E-mail over SMTP: a window of messages over a few reused connections, one thread, one epoll.

The wire is ours because it decides the speed: with PIPELINING a message costs one write and one
read. What the replies mean is in `smtp_wire`, how a connection is set up in `smtp_session`.
"""

import select
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from ssl import SSLContext
from time import monotonic
from typing import Final

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp_session import Server, Session, connect, tls_context
from outreach.channels.smtp_window import Clerk, Window
from outreach.channels.smtp_wire import Conversation, Garbled
from outreach.core.mime import Letterhead, ascii_domain
from outreach.core.model import Message, Outcome
from outreach.core.words import Channel

# Seconds after which an idle connection is not trusted: firewalls forget it without a word.
_STALE: Final = 60.0
_PER_CONNECTION: Final = 5  # a window opens one connection for so many messages, up to the limit
_BARREN: Final = 3  # connections in a row that end without having served a message
_LOST: Final = "connection_lost"


class Line:
    """One connection at work: its socket, its conversation, and what is still to be written."""

    __slots__ = ("conversation", "deadline", "out", "session", "used_at")

    def __init__(self, session: Session, now: float) -> None:
        self.session = session
        self.conversation = Conversation(session.offers)
        self.out: bytes | memoryview = b""
        self.deadline = self.used_at = now


class SmtpChannel:
    """Sends over up to `connections` connections, kept open between windows.

    Accepted means a 2xx after the message; the provider's reference is what the server said with
    it. 5xx is refused, 4xx unavailable. A connection that ends, or falls silent, after a byte of
    the message went out leaves it in doubt; a message of which nothing went out takes another
    connection. Refusals that are about us (login, sender address) stop the channel.
    """

    channel = Channel.EMAIL
    window = 500

    def __init__(self, server: Server, letterhead: Letterhead, *, connections: int = 8) -> None:
        """Raises `Unwritable` when the sender's address cannot be used."""
        self._server = server
        self._connections = connections
        self._clerk = Clerk(letterhead)
        own_name = socket.gethostname()
        self._helo = own_name if "." in own_name else ascii_domain(letterhead.address)
        self._switchboard: Switchboard | None = None

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One window. `ChannelUnavailable` when the server took and refused none of it."""
        if not messages:
            return
        if self._switchboard is None:
            self._switchboard = Switchboard(self._server, self._helo)
        board = self._switchboard
        window = Window(messages, self._clerk)
        board.ready(min(self._connections, -(-len(messages) // _PER_CONNECTION)))
        try:
            while board.works(window):
                board.turn(window)
                # Before the first answer the window may still turn out to be unavailable.
                if window.answered:
                    yield from window.drain()
        finally:
            board.hang_up_busy()
        self._close_books(window, board.trouble)
        yield from window.drain()

    def close(self) -> None:
        """Says QUIT on every connection and waits for none."""
        if self._switchboard is not None:
            self._switchboard.close()
            self._switchboard = None

    def _close_books(self, window: Window, trouble: tuple[str, str]) -> None:
        """Everything is over: what was not begun was not sent."""
        place = self._server.place
        if window.stopped:
            code, words = window.stopped
            trouble = (code, f"the server does not serve this sender: {code} {words}")
        if window.waiting and not window.answered:
            raise ChannelUnavailable(f"{place}: {trouble[1]}")
        window.give_up(trouble[0] or _LOST, trouble[1])


class Switchboard:
    """The lines of one channel and the loop that serves them."""

    def __init__(self, server: Server, helo: str) -> None:
        self.trouble = ("", "")  # the last failure of a connection: code and words
        self._server = server
        self._helo = helo
        self._context: SSLContext | None = tls_context(server)
        self._poll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._idle: list[Line] = []
        self._opening = 0
        self._barren = 0
        self._arrived: deque[Future[Session]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        self._bell, self._button = socket.socketpair()
        self._bell.setblocking(False)
        self._poll.register(self._bell, select.EPOLLIN)

    def ready(self, wanted: int) -> None:
        """At least one usable line, and more on their way. Raises `ChannelUnavailable`."""
        self.trouble = ("", "")
        self._barren = 0
        now = monotonic()
        self._welcome()
        for line in tuple(self._idle):
            if now - line.used_at > _STALE:
                self._forget(line)
        if not self._lines and not self._opening:
            # Alone, so that a wrong password is tried once and not on every connection.
            self._add(connect(self._server, self._context, self._helo))
        for _ in range(wanted - len(self._lines) - self._opening):
            self._open()

    def works(self, window: Window) -> bool:
        """Gives idle lines their next letter; whether anything is left to wait for."""
        while self._idle and window.waiting and not window.stopped:
            line = self._idle.pop()
            self._put(line, window, line.conversation.begin(window))
        if len(self._idle) < len(self._lines):
            return True
        return window.waiting and not window.stopped and bool(self._opening)

    def turn(self, window: Window) -> None:
        """Waits for the next answers and serves them."""
        timeout = self._server.timeout
        for descriptor, _ in self._poll.poll(min(1.0, timeout / 4)):
            line = self._lines.get(descriptor)
            if line is not None:
                self._serve(line, window)
            elif descriptor == self._bell.fileno():
                self._welcome()
        now = monotonic()
        for line in tuple(self._lines.values()):
            if now > line.deadline and line.conversation.busy:
                words = f"no answer within {timeout:g} seconds"
                self._drop(line, window, "timeout", words, reopen=False)

    def hang_up_busy(self) -> None:
        """Closes what is in the middle of a message, so that the next window starts clean."""
        for line in tuple(self._lines.values()):
            if line.conversation.busy or line.out:
                self._forget(line)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._welcome()
        for line in tuple(self._lines.values()):
            line.session.close(quit_=not line.conversation.busy)
        self._poll.close()
        self._bell.close()
        self._button.close()

    # --- lines -------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(8, thread_name_prefix="smtp-connect")
        self._opening += 1
        future = self._pool.submit(connect, self._server, self._context, self._helo)
        future.add_done_callback(self._arrive)

    def _arrive(self, future: Future[Session]) -> None:
        """Runs in the thread that connected."""
        self._arrived.append(future)
        with suppress(OSError):
            self._button.send(b".")

    def _welcome(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._arrived:
            future = self._arrived.popleft()
            self._opening -= 1
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                self._add(future.result())
            else:
                self.trouble = ("connect", str(error).removeprefix(f"{self._server.place}: "))

    def _add(self, session: Session) -> None:
        line = Line(session, monotonic())
        self._lines[session.fileno()] = line
        self._poll.register(session.fileno(), select.EPOLLIN)
        self._idle.append(line)

    def _forget(self, line: Line) -> None:
        descriptor = line.session.fileno()
        self._lines.pop(descriptor, None)
        with suppress(ValueError):
            self._idle.remove(line)
        with suppress(OSError):
            self._poll.unregister(descriptor)
        line.session.close()

    def _drop(
        self, line: Line, window: Window, code: str, words: str, *, reopen: bool = True
    ) -> None:
        self._forget(line)
        conversation = line.conversation
        if conversation.closing:
            code, words = conversation.closing.label, conversation.closing.words
        self.trouble = (code, words)
        conversation.lost(code, words)
        # After some that served nobody, the next would do no better.
        self._barren = 0 if conversation.served else self._barren + 1
        if reopen and self._barren < _BARREN and window.waiting and not window.stopped:
            self._open()

    # --- traffic -----------------------------------------------------------------------------

    def _serve(self, line: Line, window: Window) -> None:
        conversation = line.conversation
        try:
            if line.out:
                self._flush(line)
            data = line.session.read()
            if data is None:
                return
            if not data:
                raise ConnectionResetError
            out = conversation.feed(data)
            if conversation.closing:
                self._drop(line, window, "", "")
                return
        except Garbled:
            self._drop(line, window, "garbled", "the server's answer makes no sense")
        except OSError:
            self._drop(line, window, _LOST, "the server hung up")
        else:
            self._put(line, window, out)

    def _put(self, line: Line, window: Window, out: bytes) -> None:
        """Writes, and notes from when on the line waits; without work the line is idle."""
        now = monotonic()
        if out:
            line.out = out
            try:
                self._flush(line)
            except OSError:
                self._drop(line, window, _LOST, "the server hung up")
                return
        line.deadline = now + self._server.timeout
        if not line.conversation.busy and line not in self._idle:
            line.used_at = now
            self._idle.append(line)

    def _flush(self, line: Line) -> None:
        out, conversation = line.out, line.conversation
        sent = line.session.write(out)
        # A full TLS socket may have let a part of the record go.
        conversation.given = True
        if sent == len(out):
            conversation.flushed = True
            if isinstance(out, memoryview):
                self._poll.modify(line.session.fileno(), select.EPOLLIN)
            line.out = b""
        else:
            line.out = memoryview(out)[sent or 0 :]
            self._poll.modify(line.session.fileno(), select.EPOLLIN | select.EPOLLOUT)
