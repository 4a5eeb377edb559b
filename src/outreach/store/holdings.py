"""Holdings as snapshots: each import is a book of its own, so "who held it then" stays known."""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, select

from outreach.store.audit import Covered, cover
from outreach.store.database import append
from outreach.store.tables import holding, watching

_COLUMNS: Final = ("book_id", "market", "symbol", "client_id", "quantity")
Held = tuple[str, str, int, int]  # market, symbol, client, quantity


def add(tx: Connection, book_id: int, rows: Sequence[Held]) -> Covered | None:
    """Add part of a snapshot, each (market, symbol, client) once; returns what the audit entry of
    this transaction must cover."""
    full = [(book_id, *row) for row in rows]
    append(tx, holding, _COLUMNS, full)
    return cover(holding, _COLUMNS, full)


def watch(tx: Connection, book_id: int, rows: Sequence[Held]) -> Covered | None:
    """Like `add`, of securities that are watched: their quantities are left out."""
    full = [(book_id, *row[:3]) for row in rows]
    append(tx, watching, _COLUMNS[:-1], full)
    return cover(watching, _COLUMNS[:-1], full)


def securities(conn: Connection, book_id: int) -> Iterator[tuple[str, str]]:
    """(market, symbol) of a snapshot."""
    statement = select(holding.c.market, holding.c.symbol).where(holding.c.book_id == book_id)
    for row in conn.execute(statement.distinct().order_by(holding.c.market, holding.c.symbol)):
        yield row[0], row[1]
