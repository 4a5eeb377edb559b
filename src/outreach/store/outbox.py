"""The outbox: planned messages in batches, intents to send, and what came of them.

The laws: a message row never changes; a batch is claimed by compare-and-set and fenced by its
token; an intent is committed before anything is handed over; a window with an intent and no
outcome is in doubt and is never sent again by itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from outreach.core.model import Outcome
from outreach.core.page_plan import Decided, Draft
from outreach.core.words import State
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import add_counts, allocate, append, latest
from outreach.store.tables import (
    address_block,
    batch,
    consent_event,
    decision,
    frequency_use,
    message,
    outcome,
    retry,
    run,
    window,
)

ACTOR = "outreach"  # who audit entries name when no person acted
DECISION_COLUMNS = tuple(decision.c.keys())
MESSAGE_COLUMNS = tuple(message.c.keys())
OUTCOME_COLUMNS = tuple(outcome.c.keys())
RETRY_WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240))  # then it has failed


# --- planning --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Release:
    """How a page's messages are released: to whom, when, and until when the plan may be trusted."""

    run_id: int
    purpose: str
    counted: bool  # messages of this purpose count towards a cap
    urgent: bool
    good_until: datetime


def add_page(
    tx: Connection,
    release: Release,
    decided: Sequence[Decided],
    drafts: Sequence[Draft],
    at: datetime,
) -> int:
    """Append a page: decisions, messages, batches, counters and audit entries, in the caller's
    transaction. Returns how many messages it made."""
    run_id = release.run_id
    rows = [(run_id, d.client_id, d.verdict, d.reason, d.until, d.facts) for d in decided]
    append(tx, decision, DECISION_COLUMNS, rows)
    counts: Counter[tuple[str, str]] = Counter()
    for d in decided:
        counts["decision", d.verdict] += 1
        if d.reason:
            counts["reason", d.reason] += 1
    messages = _add_messages(tx, release, drafts, at, counts)
    add_counts(tx, run_id, counts)
    subject = f"run {run_id}"
    tally = {f"{kind}.{key}": n for (kind, key), n in counts.items()}
    covered = cover(decision, DECISION_COLUMNS, rows)
    entries = [Entry(at, "page.decided", ACTOR, subject, tally, covered)]
    if messages:
        covered = cover(message, MESSAGE_COLUMNS, messages)
        entries.append(Entry(at, "page.planned", ACTOR, subject, {}, covered))
    audit.append(tx, entries)
    return len(messages)


def _add_messages(
    tx: Connection,
    release: Release,
    drafts: Sequence[Draft],
    at: datetime,
    counts: Counter[tuple[str, str]],
) -> list[tuple[Any, ...]]:
    """Number the messages so that each batch is one unbroken range of ids."""
    if not drafts:
        return []
    groups: dict[tuple[str, str, datetime], list[Draft]] = {}
    for draft in drafts:
        groups.setdefault((draft.sender, draft.channel, draft.until or at), []).append(draft)
    next_id, next_batch = allocate(tx, "message", len(drafts)), allocate(tx, "batch", len(groups))
    marks = latest(tx, consent_event), latest(tx, address_block)
    rows: list[tuple[Any, ...]] = []
    batches = []
    for (sender, channel, not_before), members in groups.items():
        first = next_id
        members.sort(key=lambda draft: draft.client_id)
        for d in members:
            rows.append(
                (next_id, release.run_id, d.client_id, channel, next_batch, d.address, d.locale,
                 d.values, d.sms_parts, d.content_digest)
            )  # fmt: skip
            next_id += 1
        held = not_before > at
        batches.append(
            _batch(
                release, next_batch, sender, channel, (first, next_id - 1), not_before, held, marks
            )
        )
        counts["state", State.HELD if held else State.READY] += len(members)
        counts["channel", channel] += len(members)
        counts["parts", "sms"] += sum(d.sms_parts for d in members)
        next_batch += 1
    append(tx, message, MESSAGE_COLUMNS, rows)
    tx.execute(insert(batch), batches)
    if release.counted:
        uses = [(row[0], row[2], release.purpose, at) for row in rows]
        append(tx, frequency_use, tuple(frequency_use.c.keys()), uses)
    return rows


def _batch(
    release: Release,
    batch_id: int,
    sender: str,
    channel: str,
    ids: tuple[int, int],
    not_before: datetime,
    held: bool,
    marks: tuple[int, int],
) -> dict[str, Any]:
    return {
        "id": batch_id,
        "run_id": release.run_id,
        "sender": sender,
        "channel": channel,
        "first_id": ids[0],
        "last_id": ids[1],
        "next_id": ids[0],
        "not_before": not_before,
        # A held message is looked at again when its hour comes, however soon that is.
        "good_until": not_before if held else release.good_until,
        "held": held,
        "urgent": release.urgent,
        "state": "ready",
        "takeovers": 0,
        "consent_mark": marks[0],
        "block_mark": marks[1],
    }


# --- claiming --------------------------------------------------------------------------------


class Lease(NamedTuple):
    """A claimed batch: only the holder of the token may open windows on it."""

    batch: Row[Any]
    token: str
    owner: str


def claim(
    tx: Connection, owner: str, now: datetime, lease: timedelta, run_id: int | None
) -> Lease | None:
    """Take the first batch that is due, urgent ones first; None when there is none."""
    due = [
        batch.c.state == "ready",
        batch.c.not_before <= now,
        run.c.state.in_(("planning", "sending")),
    ]
    if run_id is not None:
        due.append(batch.c.run_id == run_id)
    query = (
        select(batch)
        .join(run, run.c.id == batch.c.run_id)
        .where(*due)
        .order_by(batch.c.urgent.desc(), batch.c.not_before, batch.c.id)
        .limit(1)
    )
    if tx.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, of=batch)
    found = tx.execute(query).first()
    if found is None:
        return None
    token = str(uuid4())
    taken = tx.execute(
        update(batch)
        .where(batch.c.id == found.id, batch.c.state == "ready")
        .values(state="leased", owner=owner, token=token, lease_until=now + lease)
    )
    if taken.rowcount != 1:
        return None
    if found.held:
        waiting = found.last_id - found.next_id + 1
        tx.execute(update(batch).where(batch.c.id == found.id).values(held=False))
        add_counts(
            tx, found.run_id, {("state", State.HELD): -waiting, ("state", State.READY): waiting}
        )
    return Lease(found, token, owner)


def messages(conn: Connection, first: int, last: int) -> Sequence[Row[Any]]:
    """Planned messages by range of ids."""
    statement = select(message).where(message.c.id.between(first, last)).order_by(message.c.id)
    return conn.execute(statement).all()


# --- the intent ------------------------------------------------------------------------------


def intend(tx: Connection, lease: Lease, last: int, now: datetime, length: timedelta) -> int | None:
    """Commit to sending a batch's messages up to `last`; the window's number, or None when the
    lease was lost or the run may not be worked any more (paused, cancelled)."""
    held = and_(
        batch.c.id == lease.batch.id,
        batch.c.state == "leased",
        batch.c.token == lease.token,
        batch.c.lease_until > now,
        batch.c.next_id <= last,
    )
    going = select(run.c.id).where(
        run.c.id == lease.batch.run_id, run.c.state.in_(("planning", "sending"))
    )
    first = tx.execute(select(batch.c.next_id).where(held, going.exists())).scalar_one_or_none()
    if first is None:
        return None
    moved = tx.execute(update(batch).where(held).values(next_id=last + 1, lease_until=now + length))
    if moved.rowcount != 1:
        return None
    row = {
        "run_id": lease.batch.run_id,
        "batch_id": lease.batch.id,
        "first_id": first,
        "last_id": last,
        "sender": lease.batch.sender,
        "owner": lease.owner,
        "token": lease.token,
        "intent_at": now,
        "lease_until": now + length,
    }
    window_id = tx.execute(insert(window).values(row).returning(window.c.id)).scalar_one()
    return int(window_id)


class Settlement(NamedTuple):
    """What became of a window: the outcome of each of its messages."""

    window_id: int
    run_id: int
    sender: str
    token: str
    outcomes: Sequence[tuple[int, Outcome]]


def settle(tx: Connection, done: Settlement, at: datetime) -> bool:
    """Append a window's outcomes; False when it was settled by somebody else (swept as in doubt)."""
    mine = and_(
        window.c.id == done.window_id, window.c.token == done.token, window.c.settled_at.is_(None)
    )
    if tx.execute(update(window).where(mine).values(settled_at=at)).rowcount != 1:
        return False
    outcomes = _with_retries(tx, done, at)
    rows = [
        (
            done.window_id,
            message_id,
            o.state,
            o.code,
            o.detail[:400],
            o.provider_ref[:200],
            o.digest,
            at,
        )
        for message_id, o in sorted(outcomes)
    ]
    append(tx, outcome, OUTCOME_COLUMNS, rows)
    counts: Counter[tuple[str, str]] = Counter()
    for _, o in outcomes:
        counts["state", o.state] += 1
    counts["state", State.READY] -= len(outcomes)
    add_counts(tx, done.run_id, counts)
    tally = Counter(str(o.state) for _, o in outcomes)
    covered = cover(outcome, OUTCOME_COLUMNS, rows)
    subject = f"run {done.run_id}"
    audit.append(tx, [Entry(at, "window.settled", done.sender, subject, tally, covered)])
    return True


def _with_retries(tx: Connection, done: Settlement, at: datetime) -> list[tuple[int, Outcome]]:
    """Give what was certainly not taken another try, later; after the last wait it has failed."""
    again = [message_id for message_id, o in done.outcomes if o.state == State.READY]
    quiet = [
        m for m, o in done.outcomes if o.state in (State.SUPPRESSED, State.EXPIRED, State.FAILED)
    ]
    if quiet:
        tx.execute(delete(frequency_use).where(frequency_use.c.message_id.in_(quiet)))
    known = dict(
        tx.execute(
            select(retry.c.message_id, retry.c.attempts).where(retry.c.window_id == done.window_id)
        ).tuples()
    )
    finished = [message_id for message_id in known if message_id not in set(again)]
    if finished:
        tx.execute(delete(retry).where(retry.c.message_id.in_(finished)))
    outcomes = dict(done.outcomes)
    fresh = []
    for message_id in again:
        attempts = known.get(message_id, 0) + 1
        if attempts > len(RETRY_WAITS):
            outcomes[message_id] = outcomes[message_id]._replace(state=State.FAILED)
            tx.execute(delete(retry).where(retry.c.message_id == message_id))
            continue
        values = {
            "attempts": attempts, "not_before": at + RETRY_WAITS[attempts - 1], "window_id": None,
        }  # fmt: skip
        if message_id in known:
            tx.execute(update(retry).where(retry.c.message_id == message_id).values(values))
        else:
            fresh.append(
                {"message_id": message_id, "run_id": done.run_id, "sender": done.sender, **values}
            )
    if fresh:
        tx.execute(insert(retry), fresh)
    return list(outcomes.items())


def finish_batch(tx: Connection, lease: Lease) -> None:
    """Close a batch whose last message has been in a window."""
    tx.execute(
        update(batch)
        .where(batch.c.id == lease.batch.id, batch.c.token == lease.token)
        .values(state="done", owner=None, lease_until=None)
    )


def give_back(tx: Connection, lease: Lease) -> None:
    """Return what is left of a batch, so that anybody may claim it at once."""
    left = batch.c.next_id <= batch.c.last_id
    mine = and_(
        batch.c.id == lease.batch.id, batch.c.token == lease.token, batch.c.state == "leased"
    )
    free = {"owner": None, "token": None, "lease_until": None}
    tx.execute(update(batch).where(mine, left).values(state="ready", **free))
    tx.execute(update(batch).where(mine, ~left).values(state="done", **free))


def withdraw_intent(tx: Connection, lease: Lease, window_id: int) -> None:
    """Take an intent back: the channel said before anything was handed over that it cannot send.

    Only the holder of the lease can do so, and only for its newest window.
    """
    first = tx.execute(
        select(window.c.first_id).where(
            window.c.id == window_id, window.c.token == lease.token, window.c.settled_at.is_(None)
        )
    ).scalar_one_or_none()
    if first is None:
        return
    tx.execute(delete(window).where(window.c.id == window_id))
    if lease.batch.id is not None:
        tx.execute(
            update(batch)
            .where(batch.c.id == lease.batch.id, batch.c.token == lease.token)
            .values(next_id=first)
        )
    tx.execute(update(retry).where(retry.c.window_id == window_id).values(window_id=None))


# --- retries ---------------------------------------------------------------------------------


def due_retries(
    tx: Connection, owner: str, now: datetime, length: timedelta, run_id: int | None, limit: int
) -> tuple[Lease, int, list[int]] | None:
    """Open a window on messages whose next try is due: (lease, window, message ids)."""
    due = [
        retry.c.window_id.is_(None),
        retry.c.not_before <= now,
        run.c.state.in_(("planning", "sending")),
    ]
    if run_id is not None:
        due.append(retry.c.run_id == run_id)
    query = (
        select(retry).join(run, run.c.id == retry.c.run_id).where(*due)
        .order_by(retry.c.run_id, retry.c.sender, retry.c.message_id).limit(limit)
    )  # fmt: skip
    if tx.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, of=retry)
    rows = tx.execute(query).all()
    rows = [row for row in rows if (row.run_id, row.sender) == (rows[0].run_id, rows[0].sender)]
    if not rows:
        return None
    ids = [row.message_id for row in rows]
    token = str(uuid4())
    values = {
        "run_id": rows[0].run_id, "batch_id": None, "first_id": ids[0], "last_id": ids[-1],
        "sender": rows[0].sender, "owner": owner, "token": token, "intent_at": now,
        "lease_until": now + length,
    }  # fmt: skip
    window_id = tx.execute(insert(window).values(values).returning(window.c.id)).scalar_one()
    tx.execute(update(retry).where(retry.c.message_id.in_(ids)).values(window_id=window_id))
    return Lease(_no_batch(rows[0]), token, owner), int(window_id), ids


class _NoBatch(NamedTuple):
    id: None
    run_id: int
    sender: str


def _no_batch(row: Row[Any]) -> Any:
    return _NoBatch(None, row.run_id, row.sender)


# --- the sweep -------------------------------------------------------------------------------


class Swept(NamedTuple):
    batches: int  # taken back from owners that are gone
    in_doubt: int  # messages whose window has an intent and no outcome


def sweep(tx: Connection, now: datetime, gone: Sequence[str], run_id: int | None = None) -> Swept:
    """Take over from the dead: leases that ran out, and those of owners known to be gone.

    A window they left open is in doubt, message by message; it is never made ready again.
    """
    over = or_(window.c.lease_until <= now, window.c.owner.in_(gone))
    where = [window.c.settled_at.is_(None), over]
    if run_id is not None:
        where.append(window.c.run_id == run_id)
    doubtful = 0
    for row in tx.execute(select(window).where(*where)).all():
        doubtful += _doubt(tx, row, now)
    lost = or_(batch.c.lease_until <= now, batch.c.owner.in_(gone))
    leased = [batch.c.state == "leased", lost]
    if run_id is not None:
        leased.append(batch.c.run_id == run_id)
    free = {"owner": None, "token": None, "lease_until": None, "takeovers": batch.c.takeovers + 1}
    left = batch.c.next_id <= batch.c.last_id
    taken = tx.execute(update(batch).where(*leased, left).values(state="ready", **free)).rowcount
    tx.execute(update(batch).where(*leased, ~left).values(state="done", **free))
    return Swept(taken, doubtful)


def _doubt(tx: Connection, row: Row[Any], now: datetime) -> int:
    ids: Sequence[int]
    if row.batch_id is None:
        query = select(retry.c.message_id).where(retry.c.window_id == row.id)
        ids = tx.execute(query.order_by(retry.c.message_id)).scalars().all()
    else:
        ids = range(row.first_id, row.last_id + 1)
    doubt = Outcome(State.IN_DOUBT, "sender_gone", f"{row.owner} left no outcome")
    settlement = Settlement(row.id, row.run_id, row.sender, row.token, [(i, doubt) for i in ids])
    return len(ids) if settle(tx, settlement, now) else 0


def owners(conn: Connection, run_id: int | None = None) -> list[str]:
    """Who holds a batch or an open window now."""
    held = select(batch.c.owner).where(batch.c.state == "leased", batch.c.owner.is_not(None))
    opened = select(window.c.owner).where(window.c.settled_at.is_(None))
    if run_id is not None:
        held, opened = held.where(batch.c.run_id == run_id), opened.where(window.c.run_id == run_id)
    return sorted({*conn.execute(held).scalars(), *conn.execute(opened).scalars()})


# --- cancelling and closing ------------------------------------------------------------------


def cancel_rest(tx: Connection, run_id: int, at: datetime, actor: str) -> int:
    """Cancel what is in nobody's hands: unclaimed parts of batches and waiting retries."""
    left = batch.c.last_id - batch.c.next_id + 1
    rest = [batch.c.run_id == run_id, batch.c.state == "ready"]
    held = tx.execute(
        select(func.coalesce(func.sum(left), 0)).where(*rest, batch.c.held)
    ).scalar_one()
    ready = tx.execute(
        select(func.coalesce(func.sum(left), 0)).where(*rest, ~batch.c.held)
    ).scalar_one()
    uncounted = (
        select(message.c.id)
        .join(batch, batch.c.id == message.c.batch_id)
        .where(*rest, message.c.id >= batch.c.next_id)
    )
    tx.execute(delete(frequency_use).where(frequency_use.c.message_id.in_(uncounted)))
    tx.execute(update(batch).where(*rest).values(state="cancelled"))
    waiting = [retry.c.run_id == run_id, retry.c.window_id.is_(None)]
    dropped = tx.execute(delete(retry).where(*waiting)).rowcount
    total = int(held) + int(ready) + dropped
    add_counts(
        tx,
        run_id,
        {
            ("state", State.HELD): -int(held),
            ("state", State.READY): -int(ready) - dropped,
            ("state", State.CANCELLED): total,
        },
    )
    entry = Entry(at, "messages.cancelled", actor, f"run {run_id}", {"messages": total})
    audit.append(tx, [entry])
    return total


class Open(NamedTuple):
    """What a run still has to do."""

    ready: int  # batches that may be claimed now
    leased: int
    next_at: datetime | None  # when the next held batch or retry is due


def still_open(conn: Connection, run_id: int, now: datetime) -> Open:
    """Whether a run has work now, in somebody's hands, or later."""
    of_run = batch.c.run_id == run_id
    due = batch.c.not_before <= now
    ready, leased = conn.execute(
        select(
            func.count().filter(batch.c.state == "ready", due),
            func.count().filter(batch.c.state == "leased"),
        ).where(of_run)
    ).one()
    later = conn.execute(
        select(func.min(batch.c.not_before)).where(of_run, batch.c.state == "ready", ~due)
    ).scalar()
    again = conn.execute(
        select(func.min(retry.c.not_before)).where(
            retry.c.run_id == run_id, retry.c.window_id.is_(None)
        )
    ).scalar()
    if again is not None and again <= now:
        ready, again = ready + 1, None
    return Open(int(ready), int(leased), min((t for t in (later, again) if t), default=None))
