"""What became of messages, page by page: each with its state and the outcome that tells it.

A page is a handful of queries whatever its length, so that millions are read at a steady pace.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, select

from outreach.core.message_state import Happened, Standing, derive
from outreach.core.receipt import Heard, best, telling
from outreach.core.words import Reason, State
from outreach.store.receipts import HEARD_COLUMNS
from outreach.store.tables import STOPPED, batch, message, outcome, receipt, retry, run, window


class Told(NamedTuple):
    """A message with its state and what tells it: an outcome, or a receipt put as one."""

    message: Any
    state: State
    last: Happened | None
    due_at: datetime | None  # when it may go: of a held one, and of one that gets another try


# Why a message does not go whose run was stopped.
STOPPED_FOR: Final = {
    State.CANCELLED: Reason.CANCELLED.value,
    State.SUPPRESSED: Reason.SUPERSEDED.value,
}


def code_of(one: Told) -> str:
    """The code that says why a message is where it is: of its outcome or receipt, or ours where its
    run was stopped; empty where there is none."""
    stopped = STOPPED_FOR.get(one.state, "")
    if one.last is None:
        return stopped
    # It was to be tried again, and its run was stopped.
    return one.last.code if one.state.value == one.last.state else stopped or one.last.code


def told_to(conn: Connection, run_id: int, client_id: int, now: datetime) -> list[Told]:
    """One client's messages of a run."""
    found = conn.execute(select(run.c.id, run.c.state).where(run.c.id == run_id)).one()
    return told_of(conn, found, (client_id, client_id), now).get(client_id, [])


_MESSAGE = (
    message.c.id, message.c.run_id, message.c.client_id, message.c.channel, message.c.batch_id,
    message.c.address, message.c.locale, message.c.sms_parts, message.c.content_digest,
    batch.c.sender,
)  # fmt: skip


class _Past(NamedTuple):
    """What the tables of a page's messages hold, by id."""

    batches: Mapping[int, Any]
    retries: Mapping[int, Any]
    outcomes: Mapping[int, list[Happened]]
    open: Sequence[Any]  # windows without an outcome
    heard: Mapping[int, list[Heard]]


def told_of(
    conn: Connection, found: Any, span: tuple[int, int], now: datetime
) -> dict[int, list[Told]]:
    """The messages of a range of clients, with their states."""
    of_span = and_(message.c.run_id == found.id, message.c.client_id.between(*span))
    sent_by = message.outerjoin(batch, batch.c.id == message.c.batch_id)
    query = select(*_MESSAGE).select_from(sent_by).where(of_span)
    query = query.order_by(message.c.client_id, message.c.id)
    rows = conn.execute(query).all()
    if not rows:
        return {}
    past = _past(conn, found.id, rows)
    messages: dict[int, list[Told]] = {}
    for row in rows:
        messages.setdefault(row.client_id, []).append(_told(row, past, found.state, now))
    return messages


def _told(row: Any, past: _Past, run_state: str, now: datetime) -> Told:
    happened = past.outcomes.get(row.id, ())
    if heard := past.heard.get(row.id):
        return _heard(row, happened, heard)
    for one in happened:
        if one.state == State.ACCEPTED:
            return Told(row, State.ACCEPTED, one, None)
    held, again = past.batches[row.batch_id], past.retries.get(row.id)
    # What a sender gives back after the run was stopped waits for nobody.
    stopped = run_state in STOPPED
    lost = stopped and held.state == "ready"
    waits = again is not None and again.window_id is None
    standing = Standing(
        in_window=row.id < held.next_id,
        batch="cancelled" if lost else held.state,
        not_before=held.not_before,
        retry_at=None if again is None or (stopped and waits) else again.not_before,
        retry_open=again is not None and not waits,
        lease_until=_lease_of(row, again, past.open),
        superseded=run_state == "superseded",
    )
    state = derive(happened, standing, now)
    due_at = standing.retry_at if happened else held.not_before
    return Told(row, state, max(happened) if happened else None, due_at)


def _heard(row: Any, happened: Sequence[Happened], heard: Sequence[Heard]) -> Told:
    """A message its provider has told of since: in its words, with the digest of what it was
    handed."""
    state, last = best(one.state for one in heard), telling(heard)
    assert state is not None and last is not None  # noqa: S101, PT018
    handed = max(happened, default=None)
    ref = last.provider_ref or (handed.provider_ref if handed else "")
    digest = next((one.digest for one in happened if one.digest), b"")
    said = Happened(
        handed.window_id if handed else 0, state, last.code, last.detail, ref, digest, last.at
    )
    return Told(row, state, said, None)


def _lease_of(row: Any, again: Any | None, open_: Sequence[Any]) -> datetime | None:
    """Until when the sender of the open window that holds a message has it."""
    for one in open_:
        mine = one.id == again.window_id if again else one.batch_id == row.batch_id
        if mine and one.first_id <= row.id <= one.last_id:
            until: datetime = one.lease_until
            return until
    return None


def _past(conn: Connection, run_id: int, rows: Sequence[Any]) -> _Past:
    """A page's batches, retries, windows and outcomes: one query each.

    Outcomes are found by their windows, never by a search for each message: a batch's ids are one
    unbroken range in the order of clients, so a page touches few windows.
    """
    spans: dict[int, tuple[int, int]] = {}
    for row in rows:
        low, high = spans.get(row.batch_id, (row.id, row.id))
        spans[row.batch_id] = (min(low, row.id), max(high, row.id))
    first, last = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
    batches = conn.execute(
        select(batch.c.id, batch.c.state, batch.c.not_before, batch.c.next_id).where(
            batch.c.id.in_(list(spans))
        )
    )
    retries = conn.execute(
        select(retry.c.message_id, retry.c.not_before, retry.c.window_id).where(
            retry.c.run_id == run_id, retry.c.message_id.between(first, last)
        )
    )
    windows = [
        one
        for one in _windows(conn, run_id, list(spans), first, last)
        if one.batch_id is None or _meets(one, spans[one.batch_id])
    ]
    return _Past(
        {row.id: row for row in batches},
        {row.message_id: row for row in retries},
        _outcomes(conn, [one.id for one in windows], first, last),
        [one for one in windows if one.settled_at is None],
        _receipts(conn, first, last),
    )


def _meets(one: Any, span: tuple[int, int]) -> bool:
    return bool(one.first_id <= span[1] and one.last_id >= span[0])


def _windows(
    conn: Connection, run_id: int, batches: list[int], first: int, last: int
) -> Sequence[Any]:
    columns = (
        window.c.id, window.c.batch_id, window.c.first_id, window.c.last_id, window.c.lease_until,
        window.c.settled_at,
    )  # fmt: skip
    of_batches = select(*columns).where(window.c.batch_id.in_(batches))
    again = select(*columns).where(
        window.c.batch_id.is_(None), window.c.run_id == run_id,
        window.c.first_id <= last, window.c.last_id >= first,
    )  # fmt: skip
    return [*conn.execute(of_batches), *conn.execute(again)]


def _outcomes(
    conn: Connection, windows: Sequence[int], first: int, last: int
) -> dict[int, list[Happened]]:
    """The outcomes in these windows of the messages between two ids."""
    found: dict[int, list[Happened]] = {}
    if not windows:
        return found
    columns = [outcome.c[name] for name in Happened._fields]
    query = select(outcome.c.message_id, *columns).where(
        outcome.c.window_id.in_(windows), outcome.c.message_id.between(first, last)
    )
    for message_id, *rest in conn.execute(query):
        found.setdefault(message_id, []).append(Happened(*rest))
    return found


def _receipts(conn: Connection, first: int, last: int) -> dict[int, list[Heard]]:
    """The receipts of the messages between two ids, those of other runs among them too."""
    found: dict[int, list[Heard]] = {}
    query = select(receipt.c.message_id, *HEARD_COLUMNS)
    for message_id, *rest in conn.execute(query.where(receipt.c.message_id.between(first, last))):
        found.setdefault(message_id, []).append(Heard(*rest))
    return found
