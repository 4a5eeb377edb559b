"""Months of the large tables on PostgreSQL: made ahead, begun, filled, and never lost."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from alembic import command
from outreach.store import migrate, partitions, sendlog
from outreach.store.database import Database, DatabaseProblem, allocate, append
from outreach.store.partitions import DIVIDED
from outreach.store.tables import decision, message, outcome, receipt, run
from outreach.verify import verify
from tests.conftest import TEMPLATE, empty_postgres
from tests.small_run import SmallRun, client, definition, opened
from tests.store.covered_rows import log_page, names, pages

NOVEMBER = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 0, 0, 5, tzinfo=UTC)
TABLES = [one.table for one in DIVIDED]


@pytest.fixture
def server(postgres_url: str) -> Iterator[Database]:
    """An empty database on PostgreSQL."""
    with empty_postgres(postgres_url, TEMPLATE) as url:
        database = Database(url)
        yield database
        database.close()


def months(database: Database, table: str) -> list[str]:
    with database.reading() as conn:
        return [part.month for part in partitions.listed(conn, table)]


def rows_in(database: Database, name: str) -> int:
    with database.reading() as conn:
        return int(conn.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())


@pytest.mark.parametrize("table", TABLES)
def test_three_months_are_made_ahead_once(server: Database, table: str) -> None:
    assert months(server, table) == ["first", "rest"]
    made = partitions.keep(server, NOVEMBER)
    assert months(server, table) == ["first", "2026-12", "2027-01", "2027-02", "rest"]
    assert [one for one in made.made if one.startswith(table)] == [
        f"{table}_202612", f"{table}_202701", f"{table}_202702"
    ]  # fmt: skip
    assert partitions.keep(server, NOVEMBER) == ((), ())


def test_each_month_begins_where_the_one_before_ends(server: Database) -> None:
    for month in (11, 12):
        partitions.keep(server, NOVEMBER.replace(month=month))
    for table in TABLES:
        with server.reading() as conn:
            *known, rest = partitions.listed(conn, table)
        assert known[0].low is None
        assert rest.high is None
        assert all(a.high == b.low for a, b in pairwise(known))


def test_a_month_that_begins_takes_every_new_row(server: Database, tmp_path: Path) -> None:
    clients = [client(n) for n in range(1, 6)]
    partitions.keep(server, NOVEMBER)
    before = opened(server, tmp_path / "a", clients, occurrence="2026-09-28")
    before.plan()
    before.drain()
    begun = partitions.keep(server, DECEMBER).begun
    after = SmallRun(server, definition(tmp_path / "b"), occurrence="2026-09-27")
    after.plan()
    after.drain()

    assert set(begun) == {f"{table}_202612" for table in TABLES}
    assert (before.run_id, after.run_id) == (1, 1000)
    for table in ("decision", "message", "outcome"):
        of_each = rows_in(server, table) // 2
        assert rows_in(server, f"{table}_first") == of_each > 0
        assert rows_in(server, f"{table}_202612") == of_each
        assert rows_in(server, f"{table}_rest") == 0
    assert verify(server).ok
    with server.reading() as conn:
        lines = list(sendlog.lines(conn, sendlog.Wanted(), DECEMBER))
    assert [line.state for line in lines] == ["accepted"] * len(lines)
    assert {line.run for line in lines} == {1, 1000}
    assert after.counts() == before.counts()


def test_a_month_is_begun_once_whatever_was_handed_out_since(server: Database) -> None:
    partitions.keep(server, NOVEMBER)
    partitions.keep(server, DECEMBER)
    with server.begin() as tx:
        first = allocate(tx, "message", 500)
    again = partitions.keep(server, DECEMBER + timedelta(days=3))
    with server.begin() as tx:
        second = allocate(tx, "message", 1)

    assert first == 10_000_000
    assert again.begun == ()
    assert second == first + 500


def test_a_clock_that_goes_back_moves_nothing_back(server: Database) -> None:
    partitions.keep(server, NOVEMBER)
    partitions.keep(server, DECEMBER)
    with server.begin() as tx:
        first = allocate(tx, "receipt", 7)
    assert partitions.keep(server, NOVEMBER) == ((), ())
    with server.begin() as tx:
        assert allocate(tx, "receipt", 1) == first + 7


def test_a_month_has_room_for_twenty_times_the_last(server: Database) -> None:
    with server.begin() as tx:
        allocate(tx, "message", 2_900_000)
    partitions.keep(server, NOVEMBER)
    with server.reading() as conn:
        december = partitions.listed(conn, "message")[1]

    assert december.low is not None
    assert december.high is not None
    assert december.high - december.low == 60_000_000


# --- when nobody looked ----------------------------------------------------------------------


def test_a_row_always_has_a_place_and_a_late_look_says_so(server: Database) -> None:
    with server.begin() as tx:
        tx.execute(insert(decision), [_decision(1500, n) for n in range(3)])
    partitions.keep(server, NOVEMBER)
    with server.reading() as conn:
        warned = partitions.warnings(conn, NOVEMBER)
        december = partitions.listed(conn, "decision")[1]

    assert warned == ["decision_rest holds rows: partitions were made too late"]
    assert december.low == 2000  # beyond what is in the rest
    assert rows_in(server, "decision") == 3


def test_months_that_are_missing_are_named(server: Database) -> None:
    partitions.keep(server, NOVEMBER)
    with server.reading() as conn:
        assert partitions.warnings(conn, NOVEMBER) == []
        warned = partitions.warnings(conn, DECEMBER)

    assert warned == [f"{table} has no partition for 2027-03" for table in TABLES]


def _decision(run_id: int, client_id: int) -> dict[str, Any]:
    return {"run_id": run_id, "client_id": client_id, "verdict": "allow", "facts": b"[]"}


# --- what protects from duplicates -----------------------------------------------------------


def test_a_client_is_decided_on_once_in_a_run_over_all_partitions(server: Database) -> None:
    partitions.keep(server, NOVEMBER)
    with server.begin() as tx:
        tx.execute(insert(decision), [_decision(7, 1)])
    partitions.keep(server, DECEMBER)
    with pytest.raises(IntegrityError), server.begin() as tx:
        tx.execute(insert(decision), [_decision(7, 1)])


def test_a_page_planned_again_over_the_turn_of_a_month_adds_nothing(
    server: Database, tmp_path: Path
) -> None:
    """A message comes with its decision, in one transaction: so its key, which holds within a
    month, is guarded over the turn of one by that of the decision, which holds for ever."""
    partitions.keep(server, NOVEMBER)
    small = opened(server, tmp_path, [client(n) for n in range(1, 6)])
    small.plan()
    partitions.keep(server, DECEMBER)
    with server.begin() as tx:  # as if the mark of how far the plan came had been lost
        tx.execute(run.update().values(cursor=0, state="planning", audience=0))
    before = small.rows_of(message)
    with pytest.raises(Exception, match='constraint "pk_decision_first"'):
        small.plan()

    assert before == small.rows_of(message) == rows_in(server, "message_first") > 0


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (message, pages(1)[4][1][0]),
        (outcome, pages(1)[5][1][0]),
        (decision, pages(1)[3][1][0]),
    ],
    ids=["message", "outcome", "decision"],
)
def test_the_same_row_is_refused_in_every_partition(
    server: Database, table: Any, row: tuple[Any, ...]
) -> None:
    partitions.keep(server, NOVEMBER)
    for key in (1, 1_000_000_000):  # the first, and the rest
        with server.begin() as tx:
            append(tx, table, names(table), [(key, *row[1:])])
        with pytest.raises(Exception, match="duplicate key"), server.begin() as tx:
            append(tx, table, names(table), [(key, *row[1:])])


def test_one_message_a_channel_and_client_in_a_month(server: Database) -> None:
    row = pages(1)[4][1][0]
    for first in (1, 10_000_000):
        partitions.keep(server, NOVEMBER)
        with server.begin() as tx:
            append(tx, message, names(message), [(first, *row[1:])])
        with pytest.raises(Exception, match="duplicate key"), server.begin() as tx:
            append(tx, message, names(message), [(first + 1, *row[1:])])


# --- beside others ---------------------------------------------------------------------------


def test_who_writes_is_not_waited_for_and_does_not_wait(server: Database) -> None:
    rows = pages(5)[4][1]
    with server.begin() as tx:
        append(tx, message, names(message), rows)
        tx.execute(text("SELECT 1 FROM message WHERE id = 3"))
        assert partitions.keep(server, NOVEMBER).made  # gives up after five seconds, did it wait
        append(tx, message, names(message), [(9, 9, 9, *rows[0][3:])])
    assert rows_in(server, "message_first") == 6


def test_two_who_look_at_once_make_each_month_once(server: Database) -> None:
    made: list[partitions.Kept] = []
    both = [
        threading.Thread(target=lambda: made.append(partitions.keep(server, NOVEMBER)))
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert sorted(name for kept in made for name in kept.made) == sorted(
        f"{table}_{month}" for table in TABLES for month in ("202612", "202701", "202702")
    )


# --- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "touched"),
    [
        (select(message).where(message.c.id.between(10_000_001, 10_000_050)), ["message_202612"]),
        (
            select(message).where(message.c.id.in_([3, 10_000_007])),
            ["message_202612", "message_first"],
        ),
        (select(outcome).where(outcome.c.window_id == 1_000_003), ["outcome_202612"]),
        (select(decision).where(decision.c.run_id == 1003), ["decision_202612"]),
        (select(receipt).where(receipt.c.id > 40_000_000), ["receipt_rest"]),
    ],
    ids=["window", "retries", "outcomes", "log", "receipts"],
)
def test_a_query_reads_only_the_months_it_asks_for(
    server: Database, query: Any, touched: list[str]
) -> None:
    partitions.keep(server, NOVEMBER)
    with server.reading() as conn:
        literal = query.compile(conn, compile_kwargs={"literal_binds": True})
        plan = conn.exec_driver_sql(f"EXPLAIN {literal}").scalars().all()
    found = {name for line in plan for name in line.split() if "_" in name and "pk_" not in name}

    assert sorted(found & _all_names(server)) == touched


def _all_names(server: Database) -> set[str]:
    with server.reading() as conn:
        return {part.name for table in TABLES for part in partitions.listed(conn, table)}


# --- old databases, and old months -----------------------------------------------------------


def test_an_older_database_with_rows_is_divided_where_it_stands(postgres_url: str) -> None:
    with empty_postgres(postgres_url) as url:
        database = Database(url)
        command.upgrade(migrate._config(database), "0002")
        with database.begin() as tx:
            for table, rows in pages(5)[3:6]:
                log_page(tx, table, rows)
        migrate.upgrade(database)
        migrate.require_current(database)
        found = verify(database)
        firsts = [rows_in(database, f"{one}_first") for one in ("decision", "message", "outcome")]
        database.close()

    assert (found.ok, found.rows) == (True, 15)
    assert firsts == [5, 5, 5]


def test_a_month_is_detached_after_twenty_years_and_not_dropped(server: Database) -> None:
    partitions.keep(server, NOVEMBER)
    partitions.keep(server, DECEMBER)
    with server.begin() as tx:
        first = allocate(tx, "message", 1)
        append(tx, message, names(message), [(first, *pages(1)[4][1][0][1:])])
    for too_soon in (DECEMBER, datetime(2046, 12, 31, 23, 59, tzinfo=UTC)):
        with pytest.raises(DatabaseProblem, match="until 2047-01-01"), server.begin() as tx:
            partitions.detach(tx, "message_202612", too_soon)
    with server.begin() as tx:
        partitions.detach(tx, "message_202612", datetime(2047, 1, 1, tzinfo=UTC))

    assert rows_in(server, "message_202612") == 1
    assert rows_in(server, "message") == 0
    assert "2026-12" not in months(server, "message")


@pytest.mark.parametrize("name", ["message_first", "message_rest", "client", "no_such"])
def test_only_months_are_detached(server: Database, name: str) -> None:
    with pytest.raises(DatabaseProblem), server.begin() as tx:
        partitions.detach(tx, name, datetime(2090, 1, 1, tzinfo=UTC))


def test_room_is_made_only_where_there_are_no_rows(server: Database) -> None:
    with server.begin() as tx:
        partitions.make_room(tx, {"message": 77_000_000})
    with server.reading() as conn:
        first = partitions.listed(conn, "message")[0]
    with server.begin() as tx:
        append(tx, message, names(message), pages(1)[4][1])
    with pytest.raises(DatabaseProblem, match="message holds rows"), server.begin() as tx:
        partitions.make_room(tx, {})

    assert first.high == 90_000_000


def test_sqlite_has_none(sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    with database.reading() as conn:
        assert partitions.listed(conn, "message") == []
        assert partitions.warnings(conn, NOVEMBER) == []
        assert conn.execute(select(func.count()).select_from(message)).scalar_one() == 0
    assert partitions.keep(database, NOVEMBER) == ((), ())
    database.close()
