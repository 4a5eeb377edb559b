"""The log, the rows it answers for and its checkpoints, as they all stood at one moment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import orjson
from sqlalchemy import Connection

from outreach.store import audit, standing
from outreach.store.audit import Checkpoint, Head, Stored
from outreach.store.covered import (
    COVERINGS,
    Key,
    Row,
    count_rows,
    row_hashes,
    rows_between,
)
from outreach.store.covered_faults import uncovered_row, what_is_wrong
from outreach.store.database import Database
from outreach.store.standing import Fault

_LOWEST = -(2**63)  # an entry may hide below number 0


class LogSnapshot:
    """One read transaction over the log; memory does not grow with the log."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def head(self) -> Head:
        return audit.head(self._conn)

    def entries(self) -> Iterator[Stored]:
        """Every stored entry by number, whatever its number."""
        return audit.entries(self._conn, since=_LOWEST)

    def entry(self, seq: int) -> Stored | None:
        """One entry by its number."""
        first = next(audit.entries(self._conn, since=seq), None)
        return first if first and first.seq == seq else None

    def leaves(self, size: int) -> list[bytes]:
        """The stored leaf hashes of the first `size` entries."""
        return audit.leaves(self._conn, size)

    def checkpoints(self) -> Iterator[Checkpoint]:
        return audit.checkpoints(self._conn)

    def newest_checkpoint_beyond(self, seq: int) -> Checkpoint | None:
        """The newest checkpoint whose tree holds entry `seq`."""
        latest = audit.latest_checkpoint(self._conn)
        return latest if latest and latest.size > seq else None

    def covered_hashes(self, entry: Stored) -> list[bytes] | None:
        """The hashes of the rows stored in the range of keys that an entry covers.

        None when this program knows no such table.
        """
        covering = COVERINGS.get(entry.covers_table or "")
        if covering is None:
            return None
        hashes: list[bytes] = []
        for page in rows_between(self._conn, covering, *_ends(entry)):
            hashes += row_hashes(page)
        return hashes

    def covered_row(self, entry: Stored, key: tuple[str, ...]) -> Row | None:
        """The stored row with this key, written as text, in the range that an entry covers."""
        covering = COVERINGS.get(entry.covers_table or "")
        if covering is None:
            return None
        for page in rows_between(self._conn, covering, *_ends(entry)):
            for row in page:
                if tuple(str(value) for value in covering.key(row)) == key:
                    return row
        return None

    def what_is_wrong(self, entry: Stored) -> tuple[str, str]:
        """The first changed or missing row of an entry, and the sentence about it."""
        covering = COVERINGS[entry.covers_table or ""]
        return what_is_wrong(self._conn, covering, entry.seq, entry.row_hints or b"", *_ends(entry))

    def row_counts(self) -> Iterator[tuple[str, int]]:
        """How many rows each covered table holds."""
        for name, covering in COVERINGS.items():
            yield name, count_rows(self._conn, covering)

    def uncovered_row(self, table: str) -> str | None:
        """What the first row is called that no entry covers."""
        return uncovered_row(self._conn, COVERINGS[table])

    def window_fault(self, entry: Stored) -> Fault | None:
        """What is wrong with the window whose outcomes an entry covers."""
        return standing.window_fault(self._conn, entry)

    def standing_faults(self, runs: Mapping[str, str], until: datetime | None) -> Iterator[Fault]:
        """What may change and is not what follows from the log: given the states it left runs in,
        and its newest moment."""
        yield from standing.run_faults(self._conn, runs)
        yield from standing.counter_faults(self._conn, runs)
        yield from standing.batch_faults(self._conn)
        yield from standing.reference_faults(self._conn)
        yield from standing.block_faults(self._conn, until)


@contextmanager
def log_snapshot(database: Database) -> Iterator[LogSnapshot]:
    """Open the log for reading, as of now."""
    with database.reading() as conn:
        yield LogSnapshot(conn)


def _ends(entry: Stored) -> tuple[Key, Key]:
    key_from, key_to = (
        orjson.loads(entry.covers_from or "[]"),
        orjson.loads(entry.covers_to or "[]"),
    )
    return tuple(key_from), tuple(key_to)
