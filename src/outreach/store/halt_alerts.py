"""Alert keys of halts, what each campaign made of them, and the snapshots they are matched with."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, exists, func, select

from outreach.core.halt_alerts import Books, Made, Waiting
from outreach.core.halts import Halt
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import allocate, append, latest
from outreach.store.one_of import one_of
from outreach.store.tables import OPEN, book, halt, halt_alert, halt_told, run

Key = tuple[str, int, str]  # halt, version, event
_COLUMNS: Final = tuple(column.name for column in halt_told.columns)
_FIELDS: Final = tuple(halt.c[name] for name in Halt._fields if name in halt.c)


def waiting(
    conn: Connection, campaign: str, markets: Sequence[str], since: datetime
) -> list[Waiting]:
    """The alert keys of these markets, stored since a moment, that the campaign has not settled;
    each with the newest version of its halt."""
    settled = exists().where(
        halt_told.c.campaign == campaign,
        halt_told.c.halt_id == halt_alert.c.halt_id,
        halt_told.c.version == halt_alert.c.version,
        halt_told.c.event == halt_alert.c.event,
    )
    statement = (
        select(halt_alert.c.version, halt_alert.c.event, halt_alert.c.at, *_FIELDS)
        .join_from(
            halt_alert,
            halt,
            and_(halt.c.halt_id == halt_alert.c.halt_id, halt.c.version == _newest()),
        )
        .where(halt_alert.c.at >= since, halt.c.market.in_(markets), ~settled)
        .order_by(halt_alert.c.at, halt_alert.c.halt_id, halt_alert.c.version)
    )
    return [
        Waiting(Halt(*fields), version, event, at)
        for version, event, at, *fields in conn.execute(statement)
    ]


def _newest() -> Any:
    of_halt = halt.alias("of_halt")
    newest = select(func.max(of_halt.c.version)).where(of_halt.c.halt_id == halt_alert.c.halt_id)
    return newest.scalar_subquery()


def mark(conn: Connection) -> tuple[int, int]:
    """Moves on when a file was taken in or an alert was settled."""
    last = select(func.max(book.c.id)).scalar_subquery()
    found = conn.execute(select(book.c.id, book.c.finished_at).where(book.c.id == last)).first()
    books = 2 * found.id + (found.finished_at is None) if found else 0
    return books, latest(conn, halt_told)


def newest(conn: Connection, halt_ids: Collection[str]) -> dict[str, Halt]:
    """The newest version of each of these halts."""
    found: dict[str, Halt] = {}
    query = select(*_FIELDS).where(one_of(conn, halt.c.halt_id, halt_ids)).order_by(halt.c.version)
    for row in conn.execute(query):
        one = Halt(*row)
        found[one.halt_id] = one
    return found


def told(conn: Connection, campaign: str, halt_ids: Collection[str]) -> dict[str, list[int]]:
    """By halt, the runs in which the campaign told of it, in their order."""
    statement = (
        select(halt_told.c.halt_id, halt_told.c.run_id)
        .where(
            halt_told.c.campaign == campaign,
            halt_told.c.outcome == Made.TOLD,
            one_of(conn, halt_told.c.halt_id, halt_ids),
        )
        .order_by(halt_told.c.id)
    )
    found: dict[str, list[int]] = {}
    for halt_id, run_id in conn.execute(statement):
        found.setdefault(halt_id, []).append(run_id)
    return found


def going_on(conn: Connection, campaign: str) -> dict[int, bytes]:
    """The campaign's runs that have not ended, with their values."""
    query = select(run.c.id, run.c["values"]).where(
        run.c.campaign == campaign, run.c.state.in_(OPEN)
    )
    return {row[0]: row[1] for row in conn.execute(query.order_by(run.c.id))}


def values_of(conn: Connection, run_ids: Iterable[int]) -> dict[int, bytes]:
    """The values of runs, by their numbers."""
    query = select(run.c.id, run.c["values"]).where(run.c.id.in_(sorted(set(run_ids))))
    return {row[0]: row[1] for row in conn.execute(query.order_by(run.c.id))}


def keys_of_day(conn: Connection, campaign: str, day: str) -> list[str]:
    """The occurrences of a day that have a run: `2026-09-28`, `2026-09-28.2` ... in their order."""
    query = select(run.c.occurrence).where(
        run.c.campaign == campaign, run.c.occurrence.like(f"{day}%")
    )
    return list(conn.execute(query.order_by(run.c.id)).scalars())


def books(conn: Connection) -> Books:
    """Every snapshot of holdings and of watched securities that was taken in whole."""
    found: dict[str, list[tuple[datetime, int]]] = {"holdings": [], "watching": []}
    query = select(book.c.kind, book.c.as_of, book.c.id).where(
        book.c.kind.in_(tuple(found)), book.c.finished_at.is_not(None)
    )
    for kind, as_of, number in conn.execute(query.order_by(book.c.as_of, book.c.id)):
        found[kind].append((as_of, number))
    return Books(found["holdings"], found["watching"])


def settled(tx: Connection, campaign: str, keys: Iterable[Key]) -> bool:
    """Whether one of these alert keys has been settled by now. Until the transaction ends, nobody
    else settles any."""
    audit.append(tx, [])  # whoever settles waits for the log
    wanted = set(keys)
    statement = select(halt_told.c.halt_id, halt_told.c.version, halt_told.c.event).where(
        halt_told.c.campaign == campaign,
        one_of(tx, halt_told.c.halt_id, {key[0] for key in wanted}),
    )
    return any(tuple(row) in wanted for row in tx.execute(statement))


def settle(
    tx: Connection,
    campaign: str,
    made: Mapping[Key, Made],
    run_id: int | None,
    at: datetime,
    actor: str,
) -> None:
    """Put on record what the campaign made of alert keys, each once, with its audit entry."""
    if not made:
        return
    first = allocate(tx, "halt_told", len(made))
    rows = [
        (first + n, campaign, *key, outcome.value, run_id, at)
        for n, (key, outcome) in enumerate(made.items())
    ]
    append(tx, halt_told, _COLUMNS, rows)
    counts: dict[str, int] = {}
    for outcome in made.values():
        counts[outcome.value] = counts.get(outcome.value, 0) + 1
    subject = campaign if run_id is None else f"run {run_id}"
    covered = cover(halt_told, _COLUMNS, rows)
    audit.append(tx, [Entry(at, "halts.settled", actor, subject, counts, covered)])


class Listed(NamedTuple):
    """An alert and what one campaign made of it; no campaign while none has settled it."""

    at: datetime
    market: str
    symbol: str
    name: str
    event: str
    version: int
    halt_id: str
    campaign: str | None
    made: str | None
    run: int | None
    run_state: str | None
    settled_at: datetime | None


def listing(
    conn: Connection, *, symbol: str | None, run_id: int | None, limit: int
) -> list[Listed]:
    """Alerts with what campaigns made of them, newest first."""
    same = and_(
        halt_told.c.halt_id == halt_alert.c.halt_id,
        halt_told.c.version == halt_alert.c.version,
        halt_told.c.event == halt_alert.c.event,
    )
    of_version = and_(
        halt.c.halt_id == halt_alert.c.halt_id, halt.c.version == halt_alert.c.version
    )
    statement = (
        select(
            halt_alert.c.at, halt.c.market, halt.c.symbol, halt.c.name_zh, halt_alert.c.event,
            halt_alert.c.version, halt_alert.c.halt_id, halt_told.c.campaign,
            halt_told.c.outcome, halt_told.c.run_id, run.c.state, halt_told.c.at,
        )
        .join_from(halt_alert, halt, of_version)
        .outerjoin(halt_told, same)
        .outerjoin(run, run.c.id == halt_told.c.run_id)
        .order_by(halt_alert.c.at.desc(), halt_alert.c.halt_id, halt_alert.c.version.desc())
        .limit(limit)
    )  # fmt: skip
    if symbol is not None:
        statement = statement.where(halt.c.symbol == symbol)
    if run_id is not None:
        statement = statement.where(halt_told.c.run_id == run_id)
    return [Listed._make(row) for row in conn.execute(statement)]
