"""Index levels and margin ratios in the database: appended file by file, compared set-wise."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, select

from outreach.core.margin import Compared, Ratio, Standing, compare
from outreach.core.market_conditions import MarginLine
from outreach.core.market_moves import Level
from outreach.store import audit
from outreach.store.audit import Covered
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.tables import (
    book,
    margin_event,
    margin_ratio,
    margin_standing,
    market_level,
)

_LEVEL: Final = market_level.c
_LEVEL_COLUMNS: Final = tuple(column.name for column in market_level.columns)
_READ_AS: Final = (
    _LEVEL.index_code, _LEVEL.at, _LEVEL.level, _LEVEL.prev_close, _LEVEL.name_zh, _LEVEL.name_en,
    _LEVEL.id,
)  # fmt: skip
_RATIO_COLUMNS: Final = ("book_id", "client_id", "ratio", "warn_line", "close_line", "as_of")
_EVENT_COLUMNS: Final = ("book_id", "client_id", "line", "direction", "recovered")


def hold(tx: Connection) -> None:
    """Let another import wait until this transaction ends, before reading what is known."""
    audit.append(tx, [])


# --- index levels ------------------------------------------------------------------------------


class AddedLevels(NamedTuple):
    """What a file of levels came to: new moments, corrected ones, and those known already."""

    added: int
    corrected: int
    unchanged: int
    covered: Covered | None


def add_levels(tx: Connection, said: Sequence[Level], book_id: int) -> AddedLevels:
    """Add what is not known yet. A moment that is told otherwise than before gets a further row."""
    hold(tx)
    known = _known(tx, said)
    fresh: list[Level] = []
    corrected = 0
    for one in said:
        old = known.get((one.code, one.at))
        if old is not None and old[2:6] == one[2:6]:
            continue
        corrected += old is not None
        known[one.code, one.at] = one
        fresh.append(one)
    first = allocate(tx, "market_level", len(fresh)) if fresh else 0
    rows = [(first + n, *one[:6], book_id) for n, one in enumerate(fresh)]
    append(tx, market_level, _LEVEL_COLUMNS, rows)
    covered = cover(market_level, _LEVEL_COLUMNS, rows)
    return AddedLevels(len(fresh) - corrected, corrected, len(said) - len(fresh), covered)


def _known(tx: Connection, said: Sequence[Level]) -> dict[tuple[str, datetime], Level]:
    """What is on record for the indexes and the span of time a file speaks of."""
    if not said:
        return {}
    found = select(*_READ_AS).where(
        _LEVEL.index_code.in_(sorted({one.code for one in said})),
        _LEVEL.at.between(min(one.at for one in said), max(one.at for one in said)),
    )
    levels = (Level(*row) for row in tx.execute(found.order_by(_LEVEL.id)))
    return {(one.code, one.at): one for one in levels}


def levels_since(conn: Connection, code: str, since: datetime) -> list[Level]:
    """The levels of an index from a moment on, every version of each."""
    statement = (
        select(*_READ_AS)
        .where(_LEVEL.index_code == code, _LEVEL.at >= since)
        .order_by(_LEVEL.at, _LEVEL.id)
    )
    return [Level(*row) for row in conn.execute(statement)]


def newest_level_at(conn: Connection, code: str) -> datetime | None:
    """The moment of the newest level of an index; None before the first."""
    statement = select(func.max(_LEVEL.at)).where(_LEVEL.index_code == code)
    found: datetime | None = conn.execute(statement).scalar()
    return found


def newest_levels(conn: Connection) -> list[Level]:
    """Where every index stands by its newest moment."""
    newest = (
        select(_LEVEL.index_code, func.max(_LEVEL.at).label("at"))
        .group_by(_LEVEL.index_code)
        .subquery()
    )
    statement = (
        select(*_READ_AS)
        .join(newest, (newest.c.index_code == _LEVEL.index_code) & (newest.c.at == _LEVEL.at))
        .order_by(_LEVEL.index_code, _LEVEL.id)
    )
    held = {row[0]: Level(*row) for row in conn.execute(statement)}
    return list(held.values())


# --- margin ratios -----------------------------------------------------------------------------


class AddedRatios(NamedTuple):
    """What a file of ratios came to."""

    compared: Compared
    ratios: Covered | None
    crossings: Covered | None


def add_ratios(tx: Connection, said: Sequence[Ratio], book_id: int) -> AddedRatios:
    """Compare a whole file with what is known of its clients; add the snapshot, who crossed a line,
    and where each client stands from now on."""
    hold(tx)
    done = compare(_standings(tx, {one.client_id for one in said}), said)
    ratios = [(book_id, *one) for one in done.news]
    crossings = [(book_id, *one) for one in done.crossings]
    append(tx, margin_ratio, _RATIO_COLUMNS, ratios)
    append(tx, margin_event, _EVENT_COLUMNS, crossings)
    in_book = select(margin_ratio.c.client_id).where(margin_ratio.c.book_id == book_id)
    tx.execute(delete(margin_standing).where(margin_standing.c.client_id.in_(in_book)))
    append(tx, margin_standing, Standing._fields, done.standings)
    return AddedRatios(
        done,
        cover(margin_ratio, _RATIO_COLUMNS, ratios),
        cover(margin_event, _EVENT_COLUMNS, crossings),
    )


def _standings(tx: Connection, wanted: Collection[int]) -> dict[int, Standing]:
    """Read as one range of clients: a file speaks of nearly everybody there is."""
    if not wanted:
        return {}
    columns = [margin_standing.c[name] for name in Standing._fields]
    within = margin_standing.c.client_id.between(min(wanted), max(wanted))
    rows = tx.execute(select(*columns).where(within))
    return {row[0]: Standing(*row) for row in rows if row[0] in wanted}


class MarginFile(NamedTuple):
    """A file with which clients fell below a line, and as of when the newest of their ratios is."""

    book_id: int
    as_of: datetime
    clients: int


def fallen_below(
    conn: Connection, line: MarginLine, rearm: int, since: datetime
) -> list[MarginFile]:
    """The files imported since a moment with which clients newly fell below a line, oldest first.
    `rearm`: how far above it, in hundredths of a percent, they must have been again."""
    event, said = margin_event.c, margin_ratio.c
    own = (said.book_id == event.book_id) & (said.client_id == event.client_id)
    as_of = func.max(said.as_of).label("as_of")
    statement = (
        select(event.book_id, as_of, func.count())
        .join_from(margin_event, margin_ratio, own)
        .join(book, book.c.id == event.book_id)
        .where(book.c.imported_at >= since, *newly_below(line, rearm))
        .group_by(event.book_id)
        .order_by(as_of, event.book_id)
    )
    return [MarginFile(*row) for row in conn.execute(statement)]


def newly_below(line: MarginLine, rearm: int) -> tuple[Any, ...]:
    """The conditions on `margin_event` for a fall that is news."""
    event = margin_event.c
    news = event.recovered.is_(None) | (event.recovered >= rearm)
    return event.line == line, event.direction == "below", news


def ratios_of(conn: Connection, book_id: int, ids: Sequence[int]) -> dict[int, Ratio]:
    """What a file said of the clients with these ascending ids."""
    columns = [margin_ratio.c[name] for name in Ratio._fields]
    statement = select(*columns).where(
        margin_ratio.c.book_id == book_id, margin_ratio.c.client_id.between(ids[0], ids[-1])
    )
    return {row[0]: Ratio(*row) for row in conn.execute(statement)}


def newest_ratios(conn: Connection) -> int:
    """The file that was taken in last; 0 before the first."""
    newest = select(func.coalesce(func.max(margin_ratio.c.book_id), 0))
    return int(conn.execute(newest).scalar_one())


class MarginCount(NamedTuple):
    """How many clients stand where, and as of when the newest ratio is."""

    clients: int
    below_warn: int
    below_close: int
    as_of: datetime | None


def margin_count(conn: Connection) -> MarginCount:
    """Where the clients on margin stand by the newest ratio of each."""
    one = margin_standing.c
    row = conn.execute(
        select(
            func.count(),
            func.count().filter(one.ratio < one.warn_line),
            func.count().filter(one.ratio < one.close_line),
            func.max(one.as_of),
        )
    ).one()
    return MarginCount(*row)
