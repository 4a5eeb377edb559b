"""The client book: many clients at once, by client number; only what changed is written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    and_,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from outreach.store.books import Counts
from outreach.store.database import append
from outreach.store.tables import client

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
    names = tuple(columns)
    count = len(columns["client_no"])
    if not count:
        return Counts()
    _fill_stage(tx, names, columns)
    known = _stage.c.client_no == client.c.client_no
    changed = or_(
        *(client.c[name].is_distinct_from(_stage.c[name]) for name in names if name != "client_no")
    )
    updated = _update(tx, names, and_(known, changed), book_id, at)
    added = _insert(tx, names, defaults, known, book_id, at)
    return Counts(added=added, updated=updated, unchanged=count - added - updated)


def _fill_stage(
    tx: Connection, names: tuple[str, ...], columns: Mapping[str, Sequence[Any]]
) -> None:
    tx.execute(CreateTable(_stage, if_not_exists=True))
    tx.execute(delete(_stage))
    append(tx, _stage, names, list(zip(*(columns[name] for name in names), strict=True)))


def _update(
    tx: Connection, names: Sequence[str], differ: ColumnElement[bool], book_id: int, at: datetime
) -> int:
    values: dict[str, Any] = {name: _stage.c[name] for name in names if name != "client_no"}
    if not values:
        return 0
    values |= {"book_id": book_id, "updated_at": at}
    return tx.execute(update(client).values(values).where(differ)).rowcount


def _insert(
    tx: Connection,
    names: Sequence[str],
    defaults: Mapping[str, Any],
    known: ColumnElement[bool],
    book_id: int,
    at: datetime,
) -> int:
    others = {name: value for name, value in defaults.items() if name not in names}
    others |= {"book_id": book_id, "updated_at": at}
    source = select(
        *(_stage.c[name] for name in names),
        *(literal(value, client.c[name].type) for name, value in others.items()),
    ).where(~exists().where(known))
    statement = insert(client).from_select([*names, *others], source)
    # Without this PostgreSQL's count of an insert is thrown away.
    return tx.execute(statement.execution_options(preserve_rowcount=True)).rowcount


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
