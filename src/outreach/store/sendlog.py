"""The send log: every candidate of every run with what became of it, read in pages of clients.

A line is one message, or one channel on which a rule stopped a candidate. A page is a handful of
queries whatever its length, so that a log of millions is read at a steady pace in flat memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from outreach.core.message_state import Happened, Standing, derive
from outreach.core.recorded import Asked, asked
from outreach.core.words import Reason, State
from outreach.store.tables import batch, client, decision, message, outcome, retry, run, window

PAGE = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines of the log are asked for; None = all.

    `since` and `until` (exclusive) are held against the moment of a line: of its outcome, else of
    its decision.
    """

    client_no: str | None = None
    campaign: str | None = None
    run_id: int | None = None
    state: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Line(NamedTuple):
    """One line of the log: a message, or a channel on which a candidate was not written to."""

    run: int
    campaign: str
    occurrence: str
    client: str  # `#` and the row's number when the client book has the client no more
    decision: str  # on the candidate over all channels: allow | defer | suppress
    channel: str
    address: str  # in full; masked where it is shown
    locale: str
    state: str
    reason: str  # a reason of ours, or a provider's code
    detail: str
    decided_at: datetime
    at: datetime | None  # of the outcome
    held_until: datetime | None
    sms_parts: int
    provider_ref: str
    message: int | None
    content_digest: str  # SHA-256 of the rendered text, hex


class Told(NamedTuple):
    """A message with its state and the outcome that tells it."""

    message: Any
    state: State
    last: Happened | None
    due_at: datetime | None  # when it may go: of a held one, and of one that gets another try


def client_id(conn: Connection, number: str) -> int | None:
    """The id of a client number; `#12` names a client by its row, also one that is gone."""
    if number.startswith("#") and number[1:].isdecimal():
        return int(number[1:])
    query = select(client.c.id).where(client.c.client_no == number)
    return conn.execute(query).scalar_one_or_none()


def lines(conn: Connection, wanted: Wanted, now: datetime) -> Iterator[Line]:
    """The log, newest run first, clients in order. Streams: memory does not grow with the log."""
    chosen = None
    if wanted.client_no is not None:
        chosen = client_id(conn, wanted.client_no)
        if chosen is None:
            return
    for found in _runs(conn, wanted):
        for line in _run_lines(conn, found, chosen, now):
            if _is_wanted(line, wanted):
                yield line


def _is_wanted(line: Line, wanted: Wanted) -> bool:
    if wanted.state is not None and line.state != wanted.state:
        return False
    if wanted.reason is not None and line.reason != wanted.reason:
        return False
    if wanted.since is None and wanted.until is None:
        return True
    at = line.at or line.decided_at
    after = wanted.since is None or at >= wanted.since
    return after and (wanted.until is None or at < wanted.until)


def _runs(conn: Connection, wanted: Wanted) -> Sequence[Any]:
    """The runs that may have a line that is wanted."""
    query = select(run.c.id, run.c.campaign, run.c.occurrence, run.c.state)
    if wanted.campaign is not None:
        query = query.where(run.c.campaign == wanted.campaign)
    if wanted.run_id is not None:
        query = query.where(run.c.id == wanted.run_id)
    if wanted.since is not None:
        # A run is finished when its last message is final; a cancelled one may still hear of some.
        going = or_(run.c.state != "finished", run.c.finished_at >= wanted.since)
        query = query.where(going)
    if wanted.until is not None:
        query = query.where(run.c.opened_at < wanted.until)
    return conn.execute(query.order_by(run.c.id.desc())).all()


def told(conn: Connection, run_id: int, client_id: int, now: datetime) -> list[Told]:
    """One client's messages of a run."""
    found = conn.execute(select(run.c.id, run.c.state).where(run.c.id == run_id)).one()
    return _messages(conn, found, (client_id, client_id), now).get(client_id, [])


# --- a page of a run -------------------------------------------------------------------------


def _run_lines(
    conn: Connection, found: Any, client_id: int | None, now: datetime
) -> Iterator[Line]:
    columns = (decision.c.client_id, decision.c.verdict, decision.c.reason, decision.c.facts)
    query = (
        select(*columns, client.c.client_no)
        .outerjoin(client, client.c.id == decision.c.client_id)
        .where(decision.c.run_id == found.id)
        .order_by(decision.c.client_id)
        .limit(PAGE)
    )
    if client_id is not None:
        query = query.where(decision.c.client_id == client_id)
    after = -1
    while decided := conn.execute(query.where(decision.c.client_id > after)).all():
        first, after = decided[0].client_id, decided[-1].client_id
        messages = _messages(conn, found, (first, after), now)
        for one in decided:
            yield from _lines(found, one, messages.get(one.client_id, ()))
        if len(decided) < PAGE:
            return


def _lines(found: Any, decided: Any, told: Sequence[Told]) -> Iterator[Line]:
    number, verdict, decided_reason, facts, client_no = decided
    stamp, channels = asked(facts)
    at = _moment(stamp)
    known = client_no or f"#{number}"
    head = (found.id, found.campaign, found.occurrence, known, verdict)
    for one in told:
        yield _message_line(head, one, channels, at)
    written = [one.message.channel for one in told]
    stopped = [a for a in channels if a.verdict == "suppress" and a.channel not in written]
    if not told and not stopped:
        stopped = [Asked("", verdict, decided_reason or "")]
    for channel, _, reason in stopped:
        yield Line._make((
            *head, channel, "", "", State.SUPPRESSED.value, reason, "", at, None, None, 0, "",
            None, "",
        ))  # fmt: skip


@lru_cache(maxsize=1024)
def _moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def _message_line(head: Any, one: Told, channels: Sequence[Asked], decided_at: datetime) -> Line:
    row, state, last, due_at = one
    if last is None:
        reason, detail, at, ref = _unsent_reason(row.channel, state, channels), "", None, ""
    else:
        reason = Reason.CANCELLED.value if state is State.CANCELLED else last.code
        detail, at, ref = last.detail, last.at, last.provider_ref
    held_until = due_at if state is State.HELD else None
    return Line._make((
        *head, row.channel, row.address, row.locale, state.value, reason, detail, decided_at, at,
        held_until, row.sms_parts, ref, row.id, row.content_digest.hex(),
    ))  # fmt: skip


def _unsent_reason(channel: str, state: State, channels: Sequence[Asked]) -> str:
    """Why a message without an outcome is where it is."""
    if state is State.CANCELLED:
        return Reason.CANCELLED.value
    if state is State.IN_DOUBT:
        return "sender_gone"  # as the sweep will write
    if state is State.HELD:
        return next((one.reason for one in channels if one.channel == channel), "")
    return ""


# --- messages and their states ---------------------------------------------------------------

_MESSAGE = (
    message.c.id, message.c.client_id, message.c.channel, message.c.batch_id, message.c.address,
    message.c.locale, message.c.sms_parts, message.c.content_digest,
)  # fmt: skip


class _Past(NamedTuple):
    """What the tables of a page's messages hold, by id."""

    batches: Mapping[int, Any]
    retries: Mapping[int, Any]
    outcomes: Mapping[int, list[Happened]]
    open: Sequence[Any]  # windows without an outcome


def _messages(
    conn: Connection, found: Any, span: tuple[int, int], now: datetime
) -> dict[int, list[Told]]:
    """The messages of a range of clients, with their states."""
    of_span = and_(message.c.run_id == found.id, message.c.client_id.between(*span))
    query = select(*_MESSAGE).where(of_span).order_by(message.c.client_id, message.c.id)
    rows = conn.execute(query).all()
    if not rows:
        return {}
    past = _past(conn, found.id, rows)
    cancelled = found.state == "cancelled"
    messages: dict[int, list[Told]] = {}
    for row in rows:
        messages.setdefault(row.client_id, []).append(_told(row, past, cancelled, now))
    return messages


def _told(row: Any, past: _Past, cancelled: bool, now: datetime) -> Told:
    happened = past.outcomes.get(row.id, ())
    for one in happened:
        if one.state == State.ACCEPTED:
            return Told(row, State.ACCEPTED, one, None)
    held, again = past.batches[row.batch_id], past.retries.get(row.id)
    # What a sender gives back after the run was cancelled waits for nobody.
    lost = cancelled and held.state == "ready"
    waits = again is not None and again.window_id is None
    standing = Standing(
        in_window=row.id < held.next_id,
        batch="cancelled" if lost else held.state,
        not_before=held.not_before,
        retry_at=None if again is None or (cancelled and waits) else again.not_before,
        retry_open=again is not None and not waits,
        lease_until=_lease_of(row, again, past.open),
    )
    state = derive(happened, standing, now)
    due_at = standing.retry_at if happened else held.not_before
    return Told(row, state, max(happened) if happened else None, due_at)


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
