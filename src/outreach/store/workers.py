"""The workers of this database: each says again and again that it is there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from outreach.store import marks
from outreach.store.tables import worker


class Worker(NamedTuple):
    """A process that works from the queue."""

    owner: str
    name: str
    queues: tuple[str, ...]
    started_at: datetime
    seen_at: datetime


def _now(conn: Connection) -> datetime:
    """The database's clock, which all workers share; where it has none, that of this machine."""
    return marks.clock(conn) or datetime.now(UTC)


def seen(tx: Connection, owner: str, name: str, queues: Sequence[str]) -> None:
    """Note that a worker is there, now."""
    now = _now(tx)
    known = tx.execute(update(worker).where(worker.c.owner == owner).values(seen_at=now))
    if known.rowcount == 0:
        values = {"owner": owner, "name": name, "queues": ",".join(queues)}
        tx.execute(insert(worker).values(**values, started_at=now, seen_at=now))


def leaves(tx: Connection, owner: str) -> None:
    """A worker has ended, or is taken for gone."""
    tx.execute(delete(worker).where(worker.c.owner == owner))


def present(conn: Connection, silence: timedelta) -> list[Worker]:
    """The workers that said so within `silence`."""
    return _workers(conn, worker.c.seen_at >= _now(conn) - silence)


def silent(conn: Connection, silence: timedelta) -> list[Worker]:
    """The workers that have not said anything for `silence`."""
    return _workers(conn, worker.c.seen_at < _now(conn) - silence)


def _workers(conn: Connection, where: Any) -> list[Worker]:
    query = select(worker).where(where).order_by(worker.c.started_at, worker.c.owner)
    return [
        Worker(row.owner, row.name, tuple(row.queues.split(",")), row.started_at, row.seen_at)
        for row in conn.execute(query)
    ]
