"""`outreach db move`: from the SQLite file to PostgreSQL, whole and proven, and the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from outreach.cli.door import AUDIT_FAILED, BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import console, emit_json, next_step, progress, say, table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.store.database import Database
    from outreach.store.moved import Mark

ROWS_A_SECOND: Final = 20_000  # copied and read back on two cores of 2026 (docs/scaling.md)
_FINISH = "nothing is lost: run the same command again, or `outreach db move --undo` to stay here"


def move(
    context: typer.Context,
    to: Annotated[
        str, typer.Option(help="postgresql+psycopg://USER@HOST/NAME; password in ~/.pgpass.")
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be copied and what is against it."),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Stay with, or return to, the database of config.toml.")
    ] = False,
    target_is_gone: Annotated[
        bool, typer.Option("--target-is-gone", help="With --undo: nobody works with it any more.")
    ] = False,
    actor: Annotated[str, typer.Option("--as", help="Who moves it.")] = "",
) -> None:
    """Copy the whole database to an empty PostgreSQL database, prove the copy, and close this one.

    Stop `outreach serve`, workers and reports before. A move that is cut short is taken up again by
    the same command.
    """
    door: Door = context.obj
    if not undo and not to:
        raise Failure(USAGE, "--to is missing: --to postgresql+psycopg://USER@HOST/NAME")
    with _source(door) as (source, conn), _target(to) as target:
        if undo:
            _undo(door, source, conn, target, target_is_gone, actor or door.actor)
        elif dry_run and target is not None:
            _rehearse(door, conn, target)
        elif target is not None:
            _move(door, source, conn, target, actor or door.actor)


@contextmanager
def _source(door: Door) -> "Iterator[tuple[Database, Connection]]":
    """The database of config.toml, alone."""
    from outreach.cli.almanac import sqlite_file
    from outreach.store import migrate, moving

    source, file = door.open_database(), sqlite_file(door)
    if file is None:
        says = f"{door.config_path}: database: {source.name} is not SQLite; only a file is moved"
        raise Failure(BAD_DATA, says)
    if not file.is_file():
        raise Failure(BAD_DATA, f"{file} does not exist; there is nothing to move")
    with moving.alone(source) as conn:
        at = moving.revision(conn)
        if at != migrate.REVISION:
            says = f"{file} is at revision {at or 'none'}; run `outreach db upgrade` first"
            raise Failure(BAD_DATA, says)
        yield source, conn


@contextmanager
def _target(url: str) -> "Iterator[Database | None]":
    """The database at --to; None where it is not given."""
    from outreach.store import moving

    if not url:
        yield None
        return
    target = moving.target(url)
    try:
        yield target
    finally:
        target.close()


def _ready(conn: "Connection", target: "Database") -> "Mark | None":
    """The move that has begun, None for a new one. Raises Failure with all that stands against."""
    from outreach.store import move_rows, moved, moving
    from outreach.store.moved import State

    mark = moved.newest(conn)
    if mark is not None and mark.state == State.UNDONE:
        mark = None
    lines = [] if mark is not None and mark.state == State.MOVED else moving.at_work(conn)
    if mark is None:
        lines += [f"PostgreSQL has no place for {one}" for one in move_rows.unfit(conn)]
    if refused := moving.refusal(target, mark):
        lines.append(refused)
    elif mark is not None and mark.state == State.MOVED:
        theirs = moving.arrival(target, mark)
        if theirs is None or theirs.state != State.ARRIVING:
            lines.append(f"this database {moved.why_closed(conn)}")
    if lines:
        raise Failure(PROBLEMS, lines)
    return mark


def _rehearse(door: Door, conn: "Connection", target: "Database") -> None:
    from outreach.store import health, move_rows

    _ready(conn, target)
    rows, size = move_rows.counts(conn), health.size(conn)
    total = sum(rows.values())
    seconds = total / ROWS_A_SECOND
    if door.json:
        emit_json({"to": target.name, "rows": rows, "bytes": size, "seconds": round(seconds)})
        return
    console().print(table("", ("table", "rows"), [(n, c) for n, c in rows.items() if c]))
    say(
        door,
        f"{total:,} rows, {size / 1024**2:,.1f} MB, to {target.name}.",
        f"About {_length(seconds)}; nobody can work meanwhile. Nothing stands against it.",
    )


def _move(
    door: Door, source: "Database", conn: "Connection", target: "Database", actor: str
) -> None:
    from outreach.store import migrate, moved, moving, partitions
    from outreach.store.database import DatabaseProblem
    from outreach.store.moved import State

    mark = _ready(conn, target)
    migrate.upgrade(target)
    if mark is None:
        mark = moving.begin(conn, target, actor, door.now())
    rows: dict[str, int] = {}
    try:
        if moving.arrival(target, mark) is None:
            with _counted(door, conn) as report:
                rows = moving.copy_all(conn, target, mark, source.name, report)
    except DatabaseProblem as problem:
        raise Failure(BAD_DATA, [str(problem), _FINISH]) from problem
    _prove(door, target)
    entry = moving.entry_of(mark, source.name)
    if mark.state != State.MOVED:
        moving.leave(conn, mark, entry)
    moving.arrive(target, mark, entry, source.name)
    partitions.keep(target, door.now())
    closed = moved.why_closed(conn)
    if door.json:
        emit_json({"to": target.name, "rows": rows, "root": mark.root.hex(), "closed": closed})
    if rows:
        say(door, f"{sum(rows.values()):,} rows copied and read back; the audit log has its root.")
    say(door, f"This database {closed}.", "Take var/ along to another machine: its keys are there.")
    next_step(door, "outreach doctor", "outreach audit verify")


@contextmanager
def _counted(door: Door, conn: "Connection") -> Iterator[Any]:
    """Progress over the rows of all tables."""
    from outreach.store import move_rows

    total, done = sum(move_rows.counts(conn).values()), 0
    with progress(door, "copying", total) as tick:

        def report(name: str, rows: int) -> None:
            nonlocal done
            done += rows
            tick(done, total, name)

        yield report


def _prove(door: Door, target: "Database") -> None:
    """`audit verify` on what was copied, before anybody works with it."""
    from outreach import verify as verb

    with progress(door, "audit entries") as tick:
        found = verb.verify(target, tick)
    if found.first_bad:
        bad = found.first_bad
        raise Failure(
            AUDIT_FAILED,
            [
                f"the copy is exact, its log does not stand: {bad.what}: {bad.why} ({bad.where})",
                "so it does not stand here either: `outreach db move --undo`, then `outreach audit"
                " verify`",
            ],
        )


def _undo(
    door: Door,
    source: "Database",
    conn: "Connection",
    target: "Database | None",
    target_is_gone: bool,
    actor: str,
) -> None:
    from outreach.store import moved, moving
    from outreach.store.moved import State

    mark = moved.newest(conn)
    if mark is None or mark.state == State.UNDONE:
        raise Failure(PROBLEMS, "this database was not moved; there is nothing to undo")
    why = "the move had not ended"
    if mark.state == State.MOVED:
        if target is None and not target_is_gone:
            says = "say where it was moved to (--to URL), or that it is gone (--target-is-gone)"
            raise Failure(USAGE, says)
        why = "the target is gone"
        if target is not None:
            if refused := moving.gone_on(target, mark):
                raise Failure(PROBLEMS, refused)
            moving.give_up(target, mark, source.name)
            why = "nothing had happened there"
    moving.stay(conn, mark, actor, door.now(), why)
    if door.json:
        emit_json({"undone": mark.id, "why": why})
    say(door, f"This database is worked with again ({why}). Drop {mark.other}.")
    next_step(door, "outreach doctor")


def _length(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
