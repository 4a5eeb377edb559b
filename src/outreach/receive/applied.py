"""Apply what came in: read events, record what they say, and put off or aside what cannot be."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from outreach.core.bounce.report import Kind
from outreach.core.masking import masked_text
from outreach.core.receipt import WAITS, Bounced, Receipt, Said, sender_of
from outreach.core.words import State
from outreach.receive.events import Readers, reader_of
from outreach.store import audit, raw_events, receipts
from outreach.store.audit import Entry
from outreach.store.database import Database
from outreach.store.raw_events import Aside, Due
from outreach.store.receipts import Result, Saying

ACTOR = "outreach"


class Applied(NamedTuple):
    """What one call came to. `events` is 0 when nothing was due."""

    events: int = 0  # looked at
    receipts: int = 0  # written: what was known already is not written again
    waiting: int = 0  # put off, since what they speak of is not known yet
    aside: int = 0  # set aside for a person


@dataclass
class _Read:
    """An event with what it says, and what became of each part so far."""

    due: Due
    said: Sequence[Said] = ()
    wrong: str = ""  # why nobody can read it
    results: list[Result] = field(default_factory=list)


def apply(
    database: Database, readers: Readers, clock: Callable[[], datetime], limit: int = 500
) -> Applied:
    """Apply the next due events. Call it again while `events` is not 0.

    Reading happens before the transaction. Whoever else applies the same events at the same time
    finds them taken.
    """
    now = clock()
    with database.reading() as conn:
        due = raw_events.due(conn, now, limit)
    if not due:
        return Applied()
    read = [_read(readers, one) for one in due]
    with database.begin() as tx:
        held = raw_events.hold(tx, [one.due.id for one in read])
        mine = [one for one in read if one.due.id in held]
        written, entries = _receipts(tx, mine, now)
        waiting, asides = _close(tx, mine, now)
        if covered := raw_events.set_aside(tx, asides, now):
            detail: dict[str, Any] = {"n": len(asides)}
            entries.append(Entry(now, "events.set_aside", ACTOR, "events", detail, covered))
        audit.append(tx, entries)
    return Applied(len(due), written, waiting, len(asides))


def _read(readers: Readers, one: Due) -> _Read:
    reader = reader_of(readers, one.came.source)
    if reader is None:
        return _Read(one, wrong=f"nobody reads {one.came.source}; is its sender still configured?")
    try:
        return _Read(one, tuple(reader(one.came)))
    except Exception as error:  # one strange event must not keep the others from being applied
        return _Read(one, wrong=masked_text(f"{type(error).__name__}: {error}")[:300])


def _receipts(tx: Connection, read: Sequence[_Read], at: datetime) -> tuple[int, list[Entry]]:
    """Record every receipt of these events; how many were new, and what the log says of them."""
    sayings, owners = [], []
    for one in read:
        for said in one.said:
            receipt = said if isinstance(said, Receipt) else _of_mail(said)
            if receipt is not None:
                sayings.append(Saying(one.due.id, sender_of(one.due.came.source), receipt))
                owners.append(one)
    recorded = receipts.record(tx, sayings, at)
    for owner, result in zip(owners, recorded.results, strict=True):
        owner.results.append(result)
    return recorded.rows, recorded.entries


_BY_MAIL: Mapping[Kind, State] = {
    Kind.HARD: State.UNDELIVERED,
    Kind.SOFT: State.UNDELIVERED,
    Kind.POLICY: State.UNDELIVERED,
    Kind.CONTENT: State.UNDELIVERED,
    Kind.DELAYED: State.ACCEPTED,
    Kind.SUCCESS: State.DELIVERED,
    Kind.COMPLAINT: State.DELIVERED,
}


def _of_mail(said: Said) -> Receipt | None:
    """What a returned mail says of the message it names: one that a recipient complains of, or a
    server still tries, has reached somebody."""
    if not isinstance(said, Bounced) or said.message_id is None or said.kind not in _BY_MAIL:
        return None
    return Receipt(
        _BY_MAIL[said.kind],
        said.said_at,
        message_id=said.message_id,
        code=said.code or said.kind.value,
        detail=masked_text(said.detail),
    )


def _close(tx: Connection, read: Sequence[_Read], at: datetime) -> tuple[int, list[Aside]]:
    """Take what is applied off the list, put off what waits; what is to be set aside."""
    done: list[int] = []
    until: dict[int, datetime] = {}
    asides: list[Aside] = []
    for one in read:
        by = defaultdict(list)
        for result in one.results:
            by[result.became].append(result)
        if one.wrong:
            asides.append(Aside(one.due.id, "unreadable", one.wrong))
        elif by["waits"] and one.due.attempts < len(WAITS):
            until[one.due.id] = at + WAITS[one.due.attempts]
        elif failed := [*by["aside"], *by["waits"]]:
            asides.append(Aside(one.due.id, failed[0].reason, failed[0].detail))
        else:
            done.append(one.due.id)
    raw_events.done(tx, done)
    raw_events.postpone(tx, until)
    return len(until), asides
