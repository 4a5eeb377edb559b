"""What is left: work of the dead, of cancelled runs, and what a run still has to do.

A window somebody left open is in doubt, message by message; it is never made ready again.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from outreach.core.model import Outcome
from outreach.core.words import State
from outreach.store import audit, references, refusals
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import Database, add_counts, append
from outreach.store.left import Open as Open
from outreach.store.left import still_open as still_open
from outreach.store.one_of import one_of
from outreach.store.rates import SKEW
from outreach.store.tables import (
    STOPPED,
    batch,
    frequency_use,
    outcome,
    receipt,
    retry,
    run,
    window,
)
from outreach.store.windows import OUTCOME_COLUMNS, Settlement, outcome_rows, settle, written

ACTOR = "outreach"  # whom audit entries name when no person acted
_CERTAIN = (State.ACCEPTED, State.FAILED)

# --- the sweep -------------------------------------------------------------------------------


class Swept(NamedTuple):
    batches: int  # taken back from owners that are gone
    in_doubt: int  # messages whose window has an intent and no outcome


def sweep(
    database: Database, now: datetime, gone: Sequence[str], run_id: int | None = None
) -> Swept:
    """Take over from the dead: leases that ran out, and those of owners known to be gone.

    A window they left open is in doubt, message by message; it is never made ready again. Each
    window has its own transaction, since its owner may be alive after all and settle it now.
    """
    over = or_(window.c.lease_until <= now, window.c.owner.in_(gone))
    opened = [window.c.settled_at.is_(None), over]
    lost = or_(batch.c.lease_until <= now, batch.c.owner.in_(gone))
    leased = [batch.c.state == "leased", lost]
    if run_id is not None:
        opened.append(window.c.run_id == run_id)
        leased.append(batch.c.run_id == run_id)
    with database.reading() as conn:
        rows = conn.execute(select(window).where(*opened).order_by(window.c.id)).all()
    doubtful = 0
    for row in rows:
        with database.begin() as tx:
            doubtful += _doubt(tx, row, now)
    with database.reading() as conn:
        ids = conn.execute(select(batch.c.id).where(*leased).order_by(batch.c.id)).scalars().all()
    taken = 0
    if ids:
        with database.begin() as tx:
            taken = sum(_take_back(tx, [batch.c.id == batch_id, *leased]) for batch_id in ids)
    _let_go(database, now, run_id)
    for stopped in _stopped(database, run_id):
        cancel_left(database, stopped, now)
    return Swept(taken, doubtful)


def _take_back(tx: Connection, lost: list[ColumnElement[bool]]) -> int:
    free = {"owner": None, "token": None, "lease_until": None, "takeovers": batch.c.takeovers + 1}
    left = batch.c.next_id <= batch.c.last_id
    taken = tx.execute(update(batch).where(*lost, left).values(state="ready", **free)).rowcount
    tx.execute(update(batch).where(*lost, ~left).values(state="done", **free))
    return taken


def _let_go(database: Database, now: datetime, run_id: int | None) -> None:
    """What was planned for its moment by a clock that has been put back since may go now, and the
    policy is asked again for all of it."""
    ahead = [batch.c.state == "ready", ~batch.c.held, batch.c.not_before > now + SKEW]
    if run_id is not None:
        ahead.append(batch.c.run_id == run_id)
    with database.reading() as conn:
        found = conn.execute(select(batch.c.id).where(*ahead).limit(1)).first()
    if found is not None:
        with database.begin() as tx:
            tx.execute(update(batch).where(*ahead).values(not_before=now, good_until=now))


def _doubt(tx: Connection, row: Row[Any], now: datetime) -> int:
    # Its sender may be alive and write what it knows at this moment: it locks the window too.
    tx.execute(select(window.c.id).where(window.c.id == row.id).with_for_update())
    ids: Sequence[int]
    if row.batch_id is None:
        query = select(retry.c.message_id).where(retry.c.window_id == row.id)
        ids = tx.execute(query.order_by(retry.c.message_id)).scalars().all()
    else:
        known = written(tx, row.id)
        ids = [id_ for id_ in range(row.first_id, row.last_id + 1) if id_ not in known]
    doubt = Outcome(State.IN_DOUBT, "sender_gone", f"{row.owner} left no outcome")
    settlement = Settlement(row.id, row.run_id, row.sender, row.token, [(i, doubt) for i in ids])
    return len(ids) if settle(tx, settlement, now) else 0


def settle_late(tx: Connection, done: Settlement, at: datetime) -> int:
    """Append what is certain of a window that was swept as in doubt while its sender was only
    slow. It stands as a window of its own, beside the doubt. Returns how many doubts it ends."""
    # People may be settling the same doubts: they lock the window too.
    mine = select(window).where(window.c.id == done.window_id).with_for_update()
    before = tx.execute(mine).mappings().first()
    doubted = [outcome.c.window_id == done.window_id, outcome.c.state == State.IN_DOUBT]
    swept = select(outcome.c.message_id).where(*doubted)
    later = select(outcome.c.message_id).where(outcome.c.window_id > done.window_id)
    heard = select(receipt.c.id).where(receipt.c.message_id == outcome.c.message_id)
    open_still = swept.where(
        outcome.c.message_id.not_in(later.where(_of(done))), ~heard.correlate(outcome).exists()
    )
    doubtful = set(tx.execute(open_still).scalars())
    if before is None or before["token"] != done.token:
        return 0
    stopped = _called_off(tx, done, doubtful)
    ended = doubtful | stopped
    certain = [(m, o) for m, o in done.outcomes if o.state in _CERTAIN and m in ended]
    if not certain:
        return 0
    values = {**before, "settled_at": at}
    del values["id"]
    again = tx.execute(insert(window).values(values).returning(window.c.id)).scalar_one()
    rows = outcome_rows(int(again), certain, at)
    append(tx, outcome, OUTCOME_COLUMNS, rows)
    if done.by_reference:
        references.keep(tx, done.sender, ((o.provider_ref, number) for number, o in certain))
    tally = Counter(str(o.state) for _, o in certain)
    counts: dict[tuple[str, str], int] = {("state", state): n for state, n in tally.items()}
    counts["state", State.IN_DOUBT] = len(stopped) - len(certain)
    counts["state", State.READY] = -len(stopped)
    add_counts(tx, done.run_id, counts)
    covered = cover(outcome, OUTCOME_COLUMNS, rows)
    entry = Entry(at, "window.settled_late", done.sender, f"run {done.run_id}", tally, covered)
    audit.append(tx, [*refusals.follow(tx, certain, at, done.soft), entry])
    return len(certain)


def _called_off(tx: Connection, done: Settlement, doubtful: Collection[int]) -> set[int]:
    """Messages that people let go again, not knowing that the sender was only slow: those it now
    says were accepted need no second copy while that has not begun."""
    went = [m for m, o in done.outcomes if o.state == State.ACCEPTED and m not in doubtful]
    waiting = [one_of(tx, retry.c.message_id, went), retry.c.window_id.is_(None)]
    gone = delete(retry).where(*waiting).returning(retry.c.message_id)
    return set(tx.execute(gone).scalars()) if went else set()


def _of(done: Settlement) -> ColumnElement[bool]:
    ids = [message_id for message_id, _ in done.outcomes]
    return outcome.c.message_id.between(min(ids), max(ids))


def owners(conn: Connection, run_id: int | None = None) -> list[str]:
    """Who holds a batch or an open window now."""
    held = select(batch.c.owner).where(batch.c.state == "leased", batch.c.owner.is_not(None))
    opened = select(window.c.owner).where(window.c.settled_at.is_(None))
    if run_id is not None:
        held, opened = held.where(batch.c.run_id == run_id), opened.where(window.c.run_id == run_id)
    return sorted({*conn.execute(held).scalars(), *conn.execute(opened).scalars()})


# --- cancelling and closing ------------------------------------------------------------------


def cancel_rest(
    tx: Connection,
    run_id: int,
    at: datetime,
    actor: str,
    *,
    superseded: bool = False,
    by: int | None = None,
) -> int:
    """Cancel what is in nobody's hands: unclaimed parts of batches and waiting retries. `by` is the
    run that tells what is true instead, as far as it is known when that is why."""
    rest = [batch.c.run_id == run_id, batch.c.state == "ready"]
    stopped = tx.execute(
        update(batch)
        .where(*rest)
        .values(state="cancelled")
        .returning(batch.c.id, batch.c.next_id, batch.c.last_id, batch.c.held)
    ).all()
    waiting = [retry.c.run_id == run_id, retry.c.window_id.is_(None)]
    gone = delete(retry).where(*waiting).returning(retry.c.message_id)
    dropped = tx.execute(gone).scalars().all()
    held: int = sum(row.last_id - row.next_id + 1 for row in stopped if row.held)
    ready: int = sum(row.last_id - row.next_id + 1 for row in stopped if not row.held) + len(
        dropped
    )
    if not held + ready:
        return 0
    used = frequency_use.c.message_id
    uncounted = [used.between(row.next_id, row.last_id) for row in stopped]
    for some in (*uncounted, one_of(tx, used, dropped)):
        tx.execute(delete(frequency_use).where(some))
    counts: dict[tuple[str, str], int] = {
        ("state", State.HELD): -held,
        ("state", State.READY): -ready,
        ("state", State.SUPPRESSED if superseded else State.CANCELLED): held + ready,
    }
    add_counts(tx, run_id, counts)
    detail = {"messages": held + ready, **({"by": by} if by else {})}
    kind = "messages.superseded" if superseded else "messages.cancelled"
    audit.append(tx, [Entry(at, kind, actor, f"run {run_id}", detail)])
    return held + ready


def cancel_left(database: Database, run_id: int, at: datetime) -> int:
    """Cancel what came back from a sender after its run was stopped; 0 for any other run."""
    with database.reading() as conn:
        columns = (run.c.state, run.c.superseded_by)
        query = select(*columns).where(run.c.id == run_id, run.c.state.in_(STOPPED))
        found = conn.execute(query).first()
    if found is None:
        return 0
    with database.begin() as tx:
        superseded = found.state == "superseded"
        return cancel_rest(tx, run_id, at, ACTOR, superseded=superseded, by=found.superseded_by)


def _stopped(database: Database, run_id: int | None) -> list[int]:
    """Stopped runs that something is left of."""
    batches = select(batch.c.id).where(batch.c.run_id == run.c.id, batch.c.state == "ready")
    retries = select(retry.c.message_id).where(
        retry.c.run_id == run.c.id, retry.c.window_id.is_(None)
    )
    query = select(run.c.id).where(
        run.c.state.in_(STOPPED), or_(batches.exists(), retries.exists())
    )
    if run_id is not None:
        query = query.where(run.c.id == run_id)
    with database.reading() as conn:
        return list(conn.execute(query).scalars())
