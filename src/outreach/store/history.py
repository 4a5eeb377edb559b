"""All that is on record about one message, in the order it happened.

`told` says what a message came to; this says how: each time a sender had it, what came of each
attempt, each receipt and the event it came by, and what people said of a doubt.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, and_, or_, select

from outreach.store.tables import doubt_step, outcome, raw_event, receipt, retry, window


class Happening(NamedTuple):
    """One fact about a message."""

    at: datetime  # when it was recorded
    what: str  # intent | outcome | receipt | proposed | confirmed | withdrawn
    state: str  # of an outcome or a receipt; of a proposal, its verdict
    code: str
    detail: str  # as it was said; masked where it is shown
    by: str  # the sender, the source a receipt came from, or the person
    provider_ref: str
    record: str  # where it stands: `window 7`, `receipt 3 by event 12`, `doubt step 2`


# What happened in the same moment stands in this order.
_ORDER = ("proposed", "confirmed", "withdrawn", "intent", "outcome", "receipt")


def history(conn: Connection, message: Any) -> list[Happening]:
    """What happened to a message (its id, run_id and batch_id), oldest first."""
    found = [
        *_attempts(conn, message),
        *_receipts(conn, message.id),
        *_settled(conn, message.run_id, message.id),
    ]
    return sorted(found, key=lambda one: (one.at, _ORDER.index(one.what)))


def _attempts(conn: Connection, message: Any) -> Iterator[Happening]:
    """Each time a sender had it in hand, and what came of that."""
    windows = _windows(conn, message)
    mine = outcome.c.window_id.in_([one.id for one in windows])
    query = select(outcome).where(mine, outcome.c.message_id == message.id)
    came = {row.window_id: row for row in conn.execute(query)} if windows else {}
    now_in = select(retry.c.window_id).where(retry.c.message_id == message.id)
    held = conn.execute(now_in).scalar_one_or_none()
    begun: dict[datetime, str] = {}
    for one in windows:
        row = came.get(one.id)
        # A window of retries names a range, and what people settle stands in a copy of a window
        # that held others too.
        if row is None and (one.settled_at or (one.batch_id is None and one.id != held)):
            continue
        record = f"window {one.id}"
        if one.intent_at not in begun:
            begun[one.intent_at] = one.owner
            yield Happening(one.intent_at, "intent", "", "", "", one.sender, "", record)
        if row is not None:
            by = one.sender if one.owner == begun[one.intent_at] else one.owner
            yield Happening(
                row.at, "outcome", row.state, row.code, row.detail, by, row.provider_ref, record
            )


def _windows(conn: Connection, message: Any) -> Sequence[Any]:
    of_retries = and_(window.c.batch_id.is_(None), window.c.run_id == message.run_id)
    columns = (
        window.c.id, window.c.batch_id, window.c.sender, window.c.owner, window.c.intent_at,
        window.c.settled_at,
    )  # fmt: skip
    query = select(*columns).where(
        or_(window.c.batch_id == message.batch_id, of_retries),
        window.c.first_id <= message.id,
        window.c.last_id >= message.id,
    )
    return conn.execute(query.order_by(window.c.id)).all()


def _receipts(conn: Connection, message_id: int) -> Iterator[Happening]:
    query = (
        select(receipt, raw_event.c.source)
        .outerjoin(raw_event, raw_event.c.id == receipt.c.event_id)
        .where(receipt.c.message_id == message_id)
        .order_by(receipt.c.id)
    )
    for row in conn.execute(query):
        record = f"receipt {row.id} by event {row.event_id}"
        yield Happening(
            row.at, "receipt", row.state, row.code, row.detail, row.source or "", row.provider_ref,
            record,
        )  # fmt: skip


_WORDS = {"propose": "proposed", "confirm": "confirmed", "withdraw": "withdrawn"}


def _settled(conn: Connection, run_id: int, message_id: int) -> Iterator[Happening]:
    """What people proposed of it while it was in doubt, and who confirmed that."""
    query = select(doubt_step).where(doubt_step.c.run_id == run_id).order_by(doubt_step.c.id)
    proposed = set()
    for row in conn.execute(query):
        named = message_id in orjson.loads(row.messages)
        if named and row.action == "propose":
            proposed.add(row.proposal_id)
        if named or (row.action == "withdraw" and row.proposal_id in proposed):
            yield Happening(
                row.at, _WORDS[row.action], row.verdict, "", row.why, row.actor, "",
                f"doubt step {row.id}",
            )  # fmt: skip
