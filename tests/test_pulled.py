"""What a gateway hands out once: it is not lost where it cannot be written down at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from outreach.core.receipt import Receipt, Reply
from outreach.receive import Event, reconcile, take_in
from outreach.store.database import Database, DatabaseProblem
from outreach.store.tables import raw_event
from tests.small_run import SmallRun, client, opened


class HandsOut:
    """Tells each thing once, as Tencent does."""

    lookup = False

    def __init__(self, small: SmallRun, count: int) -> None:
        self.left = [Reply("01", f"+861380000{n:04}", "TD", small.now) for n in range(count)]
        self.asked = 0

    def find(self, messages: Sequence[Any]) -> Iterator[Any]:
        raise AssertionError

    def pull(self, at: Any) -> Iterator[Receipt | Reply]:
        self.asked += 1
        while self.left:
            yield self.left.pop(0)


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    return opened(database, tmp_path / "project", [client(1)])


def pull(small: SmallRun, provider: HandsOut, unsaved: list[Event]) -> reconcile.Reconciled:
    senders = ["sms-file"]
    return reconcile.pull(small.database, lambda _: provider, senders, small.now, unsaved)


def test_what_could_not_be_stored_is_stored_by_the_next_look(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, unsaved, stores = HandsOut(small, 107), list[Event](), take_in
    fails = [DatabaseProblem("the disk is full"), DatabaseProblem("the disk is full")]

    def store(database: Database, events: Sequence[Event]) -> int:
        if events and fails:
            raise fails.pop()
        return stores(database, events)

    monkeypatch.setattr("outreach.receive.reconcile.take_in", store)
    with pytest.raises(DatabaseProblem):
        pull(small, provider, unsaved)
    assert small.rows_of(raw_event) == 0
    pull(small, provider, unsaved)

    assert small.rows_of(raw_event) == 107
    assert unsaved == []


def test_nobody_is_asked_while_nothing_can_be_written(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = HandsOut(small, 7)

    def away(_self: Database) -> Any:
        raise DatabaseProblem("the database is away")

    with monkeypatch.context() as patched, pytest.raises(DatabaseProblem):
        patched.setattr(Database, "begin", away)
        pull(small, provider, [])

    assert (provider.asked, len(provider.left)) == (0, 7)


def test_much_of_it_is_stored_while_it_comes(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, batches, stores = HandsOut(small, 250), list[int](), take_in

    def store(database: Database, events: Sequence[Event]) -> int:
        batches.append(len(events))
        return stores(database, events)

    monkeypatch.setattr("outreach.receive.reconcile.take_in", store)
    done = pull(small, provider, [])

    assert [n for n in batches if n] == [100, 100, 50]
    assert done.pulled == {"sms-file": 250}
