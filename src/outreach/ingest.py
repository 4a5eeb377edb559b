"""Take files in: clients, holdings, consent events and halts, a chunk and a transaction at a time.

Bad rows go to the rejects file and the rest is taken. Every import is a book: which file, its
digest, as of when, and totals that add up. An import that was cut short can be run again: what it
had taken is unchanged the second time.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach.core import consent_rows, halt_rows, holding_rows
from outreach.core.cell_problem import CellProblem
from outreach.core.client_rows import (
    ClientRows,
    Defaults,
    new_client,
    repeated_numbers,
)
from outreach.core.consent import Source
from outreach.core.halts import Halt
from outreach.core.headers import Matched, alias_index
from outreach.core.table_rows import cells_of, parted, rows_of
from outreach.feeds.client_file import client_chunks, open_clients
from outreach.feeds.known_columns import open_known
from outreach.feeds.rejects_file import RejectsFile
from outreach.feeds.table_file import CHUNK_ROWS, Chunk, TableFile
from outreach.project.config import Import
from outreach.store import audit, books, clients, consent, halts, holdings
from outreach.store.audit import Covered
from outreach.store.books import Counts
from outreach.store.consent import NewEvent
from outreach.store.database import Database
from outreach.store.scratch import FirstLines, Snapshot

_PAGE: Final = 5_000  # holdings written in one transaction
_Tx = Any  # a write transaction of the store


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


def import_clients(
    desk: Desk, path: Path, settings: Import, *, as_of: datetime | None = None
) -> Imported:
    """Add and update clients. Consent columns become consent events, and only where they say what
    the ledger does not know; none of them lifts an opt-out. Raises FileProblem."""
    defaults = Defaults(settings.default_country, settings.default_locale, settings.default_zone)
    table, matched = open_clients(path, settings.columns)
    chunks = client_chunks(table, settings.columns, defaults, desk.chunk_rows)
    fresh = new_client(defaults)
    with FirstLines() as first_lines, _book(desk, "clients", table, matched, as_of) as book:
        for chunk, rows in chunks:
            repeated = first_lines.repeated(rows.columns["client_no"], rows.lines)
            problems = [*rows.problems, *repeated_numbers(matched, rows, repeated)]
            book.take(chunk, problems, _clients_step(book, rows.without(repeated), fresh))
        return book.finished()


def import_holdings(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Take a snapshot of who holds what: a book of its own, which counts once it is in whole.
    Raises FileProblem."""
    table, matched = open_known(path, alias_index(holding_rows.ALIASES), holding_rows.REQUIRED)
    with Snapshot() as snapshot, _book(desk, "holdings", table, matched, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            ids = _ids(desk, cells)
            read = [holding_rows.held(row, ids) for row in rows_of(cells)]
            held, problems = parted(matched, chunk.lines, cells, read)
            snapshot.gather([one for _, one in held])
            book.count(chunk, Counts(added=len(held)), problems)
        for page in snapshot.pages(_PAGE):
            book.add(page)
        return book.finished()


def import_consents(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Add consent events; those the ledger holds already are unchanged. Raises FileProblem."""
    table, matched = open_known(path, alias_index(consent_rows.ALIASES), consent_rows.REQUIRED)
    zone = ZoneInfo(desk.zone)
    with _book(desk, "consents", table, matched, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            ids = _ids(desk, cells)
            read = [consent_rows.event(row, ids, zone, book.at) for row in rows_of(cells)]
            events, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, _consents_step(book, [NewEvent(*e) for _, e in events]))
        return book.finished()


def import_halts(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Add halts in the canonical form (CSV, XLSX, Parquet or JSON). A correction is a new version;
    what is known is unchanged. Raises FileProblem."""
    table, matched = open_known(path, alias_index(halt_rows.ALIASES), halt_rows.REQUIRED)
    with _book(desk, "halts", table, matched, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            read = [halt_rows.halt(row) for row in rows_of(cells)]
            found, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, _halts_step(book, found))
        return book.finished()


# --- what happens to a chunk inside its transaction ------------------------------------------


@dataclass(frozen=True, slots=True)
class _Taken:
    counts: Counts
    covered: Covered | None
    problems: list[CellProblem] = field(default_factory=list)


_Step = Callable[[_Tx], _Taken]


def _clients_step(book: "_Book", rows: ClientRows, fresh: Mapping[str, Any]) -> _Step:
    def step(tx: _Tx) -> _Taken:
        counts = clients.upsert(tx, rows.columns, fresh, book_id=book.id, at=book.at)
        events = _claims(tx, rows, book.as_of) if rows.consents else []
        return _Taken(counts, _record(tx, book, events))

    return step


def _claims(tx: _Tx, rows: ClientRows, as_of: datetime) -> list[NewEvent]:
    """The consent columns of a chunk as events, as far as they are news to the ledger."""
    found = clients.ids_of(tx, rows.columns["client_no"])
    ids = [found[number] for number in rows.columns["client_no"]]
    known = consent.events_of(tx, ids)
    news = consent_rows.claims(rows.consents, ids, known, as_of)
    return [NewEvent(*one, Source.BATCH_IMPORT.value, as_of) for one in news]


def _consents_step(book: "_Book", events: list[NewEvent]) -> _Step:
    def step(tx: _Tx) -> _Taken:
        added, covered = consent.add_new(
            tx, events, recorded_at=book.at, actor=book.desk.actor, book_id=book.id
        )
        return _Taken(Counts(added=added, unchanged=len(events) - added), covered)

    return step


def _record(tx: _Tx, book: "_Book", events: list[NewEvent]) -> Covered | None:
    return consent.add(tx, events, recorded_at=book.at, actor=book.desk.actor, book_id=book.id)


def _halts_step(book: "_Book", found: list[tuple[int, Halt]]) -> _Step:
    def step(tx: _Tx) -> _Taken:
        added = halts.add(tx, [one for _, one in found], book_id=book.id, seen_at=book.at)
        problems = [
            CellProblem(
                found[place][0],
                "version",
                str(version),
                f"{found[place][1].halt_id} version {version} is known with other facts",
                "give a correction the next version, or none",
            )
            for place, version in added.refused.items()
        ]
        return _Taken(added.counts, added.covered, problems)

    return step


# --- the book of an import -------------------------------------------------------------------


class _Book:
    """One import under way: its row, its rejects file, and what it has come to so far."""

    def __init__(
        self, desk: Desk, kind: str, table: TableFile, matched: Matched, as_of: datetime
    ) -> None:
        self.desk, self.kind, self.as_of = desk, kind, as_of
        self.at = desk.clock()
        self._table, self._matched = table, matched
        self._counts, self._warnings = Counts(), 0
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

    def take(self, chunk: Chunk, problems: Sequence[CellProblem], step: _Step) -> None:
        """Store what a chunk brought and log it, in one transaction."""
        with self.desk.database.begin() as tx:
            taken = step(tx)
            counts = _with_rejected(taken.counts, chunk)
            lines = [*chunk.lines, *(bad.line for bad in chunk.bad)]
            detail = {"lines": [min(lines), max(lines)], **counts.told()}
            self._log(tx, "chunk", detail, taken.covered)
        self.count(chunk, taken.counts, [*problems, *taken.problems])

    def add(self, page: list[holdings.Held]) -> None:
        """Store one page of a snapshot and log it, in one transaction."""
        with self.desk.database.begin() as tx:
            self._log(tx, "chunk", {"rows": len(page)}, holdings.add(tx, self.id, page))

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
            detail = {
                "digest": self._table.digest,
                "encoding": self._table.encoding,
                "as_of": self.as_of.astimezone(UTC),
                **self._counts.told(),
            }
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
            self._matched.unknown,
        )

    def _log(
        self, tx: _Tx, what: str, detail: Mapping[str, Any], covered: Covered | None = None
    ) -> None:
        at, kind = self.desk.clock(), f"{self.kind}.{what}"
        entry = audit.Entry(at, kind, self.desk.actor, f"book {self.id}", detail, covered)
        audit.append(tx, [entry])


def _with_rejected(taken: Counts, chunk: Chunk) -> Counts:
    """Whatever was read and not taken was rejected, so that the totals add up by themselves."""
    read = len(chunk.lines) + len(chunk.bad)
    return replace(taken, rejected=read - taken.added - taken.updated - taken.unchanged)


@contextmanager
def _book(
    desk: Desk, kind: str, table: TableFile, matched: Matched, as_of: datetime | None
) -> Iterator[_Book]:
    """An import under way. The collector of cyclic garbage rests: a chunk is hundreds of thousands
    of cells in plain lists, which it would walk again and again and free nothing."""
    now = desk.clock()
    changed = datetime.fromtimestamp(table.path.stat().st_mtime, UTC)
    book = _Book(desk, kind, table, matched, as_of or min(changed, now))
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield book
    finally:
        book.rejects.close()
        if collecting:
            gc.enable()


# --- reading ---------------------------------------------------------------------------------


def _ids(desk: Desk, cells: Mapping[str, Sequence[str]]) -> dict[str, int]:
    with desk.database.reading() as conn:
        return clients.ids_of(conn, dict.fromkeys(cells["client_no"]))
