"""The send log: every candidate of every run with what became of it, read in pages of clients."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, select

from outreach.core.message_state import Happened, Standing, derive
from outreach.core.words import State
from outreach.store.tables import batch, client, decision, message, outcome, retry, run, window

PAGE = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the log are asked for; None = all."""

    client_no: str | None = None
    campaign: str | None = None
    run_id: int | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Line(NamedTuple):
    """One row of the log: a message, or a candidate who was not written to."""

    run: int
    campaign: str
    occurrence: str
    client: str
    channel: str
    address: str  # in full; masked where it is shown
    locale: str
    state: str
    reason: str
    detail: str
    decided_at: datetime
    at: datetime | None  # of the outcome
    held_until: datetime | None
    sms_parts: int
    provider_ref: str
    message: int | None
    content_digest: str


def lines(conn: Connection, wanted: Wanted, now: datetime) -> Iterator[Line]:
    """The log, newest run first, clients in order. Streams: memory does not grow with the log."""
    client_id = None
    if wanted.client_no is not None:
        query = select(client.c.id).where(client.c.client_no == wanted.client_no)
        client_id = conn.execute(query).scalar_one_or_none()
        if client_id is None:
            return
    for found in _runs(conn, wanted):
        for line in _run_lines(conn, found, client_id, now):
            if wanted.state is None or line.state == wanted.state:
                yield line


def _runs(conn: Connection, wanted: Wanted) -> list[Row[Any]]:
    query = select(run.c.id, run.c.campaign, run.c.occurrence, run.c.opened_at)
    if wanted.campaign is not None:
        query = query.where(run.c.campaign == wanted.campaign)
    if wanted.run_id is not None:
        query = query.where(run.c.id == wanted.run_id)
    if wanted.since is not None:
        query = query.where(run.c.opened_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(run.c.opened_at < wanted.until)
    return list(conn.execute(query.order_by(run.c.id.desc())))


def _run_lines(
    conn: Connection, found: Row[Any], client_id: int | None, now: datetime
) -> Iterator[Line]:
    after = 0
    while True:
        query = (
            select(decision.c.client_id, decision.c.verdict, decision.c.reason, client.c.client_no)
            .outerjoin(client, client.c.id == decision.c.client_id)
            .where(decision.c.run_id == found.id, decision.c.client_id > after)
            .order_by(decision.c.client_id)
            .limit(PAGE)
        )
        if client_id is not None:
            query = query.where(decision.c.client_id == client_id)
        decided = conn.execute(query).all()
        if not decided:
            return
        after = decided[-1].client_id
        span = (decided[0].client_id, after)
        messages = _messages(conn, found.id, span, now)
        for one in decided:
            yield from _lines(found, one, messages.get(one.client_id, []))


def _lines(found: Row[Any], decided: Any, told: list["_Told"]) -> Iterator[Line]:
    head = (found.id, found.campaign, found.occurrence, decided.client_no or "")
    for one in told:
        row, last = one.row, one.last
        quiet = one.state in (State.HELD, State.SUPPRESSED, State.EXPIRED)
        yield Line(
            *head,
            row.channel,
            row.address,
            row.locale,
            one.state,
            last.code if last else ((decided.reason or "") if quiet else ""),
            last.detail if last else "",
            found.opened_at,
            last.at if last else None,
            row.not_before if one.state == State.HELD else None,
            row.sms_parts,
            last.provider_ref if last else "",
            row.id,
            row.content_digest.hex(),
        )
    if not told:
        yield Line(
            *head, "", "", "", State.SUPPRESSED, decided.reason or "", "", found.opened_at,
            None, None, 0, "", None, "",
        )  # fmt: skip


class _Told(NamedTuple):
    row: Row[Any]
    state: State
    last: Happened | None


def _messages(
    conn: Connection, run_id: int, span: tuple[int, int], now: datetime
) -> dict[int, list[_Told]]:
    """The messages of a range of clients, with their states."""
    of_span = and_(message.c.run_id == run_id, message.c.client_id.between(*span))
    query = (
        select(
            message, batch.c.state.label("batch_state"), batch.c.not_before, batch.c.next_id,
            retry.c.not_before.label("retry_at"), retry.c.window_id.label("retry_window"),
        )
        .join(batch, batch.c.id == message.c.batch_id)
        .outerjoin(retry, retry.c.message_id == message.c.id)
        .where(of_span)
        .order_by(message.c.client_id, message.c.id)
    )  # fmt: skip
    happened = _outcomes(conn, run_id, span)
    found: dict[int, list[_Told]] = {}
    for row in conn.execute(query):
        past = happened.get(row.id, [])
        standing = Standing(
            in_window=row.id < row.next_id,
            batch=row.batch_state,
            not_before=row.not_before,
            retry_at=row.retry_at,
            retry_open=row.retry_window is not None,
        )
        state = derive(past, standing, now)
        accepted = [one for one in past if one.state == State.ACCEPTED]
        last = (accepted or past)[-1] if past else None
        found.setdefault(row.client_id, []).append(_Told(row, state, last))
    return found


def _outcomes(conn: Connection, run_id: int, span: tuple[int, int]) -> dict[int, list[Happened]]:
    """The outcomes of the messages to a range of clients, oldest first."""
    columns = [outcome.c[name] for name in Happened._fields]
    found: dict[int, list[Happened]] = {}
    first_try = and_(
        window.c.batch_id == message.c.batch_id,
        message.c.id.between(window.c.first_id, window.c.last_id),
    )
    again = and_(
        window.c.batch_id.is_(None),
        window.c.run_id == message.c.run_id,
        message.c.id.between(window.c.first_id, window.c.last_id),
    )
    for joined in (first_try, again):
        query = (
            select(outcome.c.message_id, *columns)
            .select_from(message)
            .join(window, joined)
            .join(
                outcome,
                and_(outcome.c.window_id == window.c.id, outcome.c.message_id == message.c.id),
            )
            .where(message.c.run_id == run_id, message.c.client_id.between(*span))
            .order_by(outcome.c.window_id)
        )
        for message_id, *rest in conn.execute(query):
            found.setdefault(message_id, []).append(Happened(*rest))
    return found


def told(conn: Connection, run_id: int, client_id: int, now: datetime) -> list[_Told]:
    """One client's messages of a run."""
    return _messages(conn, run_id, (client_id, client_id), now).get(client_id, [])
