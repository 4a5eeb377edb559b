"""An event that nobody can apply keeps no other waiting: not a receipt, and never an opt-out."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from outreach import receive
from outreach.core.receipt import WAITS, Receipt, Reply
from outreach.core.words import State
from outreach.receive import Applied, Event
from outreach.store import consent, raw_events, replies
from outreach.store.database import Database, DatabaseProblem
from outreach.store.tables import event_due
from outreach.verify import verify
from tests.small_run import NOW, SmallRun, client, opened

STRANGE = "BIZ\ud800\0"  # JSON can say this, and no database can be asked for it


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    made = opened(database, tmp_path / "project", [client(n) for n in range(1, 5)])
    made.plan()
    made.drain()
    return made


def event(number: int, **said: object) -> Event:
    return Event("gateway:sms-file", "status", orjson.dumps({"n": number, **said}), NOW)


def reader(came: Event) -> Sequence[Receipt | Reply]:
    said = orjson.loads(came.content)
    if "text" in said:
        return [Reply("95000", said["from"], said["text"], came.received_at)]
    if said.get("strange"):
        return [Receipt(State.DELIVERED, came.received_at, None, STRANGE, "+8613800000001")]
    return [Receipt(State.DELIVERED, came.received_at, said["message"])]


def applied(small: SmallRun) -> Applied:
    return receive.apply(small.database, {"gateway": reader}, small.clock)


def test_the_others_are_applied_and_it_waits_for_a_person(small: SmallRun) -> None:
    events = [
        event(1, message=1), event(2, strange=True), event(3, message=2),
        event(4, text="TD", **{"from": "+8613800000003"}),
    ]  # fmt: skip
    receive.take_in(small.database, events)
    done = applied(small)

    assert (done.events, done.receipts, done.replies, done.waiting) == (4, 2, 1, 1)
    assert len(done.faults) == 1
    assert small.counts() == {"accepted": 2, "delivered": 2}
    with small.database.reading() as conn:
        assert [one.action for one in consent.events_of(conn, [3])[3]] == ["withdraw"]

    for _ in WAITS:
        small.now += timedelta(days=1)
        done = applied(small)
    assert done.aside == 1
    with small.database.reading() as conn:
        (aside,) = raw_events.asides(conn, NOW)
    assert aside.reason == "failed"
    assert "138" not in aside.detail
    assert small.rows_of(event_due) == 0
    assert verify(small.database).ok


def test_a_fault_while_replies_are_recorded_counts_nothing_twice(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipts of the call are on record by then."""
    record, faults = replies.add, [KeyError("+8613800000003")]

    def add(*given: object) -> object:
        if faults:
            raise faults.pop()
        return record(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(replies, "add", add)
    both = [event(1, message=1), event(2, text="TD", **{"from": "+8613800000003"})]
    receive.take_in(small.database, both)
    done = applied(small)

    assert (done.replies, done.faults, small.rows_of(event_due)) == (1, (), 0)
    assert small.counts() == {"accepted": 3, "delivered": 1}
    assert verify(small.database).ok


def test_a_database_that_is_away_makes_no_event_strange(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive.take_in(small.database, [event(1, message=1), event(2, message=2)])

    def away(*_: object) -> object:
        raise DatabaseProblem("the database is away")

    with monkeypatch.context() as patched, pytest.raises(DatabaseProblem):
        patched.setattr(raw_events, "hold", away)
        applied(small)

    assert applied(small).receipts == 2
