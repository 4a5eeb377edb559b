"""The connections of an SMTP channel, over one relay or several, and the loop that serves them."""

import select
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from ssl import SSLContext
from threading import Semaphore, Thread
from time import monotonic
from typing import Final

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp_relay import BARREN, Line, Relay
from outreach.channels.smtp_session import Server, Session, connect, tls_context
from outreach.channels.smtp_window import Window
from outreach.channels.smtp_wire import Garbled
from outreach.core.model import About, Outcome, unavailable

# Seconds after which an idle connection is not trusted: firewalls forget it without a word.
_STALE: Final = 60.0
_AT_ONCE: Final = 8  # connections that are being set up
_LOST: Final = "connection_lost"
_HUNG_UP: Final = "the server hung up"


class Switchboard:
    """The lines of one channel and the loop that serves them."""

    def __init__(self, servers: Sequence[Server], helo: str) -> None:
        self._helo = helo
        self._relays: list[Relay] = []
        for server in servers:
            self._relays.append(Relay(server, self._relays))
        self._contexts: dict[int, SSLContext | None] = {
            id(relay): tls_context(relay.server) for relay in self._relays
        }
        self._tick = min(1.0, *(server.timeout / 4 for server in servers))
        self._looks_at = 0.0  # when somebody looks for connections that fell silent
        self._wanted = 0
        self._closed = False
        self._poll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._arrived: deque[tuple[Relay, Session | Exception]] = deque()
        self._few = Semaphore(_AT_ONCE)
        self._bell, self._button = socket.socketpair()
        self._bell.setblocking(False)
        self._poll.register(self._bell, select.EPOLLIN)

    @property
    def sentence(self) -> str:
        """Why nothing goes, for a person."""
        return "; ".join(relay.sentence for relay in self._relays)

    @property
    def trouble(self) -> Outcome:
        """Why no more of a window goes. One relay that refuses our account stops no sender that has
        another, which is merely down."""
        said = [relay.trouble for relay in self._relays if relay.trouble is not None]
        said.sort(key=lambda why: why.about is About.ACCOUNT)
        return said[0] if said else unavailable(_LOST)

    def ready(self, window: Window, wanted: int) -> None:
        """At least one usable line, and more on their way. Raises `ChannelUnavailable`."""
        now = monotonic()
        self._wanted = wanted
        rested = [relay for relay in self._relays if relay.rests_until <= now] or self._relays
        for relay in self._relays:
            relay.begin(window, resting=relay not in rested)
        self._welcome()
        for relay in self._relays:
            for line in tuple(relay.idle):
                if now - line.used_at > _STALE:
                    self._forget(line)
            if not relay.lines and not relay.opening and not relay.resting:
                # Alone, so that a wrong password is tried once and not on every connection.
                self._open(relay)
        while not any(relay.lines and not relay.resting for relay in self._relays):
            if not any(relay.opening for relay in self._relays):
                raise ChannelUnavailable(self.sentence)
            self._listen(1.0)
        for relay in self._relays:
            self._grow(relay)
            window.servers.update(line.session.offers for line in relay.lines)
        window.now = monotonic()

    def works(self, window: Window) -> bool:
        """Gives idle lines their next letter; whether anything is left to wait for."""
        while window.waiting and self._idle() and self._begin():
            pass
        if self._idle() < len(self._lines):
            return True
        if not window.waiting:
            return False
        coming = any(relay.opening and not relay.resting for relay in self._relays)
        able = any(relay.lines and not relay.resting for relay in self._relays)
        return coming or (able and window.wait() < 1e9)

    def turn(self, window: Window, most: float) -> None:
        """Waits for the next answers, `most` seconds at most, and serves them."""
        # A turn that has come is of no use before a line is free to take it.
        turn_comes = window.wait() if self._idle() else inf
        now = window.now = self._listen(min(self._tick, turn_comes, most))
        if now > self._looks_at:
            self._looks_at = now + self._tick / 2
            for line in tuple(self._lines.values()):
                if now > line.deadline and line.conversation.busy:
                    words = f"no answer within {line.relay.server.timeout:g} seconds"
                    self._drop(line, "timeout", words, reopen=False)

    def break_off(self) -> None:
        """Ends every conversation where it stands, and tells of each letter whether it may be
        out."""
        for line in tuple(self._lines.values()):
            if line.conversation.busy:
                self._drop(line, _LOST, "broken off by an error of ours", reopen=False)

    def hang_up_busy(self) -> None:
        """Closes what is in the middle of a message, or was left so by an error, so that the next
        window starts clean."""
        for line in tuple(self._lines.values()):
            if line not in line.relay.idle:
                self._forget(line)

    def close(self) -> None:
        self._closed = True
        self._turn_away()
        for line in tuple(self._lines.values()):
            line.session.close(quit_=not line.conversation.busy)
        self._poll.close()
        self._bell.close()
        self._button.close()

    # --- lines -------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Gives one idle line a letter, at the relay that has had least of its share."""
        for relay in sorted(self._relays, key=lambda relay: relay.load):
            if relay.idle and not relay.resting and self._begin_on(relay.idle.pop()):
                return True
        return False

    def _idle(self) -> int:
        idle = 0
        for relay in self._relays:
            idle += len(relay.idle)
        return idle

    def _grow(self, relay: Relay) -> None:
        """Opens as many lines as its weight gives a relay that serves us."""
        if relay.resting or not relay.lines:
            return
        weights = sum(peer.server.weight for peer in self._relays if not peer.resting)
        share = max(1, round(self._wanted * relay.server.weight / weights))
        for _ in range(share - len(relay.lines) - relay.opening):
            self._open(relay)

    def _open(self, relay: Relay) -> None:
        try:
            context = self._contexts.get(id(relay)) or tls_context(relay.server)
            self._contexts[id(relay)] = context
            # A daemon: the end of the program does not wait for a relay that never answers.
            thread = Thread(
                target=self._connect, args=(relay, context), name="smtp-connect", daemon=True
            )
            thread.start()
        except (ChannelUnavailable, RuntimeError) as error:  # no authorities, no thread
            self._fails(relay, unavailable("connect", str(error)))
        else:
            relay.opening += 1

    def _connect(self, relay: Relay, context: SSLContext | None) -> None:
        """Runs in a thread of its own; whatever comes of it arrives."""
        came: Session | Exception
        try:
            with self._few:
                came = connect(relay.server, context, self._helo)
        except Exception as error:
            came = error
        self._arrived.append((relay, came))
        if self._closed:
            self._turn_away()
        with suppress(OSError):
            self._button.send(b".")

    def _turn_away(self) -> None:
        """Closes connections that come when nobody waits for them any more."""
        with suppress(IndexError):
            while True:
                _, came = self._arrived.popleft()
                if isinstance(came, Session):
                    came.close(quit_=True)

    def _welcome(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._arrived:
            relay, came = self._arrived.popleft()
            relay.opening -= 1
            if isinstance(came, Session):
                self._add(relay, came)
                continue
            # Whom to trust is read anew: a certificate and its authority are renewed together.
            self._contexts.pop(id(relay), None)
            words = str(came).removeprefix(f"{relay.server.place}: ") or type(came).__name__
            self._fails(relay, unavailable("connect", words))

    def _add(self, relay: Relay, session: Session) -> None:
        line = Line(relay, session, monotonic())
        if not relay.lines:
            # What it missed while it was away is not made up for.
            loads = (peer.load for peer in self._relays if peer.lines)
            relay.load = max(relay.load, min(loads, default=0.0))
        self._lines[session.fileno()] = line
        self._poll.register(session.fileno(), select.EPOLLIN)
        relay.lines.append(line)
        relay.idle.append(line)
        relay.window.servers.add(session.offers)
        if len(relay.lines) == 1 and not relay.opening:
            self._grow(relay)

    def _fails(self, relay: Relay, why: Outcome) -> None:
        """A connection came to nothing; a relay without any is left alone for a while."""
        relay.trouble = why
        if not relay.lines and not relay.opening:
            relay.rest(why, monotonic())
            for peer in self._relays:
                self._grow(peer)

    def _forget(self, line: Line) -> None:
        descriptor = line.session.fileno()
        self._lines.pop(descriptor, None)
        for lines in (line.relay.lines, line.relay.idle):
            with suppress(ValueError):
                lines.remove(line)
        with suppress(OSError):
            self._poll.unregister(descriptor)
        line.session.close()

    def _drop(self, line: Line, code: str, words: str, *, reopen: bool = True) -> None:
        self._forget(line)
        relay, conversation = line.relay, line.conversation
        said = conversation.closing
        relay.trouble = why = said.of_line if said else unavailable(code, words)
        conversation.lost(code, words)
        # After some that served nobody, the next would do no better.
        relay.barren = 0 if conversation.served else relay.barren + 1
        if reopen and relay.barren < BARREN and relay.window.waiting and not relay.resting:
            self._open(relay)
        else:
            self._fails(relay, why)

    # --- traffic -----------------------------------------------------------------------------

    def _listen(self, seconds: float) -> float:
        """Serves who has something to say within some time; the moment they began to."""
        lines = self._lines
        events = self._poll.poll(seconds, len(lines) + 1)
        now = monotonic()
        for descriptor, _ in events:
            line = lines.get(descriptor)
            if line is not None:
                self._serve(line, now)
            elif descriptor == self._bell.fileno():
                self._welcome()
        return now

    def _serve(self, line: Line, now: float) -> None:
        """Reads what a line has to say and writes what follows, if the socket takes it at once."""
        conversation, session = line.conversation, line.session
        try:
            if line.out:
                self._flush(line)
            data = session.read()
            if data is None:
                return
            if not data:
                raise ConnectionResetError
            out = conversation.feed(data)
            if out:
                line.out = out
                self._flush(line)
        except Garbled:
            self._drop(line, "garbled", "the server's answer makes no sense")
        except OSError:
            self._drop(line, _LOST, _HUNG_UP)
        else:
            if conversation.closing:
                self._drop(line, "", "")
                return
            line.deadline = now + line.patience
            if not conversation.busy and line not in line.relay.idle:
                line.used_at = now
                line.relay.idle.append(line)

    def _begin_on(self, line: Line) -> bool:
        """Writes the first command of a letter; False when there is none for this line."""
        conversation, now = line.conversation, monotonic()
        line.deadline, line.used_at = now + line.patience, now
        line.out = conversation.begin(line.relay)
        if not conversation.busy:
            line.relay.idle.append(line)
            return False
        try:
            self._flush(line)
        except OSError:
            self._drop(line, _LOST, _HUNG_UP)
        return True

    def _flush(self, line: Line) -> None:
        out, conversation = line.out, line.conversation
        sent = line.session.write(out)
        # A full TLS socket may have let a part of the record go.
        conversation.given = True
        if sent == len(out):
            conversation.flushed = True
            if type(out) is memoryview:
                self._poll.modify(line.session.fileno(), select.EPOLLIN)
            line.out = b""
        else:
            line.out = memoryview(out)[sent or 0 :]
            self._poll.modify(line.session.fileno(), select.EPOLLIN | select.EPOLLOUT)
