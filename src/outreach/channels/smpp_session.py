"""One bound session with a message centre, kept alive by a thread of its own.

What is submitted is answered through a queue, once: by the centre, or by `Lost`, which says whether
a byte of it may have left. What the centre hands us is answered only when it is on record.
"""

import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Any, Final, NamedTuple

from outreach.channels import ChannelUnavailable
from outreach.channels.http_line import trust
from outreach.channels.http_wire import Lost
from outreach.core import smpp
from outreach.core.smpp import Garbled, Pdu
from outreach.core.smpp_codes import Meaning, code_of

_WAITS: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_NOT_NOW: Final = 0x64  # ESME_RX_T_APPN: the centre keeps it and comes again
_PARTING: Final = 2.0  # seconds for the answer to unbind

# The bodies of deliver_sm that came; raises where they could not be put on record.
Heard = Callable[[Sequence[bytes]], None]


@dataclass(frozen=True, slots=True)
class Centre:
    """A message centre, and who we are to it."""

    host: str
    port: int
    system_id: str
    password: str
    system_type: str = ""
    tls: bool = False
    ca_file: str | None = None
    timeout: float = 10.0  # seconds for any answer
    enquire: float = 30.0  # seconds of silence after which it is asked whether it is there

    def __repr__(self) -> str:
        return f"Centre({self.host}:{self.port}, {self.system_id!r})"


class Answered(NamedTuple):
    """The centre's response: its status, and what it calls the message."""

    status: int
    message_id: str


Results = SimpleQueue[tuple[Any, Answered | Lost]]


class _Sent(NamedTuple):
    key: Any
    results: Results
    start: int  # of its bytes, in all that this session sends


class Session:
    """Bound when it is made; over when `over` says so. Raises `ChannelUnavailable` where the centre
    cannot be reached or does not let us in."""

    def __init__(self, centre: Centre, heard: Heard | None, *, sends: bool = True) -> None:
        self._centre, self._heard = centre, heard
        command = smpp.BIND_TRANSCEIVER if sends else smpp.BIND_RECEIVER
        self._command = command if heard else smpp.BIND_TRANSMITTER
        self._reader = smpp.PduReader()
        self._lock = threading.Lock()
        self._todo: deque[tuple[int, bytes]] = deque()  # where its bytes start, and they
        self._out: dict[int, _Sent] = {}
        self._queued = self._sent = 0  # bytes, of all that this session sends
        self._sequence = 1
        self._asked: float | None = None  # when we asked whether it is there
        self._leaving: float | None = None  # until when we wait for leave
        self.over = ""  # why; empty: it is not
        self.ended = threading.Event()
        self._sock = self._connected()
        try:
            early = self._bound()
            self._wake, self._woken = socket.socketpair()
        except BaseException as error:
            self._sock.close()
            if isinstance(error, OSError):
                raise ChannelUnavailable(f"this process has no socket left: {error}") from error
            raise
        self._sock.setblocking(False)
        self._woken.setblocking(False)
        self._thread = threading.Thread(
            target=self._run, args=(early,), name=f"smpp-{centre.host}", daemon=True
        )
        self._thread.start()

    def submit(self, key: Any, body: bytes, results: Results) -> None:
        """Hand over a submit_sm; what came of it is put into `results`."""
        with self._lock:
            if self.over:
                results.put((key, Lost(False, "connect", self.over)))
                return
            sequence = self._next()
            self._out[sequence] = _Sent(key, results, self._queued)
            self._queue(Pdu(smpp.SUBMIT_SM, 0, sequence, body))
            self._wake.send(b".")  # while it is not over, the thread has its end of this

    def close(self, code: str = "connection_lost", words: str = "we ended the session") -> None:
        """Take leave, and wait until the thread is gone. Closing twice is harmless."""
        with self._lock:
            if not self.over:
                self._leaving = monotonic() + _PARTING
                self._queue(Pdu(smpp.UNBIND, 0, self._next()))
                self._wake.send(b".")
        self._end(code, words)
        self._thread.join()
        self._wake.close()

    # --- the beginning ------------------------------------------------------------------------

    def _connected(self) -> socket.socket:
        centre = self._centre
        place = f"the message centre {centre.host}:{centre.port}"
        try:
            context = trust(centre.ca_file) if centre.tls else None
        except OSError as error:
            raise ChannelUnavailable(f"{place}: {centre.ca_file} cannot be read") from error
        try:
            sock = socket.create_connection((centre.host, centre.port), centre.timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname=centre.host)
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message
            raise ChannelUnavailable(f"{place}: its certificate is not trusted: {why}") from error
        except (OSError, UnicodeError) as error:
            raise ChannelUnavailable(f"{place} cannot be reached") from error
        return sock

    def _bound(self) -> list[Pdu]:
        """Introduce ourselves; what the centre said right after it let us in."""
        centre = self._centre
        place = f"the message centre {centre.host}:{centre.port}"
        try:
            body = smpp.bind(centre.system_id, centre.password, centre.system_type)
            self._sock.sendall(smpp.encoded(Pdu(self._command, 0, self._sequence, body)))
            until = monotonic() + centre.timeout
            while monotonic() < until:
                data = self._sock.recv(65536)
                if not data:
                    raise ChannelUnavailable(f"{place} hung up when we introduced ourselves")
                said = self._reader.feed(data)
                for at, pdu in enumerate(said):
                    if pdu.command in (self._command | smpp.RESPONSE, smpp.GENERIC_NACK):
                        _let_in(place, pdu)
                        return said[at + 1 :]
        except ValueError as error:
            raise ChannelUnavailable(f"{place}: {error}") from error
        except (OSError, Garbled) as error:
            raise ChannelUnavailable(f"{place} does not answer as one") from error
        raise ChannelUnavailable(f"{place} does not answer")

    # --- the thread ---------------------------------------------------------------------------

    def _run(self, early: list[Pdu]) -> None:
        words = "the connection to the message centre ended"
        try:
            self._last = monotonic()
            self._hear(early)
            with selectors.DefaultSelector() as selector:
                selector.register(self._sock, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while not self._turn(selector):
                    pass
        except Garbled as error:
            words = f"the message centre says what nobody can read: {error}"
        except TimeoutError:
            words = "the message centre fell silent"
        except OSError:
            pass
        except Exception as error:  # whoever waits for an answer must hear that there is none
            words = f"reading what the message centre says failed: {type(error).__name__}"
        finally:
            self._end("connection_lost", words)
            self._sock.close()
            self._woken.close()

    def _turn(self, selector: selectors.BaseSelector) -> bool:
        """One turn; True when the session is over."""
        self._write()
        waiting = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._todo else 0)
        selector.modify(self._sock, waiting)
        patience = self._patience()
        for key, _ in selector.select(max(patience, 0.0)):
            if key.fileobj is self._woken:
                self._woken.recv(4096)
        said, over = self._read()
        if said:
            self._last, self._asked = monotonic(), None  # it is there, whatever it says
        elif patience <= 0 and not over:  # not before what came while we stood still is read
            raise TimeoutError
        return self._hear(said) or over

    def _patience(self) -> float:
        """Seconds until silence means something; none left: it does."""
        now = monotonic()
        if self._leaving is not None:
            return self._leaving - now
        if self._asked is not None:
            return self._asked + self._centre.timeout - now
        left = self._last + self._centre.enquire - now
        if left <= 0:
            with self._lock:
                self._queue(Pdu(smpp.ENQUIRE_LINK, 0, self._next()))
            self._asked = now
            self._write()
            return self._centre.timeout
        return left

    def _write(self) -> None:
        with self._lock:
            while self._todo:
                start, data = self._todo[0]
                try:
                    sent = self._sock.send(data)
                except _WAITS:
                    return
                self._sent = start + sent
                if sent == len(data):
                    self._todo.popleft()
                else:
                    self._todo[0] = (start + sent, data[sent:])

    def _read(self) -> tuple[list[Pdu], bool]:
        said: list[Pdu] = []
        while True:
            try:
                data = self._sock.recv(65536)
            except _WAITS:
                return said, False
            if not data:
                return said, True
            said += self._reader.feed(data)

    def _hear(self, said: Sequence[Pdu]) -> bool:
        """Answer and pass on what was said; True when the centre took leave of us."""
        over, delivered = False, []
        for pdu in said:
            if pdu.command == smpp.SUBMIT_SM | smpp.RESPONSE or pdu.command == smpp.GENERIC_NACK:
                self._answered(pdu)
            elif pdu.command == smpp.ENQUIRE_LINK | smpp.RESPONSE:
                self._asked = None
            elif pdu.command == smpp.UNBIND | smpp.RESPONSE:
                over = True
            elif pdu.command == smpp.DELIVER_SM:
                delivered.append(pdu)
            elif pdu.command in (smpp.ENQUIRE_LINK, smpp.UNBIND):
                self._say(Pdu(pdu.command | smpp.RESPONSE, 0, pdu.sequence))
                over = over or pdu.command == smpp.UNBIND
            elif not pdu.command & smpp.RESPONSE and pdu.command != smpp.ALERT_NOTIFICATION:
                self._say(Pdu(smpp.GENERIC_NACK, 0x03, pdu.sequence))
        self._deliver(delivered)
        if over:
            self._write()
        return over

    def _deliver(self, delivered: Sequence[Pdu]) -> None:
        """Put what came on record, and only then say that we have it."""
        if not delivered:
            return
        status = 0 if self._heard else _NOT_NOW
        try:
            if self._heard:
                self._heard([pdu.body for pdu in delivered])
        except Exception:
            status = _NOT_NOW
        for pdu in delivered:
            self._say(Pdu(smpp.DELIVER_SM | smpp.RESPONSE, status, pdu.sequence, b"\0"))

    def _answered(self, pdu: Pdu) -> None:
        with self._lock:
            sent = self._out.pop(pdu.sequence, None)
        if sent is None:
            return
        nack = pdu.command == smpp.GENERIC_NACK
        status = pdu.status or (0xFF if nack else 0)  # a refusal without a reason is one
        sent.results.put((sent.key, Answered(status, smpp.message_id(pdu.body))))

    def _say(self, pdu: Pdu) -> None:
        with self._lock:
            self._queue(pdu)

    def _queue(self, pdu: Pdu) -> None:
        data = smpp.encoded(pdu)
        self._todo.append((self._queued, data))
        self._queued += len(data)

    def _next(self) -> int:
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        return self._sequence

    def _end(self, code: str, words: str) -> None:
        """Everything without an answer is lost; what had begun may have arrived, and nothing else
        begins any more: whoever sent it hears that it did not go."""
        with self._lock:
            self.over = self.over or words
            lost, self._out = self._out, {}
            kept = {sent.start for sent in lost.values() if sent.start >= self._sent}
            self._todo = deque(one for one in self._todo if one[0] not in kept)
        self.ended.set()
        for sent in lost.values():
            begun = sent.start not in kept
            sent.results.put((sent.key, Lost(begun, code if begun else "connect", self.over)))


def _let_in(place: str, pdu: Pdu) -> None:
    row = code_of(pdu.status)
    if row.meaning is not Meaning.TAKEN or pdu.command == smpp.GENERIC_NACK:
        raise ChannelUnavailable(f"{place} does not let us in: {row.name}")
