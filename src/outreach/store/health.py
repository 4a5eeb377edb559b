"""How the database itself is: how large, how fast it grows, and what its server leaves undone."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, func, select, text

from outreach.store import partitions
from outreach.store.tables import run

LOOKED_BACK: Final = timedelta(days=30)
LITTLE_TIME, NO_TIME = 30, 7  # days until the disk is full, as it grows now
LONG_LOG: Final = 256 * 1024**2  # bytes of SQLite's log that nobody could write back
# Of 2,147,483,647, after which PostgreSQL takes no more writes; its vacuum begins at 200 million.
OLD_TRANSACTIONS: Final = 1_000_000_000
# Settings without which a committed intent can be lost in a power cut.
DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")
_MANY_DEAD: Final = 100_000  # rows


class Finding(NamedTuple):
    """What was seen, and what to do about it."""

    level: Literal["ok", "warning", "error"]
    says: str
    write: str = ""


def findings(conn: Connection, now: datetime) -> Iterator[Finding]:
    """What there is to say of the database."""
    sqlite = conn.dialect.name == "sqlite"
    yield from _size(conn, now, sqlite)
    if sqlite:
        yield from _long_log(conn)
        return
    yield from _safety(conn)
    yield from _vacuum(conn)
    for line in partitions.warnings(conn, now):
        yield Finding("warning", line, "outreach db partitions")


def size(conn: Connection) -> int:
    """Bytes of the database, without what it has not yet written back."""
    if conn.dialect.name != "sqlite":
        return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = int(conn.exec_driver_sql("PRAGMA page_count").scalar_one())
    return pages * int(conn.exec_driver_sql("PRAGMA page_size").scalar_one())


def growth(conn: Connection, now: datetime) -> float:
    """Bytes a day, as the last thirty days went: all that there is by all the clients that were
    ever decided on, times those of a day."""
    decided = select(func.coalesce(func.sum(run.c.audience), 0))
    ever = int(conn.execute(decided).scalar_one())
    lately = int(conn.execute(decided.where(run.c.opened_at > now - LOOKED_BACK)).scalar_one())
    return size(conn) / ever * lately / LOOKED_BACK.days if ever else 0.0


def _size(conn: Connection, now: datetime, sqlite: bool) -> Iterator[Finding]:
    bytes_, daily = size(conn), growth(conn, now)
    says = f"{_amount(bytes_)}, grows by {_amount(daily)} a day"
    file = Path(conn.engine.url.database or "") if sqlite else None
    if file is None or not file.is_file():
        yield Finding("ok", says)
        return
    free = shutil.disk_usage(file.parent).free
    days = free / daily if daily else float("inf")
    lasts = f"; {_amount(free)} free" + (f", enough for {days:,.0f} days" if daily else "")
    level: Literal["ok", "warning", "error"] = "ok"
    if days < LITTLE_TIME:
        level = "error" if days < NO_TIME else "warning"
    yield Finding(level, says + lasts, "" if level == "ok" else "free some space, or move it")


def _long_log(conn: Connection) -> Iterator[Finding]:
    file = Path(f"{conn.engine.url.database}-wal")
    length = file.stat().st_size if file.is_file() else 0
    if length > LONG_LOG:
        says = f"{file.name} has {_amount(length)}: a reader holds it since long ago"
        yield Finding("warning", says, "end long reports and exports; it shrinks by itself")


def _safety(conn: Connection) -> Iterator[Finding]:
    for name in DURABLE:
        value = conn.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
        if value == "off":
            says = f"{name} is off: after a power cut, messages could be sent twice"
            yield Finding("error", says, f"ALTER SYSTEM SET {name} = on")


_DEAD = text("""
    SELECT relname, n_dead_tup FROM pg_stat_user_tables
    WHERE n_dead_tup > :many AND n_dead_tup > n_live_tup / 2 ORDER BY n_dead_tup DESC LIMIT 3
""")
_AGE = text("SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()")


def _vacuum(conn: Connection) -> Iterator[Finding]:
    if conn.execute(text("SELECT current_setting('autovacuum')")).scalar_one() == "off":
        yield Finding("warning", "autovacuum is off", "ALTER SYSTEM SET autovacuum = on")
    for table, dead in conn.execute(_DEAD, {"many": _MANY_DEAD}):
        says = f"{table} has {dead:,} dead rows: vacuum does not keep up"
        yield Finding("warning", says, f"VACUUM {table}")
    age = int(conn.execute(_AGE).scalar_one())
    if age > OLD_TRANSACTIONS:
        left = 2**31 - age
        says = f"{left:,} transactions are left before the server takes no more writes"
        yield Finding("error", says, "VACUUM FREEZE, and see what keeps autovacuum from it")


def _amount(n: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if n < 1024:
            return f"{n:,.0f} {unit}" if unit == "bytes" or n >= 10 else f"{n:,.1f} {unit}"
        n /= 1024
    return f"{n:,.1f} TB"
