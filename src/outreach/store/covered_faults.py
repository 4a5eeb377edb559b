"""Naming what is wrong with covered rows. Read only after a root has been found not to match."""

from bisect import insort
from collections.abc import Iterator
from operator import itemgetter

import orjson
from sqlalchemy import Connection, select

from outreach.store.covered import (
    HINT_SIZE,
    Covering,
    Key,
    Row,
    all_rows,
    row_hashes,
    rows_between,
)
from outreach.store.tables import audit_entry

CHANGED = "its content differs from what was recorded"


def what_is_wrong(
    conn: Connection, covering: Covering, seq: int, row_hints: bytes, key_from: Key, key_to: Key
) -> tuple[str, str]:
    """The first row of entry `seq` that is changed or missing, and the sentence about it."""
    rows = list(_hinted(rows_between(conn, covering, key_from, key_to)))
    hints = _split(row_hints)
    places = {hint: at for at, (_, hint) in enumerate(rows)}
    missing = next((at for at, hint in enumerate(hints) if hint not in places), None)
    if missing is None:
        return f"rows of {covering.table.name}", "their root is not the recorded one"
    before = places[hints[missing - 1]] if missing else -1
    after = next((places[hint] for hint in hints[missing:] if hint in places), len(rows))
    foreign = _hints_of_others(conn, covering, seq, key_from, key_to)
    for row, hint in rows[before + 1 : after]:
        if hint not in foreign:
            return covering.name(row), CHANGED
    if missing == 0:
        return _called(covering, key_from), "it is missing"
    if missing == len(hints) - 1:
        return _called(covering, key_to), "it is missing"
    return f"the row after {covering.name(rows[before][0])}", "it is missing"


def uncovered_row(conn: Connection, covering: Covering) -> str | None:
    """The first row of a table that no entry covers, in key order; None when all are covered."""
    ranges = sorted(_ranges(conn, covering), key=itemgetter(0))
    active: list[tuple[Key, int, frozenset[bytes]]] = []
    opened = 0
    for row, hint in _hinted(all_rows(conn, covering)):
        key = covering.key(row)
        while opened < len(ranges) and ranges[opened][0] <= key:
            _, key_to, seq = ranges[opened]
            insort(active, (key_to, seq, frozenset(_hints(conn, seq))))
            opened += 1
        while active and active[0][0] < key:
            active.pop(0)
        if not any(hint in hints for _, _, hints in active):
            return covering.name(row)
    return None


def _called(covering: Covering, key: Key) -> str:
    parts = (f"{name} {value}" for name, value in zip(covering.order, key, strict=True))
    return f"{covering.table.name} {' '.join(parts)}"


def _hinted(pages: Iterator[list[Row]]) -> Iterator[tuple[Row, bytes]]:
    for page in pages:
        yield from zip(page, (one[:HINT_SIZE] for one in row_hashes(page)), strict=True)


def _split(row_hints: bytes) -> list[bytes]:
    return [row_hints[at : at + HINT_SIZE] for at in range(0, len(row_hints), HINT_SIZE)]


def _ranges(conn: Connection, covering: Covering) -> Iterator[tuple[Key, Key, int]]:
    """The key ranges of every entry that covers rows of the table."""
    columns = audit_entry.c
    statement = select(columns.covers_from, columns.covers_to, columns.seq).where(
        columns.covers_table == covering.table.name
    )
    for key_from, key_to, seq in conn.execute(statement):
        yield tuple(orjson.loads(key_from)), tuple(orjson.loads(key_to)), seq


def _hints(conn: Connection, seq: int) -> list[bytes]:
    statement = select(audit_entry.c.row_hints).where(audit_entry.c.seq == seq)
    return _split(conn.execute(statement).scalar_one() or b"")


def _hints_of_others(
    conn: Connection, covering: Covering, seq: int, key_from: Key, key_to: Key
) -> set[bytes]:
    """What other entries recorded within this range of keys."""
    others = list(_ranges(conn, covering))
    return {
        hint
        for other_from, other_to, other in others
        if other != seq and other_from <= key_to and other_to >= key_from
        for hint in _hints(conn, other)
    }
