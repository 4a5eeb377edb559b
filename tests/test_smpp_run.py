"""A run through a message centre nobody here wrote: its receipts and a client's STOP come back."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from outreach import dispatch, receive
from outreach.channels import ChannelUnavailable
from outreach.channels.smpp import SmppChannel
from outreach.channels.smpp_ears import Ears
from outreach.channels.smpp_session import Centre as Where
from outreach.channels.smpp_session import Session
from outreach.core.consent import Action
from outreach.core.words import State
from outreach.project.config import SmppSender
from outreach.receive.smpp import hearing, smpp_readers
from outreach.store.database import Database
from outreach.store.tables import client as clients
from outreach.store.tables import consent_event, message
from outreach.verify import verify
from tests.channels.smsc import Bound, Centre, scripted
from tests.small_run import KEY, LEASE, SmallRun, client, opened


def settled(small: SmallRun, name: str) -> receive.Applied:
    """Apply what came in, as a service of this config does."""
    sender = SmppSender(
        kind="smpp", address="95000", host="127.0.0.1", system_id="outreach", numbers="national"
    )
    config = small.made_from.config.model_copy(update={"senders": {name: sender}})
    zone = ZoneInfo(config.firm.zone)
    return receive.apply(small.database, smpp_readers(config), small.clock, zone=zone)


def sent_by(small: SmallRun) -> dict[str, int]:
    with small.database.reading() as conn:
        return {row.address: row.id for row in conn.execute(message.select())}


def test_receipts_and_replies_come_back_to_the_messages_they_speak_of(
    database: Database, tmp_path: Path
) -> None:
    pytest.importorskip("smpp34")
    small = opened(database, tmp_path / "project", [client(n) for n in range(1, 7)])
    small.plan()
    name = next(iter(small.gateways))
    with Centre() as centre:
        where = Where("127.0.0.1", centre.port, "outreach", "secret", timeout=5.0)
        channel = SmppChannel(where, address="95000", heard=hearing(database, name, small.clock))
        sending = dispatch.Sending(
            database, lambda _: channel, ChannelUnavailable, KEY, "a", small.clock, 10, LEASE
        )
        dispatch.drain(sending, small.run_id, dispatch.Tally())
        assert set(small.states().values()) == {State.ACCEPTED}
        ids = {one.destination_addr: f"id{n}" for n, one in enumerate(centre.taken, 1)}
        numbers = sorted(ids)
        for number, stat in zip(numbers, ("DELIVRD", "UNDELIV", "ENROUTE"), strict=False):
            text = f"id:{ids[number]} sub:001 dlvrd:001 stat:{stat} err:000".encode()
            centre.deliver(text, source_addr=number, esm_class=4)
        centre.deliver("退订".encode("utf-16-be"), source_addr=numbers[0], data_coding=8)
        channel.close()

    small.now += timedelta(minutes=1)
    applied = settled(small, name)

    assert (applied.events, applied.receipts) == (4, 3)
    by_number, states = sent_by(small), small.states()
    became = [states[by_number[f"+{number}"]] for number in numbers]
    assert became[:3] == [State.DELIVERED, State.UNDELIVERED, State.ACCEPTED]
    with database.reading() as conn:
        (withdrawn,) = conn.execute(
            consent_event.select()
            .join(clients, clients.c.id == consent_event.c.client_id)
            .where(clients.c.phone == f"+{numbers[0]}")
        ).all()
    assert withdrawn.action == Action.WITHDRAW
    assert verify(database).ok


def test_a_service_is_bound_again_whenever_its_session_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("outreach.channels.smpp_ears.WAITS", (0.01,))
    heard: list[bytes] = []
    said: list[str] = []
    delivered = threading.Event()

    def hear(bodies: Sequence[bytes]) -> None:
        heard.extend(bodies)

    def script(session: Bound) -> None:
        if session.centre.sessions == 1:
            session.let_in(0x05)  # somebody of this name is in already
        assert session.let_in() == 1  # a receiver
        if session.centre.sessions == 2:
            return
        session.say(5, 0, 9, b"\0" * 10)
        command, status, _, _ = session.hear()
        assert (command, status) == (0x80000005, 0)
        delivered.set()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre:
        where = Where("127.0.0.1", centre.port, "outreach", "secret", timeout=5.0)
        ears = Ears(where, hear, lambda event, **facts: said.append(event))
        ears.start()
        assert delivered.wait(10)
        ears.close()

    assert heard == [b"\0" * 10]
    assert said == ["smpp_deaf", "smpp_listening", "smpp_deaf", "smpp_listening"]


def test_a_fault_of_ours_makes_no_service_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.smpp_ears.WAITS", (0.01,))
    said: list[tuple[str, object]] = []
    bound = threading.Event()
    faults = [RuntimeError("can't start new thread")]
    made = Ears.__module__ + ".Session"

    def session(*given: object, **more: object) -> Session:
        if faults:
            raise faults.pop()
        return Session(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(made, session)

    def script(session: Bound) -> None:
        session.let_in()
        bound.set()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre:
        where = Where("127.0.0.1", centre.port, "outreach", "secret", timeout=5.0)
        ears = Ears(where, lambda _: None, lambda event, **facts: said.append((event, facts)))
        ears.start()
        assert bound.wait(10)
        ears.close()

    assert said[0] == ("smpp_deaf", {"why": "opening a session failed: RuntimeError"})
    assert [event for event, _ in said[1:]] == ["smpp_listening"]
