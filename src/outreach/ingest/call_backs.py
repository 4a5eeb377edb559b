"""Take call-back files in: who is to be called by a rule, and what came of the calls."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from outreach.core import call_back_rows as rows
from outreach.core.headers import alias_index
from outreach.core.table_rows import Cells, cells_of, parted, rows_of
from outreach.feeds.known_columns import open_known
from outreach.ingest.book import Book, Desk, Imported, Step, Taken, Tx, opened
from outreach.store import call_backs, clients
from outreach.store.books import Counts
from outreach.store.call_backs import NewCase, NewResult


def import_call_backs(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Add trading permissions that were opened and accounts that were flagged; those on record
    already are unchanged. Raises FileProblem."""
    index, zone = alias_index(rows.CASE_ALIASES), ZoneInfo(desk.zone)
    table, matched = open_known(path, index, rows.CASE_REQUIRED, may_be_empty=True)
    with opened(desk, "call_backs", table, matched.unknown, as_of) as book:
        today = book.at.astimezone(zone).date()
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            ids = _ids(desk, cells)
            read = [rows.case(row, ids, today) for row in rows_of(cells)]
            cases, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, _cases_step(book, [NewCase(*one) for _, one in cases]))
        return book.finished()


def import_call_back_results(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Add what came of calls; those on record already are unchanged. Raises FileProblem."""
    index, zone = alias_index(rows.RESULT_ALIASES), ZoneInfo(desk.zone)
    table, matched = open_known(path, index, rows.RESULT_REQUIRED)
    with opened(desk, "called_back", table, matched.unknown, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            ids = _ids(desk, cells)
            with desk.database.reading() as conn:
                grounds = call_backs.grounds(conn, ids.values())
            read = [rows.result(row, ids, grounds, zone, book.at) for row in rows_of(cells)]
            done, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, _results_step(book, [NewResult(*one) for _, one in done]))
        return book.finished()


def _cases_step(book: Book, cases: list[NewCase]) -> Step:
    def step(tx: Tx) -> Taken:
        added, covered = call_backs.add_cases(
            tx, cases, recorded_at=book.at, actor=book.desk.actor, book_id=book.id
        )
        return Taken(Counts(added=added, unchanged=len(cases) - added), covered)

    return step


def _results_step(book: Book, results: list[NewResult]) -> Step:
    def step(tx: Tx) -> Taken:
        added, covered = call_backs.add_results(
            tx, results, recorded_at=book.at, actor=book.desk.actor, book_id=book.id
        )
        return Taken(Counts(added=added, unchanged=len(results) - added), covered)

    return step


def _ids(desk: Desk, cells: Cells) -> dict[str, int]:
    with desk.database.reading() as conn:
        return clients.ids_of(conn, dict.fromkeys(cells["client_no"]))
