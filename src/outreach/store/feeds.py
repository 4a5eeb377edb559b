"""How fresh the halt data of each market are, and how each source that is fetched is doing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ScalarSelect, func, insert, select, update

from outreach.store.tables import book, book_market, feed_source, halt


def speak_for(tx: Connection, book_id: int, markets: Iterable[str], as_of: datetime) -> None:
    """Put on record that a file, taken in whole, told all there was to tell of these markets."""
    rows = [{"book_id": book_id, "market": one, "as_of": as_of} for one in sorted(set(markets))]
    if rows:
        tx.execute(insert(book_market), rows)


def freshness(conn: Connection, markets: Sequence[str]) -> dict[str, datetime | None]:
    """By market, as of when its newest halt data speak; None where nobody ever reported."""
    newest = (
        select(book_market.c.market, func.max(book_market.c.as_of).label("as_of"))
        .where(book_market.c.market.in_(markets))
        .group_by(book_market.c.market)
    )
    found = {row.market: row.as_of for row in conn.execute(newest)}
    return {market: found.get(market) for market in markets}


def halts_as_of(conn: Connection, markets: Sequence[str]) -> datetime | None:
    """As of when the halt data of all these markets speak, which is that of the oldest; None while
    one of them has none at all, or none is asked about."""
    moments = freshness(conn, markets).values()
    known = [one for one in moments if one is not None]
    return min(known) if known and len(known) == len(moments) else None


def _taken_as(digest: str) -> ScalarSelect[int]:
    """The newest finished book of a file with this digest."""
    return (
        select(func.max(book.c.id))
        .where(book.c.kind == "halts", book.c.digest == digest, book.c.finished_at.is_not(None))
        .scalar_subquery()
    )


def spoke_at(conn: Connection, digest: str) -> datetime | None:
    """As of when what the file with this digest says is known to be all there is; None when it was
    never taken in whole."""
    statement = select(func.max(book_market.c.as_of)).where(
        book_market.c.book_id == _taken_as(digest)
    )
    return conn.execute(statement).scalar()


def confirm(tx: Connection, digest: str, as_of: datetime) -> None:
    """A source says at a later moment what it said in the file with this digest: the markets of the
    file are as fresh as that now."""
    mine = book_market.c.book_id == _taken_as(digest)
    tx.execute(update(book_market).where(mine, book_market.c.as_of < as_of).values(as_of=as_of))


def plans_met(conn: Connection, since: datetime, now: datetime) -> bool:
    """Whether an end that was planned has passed since a moment and nobody said yet that it was
    kept: a file that did not change says so when it is read again."""
    newest = (
        select(halt.c.halt_id, func.max(halt.c.version).label("version"))
        .group_by(halt.c.halt_id)
        .subquery()
    )
    statement = (
        select(halt.c.halt_id)
        .join(newest, (newest.c.halt_id == halt.c.halt_id) & (newest.c.version == halt.c.version))
        .where(halt.c.resume_status == "planned", halt.c.resume_at > since, halt.c.resume_at <= now)
        .limit(1)
    )
    return conn.execute(statement).first() is not None


# --- the sources that are fetched -------------------------------------------------------------


class SourceState(NamedTuple):
    """What is remembered of a source. Moments are None until they come."""

    name: str
    form: str
    checked_at: datetime | None = None  # asked, whatever came of it
    fetched_at: datetime | None = None  # answered, with news or without
    changed_at: datetime | None = None  # answered with something new
    failures: int = 0  # in a row
    error: str = ""  # of the last failure
    etag: str = ""
    last_modified: str = ""
    digest: str = ""  # SHA-256 of what it answered last, hex


def states(conn: Connection) -> dict[str, SourceState]:
    """Every source that was ever asked, by name."""
    return {row.name: SourceState(*row) for row in conn.execute(select(feed_source))}


def claim(tx: Connection, seen: SourceState, at: datetime) -> bool:
    """Take a source to ask it now; False when another process has asked it since it was seen."""
    if seen.checked_at is None:
        if tx.execute(select(feed_source.c.name).where(feed_source.c.name == seen.name)).first():
            return False
        row = {**seen._asdict(), "checked_at": at}
        if tx.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as upsert

            statement = upsert(feed_source).values(row).on_conflict_do_nothing()
            return tx.execute(statement.returning(feed_source.c.name)).first() is not None
        tx.execute(insert(feed_source).values(row))
        return True
    taken = tx.execute(
        update(feed_source)
        .where(feed_source.c.name == seen.name, feed_source.c.checked_at == seen.checked_at)
        .values(checked_at=at, form=seen.form)
    )
    return taken.rowcount == 1


def settle(tx: Connection, state: SourceState) -> None:
    """Remember what came of asking a source."""
    values = state._asdict()
    tx.execute(update(feed_source).where(feed_source.c.name == values.pop("name")).values(values))
