"""A whole run over Twilio on its bad days; what the stand-in took is the witness. Afterwards its
list is asked about what is in doubt."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from outreach import dispatch, receive
from outreach.channels import ChannelUnavailable
from outreach.channels.twilio_sms import TwilioSms
from outreach.core.words import State
from outreach.receive import reconcile
from outreach.store.database import Database
from outreach.store.tables import message
from outreach.verify import verify
from tests.channels.twilio_world import twilio_world
from tests.small_run import KEY, LEASE, client, opened

CLIENTS = 24
BAD_DAYS = ("taken_cut", "taken_500", "taken_garbage", "cut", (503, 20503), (429, 20429))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_sent_twice_and_the_list_settles_every_doubt_it_can(
    seed: int, database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path / "project", [client(n) for n in range(1, CLIENTS + 1)])
    small.plan()
    name = next(iter(small.gateways))
    dice = Random(seed)  # noqa: S311

    def script(_form: dict[str, str]) -> Any:
        return dice.choice((*BAD_DAYS, *[None] * 6))

    with twilio_world(script, small.clock) as world:
        channel = TwilioSms(
            account="AC" + "0" * 32, token="token", address="+15551234567", base_url=world.url,
            receipts_url="https://broker.example/twilio/main/status", timeout=5.0, now=small.clock,
        )  # fmt: skip
        for _ in range(40):
            sending = dispatch.Sending(
                database, lambda _: channel, ChannelUnavailable, KEY, "a", small.clock, 4, LEASE
            )
            dispatch.drain(sending, small.run_id, dispatch.Tally())
            if not {State.READY, State.HELD} & set(small.states().values()):
                break
            small.now += timedelta(minutes=20)
        taken = {one["callback"].rpartition("/")[2]: one for one in world.taken}
        before = small.states()

        assert max(Counter(one["callback"] for one in world.taken).values()) == 1
        assert sum(Counter(before.values()).values()) == CLIENTS
        assert {State.ACCEPTED, State.IN_DOUBT} <= set(before.values())
        for id_, state in before.items():
            # What was accepted went out; what went out was accepted or is flagged.
            assert state is not State.ACCEPTED or str(id_) in taken
            assert str(id_) not in taken or state in (State.ACCEPTED, State.IN_DOUBT)

        small.now += timedelta(hours=1)
        asked = reconcile.questions(database, lambda _: channel, small.now)
        done = reconcile.ask(database, lambda _: channel, asked, small.now)
        channel.close()
    assert done.troubles == {}
    receive.apply(database, {}, small.clock)
    after = small.states()
    for id_, state in before.items():
        if state is State.IN_DOUBT:
            assert after[id_] is (State.ACCEPTED if str(id_) in taken else State.IN_DOUBT)
    assert done.asked[name] == sum(state is State.IN_DOUBT for state in before.values())
    with database.reading() as conn:
        assert len(conn.execute(message.select()).all()) == CLIENTS
    assert verify(database).ok
