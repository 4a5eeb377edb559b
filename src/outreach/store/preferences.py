"""What clients asked of us: a history that is only added to, and its sum in the client book."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, select, update

from outreach.core.preference_rows import IN_BOOK, Stated, standing
from outreach.store.audit import Covered, cover
from outreach.store.books import Counts
from outreach.store.database import allocate, append
from outreach.store.facts import among
from outreach.store.tables import client, preference_event

_COLUMNS: Final = tuple(column.name for column in preference_event.columns)
_EMPTY: Final = {"topics": ""}  # what the book holds where nothing stands; else NULL
_AT_ONCE: Final = 5_000


def record(
    tx: Connection, news: Sequence[Stated], *, recorded_at: datetime, actor: str, book_id: int
) -> tuple[Counts, Covered | None]:
    """Add what is news, and bring the client book up to it. What says nothing new is unchanged."""
    ids = sorted({one.client_id for one in news})
    history, book = events_of(tx, ids), _in_book(tx, ids)
    fresh: list[Stated] = []
    first_time: set[int] = set()
    for one in news:
        known = history[one.client_id]
        if one in known or _says_nothing_new(one, known, book[one.client_id]):
            continue
        if not known:
            first_time.add(one.client_id)
        known.append(one)
        fresh.append(one)
    if not fresh:
        return Counts(unchanged=len(news)), None
    first = allocate(tx, "preference_event", len(fresh))
    rows = [
        (
            first + index, one.client_id, _dumped(one.said), one.said_by, one.said_at,
            recorded_at, actor, book_id,
        )
        for index, one in enumerate(fresh)
    ]  # fmt: skip
    append(tx, preference_event, _COLUMNS, rows)
    _bring_up(tx, fresh, history, book, book_id, recorded_at)
    added = sum(one.client_id in first_time for one in fresh)
    counts = Counts(added, len(fresh) - added, len(news) - len(fresh))
    return counts, cover(preference_event, _COLUMNS, rows)


def _says_nothing_new(one: Stated, known: Sequence[Stated], book: dict[str, Any]) -> bool:
    """Whether it repeats what stands, in the history and in the book."""
    stands = standing(known)
    return all(
        name in stands and stands[name] == value and book.get(name, value) == _kept(name, value)
        for name, value in one.said.items()
    )


def _kept(name: str, value: Any) -> Any:
    """A value as the book holds it."""
    return _EMPTY.get(name) if value is None else value


def _dumped(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def _bring_up(
    tx: Connection,
    fresh: Sequence[Stated],
    history: dict[int, list[Stated]],
    book: dict[int, dict[str, Any]],
    book_id: int,
    at: datetime,
) -> None:
    """Write what stands now of that which was spoken of; the rest may have come another way."""
    spoken_of: dict[int, set[str]] = defaultdict(set)
    for one in fresh:
        spoken_of[one.client_id].update(one.said)
    rows = []
    for client_id, names in sorted(spoken_of.items()):
        stands, holds = standing(history[client_id]), book[client_id]
        values = {
            f"new_{name}": _kept(name, stands[name]) if name in names else holds[name]
            for name in IN_BOOK
        }
        rows.append({"of": client_id, **values})
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in IN_BOOK}
    changed |= {"book_id": book_id, "updated_at": at}
    tx.execute(update(client).where(client.c.id == bindparam("of")).values(changed), rows)


def _in_book(conn: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    columns = [client.c[name] for name in IN_BOOK]
    found: dict[int, dict[str, Any]] = {}
    for some in _pages(ids):
        statement = select(client.c.id, *columns).where(among(client.c.id, some))
        for row in conn.execute(statement):
            found[row[0]] = dict(zip(IN_BOOK, row[1:], strict=True))
    return found


def _pages(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE)]


def events_of(conn: Connection, ids: Sequence[int]) -> dict[int, list[Stated]]:
    """What was said about these clients (ascending ids), in the order it was recorded."""
    found: dict[int, list[Stated]] = defaultdict(list)
    event = preference_event.c
    for some in _pages(ids):
        statement = (
            select(event.client_id, event.said, event.said_by, event.said_at)
            .where(among(event.client_id, some))
            .order_by(event.client_id, event.id)
        )
        for row in conn.execute(statement):
            found[row[0]].append(Stated(row[0], orjson.loads(row[1]), row[2], row[3]))
    return found


def history(conn: Connection, client_id: int) -> list[dict[str, Any]]:
    """Everything on record about one client's preferences, in the order it was recorded."""
    statement = (
        select(preference_event)
        .where(preference_event.c.client_id == client_id)
        .order_by(preference_event.c.id)
    )
    return [
        {**row, "said": orjson.loads(row["said"])} for row in conn.execute(statement).mappings()
    ]
