"""Rows the audit log answers for: which tables, in what order, and how a row becomes bytes.

A covered row is appended once and never changes. The transaction that adds it also adds an audit
entry with the Merkle root over the hashes of the rows, so a thousand rows cost one entry and each
of them stays provable by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
    collate,
    func,
    select,
    tuple_,
)

from outreach.core.merkle import root
from outreach.store import tables
from outreach.store.tables import UtcDateTime

HINT_SIZE: Final = 8  # bytes of a row's hash kept in its entry, to name the row that was changed

Row = tuple[Any, ...]
Key = tuple[int | str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Covering:
    """How one table is covered: the order its rows are hashed in, and how a row is called.

    `order` begins with the columns that rows of one entry share, so that an entry is a range of it.
    `columns` are those that are never updated; for most tables all of them.
    """

    table: Table
    order: tuple[str, ...]
    called: str
    columns: tuple[str, ...]

    def key(self, row: Row) -> Key:
        return tuple(row[self.columns.index(name)] for name in self.order)

    def name(self, row: Row) -> str:
        """What a person calls this row: ids only, never a name or an address."""
        return self.called.format_map(dict(zip(self.columns, row, strict=True)))


def _covering(table: Table, order: str, called: str, columns: str | None = None) -> Covering:
    names = columns.split() if columns else [column.name for column in table.columns]
    return Covering(table, tuple(order.split()), called, tuple(names))


# Every row of these tables must be covered: `audit verify` calls one that is not an added row.
COVERINGS: Final = {
    covering.table.name: covering
    for covering in (
        _covering(tables.decision, "run_id client_id", "decision run {run_id} client {client_id}"),
        _covering(tables.message, "id", "message {id} run {run_id} client {client_id}"),
        _covering(
            tables.outcome,
            "window_id message_id",
            "outcome window {window_id} message {message_id}",
        ),
        _covering(tables.consent_event, "id", "consent event {id} client {client_id}"),
        _covering(
            tables.holding,
            "book_id market symbol client_id",
            "holding book {book_id} {symbol}.{market} client {client_id}",
        ),
        _covering(
            tables.halt,
            "book_id halt_id version",
            "halt {halt_id} version {version} book {book_id}",
        ),
        _covering(
            tables.halt_source,
            "book_id halt_id version",
            "source of halt {halt_id} version {version} book {book_id}",
        ),
        _covering(
            tables.halt_alert,
            "book_id halt_id version event",
            "halt alert {halt_id} version {version} {event}",
        ),
        _covering(
            tables.halt_told,
            "id",
            "telling {id} by {campaign} of halt alert {halt_id} version {version} {event}",
        ),
        _covering(
            tables.watching,
            "book_id market symbol client_id",
            "watching book {book_id} {symbol}.{market} client {client_id}",
        ),
        _covering(tables.market_level, "id", "level {id} of {index_code} book {book_id}"),
        _covering(
            tables.margin_ratio,
            "book_id client_id",
            "margin ratio book {book_id} client {client_id}",
        ),
        _covering(
            tables.margin_event,
            "book_id line client_id",
            "margin {line} {direction} book {book_id} client {client_id}",
        ),
        _covering(tables.approval, "id", "approval {id} campaign {campaign}"),
        _covering(
            tables.run,
            "id",
            "run {id} campaign {campaign}",
            "id campaign occurrence purpose campaign_digest segment_digest template_digest"
            " policy_digest approval_id values opened_at opened_by expires_at reason",
        ),
        _covering(tables.frozen, "digest", "frozen {kind} {name} {digest}"),
        _covering(
            tables.calendar_override, "id", "override {override_id} of {market} {on_date} step {id}"
        ),
        _covering(tables.preference_event, "id", "preferences {id} client {client_id}"),
        _covering(tables.survey_answer, "id", "answer {id} run {run_id} client {client_id}"),
        _covering(tables.follow_up, "id", "follow-up {id} of answer {answer_id}"),
        _covering(tables.follow_up_step, "id", "step {id} of follow-up {follow_up_id}"),
        _covering(tables.incident, "id", "incident {id}"),
        _covering(
            tables.incident_step, "incident_id sequence", "incident {incident_id} step {sequence}"
        ),
        _covering(tables.doubt_step, "id", "step {id} on doubts of run {run_id}"),
        _covering(tables.raw_event, "id", "event {id} from {source}"),
        _covering(tables.event_aside, "event_id", "setting aside of event {event_id}"),
        _covering(tables.receipt, "id", "receipt {id} for message {message_id}"),
        _covering(tables.reply, "id", "reply {id}"),
        _covering(tables.reply_step, "id", "step {id} about reply {reply_id}"),
        _covering(tables.call_back, "id", "call-back {id} {rule} client {client_id}"),
        _covering(tables.call_back_result, "id", "call-back result {id} {rule} client {client_id}"),
        _covering(tables.call_back_base, "id", "call-back base {id} of {year}"),
        _covering(
            tables.call_back_base_client,
            "base_id client_id",
            "call-back base {base_id} client {client_id}",
        ),
        _covering(tables.call_back_draw, "id", "call-back draw {id} of {year}"),
        _covering(tables.bounce, "id", "returned mail {id} about message {message_id}"),
        _covering(tables.block_step, "id", "step {id} on a blocked address"),
        _covering(tables.checkpoint, "id", "checkpoint {id} size {size}"),
    )
}


@dataclass(frozen=True, slots=True)
class Covered:
    """What an audit entry says about the rows it covers: all from `key_from` to `key_to`."""

    table: str
    key_from: Key
    key_to: Key
    count: int
    root: bytes
    hints: bytes


def row_bytes(row: Row) -> bytes:
    """A row as the bytes that are hashed: a JSON array of its values.

    Bytes are written in hex, times in UTC with `Z`, dates and times of day in ISO 8601. Times must
    already be in UTC, as they are when read back; `cover` sees to it for rows about to be stored.
    """
    return orjson.dumps(row, default=bytes.hex, option=orjson.OPT_UTC_Z)


def row_hashes(rows: Iterable[Row]) -> list[bytes]:
    """The leaf hash (RFC 6962) of each row's bytes."""
    # One expression a row: calls to leaf_hash and row_bytes would cost half as much again.
    dumps, utc_z, to_hex = orjson.dumps, orjson.OPT_UTC_Z, bytes.hex
    return [sha256(b"\x00" + dumps(row, default=to_hex, option=utc_z)).digest() for row in rows]


def recorded_among(hashes: Iterable[bytes], row_hints: bytes) -> list[bytes]:
    """Those of the hashes, in their order, that an entry with these hints recorded."""
    hints = {row_hints[at : at + HINT_SIZE] for at in range(0, len(row_hints), HINT_SIZE)}
    return [one for one in hashes if one[:HINT_SIZE] in hints]


def cover(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> Covered | None:
    """What to log about rows that this transaction adds; None when there are none.

    Takes what `database.append` takes. A column that is left out must be empty in the table too.
    Raises ValueError for a table that is not covered, a key that is not known yet (let `allocate`
    give the ids), or a time without a zone.
    """
    if not rows:
        return None
    covering = COVERINGS.get(table.name)
    if covering is None:
        raise ValueError(f"the rows of {table.name} are not covered by the audit log")
    arranged = _arranged(covering, columns, rows)
    hashes = row_hashes(arranged)
    return Covered(
        table.name,
        covering.key(arranged[0]),
        covering.key(arranged[-1]),
        len(arranged),
        root(hashes),
        b"".join([one[:HINT_SIZE] for one in hashes]),
    )


def _arranged(covering: Covering, columns: tuple[str, ...], rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with the covered columns in table order, times in UTC, sorted by key."""
    places, moments, by_key = _plan(covering, columns)
    if places is not None:
        rows = [tuple([None if at is None else row[at] for at in places]) for row in rows]
    elif type(rows[0]) is not tuple:
        rows = [tuple(row) for row in rows]
    for at in moments:
        if any(row[at] is not None and row[at].tzinfo is not UTC for row in rows):
            rows = [(*row[:at], _utc(row[at]), *row[at + 1 :]) for row in rows]
    return sorted(rows, key=by_key)


@lru_cache(maxsize=64)
def _plan(
    covering: Covering, columns: tuple[str, ...]
) -> tuple[tuple[int | None, ...] | None, tuple[int, ...], Any]:
    """Where the covered columns stand in the given ones (None: as they are), which are times."""
    table = covering.table
    missing = [name for name in covering.columns if name not in columns]
    if unknown := [name for name in missing if not table.c[name].nullable]:
        raise ValueError(f"cannot cover rows of {table.name} without their {', '.join(unknown)}")
    places = tuple(columns.index(name) if name in columns else None for name in covering.columns)
    moments = tuple(
        at
        for at, name in enumerate(covering.columns)
        if isinstance(table.c[name].type, UtcDateTime)
    )
    by_key = itemgetter(*(covering.columns.index(name) for name in covering.order))
    return None if covering.columns == columns else places, moments, by_key


def _utc(moment: Any) -> Any:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be covered: {moment!r}")
    return moment.astimezone(UTC)


# --- reading covered rows back ---------------------------------------------------------------


def rows_between(
    conn: Connection, covering: Covering, key_from: Key, key_to: Key
) -> Iterator[list[Row]]:
    """The stored rows of a key range in key order, some thousands at a time."""
    within = _range(conn, covering, key_from, key_to)
    return _pages(conn, _ordered(conn, covering).where(within))


def all_rows(conn: Connection, covering: Covering) -> Iterator[list[Row]]:
    """Every stored row of a table in key order, some thousands at a time."""
    return _pages(conn, _ordered(conn, covering))


def count_rows(conn: Connection, covering: Covering) -> int:
    """How many rows the table holds."""
    return conn.execute(select(func.count()).select_from(covering.table)).scalar_one()


def _pages(conn: Connection, statement: Select[Any]) -> Iterator[list[Row]]:
    with conn.execute(statement, execution_options={"yield_per": 2000}) as result:
        for page in result.partitions():
            yield [tuple(row) for row in page]


def _ordered(conn: Connection, covering: Covering) -> Select[Any]:
    columns = (covering.table.c[name] for name in covering.columns)
    return select(*columns).order_by(*(_bytewise(conn, covering, name) for name in covering.order))


def _bytewise(conn: Connection, covering: Covering, name: str) -> ColumnElement[Any]:
    """A key column as it sorts: text by its bytes, as SQLite does and Python, in any language."""
    column = covering.table.c[name]
    if conn.dialect.name == "sqlite" or not isinstance(column.type, String):
        return column
    return collate(column, "C")


def _range(conn: Connection, covering: Covering, key_from: Key, key_to: Key) -> ColumnElement[bool]:
    """The condition of a key range. What both ends share is asked for outright: it has an index."""
    shared = 0
    while shared < len(key_from) and key_from[shared] == key_to[shared]:
        shared += 1
    columns = covering.table.c
    conditions = [columns[covering.order[at]] == key_from[at] for at in range(shared)]
    if rest := covering.order[shared:]:
        types = [columns[name].type for name in rest]
        place = tuple_(*(_bytewise(conn, covering, name) for name in rest))
        conditions.append(place >= tuple_(*key_from[shared:], types=types))
        conditions.append(place <= tuple_(*key_to[shared:], types=types))
    return and_(*conditions)
