"""The two engines of one database, its transactions, and its fast ways in."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from outreach.store.tables import id_block
from outreach.store.task import Task

BUSY_SECONDS = 30.0
PREPARED_AFTER: Final = 2  # uses of a statement on a connection to PostgreSQL
FEW: Final = 2  # rows that are inserted one by one
# It holds every client's data, so nobody but owner and group may read it. The files SQLite keeps
# beside the database get the same rights.
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640


class DatabaseProblem(Exception):
    """The database cannot be used as it is; the message says what to do."""


Submit = Callable[[Connection, Sequence[Task]], None]


class Database:
    """A write engine (one short transaction at a time on SQLite) and a read-only engine."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        # Who is told, in the same transaction, of work that comes up. Without an engine that wants
        # to be told, the rows are the queue.
        self.submit: Submit = lambda tx, tasks: None
        # As people may see it; the part before the host is masked by SQLAlchemy.
        self.name = self.url.difference_update_query(["password"]).render_as_string()
        if self.sqlite:
            self.write_engine, self.read_engine = _sqlite_engines(self.url.database or "", url)
        else:
            self.write_engine = self.read_engine = _postgresql_engine(url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction; on SQLite it holds the write lock from its start."""
        with explained(self.name), self.write_engine.begin() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot to read from; never writes."""
        with explained(self.name), self.read_engine.connect() as conn:
            if not self.sqlite:
                conn = conn.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield conn
            conn.commit()  # psycopg forgets the statements it prepared at a rollback

    def close(self) -> None:
        self.write_engine.dispose()
        self.read_engine.dispose()


def _sqlite_engines(path: str, url: str) -> tuple[Engine, Engine]:
    if path and path != ":memory:":
        Path(path).parent.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        with suppress(OSError):  # there already, or SQLite says in a moment why it cannot be made
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, _FILE_MODE))
    connect = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    write = create_engine(url, connect_args=connect, pool_size=1, max_overflow=0, pool_timeout=60)
    read = create_engine(url, connect_args=connect)
    for engine, query_only in ((write, False), (read, True)):
        event.listen(engine, "connect", _on_connect(query_only))
    # A deferred transaction that reads first and writes later fails at once when another process
    # wrote in between, whatever the busy timeout: so writers queue from their first statement.
    event.listen(write, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(read, "begin", lambda conn: conn.exec_driver_sql("BEGIN"))
    return write, read


def _on_connect(query_only: bool) -> Any:
    def listener(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # BEGIN is ours
        cursor = raw.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a committed intent must survive a power cut
            "foreign_keys=ON",
            "cache_size=-32000",
            "temp_store=MEMORY",
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return listener


def _postgresql_engine(url: str) -> Engine:
    # What a server connection prepared is lost behind a pooler that hands it on after each
    # transaction; so nothing is prepared before the server itself was seen.
    made = create_engine(url, pool_pre_ping=True, connect_args={"prepare_threshold": None})

    def connected(raw: Any, _record: object) -> None:
        if not pooled(raw):
            # A plan made once for all values would stay what it was while a table was empty.
            raw.execute("SET plan_cache_mode = force_custom_plan")
            raw.prepare_threshold = PREPARED_AFTER
        raw.commit()

    event.listen(made, "connect", connected)
    return made


def pooled(raw: Any) -> bool:
    """Whether a pooler stands between a connection of psycopg and the server: it makes up the
    number of the server process that it tells its clients."""
    (number,) = raw.execute("SELECT pg_backend_pid()").fetchone()
    return bool(raw.info.backend_pid != number)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what a driver says into a sentence a clerk can act on: a DatabaseProblem."""
    try:
        yield
    except OverflowError as error:
        raise DatabaseProblem(f"{url}: {_TOO_LARGE}") from error
    except (OperationalError, InterfaceError, DBAPIError) as error:
        # Trouble of the server, not a fault of ours.
        said = _sentence(str(error.orig), refused=isinstance(error, OperationalError))
        if said is None:
            raise
        raise DatabaseProblem(f"{url}: {said}") from error
    except Exception as error:  # COPY speaks to the driver itself
        if not _trouble_of_the_driver(error):
            raise
        raise DatabaseProblem(f"{url}: {_sentence(str(error), refused=True)}") from error


def _sentence(text: str, *, refused: bool) -> str | None:
    """What a driver said, for a clerk; None for what only its maker understands."""
    for sign, sentence in _SENTENCES:
        if sign in text:
            return f"{sentence} ({_first_line(text)})"
    return f"the database refused: {_first_line(text)}" if refused else None


def _trouble_of_the_driver(error: Exception) -> bool:
    """Whether PostgreSQL's driver says that the server cannot be worked with: told by name, because
    a project on SQLite never loads it."""
    kinds = type(error).__mro__
    return any(
        kind.__module__.startswith("psycopg") and kind.__name__ == "OperationalError"
        for kind in kinds
    )


_TOO_LARGE = "no number that large is kept; look at the number that was asked for"
_SENTENCES = (
    ("out of range", _TOO_LARGE),
    ("no such table", "the database has no such table; run `outreach db upgrade`"),
    ("no such column", "the database is at an older revision; run `outreach db upgrade`"),
    ('relation "', "the database is not set up; run `outreach db upgrade`"),
    ('column "', "the database is at an older revision; run `outreach db upgrade`"),
    ("database is locked", "another process holds the database; wait for it, then run again"),
    ("database or disk is full", "the disk is full; free some space, then run again"),
    ("No space left", "the disk of the database is full; free some space, then run again"),
    ("disk I/O error", "the disk refused to read or write; see to it, then run again"),
    ("not a database", "the file is not an SQLite database"),
    ("malformed", "the database file is damaged; restore it from a backup"),
    ("readonly database", "the database is read-only; check the rights on the file and folder"),
    ("unable to open database", "the database file cannot be opened; check path and rights"),
    ("connection failed", "the database server cannot be reached; check host, port and rights"),
    ("connection refused", "the database server cannot be reached; check host, port and rights"),
    ("server closed the connection", "the database server went away; run again when it is back"),
    ("terminating connection", "the database server went away; run again when it is back"),
)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no detail"


# --- fast ways in ----------------------------------------------------------------------------


def append(
    tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert many rows given as tuples in the order of `columns`: binary COPY on PostgreSQL,
    executemany on SQLite. Column types convert as everywhere else (so naive times are refused here
    too)."""
    if not rows:
        return
    statement, processors, types = _insert_plan(table, columns, tx.dialect.name)
    if processors:
        rows = _processed(rows, processors)
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql(statement, list(rows))
        return
    raw: Any = tx.connection.driver_connection
    if len(rows) <= FEW:  # COPY asks for two more answers of the server, locks in hand
        raw.cursor().executemany(_insert(table, columns), rows)
        return
    with raw.cursor().copy(statement) as copy:
        copy.set_types(types)
        write_row = copy.write_row
        for row in rows:
            write_row(row)


@lru_cache(maxsize=64)
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    holes = ", ".join(["%s"] * len(columns))
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({holes})'  # noqa: S608


@lru_cache(maxsize=64)
def _insert_plan(
    table: Table, columns: tuple[str, ...], dialect: str
) -> tuple[str, tuple[tuple[int, Any], ...], tuple[str, ...]]:
    """The statement, the columns to be converted, and the types of all in PostgreSQL's words."""
    names = ", ".join(f'"{name}"' for name in columns)
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        holes = ", ".join("?" * len(columns))
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({holes})'  # noqa: S608
        target: Any = sqlite.dialect()
    else:
        from sqlalchemy.dialects import postgresql

        statement = f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)'
        target = postgresql.dialect()  # type: ignore[no-untyped-call]
    processors = []
    for index, name in enumerate(columns):
        type_ = table.c[name].type.dialect_impl(target)
        process = type_.bind_processor(target)
        if process is not None and not _plain(table.c[name].type):
            processors.append((index, process))
    types = (table.c[name].type.compile(target).lower().partition("(")[0] for name in columns)
    return statement, tuple(processors), tuple(types)


def _plain(type_: Any) -> bool:
    """Types whose Python values both drivers take as they are."""
    from sqlalchemy import Boolean, Integer, LargeBinary, String

    return isinstance(type_, (Integer, String, LargeBinary, Boolean))


def _processed(
    rows: Sequence[tuple[Any, ...]], processors: tuple[tuple[int, Any], ...]
) -> list[tuple[Any, ...]]:
    """The rows with some columns converted. A column of moments or days repeats itself, so each
    different value is converted once."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for index, process in processors:
        column = columns[index]
        converted = {value: process(value) for value in set(column) if value is not None}
        columns[index] = list(map(converted.get, column))
    return list(zip(*columns, strict=True))


def allocate(tx: Connection, name: str, count: int) -> int:
    """Reserve `count` consecutive ids of a sequence; return the first."""
    statement = (
        update(id_block)
        .where(id_block.c.name == name)
        .values(next=id_block.c.next + count)
        .returning(id_block.c.next)
    )
    after = tx.execute(statement).scalar_one_or_none()
    if after is None:
        tx.execute(insert(id_block).values(name=name, next=1 + count))
        return 1
    return int(after) - count


def latest(conn: Connection, table: Table) -> int:
    """The highest id of an append-only table, 0 when it is empty."""
    return int(conn.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())


def add_counts(tx: Connection, run_id: int, counts: Mapping[tuple[str, str], int]) -> None:
    """Move a run's counters: {(kind, key): difference}. Rows are locked in the order of their
    key, so that two who move the same wait for each other in one direction only."""
    rows = [(kind, key, n) for (kind, key), n in sorted(counts.items()) if n]
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql(_ADD_COUNTS.format(_COUNTS_SQLITE), [(run_id, *row) for row in rows])
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    tx.exec_driver_sql(_ADD_COUNTS.format(_COUNTS_POSTGRESQL), (run_id, *columns))


_ADD_COUNTS: Final = (
    "INSERT INTO run_count (run_id, kind, key, n) {} ON CONFLICT (run_id, kind, key)"
    " DO UPDATE SET n = run_count.n + excluded.n"
)
_COUNTS_SQLITE: Final = "VALUES (?, ?, ?, ?)"
# One statement for all counters: every window and every page moves some.
_COUNTS_POSTGRESQL: Final = "SELECT %s::bigint, * FROM unnest(%s::text[], %s::text[], %s::bigint[])"
