"""Something to sort and look up in that outgrows memory: a private file, gone when closed.

It is SQLite's own temporary database whatever the real one is, so a million client numbers take
some megabytes of memory and the rest is on disk."""

import sqlite3
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from outreach.store.holdings import Held


class _Scratch:
    def __init__(self, schema: str) -> None:
        self._file = sqlite3.connect("", isolation_level=None)  # "": on disk, without a name
        for statement in ("PRAGMA journal_mode=OFF", "PRAGMA cache_size=-16000", schema, "BEGIN"):
            self._file.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()


class FirstLines(_Scratch):
    """On which line of a file each client number came first."""

    def __init__(self) -> None:
        super().__init__("CREATE TABLE seen (no TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def repeated(self, numbers: Sequence[str], lines: Sequence[int]) -> dict[int, int]:
        """Take further numbers; place -> line of the first, for those that came before."""
        new = self._file.executemany(
            "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING",
            zip(numbers, lines, strict=True),
        ).rowcount
        if new == len(numbers):
            return {}
        found: dict[int, int] = {}
        for place, (number, line) in enumerate(zip(numbers, lines, strict=True)):
            (first,) = self._file.execute(
                "SELECT line FROM seen WHERE no = ?", (number,)
            ).fetchone()
            if first != line:
                found[place] = first
        return found


class Snapshot(_Scratch):
    """Holdings gathered from a file and given back in the order of their key.

    A client may hold a security in several accounts: the quantities are added up."""

    def __init__(self) -> None:
        super().__init__(
            "CREATE TABLE held (market TEXT, symbol TEXT, client INTEGER, quantity INTEGER,"
            " PRIMARY KEY (market, symbol, client)) WITHOUT ROWID"
        )

    def gather(self, rows: Sequence[Held]) -> None:
        """Take further rows."""
        self._file.executemany(
            "INSERT INTO held VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
            rows,
        )

    def pages(self, size: int) -> Iterator[list[Held]]:
        """Everything taken, in order."""
        cursor = self._file.execute(
            "SELECT market, symbol, client, quantity FROM held ORDER BY market, symbol, client"
        )
        while page := cursor.fetchmany(size):
            yield page
