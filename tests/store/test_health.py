"""What `doctor` says of a database: its size, its growth, and what its server leaves undone."""

import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from outreach.store import health, partitions
from outreach.store.database import Database
from outreach.store.tables import run
from tests.store.covered_rows import names, pages

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
_RUN = dict(zip(names(run), pages(1)[2][1][0], strict=True))


@pytest.fixture(autouse=True)
def months(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests has its months, and does not wait for its disk."""
    partitions.keep(database, NOW)
    monkeypatch.setattr(health, "DURABLE", tuple(set(health.DURABLE) - {"fsync"}))


def ran(database: Database, *audiences: tuple[int, int]) -> None:
    """(clients, days ago) of runs."""
    with database.begin() as tx:
        for number, (audience, ago) in enumerate(audiences, start=1):
            opened_at = NOW - timedelta(days=ago)
            more = {"id": number, "occurrence": str(number), "opened_at": opened_at}
            tx.execute(insert(run).values({**_RUN, **more, "audience": audience}))


def found(database: Database) -> list[health.Finding]:
    with database.reading() as conn:
        return list(health.findings(conn, NOW))


def free(monkeypatch: pytest.MonkeyPatch, n: float) -> None:
    usage: Any = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(0, 0, n))


def test_a_sound_database_says_how_large_it_is(database: Database) -> None:
    (only,) = found(database)

    assert only.level == "ok"
    assert "B, grows by 0 bytes a day" in only.says


def test_growth_is_what_the_last_month_decided(database: Database) -> None:
    ran(database, (1000, 400), (2000, 20), (1000, 1))
    with database.reading() as conn:
        size, daily = health.size(conn), health.growth(conn, NOW)

    assert daily == pytest.approx(size * 3000 / 4000 / 30)


@pytest.mark.parametrize(("days", "level"), [(40, "ok"), (29, "warning"), (6, "error")])
def test_a_disk_that_will_be_full_is_told_of_in_time(
    database: Database, monkeypatch: pytest.MonkeyPatch, days: int, level: str
) -> None:
    if not database.sqlite:
        pytest.skip("the disk of a server is not ours to see")
    ran(database, (1000, 1))
    with database.reading() as conn:
        daily = health.growth(conn, NOW)
    free(monkeypatch, daily * days)
    (only,) = found(database)

    assert only.level == level
    assert f"enough for {days} days" in only.says


def test_a_log_that_nobody_writes_back_is_told_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database.sqlite:
        pytest.skip("of SQLite")
    monkeypatch.setattr(health, "LONG_LOG", 1)
    with database.reading() as conn:
        conn.execute(text("SELECT 1 FROM run")).all()
        ran(database, (1, 1))
        last = list(health.findings(conn, NOW))[-1]

    assert last.level == "warning"
    assert "outreach.db-wal has" in last.says


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("ALTER DATABASE {} SET synchronous_commit = off", "synchronous_commit is off"),
        ("DROP TABLE message_202702", "message has no partition for 2027-02"),
        (
            "INSERT INTO decision (run_id, client_id, verdict, facts)"
            " VALUES (9000000, 1, 'allow', '[]')",
            "decision_rest holds rows",
        ),
    ],
)
def test_what_a_server_leaves_undone_is_told_of(
    database: Database, statement: str, says: str
) -> None:
    if database.sqlite:
        pytest.skip("of PostgreSQL")
    with database.begin() as tx:
        tx.execute(text(statement.format(database.url.database)))
    database.close()
    lines = [one.says for one in found(database)[1:]]

    assert len(lines) == 1
    assert lines[0].startswith(says)


def test_old_transactions_and_dead_rows_are_told_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.sqlite:
        pytest.skip("of PostgreSQL")
    monkeypatch.setattr(health, "OLD_TRANSACTIONS", -1)
    monkeypatch.setattr(health, "_MANY_DEAD", 1)
    ran(database, *[(1, 1)] * 50)
    with database.begin() as tx:
        tx.execute(run.update().values(cursor=7))
        tx.execute(text("SELECT pg_stat_force_next_flush()"))
    with database.begin() as tx:
        tx.execute(text("SELECT pg_stat_force_next_flush()"))
    lines = [one.says for one in found(database)[1:]]

    assert lines[0].startswith("run has 50 dead rows")
    assert "transactions are left before the server takes no more writes" in lines[-1]


@pytest.mark.parametrize(
    ("n", "says"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (1536, "1.5 KB"), (50 * 1024**3, "50 GB"),
     (3 * 1024**4, "3.0 TB")],
)  # fmt: skip
def test_amounts_are_said_shortly(n: int, says: str) -> None:
    assert health._amount(n) == says
