"""Both databases hold the same values, and say in a sentence what is wrong."""

import os
import stat
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach.core.client import CLIENT_FIELDS
from outreach.store import migrate
from outreach.store.database import Database, DatabaseProblem, add_counts, allocate, append
from outreach.store.tables import client, frozen, outcome, run_count

SHANGHAI = timezone(timedelta(hours=8))


def test_the_tree_is_at_the_revision_the_program_needs() -> None:
    assert migrate.newest() == migrate.REVISION


def test_the_tables_are_what_the_migrations_make(database: Database) -> None:
    from alembic import command

    migrate.require_current(database)
    command.check(migrate._config(database))


KINDS: dict[str, type] = {
    "text": str, "choice": str, "list": str, "phone": str, "email": str, "date": date,
    "money": int, "int": int, "bool": bool,
}  # fmt: skip


@pytest.mark.parametrize("name", CLIENT_FIELDS)
def test_every_client_field_has_its_column(name: str) -> None:
    assert client.c[name].type.python_type is KINDS[CLIENT_FIELDS[name].type]


def test_a_moment_comes_back_as_the_same_instant(database: Database) -> None:
    at = datetime(2026, 9, 28, 9, 0, tzinfo=SHANGHAI)
    with database.begin() as tx:
        append(
            tx, frozen, ("digest", "kind", "name", "content", "at"), [("d", "k", "n", b"{}", at)]
        )
    with database.reading() as conn:
        stored = conn.execute(select(frozen.c.at)).scalar_one()

    assert stored == at
    assert stored.tzinfo is UTC


def test_a_moment_without_zone_is_refused(database: Database) -> None:
    row = ("d", "k", "n", b"{}", datetime(2026, 9, 28, 9, 0))  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a zone"), database.begin() as tx:
        append(tx, frozen, ("digest", "kind", "name", "content", "at"), [row])


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    row = (1, 1, "accepted", "", "", "", b"x" * 32, datetime(2026, 1, 5, tzinfo=UTC))
    names = ("window_id", "message_id", "state", "code", "detail", "provider_ref", "digest", "at")
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"), database.begin() as tx:
        append(tx, outcome, names, [row])
        append(tx, outcome, names, [row])
    with database.reading() as conn:
        assert conn.execute(select(outcome)).first() is None


def test_ids_are_handed_out_once(database: Database) -> None:
    with database.begin() as tx:
        first = allocate(tx, "message", 10)
    with database.begin() as tx:
        second = allocate(tx, "message", 5)

    assert (first, second) == (1, 11)


def test_counters_add_up(database: Database) -> None:
    for n in (3, -1):
        with database.begin() as tx:
            add_counts(tx, 7, {("state", "ready"): n})
    with database.reading() as conn:
        assert conn.execute(select(run_count.c.n)).scalar_one() == 2


def test_an_empty_database_is_told_to_upgrade(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(DatabaseProblem, match="run `outreach db upgrade`"):
        migrate.require_current(database)


def test_a_new_database_is_for_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "var" / "outreach.db"
    before = os.umask(0)
    try:
        with Database(f"sqlite:///{path}").begin() as tx:
            tx.execute(select(1))
        beside = [stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()]
    finally:
        os.umask(before)

    assert set(beside) == {0o640}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


def test_a_number_larger_than_any_is_no_traceback(database: Database) -> None:
    with pytest.raises(DatabaseProblem, match="no number that large"), database.reading() as conn:
        conn.execute(select(run_count).where(run_count.c.run_id == 10**20)).all()


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://u:s3cret@h/n", "postgresql+psycopg://u@h/n?password=s3cret&sslmode=on"],
)
def test_a_password_in_the_address_is_not_shown(url: str) -> None:
    assert "s3cret" not in Database(url).name


def test_a_file_that_is_no_database_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "outreach.db"
    path.write_bytes(b"PK\x03\x04" * 500)
    with pytest.raises(DatabaseProblem, match="not an SQLite database"):
        migrate.require_current(Database(f"sqlite:///{path}"))
