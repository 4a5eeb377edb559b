"""The rows of a whole database taken to another one: what would not fit, the copy, its proof."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    TypeDecorator,
    collate,
    func,
    select,
    text,
)

from outreach.store.covered import row_bytes
from outreach.store.database import append
from outreach.store.tables import database_move, metadata

PAGE: Final = 5_000  # rows in memory at a time
# Marks of moves stay where they are: each side has its own.
TABLES: Final = tuple(one for one in metadata.sorted_tables if one is not database_move)

Tick = Callable[[int], None]


class Copied(NamedTuple):
    """How many rows of a table there are, and the digest over all of them in the order of their
    keys."""

    rows: int
    digest: bytes


def counts(conn: Connection) -> dict[str, int]:
    """How many rows each table holds."""
    return {
        table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
        for table in TABLES
    }


def filled(conn: Connection) -> list[str]:
    """The tables that hold anything at all."""
    return [
        table.name
        for table in TABLES
        if conn.execute(select(text("1")).select_from(table).limit(1)).first()
    ]


# --- what would not fit ----------------------------------------------------------------------


class Unfit(NamedTuple):
    """Values SQLite holds and PostgreSQL has no place for."""

    table: str
    column: str
    why: str
    rows: int
    keys: tuple[str, ...]  # of the first few

    def __str__(self) -> str:
        first = "; ".join(self.keys)
        return f"{self.table}.{self.column}: {self.why} in {self.rows:,} rows, first {first}"


def unfit(source: Connection) -> Iterator[Unfit]:
    """Everything in an SQLite database that PostgreSQL would refuse, or would change. SQLite checks
    neither lengths nor types, and takes a NUL in a text."""
    for table in TABLES:
        tests = [(one.name, why, sql) for one in table.columns for why, sql in _tests(one)]
        sums = ", ".join(f"coalesce(sum({sql}), 0)" for _, _, sql in tests)
        found = source.exec_driver_sql(f'SELECT {sums} FROM "{table.name}"').one()  # noqa: S608
        for (column, why, sql), rows in zip(tests, found, strict=True):
            if rows:
                yield Unfit(table.name, column, why, rows, _keys(source, table, sql))


def _tests(column: Column[Any]) -> Iterator[tuple[str, str]]:
    """(what is wrong, the condition in SQLite's words) of a column."""
    name, type_ = f'"{column.name}"', column.type
    while isinstance(type_, TypeDecorator):
        type_ = type_.impl_instance
    if isinstance(type_, String):
        yield "something other than text", f"typeof({name}) NOT IN ('text', 'null')"
        yield "a NUL character", f"instr({name}, char(0)) > 0"
        if type_.length:
            yield f"more than {type_.length} characters", f"length({name}) > {type_.length}"
    elif isinstance(type_, LargeBinary):
        yield "something other than bytes", f"typeof({name}) NOT IN ('blob', 'null')"
    elif isinstance(type_, Boolean):
        yield "neither yes nor no", f"{name} NOT IN (0, 1)"
    elif isinstance(type_, Integer):
        yield "something other than a whole number", f"typeof({name}) NOT IN ('integer', 'null')"
        if not isinstance(type_, BigInteger):
            yield "a number beyond 2,147,483,647", f"abs({name}) > 2147483647"
    elif isinstance(type_, Date | DateTime):
        day = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
        rest = "" if isinstance(type_, Date) else " [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*"
        yield "no moment or day", f"({name} NOT GLOB '{day}{rest}')"


def _keys(source: Connection, table: Table, sql: str) -> tuple[str, ...]:
    names = [column.name for column in table.primary_key]
    listed = ", ".join(f'"{name}"' for name in names)
    query = f'SELECT {listed} FROM "{table.name}" WHERE {sql} LIMIT 3'  # noqa: S608
    rows = source.exec_driver_sql(query)
    return tuple(
        " ".join(f"{name} {value!r}" for name, value in zip(names, row, strict=True))
        for row in rows
    )


# --- the copy --------------------------------------------------------------------------------


def copy(source: Connection, target: Connection, table: Table, tick: Tick) -> Copied:
    """Append every row of a table, in the order of its key and a page at a time. `tick` is told how
    many rows each page had."""
    columns = tuple(table.c.keys())
    rows, digest = 0, sha256()
    for page in _pages(source, table):
        append(target, table, columns, page)
        digest.update(b"\n".join([row_bytes(row) for row in page]))
        rows += len(page)
        tick(len(page))
    return Copied(rows, digest.digest())


def read_back(conn: Connection, table: Table) -> Copied:
    """What a table holds, in the terms of `copy`."""
    rows, digest = 0, sha256()
    for page in _pages(conn, table):
        digest.update(b"\n".join([row_bytes(row) for row in page]))
        rows += len(page)
    return Copied(rows, digest.digest())


def _pages(conn: Connection, table: Table) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Every row by key, the same pages on both databases: text sorts by its bytes."""
    with conn.execute(_ordered(conn, table), execution_options={"yield_per": PAGE}) as result:
        for page in result.partitions():
            yield [tuple(row) for row in page]


def _ordered(conn: Connection, table: Table) -> Select[Any]:
    bytewise = conn.dialect.name != "sqlite"
    keys = [
        collate(key, "C") if bytewise and isinstance(key.type, String) else key
        for key in table.primary_key
    ]
    return select(*table.columns).order_by(*keys)


def move_counters_on(target: Connection) -> None:
    """Let the next row of every table with a counter of PostgreSQL's own come after those that were
    copied."""
    for table in TABLES:
        keys = list(table.primary_key)
        if len(keys) != 1 or not isinstance(keys[0].type, Integer):
            continue
        name = func.pg_get_serial_sequence(f'"{table.name}"', keys[0].name)
        sequence = target.execute(select(name)).scalar_one()
        highest = target.execute(select(func.max(keys[0]))).scalar_one()
        if sequence is not None and highest is not None:
            target.execute(select(func.setval(sequence, highest)))
