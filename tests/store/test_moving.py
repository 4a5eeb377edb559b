"""A database copied row for row to PostgreSQL: what goes over, what is refused, what counts on."""

import shutil
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, insert, select, text
from sqlalchemy.types import TypeDecorator

from outreach.store import audit, migrate, move_rows, moved, moving, tables
from outreach.store.covered import COVERINGS
from outreach.store.database import Database, DatabaseProblem, allocate
from outreach.store.moved import State
from outreach.verify import verify
from tests.conftest import empty_postgres
from tests.store.covered_rows import AT, log_page, pages, stand

WORDS = "张三 Ünï 😀 \x01 'quoted' \\back\\slash\tand\nlines\r"


@pytest.fixture
def target(postgres_url: str) -> Iterator[Database]:
    """A PostgreSQL database that nobody has set up yet."""
    with empty_postgres(postgres_url) as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def source(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """Rows in every table there is, those that are covered with their audit entries."""
    path = tmp_path / "outreach.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    with database.begin() as tx:
        for table, rows in pages(5):
            log_page(tx, table, rows)
        stand(tx)
        stood = {"address_block", "provider_reference"}
        for table in move_rows.TABLES:
            if table.name not in {*COVERINGS, *stood, "audit_entry", "audit_head", "id_block"}:
                tx.execute(insert(table), [_row(table, n) for n in range(1, 4)])
        audit.write_checkpoint(tx, "www.example.cn/outreach", AT, "li.m", bytes(32))
        allocate(tx, "message", 500)
    database.close()
    yield database
    database.close()


def _row(table: Table, n: int) -> dict[str, Any]:
    """A row whose values no other row of the table has, as odd as the types allow."""
    return {column.name: _value(column.type, n) for column in table.columns}


def _value(type_: Any, n: int) -> Any:
    if isinstance(type_, TypeDecorator):
        return AT.replace(microsecond=n)
    kind = type_.python_type
    if kind is str:
        length = getattr(type_, "length", None)
        return f"{n}{WORDS}"[: length or 99]
    if kind is bytes:
        return bytes([n, 0, 255, 10, 92])
    return {int: n, bool: n % 2 == 0, date: date(2026, 2, n), time: time(9, n)}[kind]


def move(source: Database, target: Database) -> dict[str, int]:
    """The move, up to where the target holds everything."""
    source.close()
    with moving.alone(source) as conn:
        migrate.upgrade(target)
        mark = moving.begin(conn, target, "li.m", AT)
        return moving.copy_all(conn, target, mark, source.name, lambda _table, _rows: None)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.reading() as conn:
        return {
            table.name: sorted(map(tuple, conn.execute(select(table))), key=repr)
            for table in move_rows.TABLES
        }


def test_every_row_of_every_table_is_the_same_afterwards(
    source: Database, target: Database
) -> None:
    found = move(source, target)
    before, after = everything(source), everything(target)

    assert [name for name, rows in before.items() if not rows] == []
    assert after == before
    assert found == {name: len(rows) for name, rows in before.items()}


def test_the_log_stands_there_with_the_same_root(source: Database, target: Database) -> None:
    here = verify(source)
    move(source, target)
    there = verify(target)

    assert (there.ok, there.entries, there.rows, there.root) == (
        True, here.entries, here.rows, here.root
    )  # fmt: skip
    assert here.ok


def test_counters_go_on_where_they_were(source: Database, target: Database) -> None:
    move(source, target)
    columns = {"campaign": "c", "digest": "d", "action": "approve", "actor": "x", "at": AT}
    with target.begin() as tx:
        assert allocate(tx, "message", 1) == 501
        made = tx.execute(insert(tables.approval).values(columns).returning(tables.approval.c.id))
        assert made.scalar_one() == 6


def test_both_logs_end_with_the_same_entry(source: Database, target: Database) -> None:
    move(source, target)
    with moving.alone(source) as conn:
        mark = moved.newest(conn)
        assert mark is not None
        entry = moving.entry_of(mark, source.name)
        moving.leave(conn, mark, entry)
    moving.arrive(target, mark, entry, source.name)
    here, there = verify(source), verify(target)
    with target.reading() as conn:
        *_, last = audit.entries(conn)

    assert (here.ok, there.ok) == (True, True)
    assert here.root == there.root
    assert last.kind == "database.moved"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.MOVING, "is being moved to OTHER, and the move has not ended"),
        (State.MOVED, 'was moved to OTHER on 2026-09-28; write `database = "OTHER"`'),
        (State.ARRIVING, "is being moved to from OTHER"),
        (State.LEFT, "was given up: its clients and runs are in OTHER again"),
        (State.UNDONE, None),
        (State.ARRIVED, None),
    ],
)
def test_a_command_is_told_whether_it_may_work_here(
    database: Database, state: State, says: str | None
) -> None:
    with database.begin() as tx:
        moved.put(tx, moved.Mark("m1", State.UNDONE, "FIRST", 3, bytes(32), "li.m", AT))
        moved.put(tx, moved.Mark("m2", state, "OTHER", 5, bytes(32), "li.m", AT))
    if says is None:
        migrate.require_current(database)
        return
    with pytest.raises(DatabaseProblem) as refused:
        migrate.require_current(database)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("client", "name = 'a' || char(0) || 'b'", "client.name: a NUL character in 1 rows"),
        ("client", "client_no = printf('%065d', 1)", "client.client_no: more than 64 characters"),
        ("client", "name = x'ff01'", "client.name: something other than text"),
        ("client", "risk_level = 3000000000", "client.risk_level: a number beyond 2,147,483,647"),
        ("client", "risk_level = 'high'", "client.risk_level: something other than a whole"),
        ("client", "legal_hold = 7", "client.legal_hold: neither yes nor no"),
        ("client", "opened_on = 'soon'", "client.opened_on: no moment or day"),
        ("client", "updated_at = '2026-13'", "client.updated_at: no moment or day"),
        ("frozen", "content = 'text'", "frozen.content: something other than bytes"),
    ],
)
def test_what_postgresql_has_no_place_for_is_named(
    source: Database, table: str, change: str, says: str
) -> None:
    with source.begin() as tx:
        first = f"(SELECT min(rowid) FROM {table})"
        tx.execute(text(f"UPDATE {table} SET {change} WHERE rowid = {first}"))
    source.close()
    with moving.alone(source) as conn:
        found = [str(one) for one in move_rows.unfit(conn)]

    assert len(found) == 1
    assert found[0].startswith(says)
    assert "first " in found[0]


def test_an_honest_database_fits(source: Database) -> None:
    with moving.alone(source) as conn:
        assert list(move_rows.unfit(conn)) == []


def test_a_copy_that_comes_out_otherwise_is_not_kept(source: Database, target: Database) -> None:
    migrate.upgrade(target)
    with target.begin() as tx:
        tx.execute(text("CREATE FUNCTION bend() RETURNS trigger LANGUAGE plpgsql AS"
                        " 'BEGIN NEW.name := upper(NEW.name); RETURN NEW; END'"))  # fmt: skip
        tx.execute(text("CREATE TRIGGER bent BEFORE INSERT ON client"
                        " FOR EACH ROW EXECUTE FUNCTION bend()"))  # fmt: skip
    with pytest.raises(DatabaseProblem, match="client came out otherwise: 3 rows went in"):
        move(source, target)
    with target.reading() as conn:
        assert move_rows.filled(conn) == []


def test_nobody_else_may_have_the_database_open(source: Database) -> None:
    with source.reading() as conn:
        conn.execute(text("SELECT 1 FROM client")).all()
        with pytest.raises(DatabaseProblem, match="stop `outreach serve`"), moving.alone(source):
            pass
    source.close()
    with moving.alone(source):
        other = create_engine(source.url, connect_args={"timeout": 0.1})
        with pytest.raises(Exception, match="locked"), other.connect() as conn:
            conn.execute(text("SELECT 1 FROM client")).all()
        other.dispose()


def test_what_is_in_hand_is_named_with_what_to_do(source: Database) -> None:
    with moving.alone(source) as conn:
        lines = moving.at_work(conn)

    # The rows of the fixture are of runs that never were.
    assert any(line.startswith("run 1 is being planned") for line in lines)
    assert any("messages are being tried again" in line for line in lines)


def test_no_password_is_kept_or_shown_as_stars(source: Database) -> None:
    url = "postgresql+psycopg://out:s3cret@db.example.com:5433/outreach?sslmode=require"
    source.close()
    with moving.alone(source) as conn:
        mark = moving.begin(conn, moving.target(url), "li.m", AT)

    assert mark.other == "postgresql+psycopg://out@db.example.com:5433/outreach?sslmode=require"


def test_a_move_that_has_begun_ends_where_it_began_to(source: Database, target: Database) -> None:
    source.close()
    with moving.alone(source) as conn:
        mark = moving.begin(conn, target, "li.m", AT)
        other = moving.target("postgresql+psycopg://out@db.example.com/outreach")
        refused = moving.refusal(other, mark)

        assert refused is not None
        assert "give that, or `outreach db move --undo`" in refused
        assert moving.refusal(target, mark) is None


def test_only_postgresql_is_moved_to(tmp_path: Path) -> None:
    with pytest.raises(DatabaseProblem, match="not to sqlite"):
        moving.target(f"sqlite:///{tmp_path}/new.db")

    assert list(tmp_path.iterdir()) == []


def test_a_target_with_anything_in_it_is_refused(target: Database) -> None:
    assert moving.refusal(target, None) is None
    migrate.upgrade(target)
    assert moving.refusal(target, None) is None
    with target.begin() as tx:
        allocate(tx, "message", 1)
    refused = moving.refusal(target, None)

    assert refused is not None
    assert "is not empty (id_block)" in refused


def test_a_target_of_another_revision_is_refused(target: Database) -> None:
    migrate.upgrade(target)
    with target.begin() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    refused = moving.refusal(target, None)

    assert refused is not None
    assert "at revision 9999" in refused
