"""Halts as versions: a correction is a further row, and the newest version is what holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from outreach.core.halts import Halt
from outreach.store.audit import Covered, cover
from outreach.store.books import Counts
from outreach.store.database import append
from outreach.store.tables import halt

_COLUMNS: Final = (*Halt._fields, "first_seen_at", "book_id")
_FIELDS: Final = tuple(halt.c[name] for name in Halt._fields)


class Added(NamedTuple):
    """What became of a chunk of halts. `refused` are the places of those whose version is known
    with other facts, with that version."""

    counts: Counts
    refused: dict[int, int]
    covered: Covered | None


def add(tx: Connection, halts: Sequence[Halt], *, book_id: int, seen_at: datetime) -> Added:
    """Add halts that are new, and versions that are new; what is known already stays as it is.

    Without a version, a halt whose facts differ from the newest version becomes the next one.
    """
    known = _versions(tx, [one.halt_id for one in halts])
    rows = []
    refused: dict[int, int] = {}
    added = updated = 0
    for place, one in enumerate(halts):
        versions = known.setdefault(one.halt_id, {})
        newest = max(versions, default=0)
        version = one.version or (newest if newest else 1)
        if version in versions:
            if versions[version].facts() == one.facts():
                continue
            if one.version is not None:
                refused[place] = version
                continue
            version += 1
        added, updated = (added + 1, updated) if not versions else (added, updated + 1)
        stored = one._replace(version=version)
        versions[version] = stored
        rows.append((*stored, seen_at, book_id))
    append(tx, halt, _COLUMNS, rows)
    unchanged = len(halts) - added - updated - len(refused)
    counts = Counts(added, updated, unchanged)
    return Added(counts, refused, cover(halt, _COLUMNS, rows))


def _versions(conn: Connection, ids: Sequence[str]) -> dict[str, dict[int, Halt]]:
    found: dict[str, dict[int, Halt]] = {}
    for at in range(0, len(ids), 500):
        statement = select(*_FIELDS).where(halt.c.halt_id.in_(ids[at : at + 500]))
        for row in conn.execute(statement):
            one = Halt(*row)
            found.setdefault(one.halt_id, {})[one.version or 0] = one
    return found
