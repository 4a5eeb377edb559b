"""The book of an import: which file, as of when, what became of its rows, and the log of it."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from outreach.core.cell_problem import CellProblem
from outreach.feeds.rejects_file import RejectsFile
from outreach.feeds.table_file import CHUNK_ROWS, Chunk
from outreach.store import audit, books, feeds, holdings
from outreach.store.audit import Covered
from outreach.store.books import Counts
from outreach.store.database import Database

Tx = Any  # a write transaction of the store


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an import happens: the database, the folder for rejects, who imports, and the clock."""

    database: Database
    rejects: Path
    actor: str
    clock: Callable[[], datetime]
    zone: str = "Asia/Shanghai"  # the firm's; moments without an offset are read on its clock
    chunk_rows: int = CHUNK_ROWS  # rows of a file taken in one transaction
    progress: Callable[[int, int | None], None] = field(default=lambda _done, _total: None)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to. `counts` add up to the rows read; `warnings` are cells that were
    wrong in rows that were taken all the same."""

    kind: str
    file: str
    digest: str  # SHA-256 of the file, hex
    encoding: str
    as_of: datetime
    book_id: int
    counts: Counts
    warnings: int
    rejects_file: Path | None
    unknown_headers: tuple[str, ...]
    form: str = ""  # of a halt file: sse, szse, ...
    kept: Path | None = None  # the raw file, where it is kept
    alerts: tuple[tuple[str, int], ...] = ()  # event and how many of them are news
    markets: tuple[str, ...] = ()  # of halts: those the file tells everything of


class ReadFile(Protocol):
    """A file that is taken in: where it is, its digest, and how it was read."""

    @property
    def path(self) -> Path: ...
    @property
    def digest(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def about(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Taken:
    counts: Counts
    covered: Covered | None
    problems: list[CellProblem] = field(default_factory=list)
    alerts: Covered | None = None
    sources: Covered | None = None  # what halts were read from


Step = Callable[[Tx], Taken]


class Book:
    """One import under way: its row, its rejects file, and what it has come to so far."""

    def __init__(
        self, desk: Desk, kind: str, table: ReadFile, unknown: tuple[str, ...], as_of: datetime
    ) -> None:
        self.desk, self.kind, self.as_of = desk, kind, as_of
        self.at = desk.clock()
        self._table, self._unknown = table, unknown
        self._counts, self._warnings = Counts(), 0
        self.markets: tuple[str, ...] = ()  # of halts: those the file tells everything of
        self.rejects = RejectsFile(desk.rejects, table.path, self.at)
        with desk.database.begin() as tx:
            self.id = books.open_book(
                tx,
                kind,
                file=str(table.path),
                digest=table.digest,
                encoding=table.encoding,
                as_of=as_of,
                imported_at=self.at,
            )

    def take(self, chunk: Chunk, problems: Sequence[CellProblem], step: Step) -> None:
        """Store what a chunk brought and log it, in one transaction."""
        with self.desk.database.begin() as tx:
            taken = step(tx)
            counts = _with_rejected(taken.counts, chunk)
            lines = [*chunk.lines, *(bad.line for bad in chunk.bad)]
            detail = {"lines": [min(lines), max(lines)], **counts.told()}
            self._log(tx, "chunk", detail, taken.covered)
            if taken.sources is not None:
                self._log(tx, "sources", {"rows": taken.sources.count}, taken.sources)
            if taken.alerts is not None:
                self._log(tx, "alerts", {"alerts": taken.alerts.count}, taken.alerts)
        self.count(chunk, taken.counts, [*problems, *taken.problems])

    def add(self, page: list[holdings.Held]) -> None:
        """Store one page of a snapshot and log it, in one transaction."""
        with self.desk.database.begin() as tx:
            add = holdings.watch if self.kind == "watching" else holdings.add
            self._log(tx, "chunk", {"rows": len(page)}, add(tx, self.id, page))

    def count(self, chunk: Chunk, taken: Counts, problems: Sequence[CellProblem]) -> None:
        """Add a chunk's rows to the totals and its problems to the rejects file."""
        self._counts += _with_rejected(taken, chunk)
        self._warnings += sum(not problem.rejected for problem in problems)
        bad_rows = [CellProblem(bad.line, "", bad.value, bad.wrong, bad.fix) for bad in chunk.bad]
        self.rejects.write(sorted([*problems, *bad_rows], key=lambda problem: problem.line))
        self.desk.progress(self._counts.read, self._table.about or None)

    def finished(self) -> Imported:
        """Close the book: from now on it is one taken in whole."""
        rejects = self.rejects.path
        self.rejects.close()
        with self.desk.database.begin() as tx:
            name = str(rejects) if rejects else None
            books.finish(tx, self.id, self._counts, name, self.desk.clock())
            # Nothing is known of the future, whatever moment a file is said to be of.
            feeds.speak_for(tx, self.id, self.markets, min(self.as_of, self.at))
            detail: dict[str, Any] = {
                "digest": self._table.digest,
                "encoding": self._table.encoding,
                "as_of": self.as_of.astimezone(UTC),
                **self._counts.told(),
            }
            if self.markets:
                detail["markets"] = self.markets
            self._log(tx, "imported", detail)
        return Imported(
            self.kind,
            str(self._table.path),
            self._table.digest,
            self._table.encoding,
            self.as_of,
            self.id,
            self._counts,
            self._warnings,
            rejects,
            self._unknown,
        )

    def _log(
        self, tx: Tx, what: str, detail: Mapping[str, Any], covered: Covered | None = None
    ) -> None:
        at, kind = self.desk.clock(), f"{self.kind}.{what}"
        entry = audit.Entry(at, kind, self.desk.actor, f"book {self.id}", detail, covered)
        audit.append(tx, [entry])


def _with_rejected(taken: Counts, chunk: Chunk) -> Counts:
    """Whatever was read and not taken was rejected, so that the totals add up by themselves."""
    read = len(chunk.lines) + len(chunk.bad)
    return replace(taken, rejected=read - taken.added - taken.updated - taken.unchanged)


def age_of(path: Path, desk: Desk) -> datetime:
    """As of when a file speaks that does not say so: when it was last changed, never later than
    now."""
    return min(datetime.fromtimestamp(path.stat().st_mtime, UTC), desk.clock())


@contextmanager
def opened(
    desk: Desk, kind: str, table: ReadFile, unknown: tuple[str, ...], as_of: datetime | None
) -> Iterator[Book]:
    """An import under way. The collector of cyclic garbage rests: a chunk is hundreds of thousands
    of cells in plain lists, which it would walk again and again and free nothing."""
    book = Book(desk, kind, table, unknown, as_of or age_of(table.path, desk))
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield book
    finally:
        book.rejects.close()
        if collecting:
            gc.enable()
