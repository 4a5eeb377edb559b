"""Imports as the database remembers them: which file, as of when, and what it came to."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from outreach.store.tables import book


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of a file: read = added + updated + unchanged + rejected."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        return self.added + self.updated + self.unchanged + self.rejected

    def told(self) -> dict[str, int]:
        """The totals by name, rows read first."""
        return {"read": self.read, **asdict(self)}

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
        )


def open_book(
    tx: Connection,
    kind: str,
    *,
    file: str,
    digest: str,
    encoding: str,
    as_of: datetime,
    imported_at: datetime,
) -> int:
    """Begin an import: clients, holdings, consents or halts. It counts once it is finished."""
    row = {
        "kind": kind, "file": file, "digest": digest, "encoding": encoding, "as_of": as_of,
        "imported_at": imported_at, "read": 0, "added": 0, "updated": 0, "unchanged": 0,
        "rejected": 0,
    }  # fmt: skip
    return int(tx.execute(insert(book).values(row).returning(book.c.id)).scalar_one())


def finish(
    tx: Connection, book_id: int, counts: Counts, rejects_file: str | None, at: datetime
) -> None:
    """End an import: from now on the book is one taken in whole."""
    values: dict[str, Any] = {
        **counts.told(), "rejects_file": rejects_file, "finished_at": at,
    }  # fmt: skip
    tx.execute(update(book).where(book.c.id == book_id).values(values))


def listed(conn: Connection, kind: str | None = None) -> list[dict[str, Any]]:
    """Every import, newest first."""
    statement = select(book).order_by(book.c.id.desc())
    if kind is not None:
        statement = statement.where(book.c.kind == kind)
    return [dict(row) for row in conn.execute(statement).mappings()]


def as_of(conn: Connection, numbers: Iterable[int]) -> dict[int, tuple[datetime, str]]:
    """By book, the moment it speaks of and the file it was read from."""
    query = select(book.c.id, book.c.as_of, book.c.file).where(book.c.id.in_(sorted(set(numbers))))
    return {row[0]: (row[1], row[2]) for row in conn.execute(query)}
