"""Whoever serves listens to the message centres of the config; whoever sends, where it says so."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from outreach.channels.smpp import SmppChannel
from outreach.cli.door import Door
from outreach.cli.engine import Adapters
from outreach.cli.message_centres import Centres
from outreach.store.database import Database
from outreach.store.tables import raw_event
from tests.channels.cases import results, sms
from tests.channels.smsc import Bound, Scripted, scripted
from tests.project.small_project import change, make_project

# deliver_sm of SMPP v3.4, 4.6.1: a receipt, and a text of a client.
RECEIPT = (
    b"\0\x01\x0112025550041\0\x00\x0195000\0\x04\0\0\0\0\0\0\0\0\x1aid:m2 stat:DELIVRD err:000"
)
REPLY = b"\0\x01\x0112025550041\0\x00\x0195000\0\0\0\0\0\0\0\0\0\0\x04STOP"


def door_to(centre: Scripted, tmp_path: Path, database: Database, more: str = "") -> Door:
    path = make_project(tmp_path / "project")
    sender = (
        f'[senders.centre]\nkind = "smpp"\naddress = "95000"\nhost = "127.0.0.1"\n'
        f'port = {centre.port}\nsystem_id = "outreach"\n{more}\n[[routes]]\nchannel = "sms"'
    )
    change(path.parent, "config.toml", '[[routes]]\nchannel = "sms"', sender)
    return Door(path.parent / "config.toml", False, _database=database)


@contextmanager
def bound(door: Door, say: Callable[..., Any]) -> Iterator[Centres]:
    centres = Centres(door, say)
    centres.turn_to(door.config, b"")
    try:
        yield centres
    finally:
        centres.close()


def stored(database: Database) -> list[tuple[str, str]]:
    with database.reading() as conn:
        rows = conn.execute(raw_event.select().order_by(raw_event.c.id)).all()
    return [(row.source, row.kind) for row in rows]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_CENTRE", "s3cret")


class Delivering:
    """A centre that delivers once it is bound as `command` says, and waits until we have it."""

    def __init__(self, command: int) -> None:
        self.command, self.done = command, threading.Event()
        self.heard: list[Any] = []

    def __call__(self, session: Bound) -> None:
        assert session.let_in() == self.command
        session.say(5, 0, 1, RECEIPT)
        session.say(5, 0, 2, REPLY)
        while True:
            command, status, sequence, _ = session.hear()
            if command == 0x80000005:
                self.heard.append((sequence, status))
                if len(self.heard) == 2:
                    self.done.set()
            else:
                session.take(command, sequence)


def test_a_service_puts_on_record_what_a_centre_delivers(
    tmp_path: Path, database: Database
) -> None:
    said: list[str] = []
    deliver = Delivering(1)
    with scripted(deliver) as centre:
        door = door_to(centre, tmp_path, database)
        with bound(door, lambda event, **facts: said.append(event)):
            assert deliver.done.wait(10)

        assert centre.heard[0][1].startswith(b"outreach\0s3cret\0")
    assert deliver.heard == [(1, 0), (2, 0)]
    assert stored(database) == [("smpp:centre", "status"), ("smpp:centre", "inbound")]
    assert said == ["smpp_listening"]


def test_what_cannot_be_stored_is_said_and_comes_again(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    deliver = Delivering(1)

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("outreach.receive.smpp.take_in", full)
    with scripted(deliver) as centre:
        door = door_to(centre, tmp_path, database)
        with bound(door, lambda event, **facts: said.append((event, facts.get("why", "")))):
            assert deliver.done.wait(10)

    assert {status for _, status in deliver.heard} == {0x64}
    assert ("smpp_not_stored", "OSError") in said
    assert stored(database) == []


def test_whoever_sends_hears_too_where_a_centre_has_one_kind_of_session(
    tmp_path: Path, database: Database
) -> None:
    deliver = Delivering(9)
    with scripted(deliver) as centre:
        door = door_to(centre, tmp_path, database, 'sessions = "together"')
        adapters = Adapters(door)
        channel = adapters("centre")
        assert isinstance(channel, SmppChannel)
        results(channel, [sms()])
        assert deliver.done.wait(10)
        adapters.close()

    assert len(stored(database)) == 2


def test_a_service_turns_to_the_centres_that_config_toml_names_by_now(
    tmp_path: Path, database: Database
) -> None:
    """One that stays as it is keeps its session; one with another name of ours, or no longer
    there, is left."""
    said: list[tuple[str, str]] = []
    ready = {name: threading.Semaphore(0) for name in ("one", "other")}

    def stays(name: str) -> Callable[[Bound], None]:
        def script(session: Bound) -> None:
            session.let_in()
            ready[name].release()
            command, _, sequence, _ = session.hear()
            session.take(command, sequence)

        return script

    def say(event: str, **facts: Any) -> None:
        said.append((event, facts["sender"]))

    with scripted(stays("one")) as one, scripted(stays("other")) as other:
        door = door_to(one, tmp_path, database)
        config = door.config
        further = config.senders["centre"].model_copy(update={"port": other.port})
        with bound(door, say) as centres:
            assert ready["one"].acquire(timeout=10)
            both = {**config.senders, "further": further}
            centres.turn_to(config.model_copy(update={"senders": {**both}}), b"")
            assert ready["other"].acquire(timeout=10)
            both["further"] = further.model_copy(update={"system_id": "another"})
            centres.turn_to(config.model_copy(update={"senders": {**both}}), b"")
            assert ready["other"].acquire(timeout=10)
            del both["centre"]
            centres.turn_to(config.model_copy(update={"senders": {**both}}), b"")

        assert (one.sessions, other.sessions) == (1, 2)
        binds = [body for command, body in other.heard if command == 1]
        assert [body.split(b"\0")[0] for body in binds] == [b"outreach", b"another"]
    assert sorted(said) == [
        ("smpp_left", "centre"), ("smpp_listening", "centre"), ("smpp_listening", "further"),
        ("smpp_listening", "further"),
    ]  # fmt: skip
