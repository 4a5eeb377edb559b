"""The yearly tenth in the database: the clients at the end of a year, who was called, the draws."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, true
from sqlalchemy.sql.expression import FromClause

from outreach.core.call_back import Result, Rule
from outreach.store.audit import Covered, cover
from outreach.store.call_backs import GONE
from outreach.store.database import allocate, append
from outreach.store.tables import (
    book,
    call_back,
    call_back_base,
    call_back_base_client,
    call_back_draw,
    call_back_result,
    client,
)

_BASE: Final = tuple(column.name for column in call_back_base.columns)
_BASE_CLIENT: Final = tuple(column.name for column in call_back_base_client.columns)
_DRAW: Final = tuple(column.name for column in call_back_draw.columns)
# The states of an account that are left out of the tenth, by the count they go to. A defective
# account (不合格) is counted: it leaves more to call, never less.
_LEFT_OUT: Final = {"dormant": "dormant", "frozen": "suspended", **dict.fromkeys(GONE, "closed")}


class Base(NamedTuple):
    """The clients at the end of the year before `year`, counted: `clients` are those of whom a
    tenth is called; the others were left out. Without an `id` it follows from the client book as it
    is now."""

    id: int | None
    year: int
    as_of: datetime | None  # of the client book
    clients: int
    opened_later: int
    dormant: int
    suspended: int
    closed: int


class Draw(NamedTuple):
    """A draw for the yearly tenth, as it is kept."""

    id: int
    year: int
    share: str
    seed: str
    base_id: int | None
    clients: int
    called: int
    waiting: int
    drawn: int
    drawn_at: datetime
    actor: str


class Share(NamedTuple):
    """How many of the clients of a branch were called back in the year."""

    branch: str | None
    clients: int
    done: int


# --- the clients at the end of a year ---------------------------------------------------------


def base_of(conn: Connection, year: int) -> Base:
    """The newest recorded base of a year; without one, what the client book says now."""
    columns = [call_back_base.c[name] for name in Base._fields]
    newest = (
        select(*columns)
        .where(call_back_base.c.year == year)
        .order_by(call_back_base.c.id.desc())
        .limit(1)
    )
    found = conn.execute(newest).first()
    return Base(*found) if found else count_base(conn, year)


def count_base(conn: Connection, year: int) -> Base:
    """The clients at the end of the year before, by the client book as it is now."""
    sort = case((client.c.opened_on > _year_end(year), "opened_later"), else_=client.c.status)
    rows = conn.execute(select(sort, func.count()).group_by(sort))
    counts = dict.fromkeys(("clients", "opened_later", "dormant", "suspended", "closed"), 0)
    for status, n in rows:
        name = "opened_later" if status == "opened_later" else _LEFT_OUT.get(status, "clients")
        counts[name] += n
    return Base(None, year, newest_book(conn), **counts)


def newest_book(conn: Connection) -> datetime | None:
    """As of when the newest client book speaks."""
    taken = and_(book.c.kind == "clients", book.c.finished_at.is_not(None))
    return conn.execute(select(func.max(book.c.as_of)).where(taken)).scalar()


def base_page(
    conn: Connection, year: int, after: int, limit: int
) -> Sequence[tuple[int, str | None]]:
    """(client, branch) of the next clients of the base, by id, as the client book has them now."""
    query = (
        select(client.c.id, client.c.branch)
        .where(client.c.id > after, *_counted(year))
        .order_by(client.c.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in conn.execute(query)]


def new_base(tx: Connection) -> int:
    """The number of a base about to be taken."""
    return allocate(tx, "call_back_base", 1)


def add_base_clients(
    tx: Connection, base_id: int, page: Sequence[tuple[int, str | None]]
) -> Covered | None:
    """Keep one page of a base; returns what the audit entry of this transaction must cover."""
    rows = [(base_id, *one) for one in page]
    append(tx, call_back_base_client, _BASE_CLIENT, rows)
    return cover(call_back_base_client, _BASE_CLIENT, rows)


def add_base(tx: Connection, base: Base, taken_at: datetime, actor: str) -> Covered | None:
    """Keep the counts of a base, all of whose clients are here: from now on it counts."""
    row = (*base, taken_at, actor)
    append(tx, call_back_base, _BASE, [row])
    return cover(call_back_base, _BASE, [row])


def _year_end(year: int) -> date:
    return date(year - 1, 12, 31)


def _counted(year: int) -> tuple[ColumnElement[bool], ...]:
    # An unknown opening date counts as an old one: it leaves more to call, never less.
    opened = or_(client.c.opened_on.is_(None), client.c.opened_on <= _year_end(year))
    return opened, client.c.status.not_in(tuple(_LEFT_OUT))


def _population(base: Base) -> FromClause:
    """(client_id, branch) of everybody in a base."""
    if base.id is None:
        chosen = select(client.c.id.label("client_id"), client.c.branch)
        return chosen.where(*_counted(base.year)).subquery("base")
    kept = call_back_base_client.c
    return select(kept.client_id, kept.branch).where(kept.base_id == base.id).subquery("base")


# --- who was called ---------------------------------------------------------------------------


def _in_year(year: int) -> ColumnElement[bool]:
    return call_back_result.c.done_on.between(date(year, 1, 1), date(year, 12, 31))


def _reached(year: int) -> ColumnElement[bool]:
    return and_(call_back_result.c.result == Result.REACHED.value, _in_year(year))


def shares(conn: Connection, base: Base) -> list[Share]:
    """By branch, how many of the base there are and how many of them were called back in the year,
    whichever rule asked for it; a client called twice is one."""
    people = _population(base)
    called = (
        select(call_back_result.c.client_id)
        .where(_reached(base.year))
        .distinct()
        .subquery("called")
    )
    query = (
        select(people.c.branch, func.count(), func.count(called.c.client_id))
        .join_from(people, called, called.c.client_id == people.c.client_id, isouter=True)
        .group_by(people.c.branch)
    )
    found = [Share(*row) for row in conn.execute(query)]
    return sorted(found, key=lambda one: (one.branch is None, one.branch or ""))


def done_by_rule(conn: Connection, base: Base) -> dict[str, int]:
    """Clients of the base called back in the year, by the rule that asked for it. A client called
    under two rules is in both."""
    people = _population(base)
    query = (
        select(call_back_result.c.rule, func.count(call_back_result.c.client_id.distinct()))
        .join(people, people.c.client_id == call_back_result.c.client_id)
        .where(_reached(base.year))
        .group_by(call_back_result.c.rule)
    )
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def waiting(conn: Connection, base: Base) -> int:
    """Clients of the base who were drawn for the year and have not been called back in it."""
    people = _population(base)
    made = call_back_result
    called = (
        select(made.c.id)
        .where(made.c.client_id == people.c.client_id, _reached(base.year))
        .exists()
    )
    query = (
        select(func.count(people.c.client_id.distinct()))
        .join_from(people, call_back, call_back.c.client_id == people.c.client_id)
        .join(client, client.c.id == people.c.client_id)
        .where(_drawn(base.year), client.c.status.not_in(GONE), ~called)
    )
    return int(conn.execute(query).scalar_one())


def _drawn(year: int) -> ColumnElement[bool]:
    within = call_back.c.since_on.between(date(year, 1, 1), date(year, 12, 31))
    return and_(call_back.c.rule == Rule.YEARLY.value, within)


# --- the draw ---------------------------------------------------------------------------------


class Standing(NamedTuple):
    """A client of the base, and whether a call was made or is waiting to be made."""

    client_id: int
    client_no: str
    called: bool
    waiting: bool  # drawn before, not called yet
    gone: bool  # cannot be called any more


def standings(conn: Connection, base: Base) -> Iterator[Standing]:
    """Everybody in a base, with how they stand in the year."""
    people = _population(base)
    called = (
        select(true())
        .where(call_back_result.c.client_id == people.c.client_id, _reached(base.year))
        .exists()
    )
    drawn = (
        select(true())
        .where(call_back.c.client_id == people.c.client_id, _drawn(base.year))
        .exists()
    )
    query = select(
        client.c.id, client.c.client_no, called, drawn, client.c.status.in_(GONE)
    ).join_from(people, client, client.c.id == people.c.client_id)
    with conn.execute(query, execution_options={"yield_per": 5_000}) as result:
        for row in result:
            called_back, waits, gone = bool(row[2]), bool(row[3]), bool(row[4])
            yield Standing(row[0], row[1], called_back, waits and not (called_back or gone), gone)


def add_draw(tx: Connection, draw: Draw) -> Covered | None:
    """Keep a draw; returns what the audit entry of this transaction must cover."""
    append(tx, call_back_draw, _DRAW, [tuple(draw)])
    return cover(call_back_draw, _DRAW, [tuple(draw)])


def new_draw(tx: Connection) -> int:
    """The number of a draw about to be kept."""
    return allocate(tx, "call_back_draw", 1)


def draws(conn: Connection, year: int) -> list[Draw]:
    """The draws for a year, in their order."""
    query = select(call_back_draw).where(call_back_draw.c.year == year).order_by("id")
    return [Draw(*row) for row in conn.execute(query)]
