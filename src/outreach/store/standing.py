"""What may change, held against what is on record: counters, states of runs, senders, blocks.

These rows are not covered by the log, since they move as work goes on. But each follows from rows
that are, so `audit verify` works them out anew.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Select, case, func, literal, or_, select
from sqlalchemy.sql.selectable import CTE

from outreach.core.words import State
from outreach.store.audit import Stored
from outreach.store.tables import (
    address_block,
    batch,
    block_step,
    decision,
    message,
    outcome,
    provider_reference,
    receipt,
    run,
    run_count,
    window,
)


class Fault(NamedTuple):
    """A row that is not what follows from the log."""

    what: str
    where: str
    why: str


# --- counters ----------------------------------------------------------------------------------

# States that only facts give: an outcome or a receipt. The clock and people who stop a run move
# messages among the others, which are compared as one.
_CERTAIN = (
    State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.FAILED, State.EXPIRED, State.IN_DOUBT,
)  # fmt: skip
_REST = "all others"


def counter_faults(conn: Connection, runs: Collection[str]) -> Iterator[Fault]:
    """Counters that are not what decisions, messages, outcomes and receipts give, of the runs that
    the log knows: `run 3`."""
    facts = _counted(conn)
    kept: dict[tuple[int, str, str], int] = {}
    for row in conn.execute(select(run_count)):
        if counted_as := _counter(row.kind, row.key):
            counter = (row.run_id, *counted_as)
            kept[counter] = kept.get(counter, 0) + int(row.n)
    audiences = select(run.c.id, run.c.audience)
    kept.update({(number, "audience", ""): n for number, n in conn.execute(audiences)})
    for key in sorted(facts.keys() | kept.keys()):
        number, kind, name = key
        if f"run {number}" in runs and kept.get(key, 0) != facts.get(key, 0):
            what = f"counter {kind} {name}".rstrip() + f" of run {number}"
            why = f"it says {kept.get(key, 0)}, the facts say {facts.get(key, 0)}"
            yield Fault(what, f"run {number}", why)


def _counter(kind: str, key: str) -> tuple[str, str] | None:
    """What a counter is compared as; None for one of alarms, which says nothing of a message."""
    if kind == "content":
        return None
    if kind == "state" and key not in _CERTAIN:
        return kind, _REST
    return kind, key


def _counted(conn: Connection) -> dict[tuple[int, str, str], int]:
    """The counters as the facts give them: (run, kind, key) -> n, zeros left out."""
    found: dict[tuple[int, str, str], int] = {}
    total = func.count()
    of = decision.c
    for run_id, verdict, n in conn.execute(
        select(of.run_id, of.verdict, total).group_by(of.run_id, of.verdict)
    ):
        found[run_id, "decision", verdict] = n
        found[run_id, "audience", ""] = found.get((run_id, "audience", ""), 0) + n
    given = select(of.run_id, of.reason, total).where(of.reason.is_not(None), of.reason != "")
    for run_id, reason, n in conn.execute(given.group_by(of.run_id, of.reason)):
        found[run_id, "reason", reason] = n
    messages: dict[int, int] = {}
    parts = func.sum(message.c.sms_parts)
    sent = select(message.c.run_id, message.c.channel, total, parts)
    for run_id, channel, n, many in conn.execute(
        sent.group_by(message.c.run_id, message.c.channel)
    ):
        found[run_id, "channel", channel] = n
        messages[run_id] = messages.get(run_id, 0) + n
        if many:
            found[run_id, "parts", channel] = int(many)
    for run_id, state, n in conn.execute(_states()):
        if state in _CERTAIN:
            found[run_id, "state", state] = n
            messages[run_id] = messages.get(run_id, 0) - n
    found.update({(run_id, "state", _REST): n for run_id, n in messages.items() if n})
    return found


def _states() -> Select[Any]:
    """(run, state, messages) of those that have an outcome, as `core.message_state` derives it."""
    accepted = func.max(case((outcome.c.state == State.ACCEPTED, 1), else_=0))
    tried = (
        select(
            outcome.c.message_id,
            func.max(outcome.c.window_id).label("window_id"),
            accepted.label("accepted"),
        )
        .group_by(outcome.c.message_id)
        .cte("tried")
    )
    rank = case((receipt.c.state == State.DELIVERED, 3), (receipt.c.state == State.UNDELIVERED, 2),
                else_=1)  # fmt: skip
    heard = (
        select(receipt.c.message_id, func.max(rank).label("rank"))
        .group_by(receipt.c.message_id)
        .cte("heard")
    )
    state = case(
        (heard.c.rank == 3, literal(State.DELIVERED.value)),
        (heard.c.rank == 2, literal(State.UNDELIVERED.value)),
        (or_(heard.c.rank == 1, tried.c.accepted == 1), literal(State.ACCEPTED.value)),
        else_=outcome.c.state,
    ).label("state")
    return _joined(tried, heard, state)


def _joined(tried: CTE, heard: CTE, state: Any) -> Select[Any]:
    last = (outcome.c.window_id == tried.c.window_id) & (outcome.c.message_id == tried.c.message_id)
    return (
        select(window.c.run_id, state, func.count())
        .select_from(tried)
        .join(outcome, last)
        .join(window, window.c.id == tried.c.window_id)
        .outerjoin(heard, heard.c.message_id == tried.c.message_id)
        .group_by(window.c.run_id, state)
    )


# --- runs and windows --------------------------------------------------------------------------

# The state an entry of this kind leaves its run in.
_LEAVES = {
    "run.opened": "planning", "run.planning": "planning", "run.sending": "sending",
    "run.paused": "paused", "run.finished": "finished", "run.cancelled": "cancelled",
    "run.superseded": "superseded", "run.missed": "missed",
}  # fmt: skip
_BY_SENDER = ("window.settled", "window.settled_late")


def left_in(entry: Stored) -> str | None:
    """The state an entry leaves the run in that it is about; None for any other entry."""
    return _LEAVES.get(entry.kind)


def run_faults(conn: Connection, states: Mapping[str, str]) -> Iterator[Fault]:
    """Runs whose state is not the one the log left them in: {`run 3`: state}."""
    for number, state in conn.execute(select(run.c.id, run.c.state).order_by(run.c.id)):
        logged = states.get(f"run {number}")
        if logged is not None and state != logged:
            why = f"it is {state}, the log left it {logged}"
            yield Fault(f"state of run {number}", f"run {number}", why)


def window_fault(conn: Connection, entry: Stored) -> Fault | None:
    """What is wrong with the window whose outcomes an entry covers: the entry names its sender and
    its run."""
    if entry.kind not in _BY_SENDER or entry.covers_from is None:
        return None
    number = orjson.loads(entry.covers_from)[0]
    query = select(window.c.sender, window.c.run_id).where(window.c.id == number)
    found = conn.execute(query).first()
    where = f"entry {entry.seq} ({entry.kind}, {entry.subject})"
    if found is None:
        return Fault(f"window {number}", where, "it is missing")
    if (found.sender, f"run {found.run_id}") != (entry.actor, entry.subject):
        why = f"it names {found.sender} and run {found.run_id}, the log {entry.actor}"
        return Fault(f"window {number}", where, f"{why} and {entry.subject}")
    return None


def batch_faults(conn: Connection) -> Iterator[Fault]:
    """Batches that name another sender than one of their windows: the log shows the batch's."""
    other = select(
        batch.c.id, batch.c.sender, window.c.id.label("window"), window.c.sender.label("by")
    )
    query = other.join(window, window.c.batch_id == batch.c.id)
    for row in conn.execute(query.where(batch.c.sender != window.c.sender).order_by(window.c.id)):
        why = f"it names {row.sender}, its window {row.by}"
        yield Fault(f"batch {row.id}", f"window {row.window}", why)


def reference_faults(conn: Connection) -> Iterator[Fault]:
    """Kept references of providers that no outcome of their message names."""
    kept = provider_reference.c
    senders = select(kept.sender).distinct()
    named = (
        select(window.c.sender, outcome.c.provider_ref, outcome.c.message_id)
        .join(outcome, outcome.c.window_id == window.c.id)
        .where(window.c.sender.in_(senders))
    )
    unknown = select(kept.sender, kept.reference, kept.message_id).except_(named)
    for sender, _, number in conn.execute(unknown):
        what = f"reference of {sender} for message {number}"
        yield Fault(what, f"message {number}", "no outcome of the message names it")


# --- blocked addresses -------------------------------------------------------------------------


def block_faults(conn: Connection, until: datetime | None) -> Iterator[Fault]:
    """Blocks that are not as the last step about their address left them. One that ended by itself
    before `until`, the newest moment of the log, may be gone."""
    step, shut = block_step.c, address_block.c
    newest = (
        select(func.max(step.id).label("id"))
        .where(step.action != "ask")  # to ask that an address is let go changes nothing
        .group_by(step.channel, step.address, step.reason)
        .cte("newest")
    )
    same = (
        (shut.channel == step.channel)
        & (shut.address == step.address)
        & (shut.reason == step.reason)
    )
    columns = (step.id, step.action, step.source, step.until_at, step.at)
    query = select(*columns, shut.id.label("block"), shut.source.label("of"),
                   shut.until_at.label("ends_at"), shut.since_at)  # fmt: skip
    both = query.join(newest, newest.c.id == step.id).outerjoin(address_block, same)
    for row in conn.execute(both.order_by(step.id)):
        where = f"step {row.id} on a blocked address"
        if row.action == "lift" and row.block is not None:
            yield Fault(f"block {row.block}", where, "the address was let go")
        if row.action == "block" and row.block is None:
            if row.until_at is None or until is None or row.until_at > until:
                yield Fault("the block it made", where, "it is missing")
        elif row.action == "block" and (
            (row.of, row.ends_at, row.since_at) != (row.source, row.until_at, row.at)
        ):
            yield Fault(f"block {row.block}", where, "it is not as the step made it")
    known = select(step.id).where(same).exists()
    nobodys = select(shut.id).where(~known).order_by(shut.id)
    for number in conn.execute(nobodys).scalars():
        why = "no step on record made it"
        yield Fault(f"block {number}", "table address_block", why)
