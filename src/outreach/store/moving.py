"""A database moved from SQLite to PostgreSQL: who may still be at work, and the steps of the move.

The source is held alone from the first look to the last step: SQLite lets nobody else even read.
Everything is copied in one transaction of the target, so a move that is cut short leaves nothing
there, or everything with the mark `arriving`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import URL, Connection, create_engine, event, make_url, select, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from outreach.store import audit, migrate, move_rows, moved, partitions
from outreach.store.audit import Entry
from outreach.store.database import Database, DatabaseProblem, explained
from outreach.store.moved import Mark, State
from outreach.store.tables import batch, retry, run, window

_WAIT_SECONDS: Final = 2.0  # for another process to let go of the file
Report = Callable[[str, int], None]  # a table, and how many more of its rows are copied


class MoveProblem(DatabaseProblem):
    """The move cannot go on; what was there before is still there."""


@contextmanager
def alone(database: Database) -> Iterator[Connection]:
    """An SQLite database that nobody else has open, and nobody can open until this ends.

    Raises MoveProblem when somebody has: a scheduler, a worker, a report.
    """
    engine = create_engine(
        database.url, poolclass=NullPool, connect_args={"timeout": _WAIT_SECONDS}
    )
    event.listen(engine, "connect", _exclusive)
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN EXCLUSIVE"))
    with explained(database.name):
        try:
            conn = engine.connect()
            conn.begin()
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            raise MoveProblem(
                f"{database.name}: another process has the database open; stop `outreach serve`,"
                " every worker and every report, then run again"
            ) from error
        with conn:
            yield conn


def _exclusive(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # BEGIN is ours
    for pragma in ("locking_mode=EXCLUSIVE", "synchronous=FULL", "cache_size=-32000"):
        raw.execute(f"PRAGMA {pragma}")


def at_work(source: Connection) -> list[str]:
    """What is not at rest, each with what to do about it."""
    found = []
    planning = source.execute(select(run.c.id).where(run.c.state == "planning").order_by(run.c.id))
    for run_id in planning.scalars():
        found.append(
            f"run {run_id} is being planned; let it end, or `outreach runs pause {run_id}`"
        )
    in_hand: Mapping[str, Any] = {
        "batches are in a sender's hands": select(batch.c.run_id).where(batch.c.state == "leased"),
        "windows are being sent": select(window.c.run_id).where(window.c.settled_at.is_(None)),
        "messages are being tried again": select(retry.c.run_id).where(
            retry.c.window_id.is_not(None)
        ),
    }
    for what, query in in_hand.items():
        runs = sorted(source.execute(query).scalars())
        for run_id in sorted(set(runs)):
            found.append(
                f"run {run_id}: {runs.count(run_id):,} {what}; `outreach run` or `outreach serve`"
                " ends them, or, after a crash, finds out what became of them"
            )
    return found


def target(url: str) -> Database:
    """The PostgreSQL database at an address. Raises MoveProblem for an address of anything else."""
    try:
        written = make_url(url.replace("postgresql://", "postgresql+psycopg://", 1))
        if written.drivername == "postgresql+psycopg":
            return Database(written.render_as_string(hide_password=False))
    except (ArgumentError, ImportError) as error:
        why = str(error).splitlines()[0]
        raise MoveProblem(f"the target cannot be opened: {why}") from None
    raise MoveProblem(
        f"a database is moved to postgresql+psycopg://USER@HOST/NAME, not to {written.drivername}"
    )


def refusal(target: Database, mark: Mark | None) -> str | None:
    """Why a database cannot be moved to; None when it can. `mark`: a move of the source that has
    begun."""
    if mark is not None and mark.other != _address(target):
        return f"this database is moved to {mark.other}; give that, or `outreach db move --undo`"
    with target.reading() as conn:
        encoding = conn.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            return f"{target.name} keeps text in {encoding}; create it with ENCODING 'UTF8'"
    at = migrate.current(target)
    if at is None or at < migrate.REVISION:
        return None if at is None else _filled(target, at)
    if at > migrate.REVISION:
        return f"{target.name} is at revision {at}, this program knows {migrate.REVISION}"
    with target.reading() as conn:
        theirs = moved.newest(conn)
    if theirs is None:
        return _filled(target, at)
    if mark is not None and theirs.id == mark.id:
        return None
    return f"{target.name} took part in another move; give an empty database"


def _filled(target: Database, at: str) -> str | None:
    if at != migrate.REVISION:
        return (
            f"{target.name} is at revision {at}; bring it to {migrate.REVISION} with `outreach db"
            " upgrade`, or give an empty database, which the move sets up itself"
        )
    with target.reading() as conn:
        tables = move_rows.filled(conn)
    if not tables:
        return None
    return f"{target.name} is not empty ({', '.join(tables[:5])}); give an empty database"


# --- the steps -------------------------------------------------------------------------------


def begin(source: Connection, target: Database, actor: str, at: datetime) -> Mark:
    """Close the source for everybody until the move has ended."""
    head = audit.head(source)
    mark = Mark(str(uuid4()), State.MOVING, _address(target), head.size, head.root, actor, at)
    moved.put(source, mark)
    _commit(source)
    return mark


def _address(target: Database) -> str:
    """The target as config.toml takes it; its password stands in ~/.pgpass."""
    url = target.url.difference_update_query(["password"])
    bare = URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    )
    return bare.render_as_string(hide_password=False)


def arrival(target: Database, mark: Mark) -> Mark | None:
    """How far the target knows of a move; None before everything is there."""
    with target.reading() as conn:
        theirs = moved.newest(conn)
    return theirs if theirs is not None and theirs.id == mark.id else None


def copy_all(
    source: Connection, target: Database, mark: Mark, name: str, report: Report
) -> dict[str, int]:
    """Copy every table in one transaction and read it back; rows by table. Raises MoveProblem when
    a table does not come out as it went in: then the target is as it was."""
    found: dict[str, int] = {}
    with target.begin() as tx:
        partitions.make_room(tx, partitions.highest(source))
        for table in move_rows.TABLES:
            tick = _tick(report, table.name)
            gone_in = move_rows.copy(source, tx, table, tick)
            come_out = move_rows.read_back(tx, table)
            if gone_in != come_out:
                raise MoveProblem(
                    f"{table.name} came out otherwise: {gone_in.rows:,} rows went in,"
                    f" {come_out.rows:,} came out, digests {gone_in.digest.hex()[:16]} and"
                    f" {come_out.digest.hex()[:16]}; nothing was kept"
                )
            found[table.name] = gone_in.rows
        move_rows.move_counters_on(tx)
        head = audit.head(tx)
        if (head.size, head.root) != (mark.entries, mark.root):
            raise MoveProblem("the audit log has another root there; nothing was kept")
        moved.put(tx, mark._replace(state=State.ARRIVING, other=name))
    with target.write_engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return found


def _tick(report: Report, table: str) -> move_rows.Tick:
    return lambda rows: report(table, rows)


def leave(source: Connection, mark: Mark, entry: Entry) -> None:
    """The source was left: the last entry of its log says where to."""
    moved.put(source, mark._replace(state=State.MOVED))
    audit.append(source, [entry])
    _commit(source)


def arrive(target: Database, mark: Mark, entry: Entry, name: str) -> None:
    """The target is worked with from now on; its log has the same last entry."""
    with target.begin() as tx:
        moved.put(tx, mark._replace(state=State.ARRIVED, other=name))
        audit.append(tx, [entry])


def entry_of(mark: Mark, name: str) -> Entry:
    """What both logs say of a move."""
    detail = {
        "move": mark.id, "from": name, "to": mark.other, "entries": mark.entries,
        "root": mark.root.hex(),
    }  # fmt: skip
    return Entry(mark.at, "database.moved", mark.actor, "database", detail)


# --- the way back ----------------------------------------------------------------------------


def gone_on(target: Database, mark: Mark) -> str | None:
    """Why the target cannot be given up; None when nothing has happened there since."""
    theirs = arrival(target, mark)
    if theirs is None or theirs.state not in (State.ARRIVED, State.LEFT):
        return f"{target.name} is not where this database was moved to"
    with target.reading() as conn:
        size = audit.head(conn).size
    if size != mark.entries + 1:
        return (
            f"{target.name} has gone on: its log has {size - mark.entries - 1:,} more entries,"
            " which this database does not have"
        )
    return None


def give_up(target: Database, mark: Mark, name: str) -> None:
    """Close the target for everybody."""
    with target.begin() as tx:
        moved.put(tx, mark._replace(state=State.LEFT, other=name))


def stay(source: Connection, mark: Mark, actor: str, at: datetime, why: str) -> None:
    """Open the source again."""
    moved.put(source, mark._replace(state=State.UNDONE))
    detail = {"move": mark.id, "to": mark.other, "why": why}
    audit.append(source, [Entry(at, "database.move_undone", actor, "database", detail)])
    _commit(source)


def revision(source: Connection) -> str | None:
    """The revision of an open database; None when it was never set up."""
    if not source.dialect.has_table(source, "alembic_version"):
        return None
    found: str | None = source.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _commit(source: Connection) -> None:
    """Keep what was written, and go on holding the database alone."""
    source.commit()
    source.begin()
