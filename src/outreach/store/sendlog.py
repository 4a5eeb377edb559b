"""The send log: every candidate of every run with what became of it, read in pages of clients.

A line is one message, or one channel on which a rule stopped a candidate. Memory does not grow with
the log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, or_, select

from outreach.core.recorded import Asked, asked
from outreach.core.words import State
from outreach.store.one_of import one_of
from outreach.store.receipts import runs_heard_of
from outreach.store.tables import client, decision, run
from outreach.store.told import STOPPED_FOR, Told, code_of, told_of

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
    sender: str  # of config.toml: by which the message goes, or went


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
        # A run is finished when its last message is final; one that was stopped may still hear of
        # some, and of each something may be heard later.
        heard = one_of(conn, run.c.id, runs_heard_of(conn, wanted.since))
        going = or_(run.c.state != "finished", run.c.finished_at >= wanted.since, heard)
        query = query.where(going)
    if wanted.until is not None:
        query = query.where(run.c.opened_at < wanted.until)
    return conn.execute(query.order_by(run.c.id.desc())).all()


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
        messages = told_of(conn, found, (first, after), now)
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
            None, "", "",
        ))  # fmt: skip


@lru_cache(maxsize=1024)
def _moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def _message_line(head: Any, one: Told, channels: Sequence[Asked], decided_at: datetime) -> Line:
    row, state, last, due_at = one
    if last is None:
        reason, detail, at, ref = _unsent_reason(row.channel, state, channels), "", None, ""
    else:
        reason, detail, at, ref = code_of(one), last.detail, last.at, last.provider_ref
    held_until = due_at if state is State.HELD else None
    return Line._make((
        *head, row.channel, row.address, row.locale, state.value, reason, detail, decided_at, at,
        held_until, row.sms_parts, ref, row.id, row.content_digest.hex(),
        row.sender or "",
    ))  # fmt: skip


def _unsent_reason(channel: str, state: State, channels: Sequence[Asked]) -> str:
    """Why a message without an outcome is where it is."""
    if state in STOPPED_FOR:
        return STOPPED_FOR[state]
    if state is State.IN_DOUBT:
        return "sender_gone"  # as the sweep will write
    if state is State.HELD:
        return next((one.reason for one in channels if one.channel == channel), "")
    return ""
