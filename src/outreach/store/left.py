"""What a run still has to do: what is due, what waits and for whom, and what was set aside."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select, update

from outreach.core.rate import Why
from outreach.store import audit, breakers, rates
from outreach.store.audit import Entry
from outreach.store.tables import batch, retry
from outreach.store.task import STUCK_AFTER

# A sender waits for these only for a moment: its run goes on without anybody's doing.
_PASSING = (Why.RATE, Why.URGENT, Why.THROTTLED)


class Open(NamedTuple):
    """What a run still has to do."""

    ready: int  # batches that may be claimed now
    leased: int
    next_at: datetime | None  # when the next held batch or retry is due
    paced_at: datetime | None = None  # when a limited sender has permits again
    stuck: int = 0  # batches that killed so many that they are given to nobody


class Waiting(NamedTuple):
    """Messages of a run that one sender still has to send."""

    sender: str
    pace: str | None
    messages: int
    not_before: datetime  # of the first of them
    until: datetime | None = None  # when the sender may be used again; None: now, or never
    why: Why | None = None  # why not now
    said: str = ""  # more about that


def still_open(conn: Connection, run_id: int, now: datetime) -> Open:
    """Whether a run has work now, in somebody's hands, or later."""
    of_run = batch.c.run_id == run_id
    leased, stuck = conn.execute(
        select(
            func.count().filter(batch.c.state == "leased"),
            func.count().filter(batch.c.state == "ready", batch.c.takeovers >= STUCK_AFTER),
        ).where(of_run)
    ).one()
    ready, later, paced = 0, list[datetime](), list[datetime]()
    for one in by_sender(conn, run_id, now):
        moment = max(one.not_before, one.until or now)
        if one.why is Why.STOPPED:
            continue
        if moment <= now:
            ready += 1
        elif one.why in _PASSING and one.not_before <= now:
            paced.append(moment)
            later.append(moment)
        else:
            later.append(moment)
    return Open(ready, int(leased), min(later, default=None), min(paced, default=None), int(stuck))


def by_sender(conn: Connection, run_id: int, now: datetime) -> list[Waiting]:
    """What waits in nobody's hands, by the limit it comes under, due things apart from later
    ones."""
    columns = (batch.c.sender, batch.c.pace, (batch.c.not_before <= now).label("due"))
    size = func.sum(batch.c.last_id - batch.c.next_id + 1).label("n")
    mine = and_(batch.c.run_id == run_id, batch.c.state == "ready", batch.c.takeovers < STUCK_AFTER)
    first = func.min(batch.c.not_before).label("first")
    batches = select(*columns, size, first).where(mine).group_by(*columns)
    again = (retry.c.sender, retry.c.pace, (retry.c.not_before <= now).label("due"))
    tries = (
        select(*again, func.count().label("n"), func.min(retry.c.not_before).label("first"))
        .where(retry.c.run_id == run_id, retry.c.window_id.is_(None)).group_by(*again)
    )  # fmt: skip
    rows = [*conn.execute(batches), *conn.execute(tries)]
    if not rows:
        return []
    slow, shut = rates.holds(conn, now), breakers.holds(conn, now)
    found = []
    for row in rows:
        one = Waiting(row.sender, row.pace, int(row.n), row.first)
        if (trouble := shut.get(row.sender)) is not None:
            why = Why.STOPPED if trouble["state"] == "stopped" else Why.ERRORS
            one = one._replace(until=trouble["open_until"], why=why, said=trouble["why"])
        else:
            held = [slow[name] for name in (row.sender, row.pace) if name in slow]
            if held:
                until, why = max(held)
                one = one._replace(until=until, why=why)
        found.append(one)
    return sorted(found, key=lambda one: (one.sender, one.pace or "", one.not_before))


def turn_at(conn: Connection, sender: str, pace: str | None, now: datetime) -> datetime | None:
    """When a sender that waits may be used again; None when it may now, or only a person lets it
    go on."""
    slow, shut = rates.holds(conn, now), breakers.holds(conn, now)
    times = [slow[name][0] for name in (sender, pace) if name in slow]
    if sender in shut and shut[sender]["open_until"] is not None:
        times.append(shut[sender]["open_until"])
    return max(times, default=None)


def troubles(conn: Connection, run_id: int, now: datetime) -> list[str]:
    """Why senders that a run waits for may not send, a sentence each."""
    waiting = by_sender(conn, run_id, now)
    lines = [one.said for one in waiting if one.why in (Why.ERRORS, Why.STOPPED)]
    return list(dict.fromkeys(lines))


def set_aside(conn: Connection, run_id: int) -> list[tuple[int, int]]:
    """Batches that nobody takes any more, because so many died of them: (batch, messages)."""
    mine = and_(
        batch.c.run_id == run_id, batch.c.state == "ready", batch.c.takeovers >= STUCK_AFTER
    )
    query = select(batch.c.id, batch.c.last_id - batch.c.next_id + 1).where(mine)
    return [(row[0], row[1]) for row in conn.execute(query.order_by(batch.c.id))]


def all_set_aside(conn: Connection) -> dict[int, int]:
    """How many batches of each run nobody takes any more."""
    mine = and_(batch.c.state == "ready", batch.c.takeovers >= STUCK_AFTER)
    query = select(batch.c.run_id, func.count()).where(mine).group_by(batch.c.run_id)
    return {row[0]: row[1] for row in conn.execute(query.order_by(batch.c.run_id))}


def take_up_again(tx: Connection, run_id: int, at: datetime, actor: str) -> int:
    """Give batches that were set aside to senders again; how many."""
    mine = and_(
        batch.c.run_id == run_id, batch.c.state == "ready", batch.c.takeovers >= STUCK_AFTER
    )
    total = tx.execute(update(batch).where(mine).values(takeovers=0)).rowcount
    if total:
        detail = {"batches": total}
        audit.append(tx, [Entry(at, "batches.taken_up", actor, f"run {run_id}", detail)])
    return total
