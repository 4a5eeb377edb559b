"""Windows of messages that are tried again: of one run and sender, from any of its batches."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select, update

from outreach.store import breakers
from outreach.store.one_of import one_of
from outreach.store.tables import GOING, batch, retry, run, window
from outreach.store.windows import Lease, lane, waits


class Opened(NamedTuple):
    """A window on messages that are tried again."""

    lease: Lease
    window_id: int
    ids: list[int]


class _NoBatch(NamedTuple):
    """What stands for the batch of retries, which are of many."""

    id: None
    run_id: int
    sender: str
    pace: str | None
    urgent: bool


def next_retries(
    conn: Connection,
    owner: str,
    now: datetime,
    run_id: int | None,
    besides: Sequence[str] = (),
    unripe: Sequence[str] = (),
) -> Lease | None:
    """The run and sender whose messages are to be tried again first, urgent ones before others;
    None when none is due. Nothing is taken yet."""
    due = [
        retry.c.window_id.is_(None),
        retry.c.not_before <= now,
        run.c.state.in_(GOING),
        ~waits(retry, now),
    ]
    if run_id is not None:
        due.append(retry.c.run_id == run_id)
    if besides:
        due.append(retry.c.sender.not_in(besides))
    if unripe:
        due.append(lane(retry).not_in(unripe))
    some = select(batch.c.urgent).where(batch.c.run_id == retry.c.run_id).limit(1)
    urgent = func.coalesce(some.scalar_subquery(), False).label("urgent")
    query = (
        select(retry.c.run_id, retry.c.sender, retry.c.pace, urgent,
               breakers.troubled(retry.c.sender).label("troubled"))
        .join(run, run.c.id == retry.c.run_id).where(*due)
        .order_by(urgent.desc(), retry.c.run_id, retry.c.sender, retry.c.pace).limit(1)
    )  # fmt: skip
    row = conn.execute(query).first()
    if row is None:
        return None
    which: Any = _NoBatch(None, row.run_id, row.sender, row.pace, row.urgent)
    return Lease(which, str(uuid4()), owner, run_id, row.troubled)


def due_retries(
    tx: Connection, lease: Lease, now: datetime, length: timedelta, limit: int
) -> Opened | None:
    """Open a window on messages of one run and sender whose next try is due; None when others took
    them, or the run may not be worked any more."""
    which = lease.batch
    due = [
        retry.c.window_id.is_(None),
        retry.c.not_before <= now,
        retry.c.run_id == which.run_id,
        retry.c.sender == which.sender,
        retry.c.pace.is_(None) if which.pace is None else retry.c.pace == which.pace,
        run.c.state.in_(GOING),
    ]
    if not lease.trial:
        due.append(~waits(retry, now))
    query = (
        select(retry.c.message_id).join(run, run.c.id == retry.c.run_id).where(*due)
        .order_by(retry.c.message_id).limit(limit)
    )  # fmt: skip
    if tx.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, of=retry)
    ids = list(tx.execute(query).scalars())
    if not ids:
        return None
    values = {
        "run_id": which.run_id, "batch_id": None, "first_id": ids[0], "last_id": ids[-1],
        "sender": which.sender, "owner": lease.owner, "token": lease.token, "intent_at": now,
        "lease_until": now + length,
    }  # fmt: skip
    window_id = tx.execute(insert(window).values(values).returning(window.c.id)).scalar_one()
    chosen = one_of(tx, retry.c.message_id, ids)
    tx.execute(update(retry).where(chosen).values(window_id=window_id))
    return Opened(lease, int(window_id), ids)
