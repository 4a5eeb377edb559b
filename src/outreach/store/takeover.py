"""What is left: work of the dead, of cancelled runs, and what a run still has to do.

A window somebody left open is in doubt, message by message; it is never made ready again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from outreach.core.model import Outcome
from outreach.core.words import State
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.database import add_counts
from outreach.store.tables import (
    batch,
    frequency_use,
    message,
    retry,
    window,
)
from outreach.store.windows import Settlement, settle

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
