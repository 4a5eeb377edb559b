"""The process that stores and those that answer: whole packets, and every event at least once."""

import socket
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.receive import Event
from outreach.store.database import Database, DatabaseProblem
from outreach.web import keeper as room
from outreach.web.keeper import Far, keep, packed, unpacked
from outreach.web.opening import Keeper
from tests.web.door import NOW, config_of

EVENTS = st.lists(
    st.builds(
        Event,
        st.text(max_size=64),
        st.text(max_size=16),
        st.binary(max_size=200),
        st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    max_size=20,
)


def event(number: int, size: int = 1) -> Event:
    return Event("twilio:a", "status", b"%d" % number + b" " * size, NOW)


class Kept:
    """A keeper at the other end of a pair of sockets."""

    def __init__(self) -> None:
        kind = socket.SOCK_SEQPACKET
        self.near, self.far = socket.socketpair(socket.AF_UNIX, kind)
        self.batches: list[Sequence[Event]] = []
        self.here: list[Sequence[Event]] = []
        self.fails: list[Exception] = []
        self.said: list[str] = []
        self.door = Far(self.near, self.here.append)
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(
            target=keep, args=(self.far, self._store, lambda event, **_: self.said.append(event))
        )
        self.thread.start()

    def _store(self, events: Sequence[Event]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.batches.append(events)

    def close(self) -> None:
        self.near.close()
        if self.thread is not None:
            self.thread.join()
        self.far.close()


@pytest.fixture
def kept() -> Iterator[Kept]:
    made = Kept()
    yield made
    made.close()


@settings(max_examples=50)
@given(st.integers(0, 2**63), EVENTS)
def test_a_packet_is_read_as_it_was_written(number: int, events: list[Event]) -> None:
    assert unpacked(packed(number, events)) == (number, events)


def test_events_are_stored_before_the_door_goes_on(kept: Kept) -> None:
    kept.start()
    kept.door([event(1), event(2)])

    assert kept.batches == [[event(1), event(2)]]


def test_many_go_in_several_packets_and_one_that_fits_in_none_is_stored_here(kept: Kept) -> None:
    kept.start()
    many = [event(number, 40_000) for number in range(6)]
    large = event(7, 300_000)
    kept.door([*many, large, event(8)])

    assert [one for batch in kept.batches for one in batch] == [*many, event(8)]
    assert len(kept.batches) == 4
    assert kept.here == [[large]]


def test_a_database_that_is_away_is_told_to_the_door(kept: Kept) -> None:
    kept.start()
    kept.fails = [DatabaseProblem("磁盘已满"), ValueError("secret")]
    with pytest.raises(DatabaseProblem, match="磁盘已满"):
        kept.door([event(1)])
    with pytest.raises(ValueError, match=r"^ValueError$"):
        kept.door([event(1)])
    kept.door([event(1)])

    assert kept.batches == [[event(1)]]


def test_a_keeper_that_does_not_answer_is_trouble_of_the_database(kept: Kept) -> None:
    kept.near.settimeout(0)
    with pytest.raises(DatabaseProblem, match="does not answer"):
        kept.door([event(1)])


def test_after_a_keeper_has_died_the_next_one_reads_whole_packets(kept: Kept) -> None:
    """The first packet was read and never answered; the second attempt is answered, and an answer
    to the first that comes late is not taken for it."""
    kept.near.settimeout(0)
    with pytest.raises(DatabaseProblem):
        kept.door([event(1)])
    number, _ = unpacked(kept.far.recv(1_000_000))  # by a keeper that dies now
    kept.far.send(room._NUMBER.pack(number) + b"\2late")
    kept.near.settimeout(20)
    kept.start()
    kept.door([event(1)])

    assert kept.batches == [[event(1)]]


def test_the_keeper_ends_when_its_door_is_gone(kept: Kept) -> None:
    kept.start()
    kept.near.close()
    assert kept.thread is not None
    kept.thread.join(20)
    assert not kept.thread.is_alive()


def test_moments_keep_their_microseconds() -> None:
    at = NOW + timedelta(microseconds=123_457)
    _, (one,) = unpacked(packed(1, [Event("a", "b", b"", at)]))

    assert one.received_at == at


def test_a_packet_that_cannot_be_read_ends_nothing_and_is_said(kept: Kept) -> None:
    kept.near.send(room._NUMBER.pack(1) + b"half")
    kept.start()
    kept.door([event(1)])

    assert kept.batches == [[event(1)]]
    assert kept.said == ["web_packet_unread"]


def test_a_keeper_whose_socket_fails_says_so_and_is_of_no_use(
    tmp_path: Path, sqlite: Database
) -> None:
    """Its process ends then, and the one that is started in its place has a sound one."""
    said: list[str] = []
    failed = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))  # cannot be read from
    made = Keeper(
        config_of(tmp_path), sqlite, root=tmp_path, clock=lambda: NOW,
        say=lambda event, **_: said.append(event), sockets=[listener], failed=failed.set,
    )  # fmt: skip
    made.start()
    try:
        assert failed.wait(20)
        assert said == ["web_keeper_failed"]
    finally:
        made.close()
        listener.close()
