"""Events on their way from the processes that answer to the one that writes and applies.

One writer needs no lock of the database that another waits for, and the processes that answer have
their interpreter to themselves. Packets keep their bounds (SOCK_SEQPACKET), so that a writer that
was started again reads whole ones; what got no answer is handed over again and stored once.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from outreach.receive import Event
from outreach.store.database import DatabaseProblem

Store = Callable[[Sequence[Event]], object]

_PACKET: Final = 98_304  # bytes, well below what a socket of this kind takes at once (212,992)
_ANSWER: Final = 3.0  # seconds until a packet is handed over again
_NUMBER: Final = struct.Struct(">Q")
_EVENT: Final = struct.Struct(">HHIq")  # lengths of source, kind and content; microseconds
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_STORED, _DATABASE, _EVENTS = b"\0", b"\1", b"\2"


class Far:
    """Stores events by handing them to the keeper; what is too large for a packet, by `near`."""

    def __init__(self, wire: socket.socket, near: Store) -> None:
        self._wire, self._near, self._number = wire, near, 0
        wire.settimeout(_ANSWER)

    def __call__(self, events: Sequence[Event]) -> None:
        """Returns when all of them are on record. Raises `DatabaseProblem` when the keeper cannot
        write or does not answer, and ValueError for events that nobody can store."""
        for some in _packets(events):
            if len(some) == 1 and _size(some[0]) > _PACKET:
                self._near(some)
            else:
                self._ask(some)

    def _ask(self, events: Sequence[Event]) -> None:
        self._number += 1
        try:
            self._wire.send(packed(self._number, events))
            said = self._answer()
        except OSError as error:
            raise DatabaseProblem("the process that stores events does not answer") from error
        if said.startswith(_DATABASE):
            raise DatabaseProblem(said[1:].decode("utf-8", "replace"))
        if said != _STORED:
            raise ValueError(said[1:].decode("utf-8", "replace"))

    def _answer(self) -> bytes:
        """What is said of the packet just sent; answers to earlier ones came too late."""
        end = time.monotonic() + _ANSWER
        while time.monotonic() < end:
            said = self._wire.recv(4_096)
            if len(said) <= _NUMBER.size:
                raise ConnectionError
            if _NUMBER.unpack_from(said)[0] == self._number:
                return said[_NUMBER.size :]
        raise TimeoutError


def keep(wire: socket.socket, store: Store, say: Callable[..., object]) -> None:
    """Store what comes over a socket and answer each packet, until its other end is closed. Raises
    OSError when the socket itself fails."""
    while packet := wire.recv(4 * _PACKET):
        try:
            number, events = unpacked(packet)
        except Exception as error:  # its door gets no answer, and whoever told it comes again
            say("web_packet_unread", bytes=len(packet), error=type(error).__name__)
            continue
        said = _STORED
        try:
            store(events)
        except DatabaseProblem as error:
            said = _DATABASE + str(error).encode()[:1_000]
        except Exception as error:  # of these events; the next may be well
            said = _EVENTS + type(error).__name__.encode()
        wire.send(_NUMBER.pack(number) + said)


def packed(number: int, events: Sequence[Event]) -> bytes:
    """A packet of events."""
    parts = [_NUMBER.pack(number)]
    for one in events:
        source, kind = one.source.encode(), one.kind.encode()
        at = (one.received_at - _EPOCH) // _MICROSECOND
        parts += [_EVENT.pack(len(source), len(kind), len(one.content), at), source, kind]
        parts.append(one.content)
    return b"".join(parts)


def unpacked(packet: bytes) -> tuple[int, list[Event]]:
    """Number and events of a packet."""
    number, at, events = _NUMBER.unpack_from(packet)[0], _NUMBER.size, []
    while at < len(packet):
        source, kind, content, moment = _EVENT.unpack_from(packet, at)
        at += _EVENT.size
        events.append(
            Event(
                packet[at : at + source].decode(),
                packet[at + source : at + source + kind].decode(),
                packet[at + source + kind : at + source + kind + content],
                _EPOCH + moment * _MICROSECOND,
            )
        )
        at += source + kind + content
    return number, events


def _packets(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    some: list[Event] = []
    size = 0
    for one in events:
        if some and size + _size(one) > _PACKET:
            yield some
            some, size = [], 0
        some.append(one)
        size += _size(one)
    if some:
        yield some


def _size(event: Event) -> int:
    return len(event.content) + _EVENT.size + 4 * (len(event.source) + len(event.kind))
