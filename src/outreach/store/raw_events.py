"""What came in, as it came: stored before anybody reads it, and each thing once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import Covered, cover
from outreach.store.database import allocate, append
from outreach.store.one_of import one_of
from outreach.store.tables import event_aside, event_due, raw_event

ACTOR = "outreach"
_COLUMNS: Final = tuple(column.name for column in raw_event.columns)
_DUE: Final = tuple(column.name for column in event_due.columns)
_ASIDE: Final = tuple(column.name for column in event_aside.columns)


class Came(NamedTuple):
    """One thing that came in."""

    source: str
    kind: str
    content: bytes
    received_at: datetime

    @property
    def digest(self) -> bytes:
        """The same for the same thing handed in again."""
        return sha256(self.kind.encode() + b"\n" + self.content).digest()


class Due(NamedTuple):
    """An event that is not applied yet."""

    id: int
    attempts: int
    came: Came


class Aside(NamedTuple):
    """An event nobody could make anything of, and why."""

    event_id: int
    reason: str  # a word for programs
    detail: str
    source: str = ""
    kind: str = ""
    at: datetime | None = None


def add(tx: Connection, came: Sequence[Came], at: datetime) -> int:
    """Store what was not stored before, to be applied from `at` on; how many that were. One entry
    of the log covers them all, so nothing may follow in the transaction."""
    audit.append(tx, [])  # whoever hands in the same things at once queues here, and finds them
    fresh: dict[tuple[str, bytes], Came] = {}
    for one in came:
        fresh.setdefault((one.source, one.digest), one)
    for key in _known(tx, fresh):
        fresh.pop(key, None)
    if not fresh:
        return 0
    first = allocate(tx, "raw_event", len(fresh))
    rows = [
        (number, one.source, one.kind, digest, one.content, one.received_at)
        for number, ((_, digest), one) in enumerate(fresh.items(), start=first)
    ]
    append(tx, raw_event, _COLUMNS, rows)
    append(tx, event_due, _DUE, [(row[0], 0, at) for row in rows])
    covered = cover(raw_event, _COLUMNS, rows)
    subject = f"events {first} to {rows[-1][0]}" if len(rows) > 1 else f"event {first}"
    audit.append(tx, [Entry(at, "events.received", ACTOR, subject, {"n": len(rows)}, covered)])
    return len(rows)


def _known(conn: Connection, keys: Mapping[tuple[str, bytes], Came]) -> list[tuple[str, bytes]]:
    by_source: dict[str, list[bytes]] = {}
    for source, digest in keys:
        by_source.setdefault(source, []).append(digest)
    found = []
    for source, digests in by_source.items():
        for at in range(0, len(digests), 5_000):
            some = raw_event.c.digest.in_(digests[at : at + 5_000])
            query = select(raw_event.c.digest).where(raw_event.c.source == source, some)
            found += [(source, bytes(digest)) for digest in conn.execute(query).scalars()]
    return found


# --- applying --------------------------------------------------------------------------------


def due(conn: Connection, now: datetime, limit: int, sources: Collection[str]) -> list[Due]:
    """The events of some sources whose turn it is, those that waited longest first. A source is
    `twilio:main`, or `twilio` for all of its kind."""
    source = raw_event.c.source
    kinds = [source.startswith(f"{one}:", autoescape=True) for one in sources if ":" not in one]
    query = (
        select(raw_event.c.id, event_due.c.attempts, *(raw_event.c[name] for name in Came._fields))
        .join(raw_event, raw_event.c.id == event_due.c.event_id)
        .where(event_due.c.not_before <= now, or_(source.in_(sorted(sources)), *kinds))
        .order_by(event_due.c.not_before, event_due.c.event_id)
        .limit(limit)
    )
    return [Due(row[0], row[1], Came(*row[2:])) for row in conn.execute(query)]


def hold(tx: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these events that are still due, kept from others until the transaction ends."""
    query = select(event_due.c.event_id).where(one_of(tx, event_due.c.event_id, ids))
    if tx.dialect.name == "postgresql":
        query = query.order_by(event_due.c.event_id).with_for_update(skip_locked=True)
    return set(tx.execute(query).scalars())


def done(tx: Connection, ids: Sequence[int]) -> None:
    """These are applied, or set aside."""
    if ids:
        tx.execute(delete(event_due).where(one_of(tx, event_due.c.event_id, ids)))


def postpone(tx: Connection, until: Mapping[int, datetime]) -> None:
    """Try these again later."""
    if not until:
        return
    statement = (
        update(event_due)
        .where(event_due.c.event_id == bindparam("event"))
        .values(attempts=event_due.c.attempts + 1, not_before=bindparam("until"))
    )
    rows = [{"event": event, "until": moment} for event, moment in sorted(until.items())]
    tx.execute(statement, rows)


def set_aside(tx: Connection, asides: Sequence[Aside], at: datetime) -> Covered | None:
    """Put events on record that nobody could make anything of; what the log must cover."""
    if not asides:
        return None
    rows = [(one.event_id, one.reason[:48], one.detail[:400], at) for one in asides]
    append(tx, event_aside, _ASIDE, rows)
    done(tx, [one.event_id for one in asides])
    return cover(event_aside, _ASIDE, rows)


# --- looking ---------------------------------------------------------------------------------


def asides(conn: Connection, since: datetime, limit: int = 100) -> list[Aside]:
    """What was set aside since a moment, newest first."""
    columns = (event_aside.c.event_id, event_aside.c.reason, event_aside.c.detail)
    query = (
        select(*columns, raw_event.c.source, raw_event.c.kind, event_aside.c.at)
        .join(raw_event, raw_event.c.id == event_aside.c.event_id)
        .where(event_aside.c.at >= since)
        .order_by(event_aside.c.event_id.desc())
        .limit(limit)
    )
    return [Aside(*row) for row in conn.execute(query)]


class Reason(NamedTuple):
    """Why events of a source were set aside."""

    source: str
    reason: str
    n: int
    detail: str  # of one of them


def aside_reasons(conn: Connection, since: datetime) -> list[Reason]:
    """What was set aside since a moment, by source and reason."""
    groups = (raw_event.c.source, event_aside.c.reason)
    query = (
        select(*groups, func.count(), func.max(event_aside.c.detail))
        .join(raw_event, raw_event.c.id == event_aside.c.event_id)
        .where(event_aside.c.at >= since)
        .group_by(*groups)
        .order_by(*groups)
    )
    return [Reason(*row) for row in conn.execute(query)]


class Waiting(NamedTuple):
    """What is not applied yet."""

    events: int
    oldest_at: datetime | None  # when the one that waits longest came in


def waiting(conn: Connection) -> Waiting:
    """How much is not applied yet, and since when."""
    mine = and_(raw_event.c.id == event_due.c.event_id)
    query = select(func.count(), func.min(raw_event.c.received_at)).join_from(
        event_due, raw_event, mine
    )
    return Waiting(*conn.execute(query).one())
