"""Call-backs in the database: who is to be called and why, and what came of each call.

Nothing is stored for a client of whom nothing happened. New accounts are told by the client book;
permissions, abnormal accounts and draws are rows of their own; whether a call-back is still due
follows from the results.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    func,
    literal,
    or_,
    select,
)

from outreach.core.call_back import QUESTIONS, Result, Rule
from outreach.store.audit import Covered, cover
from outreach.store.database import allocate, append
from outreach.store.facts import among
from outreach.store.tables import book, call_back, call_back_result, client

GONE: Final = ("closed", "deceased")  # nobody is left to be called
_CASES: Final = tuple(column.name for column in call_back.columns)
_RESULTS: Final = tuple(column.name for column in call_back_result.columns)
_PAGE: Final = 5_000


class NewCase(NamedTuple):
    """A reason to call a client, about to be recorded."""

    client_id: int
    rule: str
    since_on: date
    detail: str


class NewResult(NamedTuple):
    """What came of one call, about to be recorded. The answers are None where there is none."""

    client_id: int
    rule: str
    done_at: datetime
    done_on: date  # its day on the firm's clock
    done_by: str
    means: str
    result: str
    identity: bool | None = None
    own_will: bool | None = None
    no_staff_trading: bool | None = None
    risk_disclosed: bool | None = None
    no_full_mandate: bool | None = None
    changes_confirmed: bool | None = None
    reference: str | None = None
    note: str | None = None


class Waiting(NamedTuple):
    """A call-back that nobody has made yet, with whom to call and what was tried."""

    rule: str
    since_on: date
    detail: str
    client_id: int
    client: str  # number
    name: str
    phone: str | None
    branch: str | None
    adviser: str | None
    tries: int
    last_on: date | None
    last_result: str | None


class Wanted(NamedTuple):
    """Which call-backs are asked for."""

    today: date
    accounts_from: date | None  # accounts opened earlier are not this program's to follow
    branch: str | None = None
    adviser: str | None = None
    client: str | None = None


# --- what is recorded -------------------------------------------------------------------------


def add_cases(
    tx: Connection,
    cases: Sequence[NewCase],
    *,
    recorded_at: datetime,
    actor: str,
    book_id: int | None = None,
    draw_id: int | None = None,
) -> tuple[int, Covered | None]:
    """Record those reasons that are not on record yet: how many, and what the audit entry of this
    transaction must cover."""
    known = {NewCase(*row) for row in _recorded(tx, call_back, NewCase._fields, cases)}
    fresh = [case for case in dict.fromkeys(cases) if case not in known]
    if not fresh:
        return 0, None
    first = allocate(tx, "call_back", len(fresh))
    rows = [
        (first + place, *case, draw_id, book_id, recorded_at, actor)
        for place, case in enumerate(fresh)
    ]
    append(tx, call_back, _CASES, rows)
    return len(rows), cover(call_back, _CASES, rows)


def add_results(
    tx: Connection,
    results: Sequence[NewResult],
    *,
    recorded_at: datetime,
    actor: str,
    book_id: int | None = None,
) -> tuple[int, Covered | None]:
    """Record those results that are not on record yet. Two are one when client, rule, moment,
    caller and result agree."""
    names = ("client_id", "rule", "done_at", "done_by", "result")
    known = {tuple(row) for row in _recorded(tx, call_back_result, names, results)}
    fresh: list[NewResult] = []
    for one in results:
        identity = tuple(getattr(one, name) for name in names)
        if identity not in known:
            known.add(identity)
            fresh.append(one)
    if not fresh:
        return 0, None
    first = allocate(tx, "call_back_result", len(fresh))
    rows = [(first + place, *one, book_id, recorded_at, actor) for place, one in enumerate(fresh)]
    append(tx, call_back_result, _RESULTS, rows)
    return len(rows), cover(call_back_result, _RESULTS, rows)


def _recorded(
    conn: Connection, table: Any, names: Sequence[str], new: Sequence[NewCase | NewResult]
) -> Iterator[Any]:
    columns = [table.c[name] for name in names]
    for some in _pages(sorted({one.client_id for one in new})):
        yield from conn.execute(select(*columns).where(among(table.c.client_id, some)))


def _pages(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[at : at + _PAGE] for at in range(0, len(ids), _PAGE))


# --- what is known ----------------------------------------------------------------------------


def grounds(conn: Connection, ids: Iterable[int]) -> dict[tuple[int, str], date]:
    """(client, rule) -> the first day on which the client was to be called by that rule. Whoever
    may be called back for the yearly tenth is anybody, and not among these."""
    found: dict[tuple[int, str], date] = {}
    for some in _pages(sorted(set(ids))):
        opened = select(client.c.id, client.c.opened_on).where(
            among(client.c.id, some), client.c.opened_on.is_not(None)
        )
        for row in conn.execute(opened):
            found[row.id, Rule.NEW_ACCOUNT] = row.opened_on
        first = (
            select(call_back.c.client_id, call_back.c.rule, func.min(call_back.c.since_on))
            .where(among(call_back.c.client_id, some))
            .group_by(call_back.c.client_id, call_back.c.rule)
        )
        found.update(((row[0], row[1]), row[2]) for row in conn.execute(first))
    return found


def first_import(conn: Connection) -> datetime | None:
    """When the first client book was taken in: from then on this program knows of new accounts."""
    return conn.execute(
        select(func.min(book.c.imported_at)).where(book.c.kind == "clients")
    ).scalar()


def newest_cases(conn: Connection) -> datetime | None:
    """As of when the newest file of permissions and abnormal accounts speaks; None before any."""
    taken = and_(book.c.kind == "call_backs", book.c.finished_at.is_not(None))
    return conn.execute(select(func.max(book.c.as_of)).where(taken)).scalar()


def due(conn: Connection, wanted: Wanted, rule: Rule) -> Iterator[Waiting]:
    """The call-backs of a rule that nobody has fulfilled, those due longest first."""
    query = _new_accounts(wanted) if rule is Rule.NEW_ACCOUNT else _cases(rule)
    asked: list[ColumnElement[bool]] = [client.c.status.not_in(GONE)]
    for column, value in (
        (client.c.branch, wanted.branch),
        (client.c.adviser, wanted.adviser),
        (client.c.client_no, wanted.client),
    ):
        if value is not None:
            asked.append(column == value)
    options = {"yield_per": 2_000}
    with conn.execute(query.where(*asked), execution_options=options) as result:
        for row in result:
            yield Waiting(rule.value, *row)


def _new_accounts(wanted: Wanted) -> Select[Any]:
    since = client.c.opened_on
    # A dormant account brought back to life is no new one.
    when: list[ColumnElement[bool]] = [since <= wanted.today, client.c.reactivated_on.is_(None)]
    if wanted.accounts_from is not None:
        when.append(since >= wanted.accounts_from)
    return _waiting(Rule.NEW_ACCOUNT, since, literal("", Text)).select_from(client).where(*when)


def _cases(rule: Rule) -> Select[Any]:
    return (
        _waiting(rule, call_back.c.since_on, call_back.c.detail)
        .join_from(call_back, client, client.c.id == call_back.c.client_id)
        .where(call_back.c.rule == rule.value)
    )


def _waiting(rule: Rule, since: ColumnElement[date], detail: ColumnElement[str]) -> Select[Any]:
    made = call_back_result.alias("made")
    calls = and_(made.c.client_id == client.c.id, made.c.done_on >= since)
    if rule is not Rule.YEARLY:  # for the yearly tenth a call counts whichever rule asked for it
        calls = and_(calls, made.c.rule == rule.value)
    reached = select(made.c.id).where(calls, made.c.result == Result.REACHED.value).exists()
    last = select(made.c.result).where(calls).order_by(made.c.done_at.desc(), made.c.id.desc())
    return (
        select(
            since, detail, client.c.id, client.c.client_no, client.c.name, client.c.phone,
            client.c.branch, client.c.adviser,
            select(func.count()).select_from(made).where(calls).scalar_subquery(),
            select(func.max(made.c.done_on)).where(calls).scalar_subquery(),
            last.limit(1).scalar_subquery(),
        )
        .where(~reached)
        .order_by(since, client.c.client_no, detail)
    )  # fmt: skip


def history(conn: Connection, client_id: int) -> list[dict[str, Any]]:
    """Everything on record about a client: reasons and calls, in the order of their days."""
    cases = select(call_back).where(call_back.c.client_id == client_id)
    calls = select(call_back_result).where(call_back_result.c.client_id == client_id)
    rows = [{"on": row["since_on"], **row} for row in conn.execute(cases).mappings()]
    rows += [{"on": row["done_on"], **row} for row in conn.execute(calls).mappings()]
    return sorted(rows, key=lambda row: (row["on"], "done_at" in row, row["id"]))


def concerns(
    conn: Connection, first: date, last: date, branch: str | None = None
) -> Iterator[dict[str, Any]]:
    """Calls from `first` to `last` in which a question was answered with no."""
    no = or_(*(call_back_result.c[name].is_(False) for name in QUESTIONS))
    query = (
        select(call_back_result, client.c.client_no, client.c.name, client.c.branch)
        .join(client, client.c.id == call_back_result.c.client_id)
        .where(call_back_result.c.done_on.between(first, last), no)
        .order_by(call_back_result.c.done_at, call_back_result.c.id)
    )
    if branch is not None:
        query = query.where(client.c.branch == branch)
    for row in conn.execute(query).mappings():
        yield dict(row)
