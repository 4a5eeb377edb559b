"""One event as it came in, and all that was made of it."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from outreach.store.tables import (
    bounce,
    consent_event,
    event_aside,
    event_due,
    raw_event,
    receipt,
    reply,
)


class Recorded(NamedTuple):
    """An event that was stored before anything was made of it."""

    event: int
    source: str
    kind: str
    received_at: datetime
    content: bytes
    waits: bool  # it is not applied yet
    aside: str  # why nothing could be made of it
    receipts: tuple[int, ...]
    messages: tuple[int, ...]  # those its receipts and returned mails are about
    replies: tuple[int, ...]
    bounces: tuple[int, ...]
    consent_events: tuple[int, ...]


def recorded(conn: Connection, number: int) -> Recorded | None:
    """The event of this number; None where there is none."""
    found = conn.execute(select(raw_event).where(raw_event.c.id == number)).one_or_none()
    if found is None:
        return None
    waits = conn.execute(select(event_due.c.event_id).where(event_due.c.event_id == number)).first()
    why = select(event_aside.c.reason, event_aside.c.detail)
    aside = conn.execute(why.where(event_aside.c.event_id == number)).first()
    heard = _made(conn, receipt, number, receipt.c.message_id)
    returned = _made(conn, bounce, number, bounce.c.message_id)
    sources = [f"event {number}", *(f"bounce {row.id}" for row in returned)]
    told = select(consent_event.c.id).where(consent_event.c.source_ref.in_(sources))
    about = {row.message_id for row in (*heard, *returned) if row.message_id is not None}
    return Recorded(
        event=number,
        source=found.source,
        kind=found.kind,
        received_at=found.received_at,
        content=found.content,
        waits=waits is not None,
        aside=f"{aside.reason}: {aside.detail}" if aside else "",
        receipts=tuple(row.id for row in heard),
        messages=tuple(sorted(about)),
        replies=tuple(row.id for row in _made(conn, reply, number)),
        bounces=tuple(row.id for row in returned),
        consent_events=tuple(conn.execute(told.order_by(consent_event.c.id)).scalars()),
    )


def _made(conn: Connection, table: Any, number: int, *more: Any) -> list[Any]:
    query = select(table.c.id, *more).where(table.c.event_id == number).order_by(table.c.id)
    return list(conn.execute(query))
