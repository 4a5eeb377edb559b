"""The consent ledger: events are added and never changed; the state is folded from them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from outreach.core.consent import ConsentEvent
from outreach.store.audit import Covered, cover
from outreach.store.clients import ids_of
from outreach.store.database import allocate, append
from outreach.store.facts import among
from outreach.store.tables import client, consent_event

_COLUMNS: Final = tuple(column.name for column in consent_event.columns)
_SELECTED: Final = tuple(consent_event.c[name] for name in ConsentEvent._fields)


class NewEvent(NamedTuple):
    """An event about to be recorded; `evidence` points at its proof (form, recording, message)."""

    client_id: int
    channel: str | None
    purpose: str | None
    action: str
    source: str
    captured_at: datetime
    valid_until: datetime | None = None
    source_ref: str | None = None
    wording: str | None = None


def hold(tx: Connection) -> None:
    """Let nobody else add to the ledger until this transaction ends. Whoever holds the head of the
    log before he knows whether he will add does this first: all others come to the log last, and
    two who wait for each other would stand for ever."""
    allocate(tx, "consent_event", 0)


def add(
    tx: Connection,
    events: Sequence[NewEvent],
    *,
    recorded_at: datetime,
    actor: str,
    book_id: int | None = None,
) -> Covered | None:
    """Record events; returns what the audit entry of this transaction must cover."""
    if not events:
        return None
    first = allocate(tx, "consent_event", len(events))
    rows = [
        (
            first + index, event.client_id, event.channel, event.purpose, event.action,
            event.source, event.source_ref, event.wording, event.captured_at, recorded_at,
            actor, event.valid_until, book_id,
        )
        for index, event in enumerate(events)
    ]  # fmt: skip
    append(tx, consent_event, _COLUMNS, rows)
    return cover(consent_event, _COLUMNS, rows)


def add_new(
    tx: Connection,
    events: Sequence[NewEvent],
    *,
    recorded_at: datetime,
    actor: str,
    book_id: int | None = None,
) -> tuple[int, Covered | None]:
    """Record those events the ledger does not hold yet; returns how many they were. Two events are
    one when client, scope, action, source, reference and moment agree."""
    ids = sorted({event.client_id for event in events})
    known = {_identity(event) for event in _recorded(tx, ids)}
    fresh: list[NewEvent] = []
    for event in events:
        if (identity := _identity(event)) not in known:
            known.add(identity)
            fresh.append(event)
    covered = add(tx, fresh, recorded_at=recorded_at, actor=actor, book_id=book_id)
    return len(fresh), covered


def _identity(event: NewEvent) -> tuple[Any, ...]:
    return (*event[:6], event.source_ref)


def _recorded(conn: Connection, ids: Sequence[int]) -> Iterable[NewEvent]:
    columns = [consent_event.c[name] for name in NewEvent._fields]
    for some in _pages(ids):
        rows = conn.execute(select(*columns).where(among(consent_event.c.client_id, some)))
        yield from (NewEvent(*row) for row in rows)


def _pages(ids: Sequence[int], size: int = 5_000) -> Iterable[Sequence[int]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


def events_of(conn: Connection, ids: Sequence[int]) -> dict[int, list[ConsentEvent]]:
    """The events of these clients, in the order they were recorded; none for most clients."""
    found: dict[int, list[ConsentEvent]] = defaultdict(list)
    event = consent_event.c
    for some in _pages(sorted(ids)):
        statement = (
            select(event.client_id, *_SELECTED)
            .where(among(event.client_id, some))
            .order_by(event.client_id, event.id)
        )
        for row in conn.execute(statement):
            found[row[0]].append(ConsentEvent(*row[1:]))
    return found


def history(conn: Connection, client_id: int) -> list[dict[str, Any]]:
    """Everything the ledger holds about a client, in the order it was recorded."""
    statement = (
        select(consent_event)
        .where(consent_event.c.client_id == client_id)
        .order_by(consent_event.c.id)
    )
    return [dict(row) for row in conn.execute(statement).mappings()]


def number_of(conn: Connection, client_id: int) -> str | None:
    """The client number behind an id."""
    found = conn.execute(select(client.c.client_no).where(client.c.id == client_id)).scalar()
    return None if found is None else str(found)


__all__ = ["NewEvent", "add", "add_new", "events_of", "history", "hold", "ids_of", "number_of"]
