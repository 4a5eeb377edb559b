"""Which message a provider means by its own reference, where our number does not come back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from outreach.store.by_time import SKEW, first_since
from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import message, outcome, provider_reference, receipt, window


def keep(tx: Connection, sender: str, references: Iterable[tuple[str, int]]) -> None:
    """Remember which message a provider means by (reference, message)."""
    rows = [
        {"sender": sender, "reference": plain(name, 200), "message_id": number}
        for name, number in references
        if name
    ]
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as upsert
    else:
        from sqlalchemy.dialects.postgresql import insert as upsert  # type: ignore[assignment]
    tx.execute(upsert(provider_reference).on_conflict_do_nothing(), rows)


def meant(
    conn: Connection, wanted: Mapping[str, Iterable[str]]
) -> dict[tuple[str, str], list[int]]:
    """The messages under (sender, reference), of the references wanted of each sender. A gateway
    may give one reference to all messages of a request."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    known = provider_reference.c
    for sender, references in wanted.items():
        query = select(known.reference, known.message_id).where(
            known.sender == sender, one_of(conn, known.reference, set(references))
        )
        for reference, number in conn.execute(query):
            found[sender, reference].append(number)
    return found


def held(
    conn: Connection, sender: str, addresses: Collection[str], since: datetime, until: datetime
) -> dict[str, dict[str, int]]:
    """By address: the references that are known, and the message of each, of what a sender handed
    over between two moments, as its outcomes and receipts tell."""
    first = first_since(conn, window, "intent_at", since)
    if first is None:
        return {}
    query = (
        select(message.c.id, message.c.address, outcome.c.provider_ref)
        .join(outcome, outcome.c.message_id == message.c.id)
        .join(window, window.c.id == outcome.c.window_id)
        .where(
            window.c.id >= first, window.c.sender == sender, window.c.intent_at <= until + SKEW,
            one_of(conn, message.c.address, addresses),
        )
    )  # fmt: skip
    rows = conn.execute(query).all()
    went = {int(row.id): str(row.address) for row in rows}
    told = select(receipt.c.message_id, receipt.c.provider_ref)
    heard = conn.execute(told.where(one_of(conn, receipt.c.message_id, went))).all() if went else []
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for number, reference in [*((row.id, row.provider_ref) for row in rows), *heard]:
        if reference:
            found[went[number]][reference] = int(number)
    return found
