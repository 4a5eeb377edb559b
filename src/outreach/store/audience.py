"""Who belongs to a segment: its condition as one SQL expression, counted or read page by page.

Both databases get the same question: days are worked out here, from the run's moment, and never by
the server. SQL's own three-valued logic is the segment's: an unknown fact makes a test unknown, and
neither the test nor its `not` then puts anybody into the audience.
"""

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    and_,
    cast,
    false,
    func,
    not_,
    null,
    or_,
    select,
)

from outreach.core.client import CLIENT_FIELDS
from outreach.core.segment import (
    All,
    AnyOf,
    Condition,
    HoldsHalted,
    Listed,
    Not,
    Question,
    Segment,
)
from outreach.core.sources import Source
from outreach.store.one_of import one_of
from outreach.store.sources import EVERYBODY, Span, any_of
from outreach.store.tables import book, client, holding

Security = tuple[str, str]  # market (MIC) and symbol


@dataclass(frozen=True, slots=True)
class Asked:
    """What a segment is asked against. Kept the same through a run, so that its pages agree."""

    today: date  # the firm's calendar day at the run's moment
    lists: Mapping[str, Collection[str]] = field(default_factory=dict)  # file -> client numbers
    halted: Collection[Security] = ()  # securities halted in the occurrence
    holdings: int | None = None  # the holdings book that tells who holds them
    affected: Collection[int] | None = None  # or the clients a run's halts concern, in the span
    only: Sequence[Source] = ()  # whose clients alone are asked about; none: everybody's
    span: Span | None = None  # of client ids; sources are asked about no others


def count(
    conn: Connection, segment: Segment, asked: Asked, also: Sequence[ColumnElement[bool]] = ()
) -> int:
    """How many clients belong to the segment, and fulfil `also`."""
    where = condition(conn, segment, asked)
    statement = select(func.count()).select_from(client).where(where, *also)
    return int(conn.execute(statement).scalar_one())


def count_by_day(
    conn: Connection, segment: Segment, asked: Asked, field: str, first: date, last: date
) -> dict[date, int]:
    """How many clients of the segment have a date of theirs on each day from `first` to `last`;
    days of nobody are left out."""
    day = client.c[field]
    statement = (
        select(day, func.count())
        .where(condition(conn, segment, asked), day >= first, day <= last)
        .group_by(day)
    )
    return {row[0]: int(row[1]) for row in conn.execute(statement)}


def page(
    conn: Connection,
    segment: Segment,
    asked: Asked,
    *,
    after: int,
    limit: int,
    columns: Sequence[ColumnElement[Any]] = (client.c.id,),
    also: Sequence[ColumnElement[bool]] = (),
) -> list[tuple[Any, ...]]:
    """The next `limit` clients behind the client id `after`, by id; an empty page is the last."""
    statement = (
        select(*columns)
        .where(client.c.id > after, condition(conn, segment, asked), *also)
        .order_by(client.c.id)
        .limit(limit)
    )
    return [tuple(row) for row in conn.execute(statement)]


def client_columns(names: Sequence[str]) -> list[ColumnElement[Any]]:
    """Client fields by their names, for `page`."""
    return [client.c[name] for name in names]


def last_client(conn: Connection) -> int:
    """The highest client id; 0 for an empty client book."""
    return int(conn.execute(select(func.coalesce(func.max(client.c.id), 0))).scalar_one())


def belongs(conn: Connection, segment: Segment, asked: Asked, client_id: int) -> bool:
    """Whether one client belongs to the segment."""
    where = condition(conn, segment, asked)
    found = conn.execute(select(client.c.id).where(client.c.id == client_id, where))
    return found.first() is not None


def newest_holdings(conn: Connection) -> int | None:
    """The holdings book with the newest as-of moment among those taken in whole."""
    statement = (
        select(book.c.id)
        .where(book.c.kind == "holdings", book.c.finished_at.is_not(None))
        .order_by(book.c.as_of.desc(), book.c.id.desc())
        .limit(1)
    )
    return conn.execute(statement).scalar_one_or_none()


def not_in_book(conn: Connection, numbers: Collection[str]) -> set[str]:
    """Those numbers of a list file that no client has."""
    statement = select(client.c.client_no).where(one_of(conn, client.c.client_no, numbers))
    return set(numbers) - set(conn.execute(statement).scalars())


def condition(conn: Connection, segment: Segment, asked: Asked) -> ColumnElement[bool]:
    """The segment as a condition on table `client`, in the words of the connection's database.

    Raises KeyError for a list file that `asked` does not bring.
    """
    asking = _compiled(conn, segment.condition, asked)
    if asked.span is not None:
        asking = and_(asked.span.holds(client.c.id), asking)
    if asked.only:
        asking = and_(asking, any_of(asked.only, asked.span or EVERYBODY, client.c.id))
    return asking


def _compiled(conn: Connection, node: Condition, asked: Asked) -> ColumnElement[bool]:
    match node:
        case All(parts):
            return and_(*(_compiled(conn, part, asked) for part in parts))
        case AnyOf(parts):
            return or_(*(_compiled(conn, part, asked) for part in parts))
        case Not(part):
            return not_(_compiled(conn, part, asked))
        case Listed(file):
            return one_of(conn, client.c.client_no, asked.lists[file])
        case HoldsHalted():
            return _holds(conn, asked)
        case Question(operator="contains"):
            return _has_entry(conn, client.c[node.field], str(node.value))
        case Question():
            return _question(client.c[node.field], node, asked.today)


_COMPARED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "is": operator.eq,
    "on": operator.eq,
    "at_least": operator.ge,
    "at_most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
    "after": operator.gt,
    "before": operator.lt,
}


def _question(fact: Column[Any], question: Question, today: date) -> ColumnElement[bool]:
    value: Any = question.value
    if question.operator in _COMPARED:
        compared: ColumnElement[bool] = _COMPARED[question.operator](fact, value)
        return compared
    match question.operator:
        case "in":
            return fact.in_(value)
        case "since":
            return _between(fact, *value.past(today))
        case "until":
            return _between(fact, *value.coming(today))
        case "is_set":
            is_list = (
                CLIENT_FIELDS[question.field].type == "list"
            )  # a list of nothing is empty text
            there = fact != "" if is_list else fact.is_not(None)
            return there if value else not_(there)
    raise ValueError(f"no database is asked `{question.operator}`")


def _between(fact: Column[Any], first: date | None, last: date | None) -> ColumnElement[bool]:
    bounds = []
    if first is not None:
        bounds.append(fact >= first)
    if last is not None:
        bounds.append(fact <= last)
    return and_(*bounds)


def _has_entry(conn: Connection, fact: Column[Any], entry: str) -> ColumnElement[bool]:
    """Lists are kept as `,a,b,`. Not LIKE: it has wildcards, and on SQLite no regard for case."""
    position = func.instr if conn.dialect.name == "sqlite" else func.strpos
    found: ColumnElement[int] = position(fact, f",{entry},")
    return found > 0


def _holds(conn: Connection, asked: Asked) -> ColumnElement[bool]:
    """Whom the alerts of a run concern; outside one, who holds a security that is halted. Without
    halts nobody does; without a holdings book nobody knows."""
    if asked.affected is not None:
        return one_of(conn, client.c.id, asked.affected)
    if not asked.halted:
        return false()
    if asked.holdings is None:
        return cast(null(), Boolean)
    symbols: dict[str, list[str]] = {}
    for market, symbol in sorted(asked.halted):
        symbols.setdefault(market, []).append(symbol)
    of_them = or_(
        *(
            and_(holding.c.market == market, holding.c.symbol.in_(some))
            for market, some in symbols.items()
        )
    )
    holders = select(holding.c.client_id).where(
        holding.c.book_id == asked.holdings, of_them, holding.c.quantity > 0
    )
    return client.c.id.in_(holders)
