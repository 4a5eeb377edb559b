"""Halts as versions, and the alerts there are to send of them; the newest version is what holds."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, or_, select, text

from outreach.core.halt_versions import Change, Known
from outreach.core.halts import MARKET_CLOCKS, Halt
from outreach.store.audit import Covered, cover
from outreach.store.database import append
from outreach.store.tables import book, halt, halt_alert, halt_source

_SOURCE: Final = (
    "isin", "resume_quote_at", "last_halted_on", "source_updated_at", "source_row_sha256",
)  # fmt: skip
_FACTS: Final = Halt._fields[: -len(_SOURCE)]
_COLUMNS: Final = (*_FACTS, "first_seen_at", "book_id")
_SOURCE_COLUMNS: Final = ("halt_id", "version", "book_id", *_SOURCE)
_FIELDS: Final = (*(halt.c[name] for name in _FACTS), *(halt_source.c[name] for name in _SOURCE))
_WITH_SOURCE: Final = halt.outerjoin(
    halt_source,
    and_(halt_source.c.halt_id == halt.c.halt_id, halt_source.c.version == halt.c.version),
)
_ALERT_COLUMNS: Final = ("halt_id", "version", "event", "at", "book_id")
_LOCK: Final = 0x68616C74  # the name of PostgreSQL's lock on halts
_PAGE: Final = 500


class Added(NamedTuple):
    """What a file added: the audit log answers for every kind of rows."""

    halts: Covered | None
    sources: Covered | None
    alerts: Covered | None


def known(tx: Connection, securities: Iterable[tuple[str, str]]) -> list[Known]:
    """Every version of every halt of these (market, symbol). Until the transaction ends nobody else
    reads them to add to them: two files at once are taken one after the other."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _LOCK})
    wanted = set(securities)
    symbols = sorted({symbol for _market, symbol in wanted})
    found = []
    for at in range(0, len(symbols), _PAGE):
        statement = (
            select(*_FIELDS, book.c.as_of)
            .select_from(_WITH_SOURCE.join(book, book.c.id == halt.c.book_id))
            .where(halt.c.symbol.in_(symbols[at : at + _PAGE]))
        )
        for *fields, as_of in tx.execute(statement):
            one = Halt(*fields)
            if (one.market, one.symbol) in wanted:
                found.append(Known(one, as_of))
    return found


def add(tx: Connection, changes: Sequence[Change], *, book_id: int, seen_at: datetime) -> Added:
    """Add versions and, in the same transaction, the alerts they give rise to."""
    rows = [(*change.halt[: len(_FACTS)], seen_at, book_id) for change in changes]
    sources = [(*change.halt[:2], book_id, *change.halt[len(_FACTS) :]) for change in changes]
    keys = [change.key for change in changes]
    alerts = [(*key, seen_at, book_id) for key in keys if key is not None]
    append(tx, halt, _COLUMNS, rows)
    append(tx, halt_source, _SOURCE_COLUMNS, sources)
    append(tx, halt_alert, _ALERT_COLUMNS, alerts)
    return Added(
        cover(halt, _COLUMNS, rows),
        cover(halt_source, _SOURCE_COLUMNS, sources),
        cover(halt_alert, _ALERT_COLUMNS, alerts),
    )


def in_force(conn: Connection, now: datetime, on: date | None = None) -> list[Halt]:
    """Halts in their newest version that are on at a moment; with a day, those on during any of it
    by the market's clock. A plan counts: nobody says in the end that it was kept."""
    first = _start(on, "America/New_York", ahead=-1) if on else now
    last = _start(on, "America/New_York", ahead=2) if on else now
    newest = (
        select(halt.c.halt_id, func.max(halt.c.version).label("version"))
        .group_by(halt.c.halt_id)
        .subquery()
    )
    statement = (
        select(*_FIELDS)
        .select_from(_WITH_SOURCE)
        .join(newest, and_(newest.c.halt_id == halt.c.halt_id, newest.c.version == halt.c.version))
        .where(
            halt.c.resume_status != "cancelled",
            halt.c.halt_at <= last,
            or_(halt.c.resume_at.is_(None), halt.c.resume_at > first),
        )
        .order_by(halt.c.market, halt.c.symbol, halt.c.halt_at)
    )
    found = [Halt(*row) for row in conn.execute(statement)]
    return [one for one in found if on is None or _on(one, on)]


def _on(one: Halt, on: date) -> bool:
    zone = MARKET_CLOCKS[one.market][0]
    begins, ends = _start(on, zone), _start(on, zone, ahead=1)
    return one.halt_at < ends and (one.resume_at is None or one.resume_at > begins)


def _start(on: date, zone: str, ahead: int = 0) -> datetime:
    return datetime.combine(on + timedelta(days=ahead), time(0), ZoneInfo(zone))
