"""A window on its way, and a database that goes away meanwhile: the sender is not blamed, and what
is known is written once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from outreach.core.model import Message, Outcome
from outreach.dispatch import hand
from outreach.store.database import Database, DatabaseProblem
from outreach.verify import verify
from tests.small_run import SmallRun, client, merged, opened

CLIENTS = 6


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    """One window of six, whose outcomes are written one by one."""
    found = opened(
        database, tmp_path / "project", [client(n) for n in range(1, CLIENTS + 1)], window=CLIENTS
    )
    found.plan()
    return found


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, not confirmed"])
@pytest.mark.parametrize("last", [3, CLIENTS - 1], ids=["back soon", "back at the end"])
def test_a_window_goes_on_while_the_database_is_away_and_is_written_once(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch, written: bool, last: int
) -> None:
    away = [False]
    begin = Database.begin

    @contextmanager
    def flaky(database: Database) -> Iterator[Connection]:
        if away[0] and not written:
            raise DatabaseProblem("the server went away")
        with begin(database) as tx:
            yield tx
        if away[0]:
            raise DatabaseProblem("the server went away")

    def answer(message: Message) -> Outcome | None:
        small.pass_time(seconds=hand.AGAIN)
        away[0] = 2 <= message.id <= last
        return None

    monkeypatch.setattr(Database, "begin", flaky)
    (gateway,) = [one for name, one in small.gateways.items() if name == "sms-file"]
    gateway.answer = answer
    tally = small.drain()

    assert tally.stopped == ""
    assert small.counts() == {"accepted": CLIENTS}
    assert small.outcomes() == {n: [("accepted", "")] for n in range(1, CLIENTS + 1)}
    assert set(small.handed().values()) == {1}
    assert merged(small.counts()) == small.tally()
    assert verify(small.database).ok
