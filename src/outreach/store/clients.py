"""The client book: many clients at once, by client number; only what changed is written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    and_,
    delete,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from outreach.store.books import Counts
from outreach.store.database import append
from outreach.store.tables import client

_POSTGRES_FIRST = (
    # One importer at a time, as SQLite has it anyway; nobody who reads waits.
    "LOCK TABLE client IN SHARE ROW EXCLUSIVE MODE",
    # A chunk is looked up by its numbers. Reading the whole book instead, once a chunk, would make
    # the time of an import grow with the square of its size.
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
)
_OURS = ("id", "book_id", "updated_at")

# The rows of one chunk, beside the book, so that comparing them is one statement.
_stage = Table(
    "stage_client",
    MetaData(),
    *(Column(column.name, column.type) for column in client.c if column.name not in _OURS),
    prefixes=["TEMPORARY"],
)


def upsert(
    tx: Connection,
    columns: Mapping[str, Sequence[Any]],
    defaults: Mapping[str, Any],
    *,
    book_id: int,
    at: datetime,
) -> Counts:
    """Add or update clients given column by column, `client_no` among them and each number once.

    Columns that are not given keep what they hold; a new client gets `defaults` there. A client
    whose given columns all hold the same already is not touched.
    """
    if tx.dialect.name == "postgresql":
        for statement in _POSTGRES_FIRST:
            tx.exec_driver_sql(statement)
    names = tuple(columns)
    rows = list(zip(*columns.values(), strict=True))
    known = ids_of(tx, columns["client_no"])
    new, old = rows, []
    if known:
        place = names.index("client_no")
        new = [row for row in rows if row[place] not in known]
        old = [row for row in rows if row[place] in known]
    _add(tx, names, new, defaults, book_id, at)
    updated = _update(tx, names, old, book_id, at)
    return Counts(added=len(new), updated=updated, unchanged=len(old) - updated)


def _add(
    tx: Connection,
    names: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    defaults: Mapping[str, Any],
    book_id: int,
    at: datetime,
) -> None:
    others = {name: value for name, value in defaults.items() if name not in names}
    others |= {"book_id": book_id, "updated_at": at}
    fixed = tuple(others.values())
    append(tx, client, (*names, *others), [row + fixed for row in rows])


def _update(
    tx: Connection,
    names: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    book_id: int,
    at: datetime,
) -> int:
    """Write the rows that say something else than the book; returns how many those were."""
    given = [name for name in names if name != "client_no"]
    if not rows or not given:
        return 0
    tx.execute(CreateTable(_stage, if_not_exists=True))
    tx.execute(delete(_stage))
    append(tx, _stage, names, rows)
    same = _stage.c.client_no == client.c.client_no
    differ = or_(*(client.c[name].is_distinct_from(_stage.c[name]) for name in given))
    values: dict[str, Any] = {name: _stage.c[name] for name in given}
    values |= {"book_id": book_id, "updated_at": at}
    return tx.execute(update(client).values(values).where(and_(same, differ))).rowcount


def locale_of(conn: Connection, client_id: int) -> str | None:
    """The language a client is written to in; None for one who is not in the book."""
    found = conn.execute(select(client.c.locale).where(client.c.id == client_id)).scalar()
    return None if found is None else str(found)


def ids_of(conn: Connection, numbers: Iterable[str]) -> dict[str, int]:
    """Client number -> id, of those that are in the book."""
    wanted = list(numbers)
    statement = select(client.c.client_no, client.c.id)
    if conn.dialect.name == "sqlite":
        among = text("client.client_no IN (SELECT value FROM json_each(:wanted))")
        found = conn.execute(statement.where(among), {"wanted": json.dumps(wanted)})
    else:
        among = text("client.client_no = ANY(:wanted)")
        found = conn.execute(statement.where(among), {"wanted": wanted})
    return {row[0]: row[1] for row in found}


def find(conn: Connection, client_no: str) -> dict[str, Any] | None:
    """One client by number, every column; None when there is no such client."""
    row = conn.execute(select(client).where(client.c.client_no == client_no)).mappings().first()
    return dict(row) if row else None
