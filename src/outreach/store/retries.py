"""Messages that certainly were not taken: when they are tried again, and when they are given up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from outreach.core.model import Outcome
from outreach.core.retry import GivenUp, given_up, next_try
from outreach.core.words import State
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.one_of import one_of
from outreach.store.tables import batch, frequency_use, message, retry, run

# The message's turn had not come when its window was over: no try, and due at once.
_NOT_BEGUN: Final = frozenset({"late"})
_NEVER_WENT: Final = (State.SUPPRESSED, State.EXPIRED, State.FAILED)  # take no place under a cap


def held(conn: Connection, window_id: int) -> dict[int, Row[Any]]:
    """The tries of a window of retries, by message. A window of a batch has none; do not ask, since
    all tries are read for it."""
    tries = select(retry).where(retry.c.window_id == window_id)
    return {row.message_id: row for row in conn.execute(tries)}


def again(
    tx: Connection,
    run_id: int,
    sender: str,
    outcomes: Sequence[tuple[int, Outcome]],
    waits: Mapping[int, datetime],
    known: Mapping[int, Row[Any]],
    at: datetime,
) -> list[tuple[int, Outcome]]:
    """Give those of a window's messages that were not taken another try; the outcomes as they are
    to be stored, with those that nobody tries any more. `waits`: messages the second look deferred,
    and until when; `known`: their tries so far, where they were tried before."""
    waiting = {message_id: o for message_id, o in outcomes if o.state == State.READY}
    settled = dict(outcomes)
    finished = [message_id for message_id in known if message_id in settled.keys() - waiting.keys()]
    over = _tried(tx, run_id, sender, waiting, waits, known, at) if waiting else {}
    settled.update(over)
    finished.extend(message_id for message_id in over if message_id in known)
    if finished:
        tx.execute(delete(retry).where(one_of(tx, retry.c.message_id, finished)))
    quiet = [message_id for message_id, o in settled.items() if o.state in _NEVER_WENT]
    if quiet:
        tx.execute(delete(frequency_use).where(one_of(tx, frequency_use.c.message_id, quiet)))
    return list(settled.items())


def _tried(
    tx: Connection,
    run_id: int,
    sender: str,
    waiting: Mapping[int, Outcome],
    waits: Mapping[int, datetime],
    known: Mapping[int, Row[Any]],
    at: datetime,
) -> dict[int, Outcome]:
    """Note when each is tried next; returns the last outcomes of those that are not."""
    expires_at = tx.execute(select(run.c.expires_at).where(run.c.id == run_id)).scalar_one_or_none()
    over: dict[int, Outcome] = {}
    fresh: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for message_id, outcome in waiting.items():
        before = known.get(message_id)
        tries, since = (before.attempts, before.since_at or at) if before else (0, at)
        moment: datetime | GivenUp | None = waits.get(message_id)
        if outcome.code in _NOT_BEGUN:
            moment = at
        if moment is None:
            tries += 1
            moment = next_try(outcome, message_id, tries, at, since, expires_at)
        if isinstance(moment, GivenUp):
            over[message_id] = given_up(outcome, moment.state, tries)
            continue
        values = {"id_": message_id, "attempts": tries, "not_before": moment, "since_at": since}
        (moved if before else fresh).append(values)
    if moved:
        known_row = retry.c.message_id == bindparam("id_")
        tx.execute(update(retry).where(known_row).values(window_id=None), moved)
    if fresh:
        pace = _pace(tx, [values["id_"] for values in fresh])
        rows = [
            {"run_id": run_id, "sender": sender, "pace": pace.get(id_), "message_id": id_, **rest}
            for values in fresh
            for id_, rest in [(values["id_"], {k: v for k, v in values.items() if k != "id_"})]
        ]
        tx.execute(insert(retry), rows)
    return over


def _pace(tx: Connection, message_ids: Sequence[Any]) -> dict[int, str]:
    """The limits of countries these messages come under."""
    query = (
        select(message.c.id, batch.c.pace)
        .join(batch, batch.c.id == message.c.batch_id)
        .where(one_of(tx, message.c.id, message_ids), batch.c.pace.is_not(None))
    )
    return {row.id: row.pace for row in tx.execute(query)}


def retry_now(tx: Connection, run_id: int, at: datetime, actor: str) -> int:
    """Make every waiting retry of a run due; what is in doubt or failed for good stays as it is."""
    waiting = [retry.c.run_id == run_id, retry.c.window_id.is_(None)]
    total = tx.execute(update(retry).where(*waiting).values(not_before=at)).rowcount
    if total:
        entry = Entry(at, "messages.retried", actor, f"run {run_id}", {"messages": total})
        audit.append(tx, [entry])
    return total
