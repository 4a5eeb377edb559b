"""Windows: a batch claimed, the intent to send a part of it, and what came of that part.

The laws: a message row never changes; a batch is claimed by compare-and-set and fenced by its
token; an intent is committed before anything is handed over; a window with an intent and no
outcome is in doubt and is never sent again by itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from outreach.core.bounce.resting import USUAL, SoftRule
from outreach.core.model import About, Outcome
from outreach.core.said import about
from outreach.core.words import State
from outreach.store import audit, breakers, rates, references, refusals, retries
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import add_counts, append
from outreach.store.said import plain
from outreach.store.tables import (
    GOING,
    batch,
    message,
    outcome,
    retry,
    run,
    window,
)
from outreach.store.task import STUCK_AFTER
from outreach.store.window_statements import AHEAD, INTENT, MAY_GO, MAY_TRY, SETTLED
from outreach.store.window_statements import waits as waits

OUTCOME_COLUMNS = tuple(outcome.c.keys())
_OF: Final = (window.c.batch_id,)  # the batch a window is of; None: of retries


# --- claiming --------------------------------------------------------------------------------


class Lease(NamedTuple):
    """A claimed batch: only the holder of the token may open windows on it."""

    batch: Row[Any]
    token: str
    owner: str
    within: int | None = None  # the run the claim was about; None: any
    troubled: bool = False  # its sender had trouble lately
    trial: bool = False  # one window, to see whether the trouble is over


def claim(
    tx: Connection,
    owner: str,
    now: datetime,
    lease: timedelta,
    run_id: int | None,
    besides: Sequence[str] = (),
    batch_id: int | None = None,
    unripe: Sequence[str] = (),
) -> Lease | None:
    """Take the first batch that is due, urgent ones first, or a certain one; None when there is
    none. `besides`: senders that cannot send; `unripe`: limits whose turn has not come. Batches of
    senders that wait are left alone, and those that killed too many."""
    due = _due(now, run_id, besides)
    if batch_id is not None:
        due.append(batch.c.id == batch_id)
    if unripe:
        due.append(lane(batch).not_in(unripe))
    query = (
        select(batch, breakers.troubled(batch.c.sender).label("troubled"))
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
    return Lease(found, token, owner, run_id, found.troubled)


def _due(now: datetime, run_id: int | None, besides: Sequence[str]) -> list[ColumnElement[bool]]:
    """The conditions under which a batch may be claimed."""
    due = [
        batch.c.state == "ready",
        batch.c.not_before <= now,
        batch.c.takeovers < STUCK_AFTER,
        run.c.state.in_(GOING),
        ~waits(batch, now),
    ]
    if besides:
        due.append(batch.c.sender.not_in(besides))
    if run_id is not None:
        due.append(batch.c.run_id == run_id)
    return due


def lane(of: Table) -> ColumnElement[str]:
    """The limit that batches or retries come under first."""
    return func.coalesce(of.c.pace, of.c.sender)


def others_due(
    conn: Connection, now: datetime, lease: Lease, besides: Sequence[str], unripe: Sequence[str]
) -> bool:
    """Whether something may be sent now besides what comes under these limits; or something urgent
    while a batch is held that is not."""
    elsewhere: ColumnElement[bool] = lane(batch).not_in(unripe)
    if not lease.batch.urgent:
        elsewhere = or_(elsewhere, batch.c.urgent)
    due = _due(now, lease.within, besides)
    query = select(batch.c.id).join(run, run.c.id == batch.c.run_id).where(*due, elsewhere)
    return conn.execute(query.limit(1)).first() is not None


def messages(conn: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Planned messages by their ids, in order; a range is read as a range."""
    if isinstance(ids, range):
        chosen = message.c.id.between(ids[0], ids[-1])
    else:
        chosen = message.c.id.in_(ids)
    return conn.execute(select(message).where(chosen).order_by(message.c.id)).all()


# --- the intent ------------------------------------------------------------------------------


def intend(
    tx: Connection,
    lease: Lease,
    last: int,
    now: datetime,
    length: timedelta,
    *,
    proven: bool = False,
) -> int | None:
    """Commit to sending a batch's messages up to `last`; the window's number, or None when the
    lease was lost, the run may not be worked any more (paused, cancelled), or the sender waits.
    `proven`: a window of this lease was settled, so the batch does not kill its senders."""
    held = {
        "the_batch": lease.batch.id, "the_token": lease.token, "now": now, "the_last": last
    }  # fmt: skip
    asked = {**held, "the_run": lease.batch.run_id, "soon": now + rates.SKEW}
    first = tx.execute(MAY_TRY if lease.trial else MAY_GO, asked).scalar_one_or_none()
    if first is None:
        return None
    ahead = AHEAD.values(takeovers=0) if proven and lease.batch.takeovers else AHEAD
    moved = tx.execute(ahead, {**held, "after": last + 1, "until": now + length})
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
    return int(tx.execute(INTENT, row).scalar_one())


class Settlement(NamedTuple):
    """What became of a window: the outcome of each of its messages."""

    window_id: int
    run_id: int
    sender: str
    token: str
    outcomes: Sequence[tuple[int, Outcome]]
    waits: Mapping[int, datetime] = {}  # messages the second look deferred, and until when
    by_reference: bool = False  # the provider will speak of them by its own references
    soft: SoftRule = USUAL  # when an address rests that takes no mail for now


def settle(tx: Connection, done: Settlement, at: datetime) -> bool:
    """Append a window's outcomes; False when somebody else settled it (swept as in doubt).

    Locks are taken in one order everywhere: batch, window, retry, counters, audit head. So do this
    last in a transaction, and once: two windows in one transaction could wait for each other.
    """
    mine = {"the_window": done.window_id, "the_token": done.token, "at": at}
    found = tx.execute(SETTLED, mine).first()
    if found is None:
        return False
    _append(tx, done, at, tried_again=found.batch_id is None)
    return True


def write(tx: Connection, part: Settlement, lease: Lease, at: datetime, until: datetime) -> bool:
    """Append what is known of a window so far, and hold on to it until a moment; False when it was
    swept meanwhile."""
    if lease.batch.id is not None:
        own = and_(batch.c.id == lease.batch.id, batch.c.token == lease.token)
        tx.execute(update(batch).where(own, batch.c.state == "leased").values(lease_until=until))
    mine = and_(
        window.c.id == part.window_id, window.c.token == part.token, window.c.settled_at.is_(None)
    )
    held = update(window).where(mine).values(lease_until=until).returning(*_OF)
    found = tx.execute(held).first()
    if found is None:
        return False
    _append(tx, part, at, tried_again=found.batch_id is None)
    return True


def written(conn: Connection, window_id: int) -> set[int]:
    """The messages of a window that have their outcome."""
    known = select(outcome.c.message_id).where(outcome.c.window_id == window_id)
    return set(conn.execute(known).scalars())


def _append(tx: Connection, done: Settlement, at: datetime, *, tried_again: bool) -> None:
    if not done.outcomes:
        return
    known = retries.held(tx, done.window_id) if tried_again else {}
    outcomes = retries.again(tx, done.run_id, done.sender, done.outcomes, done.waits, known, at)
    rows = outcome_rows(done.window_id, outcomes, at)
    append(tx, outcome, OUTCOME_COLUMNS, rows)
    if done.by_reference:
        references.keep(tx, done.sender, ((o.provider_ref, number) for number, o in outcomes))
    counts: Counter[tuple[str, str]] = Counter()
    for _, o in outcomes:
        counts["state", o.state] += 1
        if of_content(o):
            counts["content", done.sender[:48]] += 1
    counts["state", State.READY] -= len(outcomes)
    add_counts(tx, done.run_id, counts)
    tally = Counter(str(o.state) for _, o in outcomes)
    covered = cover(outcome, OUTCOME_COLUMNS, rows)
    subject = f"run {done.run_id}"
    settled = Entry(at, "window.settled", done.sender, subject, tally, covered)
    over = tally[State.FAILED] or tally[State.EXPIRED]
    refused = refusals.follow(tx, outcomes, at, done.soft) if over else []
    audit.append(tx, [*refused, settled])


def of_content(o: Outcome) -> bool:
    """Whether a provider did not take a message for what its text says."""
    return o.state in (State.FAILED, State.READY) and about(o) is About.CONTENT


def outcome_rows(
    window_id: int, outcomes: Sequence[tuple[int, Outcome]], at: datetime
) -> list[tuple[Any, ...]]:
    """Outcomes as they are stored, by message."""
    return [
        (window_id, message_id, o.state, plain(o.code, 48), plain(o.detail, 400),
         plain(o.provider_ref, 200), o.digest, at)
        for message_id, o in sorted(outcomes, key=lambda pair: pair[0])
    ]  # fmt: skip


def give_back(tx: Connection, lease: Lease) -> None:
    """Return what is left of a batch, so that anybody may claim it at once; close it when its last
    message has been in a window."""
    left = batch.c.next_id <= batch.c.last_id
    mine = and_(
        batch.c.id == lease.batch.id, batch.c.token == lease.token, batch.c.state == "leased"
    )
    free = {"owner": None, "token": None, "lease_until": None}
    state = case((left, "ready"), else_="done")
    tx.execute(update(batch).where(mine).values(state=state, **free))


def withdraw_intent(tx: Connection, lease: Lease, window_id: int) -> None:
    """Take an intent back: the channel said before anything was handed over that it cannot send.

    Only the holder of the lease can do so, and only for its newest window.
    """
    mine = and_(
        window.c.id == window_id, window.c.token == lease.token, window.c.settled_at.is_(None)
    )
    found = tx.execute(select(window.c.first_id, window.c.last_id).where(mine)).first()
    if found is None:
        return
    if lease.batch.id is not None:
        newest = and_(
            batch.c.id == lease.batch.id,
            batch.c.token == lease.token,
            batch.c.state == "leased",
            batch.c.next_id == found.last_id + 1,
        )
        back = tx.execute(update(batch).where(newest).values(next_id=found.first_id))
        if back.rowcount != 1:  # no longer ours to take back: the sweep will settle the window
            return
    if tx.execute(delete(window).where(mine)).rowcount == 1:
        tx.execute(update(retry).where(retry.c.window_id == window_id).values(window_id=None))
    elif lease.batch.id is not None:  # swept in this very moment: the cursor stays behind it
        passed = {"next_id": found.last_id + 1}
        tx.execute(update(batch).where(batch.c.id == lease.batch.id).values(passed))
