"""The audit log: entries nobody changes, the tree over them, and the checkpoints that seal it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, insert, or_, select, update

from outreach.core import note
from outreach.core.merkle import Frontier, leaf_hash
from outreach.store import database
from outreach.store.covered import Covered, cover, row_bytes
from outreach.store.tables import audit_entry, audit_head, checkpoint

__all__ = [
    "Asked",
    "Checkpoint",
    "Covered",
    "Entry",
    "Head",
    "Stored",
    "append",
    "asked_for",
    "checkpoints",
    "cover",
    "entries",
    "head",
    "latest_checkpoint",
    "leaves",
    "write_checkpoint",
]

_HEAD_ID: Final = 1
_COLUMNS: Final = tuple(column.name for column in audit_entry.columns)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is logged: who did what to what. `detail` holds ids, codes and digests, no addresses.

    `covered` comes from `cover` and answers for the rows that the same transaction adds.
    """

    at: datetime
    kind: str  # `run.opened`, `consent.withdrawn`: at most 32 characters
    actor: str
    subject: str  # what it is about: `run 3`, `client 8812`
    detail: Mapping[str, Any]
    covered: Covered | None = None


class Head(NamedTuple):
    """The tree as it stands: how many entries, and the frontier that its root comes from."""

    size: int
    root: bytes
    frontier: bytes


class Stored(NamedTuple):
    """An entry as it is stored, column for column."""

    seq: int
    at: datetime
    kind: str
    actor: str
    subject: str
    detail: bytes
    covers_table: str | None
    covers_from: str | None
    covers_to: str | None
    covers_count: int | None
    covers_root: bytes | None
    row_hints: bytes | None
    leaf: bytes

    def computed_leaf(self) -> bytes:
        """The leaf hash this entry ought to have."""
        return leaf_hash(row_bytes(tuple(self[:-1])))


def append(tx: Connection, entries: Sequence[Entry]) -> int:
    """Add entries in the caller's transaction; return the number of the first.

    Do it last in a transaction: on PostgreSQL, whoever appends waits here until the appenders
    before it have committed. Raises ValueError for a time without a zone.
    """
    before = _locked_head(tx)
    if not entries:
        return before.size
    rows = [_row(seq, entry) for seq, entry in enumerate(entries, start=before.size)]
    database.append(tx, audit_entry, _COLUMNS, rows)
    after = Frontier.from_bytes(before.frontier).append(row[-1] for row in rows)
    changed = {"size": after.size, "frontier": after.to_bytes(), "root": after.root()}
    tx.execute(_SET_HEAD, changed)
    return before.size


def _row(seq: int, entry: Entry) -> tuple[Any, ...]:
    if entry.at.utcoffset() is None:
        raise ValueError(f"an entry's time needs a zone: {entry.at!r}")
    detail = orjson.dumps(dict(entry.detail), option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    covers: tuple[Any, ...] = (None,) * 6
    if one := entry.covered:
        ends = (orjson.dumps(one.key_from).decode(), orjson.dumps(one.key_to).decode())
        covers = (one.table, *ends, one.count, one.root, one.hints)
    at = entry.at.astimezone(UTC)
    values = (seq, at, entry.kind, entry.actor, entry.subject, detail, *covers)
    return (*values, leaf_hash(row_bytes(values)))


def _locked_head(tx: Connection) -> Head:
    """The head, held against other appenders until the transaction ends."""
    found = tx.execute(_HELD_HEAD).one_or_none()
    if found is None:
        _plant(tx)
        found = tx.execute(_HELD_HEAD).one()
    return Head(*found)


def _plant(tx: Connection) -> None:
    """The head of an empty tree, once, even when two first appenders meet."""
    if tx.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_new
    else:
        from sqlalchemy.dialects.postgresql import insert as insert_new  # type: ignore[assignment]
    empty = Frontier()
    values = {"id": _HEAD_ID, "size": 0, "frontier": empty.to_bytes(), "root": empty.root()}
    tx.execute(insert_new(audit_head).values(values).on_conflict_do_nothing())


_HEAD_COLUMNS: Final = (audit_head.c.size, audit_head.c.root, audit_head.c.frontier)
_HELD_HEAD: Final = select(*_HEAD_COLUMNS).where(audit_head.c.id == _HEAD_ID).with_for_update()
_SET_HEAD: Final = update(audit_head).where(audit_head.c.id == _HEAD_ID)


def head(conn: Connection) -> Head:
    """The tree head as it is stored; that of an empty tree before the first entry."""
    found = conn.execute(select(*_HEAD_COLUMNS).where(audit_head.c.id == _HEAD_ID)).one_or_none()
    empty = Frontier()
    return Head(*found) if found else Head(0, empty.root(), empty.to_bytes())


def entries(conn: Connection, since: int = 0) -> Iterator[Stored]:
    """The stored entries in order from number `since`, streamed."""
    statement = select(audit_entry).where(audit_entry.c.seq >= since).order_by(audit_entry.c.seq)
    with conn.execute(statement, execution_options={"yield_per": 200}) as result:
        for row in result:
            yield Stored(*row)


class Asked(NamedTuple):
    """Which entries are asked for; nothing = all. `until` is exclusive."""

    about: tuple[str, ...] = ()  # subjects, whole
    kinds: tuple[str, ...] = ()  # whole, or their first word: `run` for `run.opened` and the others
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def asked_for(conn: Connection, asked: Asked, limit: int | None) -> Iterator[Stored]:
    """Those entries, newest first, streamed."""
    of = audit_entry.c
    statement = select(audit_entry).order_by(of.seq.desc()).limit(limit)
    if asked.about:
        statement = statement.where(of.subject.in_(asked.about))
    if asked.kinds:
        begins = (of.kind.startswith(f"{kind}.", autoescape=True) for kind in asked.kinds)
        statement = statement.where(or_(of.kind.in_(asked.kinds), *begins))
    if asked.actor is not None:
        statement = statement.where(of.actor == asked.actor)
    if asked.since is not None:
        statement = statement.where(of.at >= asked.since)
    if asked.until is not None:
        statement = statement.where(of.at < asked.until)
    with conn.execute(statement, execution_options={"yield_per": 200}) as result:
        for row in result:
            yield Stored(*row)


def leaves(conn: Connection, size: int) -> list[bytes]:
    """The stored leaf hashes of the first `size` entries: 32 bytes each, for a proof."""
    statement = select(audit_entry.c.leaf).where(audit_entry.c.seq < size)
    return list(conn.execute(statement.order_by(audit_entry.c.seq)).scalars())


# --- checkpoints -----------------------------------------------------------------------------


class Checkpoint(NamedTuple):
    """A sealed tree head: from `at` on, the first `size` entries can no longer be rewritten."""

    id: int
    size: int
    root: bytes
    note: str
    at: datetime


def write_checkpoint(
    tx: Connection, origin: str, at: datetime, actor: str, private_key: bytes | None
) -> Checkpoint:
    """Seal the log as it stands and log that too; when nothing was added since, the last one.

    With a key (32-byte Ed25519 seed) the note is signed under the name `origin`. Without, it is
    the bare checkpoint text, which proves nothing unless a copy is kept elsewhere.
    """
    now = _locked_head(tx)
    last = latest_checkpoint(tx)
    signed = private_key is not None
    # A checkpoint adds one entry, its own; that alone is no reason for another.
    if last and now.size == last.size + 1 and ("\n\n" in last.note) == signed:
        return last
    text = note.checkpoint_text(origin, now.size, now.root)
    if private_key is not None:
        text = note.sign(text, origin, private_key)
    values = {"size": now.size, "root": now.root, "note": text, "at": at}
    added = tx.execute(insert(checkpoint).values(values).returning(checkpoint.c.id)).scalar_one()
    made = Checkpoint(added, now.size, now.root, text, at)
    covered = cover(checkpoint, Checkpoint._fields, [tuple(made)])
    detail = {"size": now.size, "root": now.root.hex(), "signed": signed}
    append(tx, [Entry(at, "audit.checkpoint", actor, f"checkpoint {added}", detail, covered)])
    return made


def latest_checkpoint(conn: Connection) -> Checkpoint | None:
    """The newest checkpoint."""
    statement = select(checkpoint).order_by(checkpoint.c.id.desc()).limit(1)
    found = conn.execute(statement).one_or_none()
    return Checkpoint(*found) if found else None


def checkpoints(conn: Connection) -> Iterator[Checkpoint]:
    """Every checkpoint, by the size of its tree."""
    statement = select(checkpoint).order_by(checkpoint.c.size, checkpoint.c.id)
    with conn.execute(statement, execution_options={"yield_per": 200}) as result:
        for row in result:
            yield Checkpoint(*row)
