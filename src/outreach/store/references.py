"""Which message a provider means by its own reference, where our number does not come back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import provider_reference


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
