"""Take files in: clients, holdings, consent events and halts, a chunk and a transaction at a time.

Bad rows go to the rejects file and the rest is taken. Every import is a book: which file, its
digest, as of when, and totals that add up. An import that was cut short can be run again: what it
had taken is unchanged the second time.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach.core import consent_rows, holding_rows
from outreach.core.cells import Fault
from outreach.core.client_rows import (
    ClientRows,
    Defaults,
    new_client,
    repeated_numbers,
)
from outreach.core.consent import Source
from outreach.core.headers import alias_index
from outreach.core.table_rows import Cells, cells_of, parted, rows_of
from outreach.feeds.client_file import client_chunks, open_clients
from outreach.feeds.known_columns import open_known
from outreach.ingest.answers import Answers, import_answers
from outreach.ingest.book import Book, Desk, Imported, Step, Taken, Tx, opened
from outreach.ingest.call_backs import import_call_back_results, import_call_backs
from outreach.ingest.halts import import_halts, import_inbox
from outreach.ingest.market import import_market
from outreach.ingest.preferences import import_preferences
from outreach.project.config import Import
from outreach.store import clients, consent
from outreach.store.audit import Covered
from outreach.store.books import Counts
from outreach.store.consent import NewEvent
from outreach.store.holdings import Held
from outreach.store.scratch import FirstLines, Snapshot

__all__ = [
    "Answers",
    "Desk",
    "Imported",
    "import_answers",
    "import_call_back_results",
    "import_call_backs",
    "import_clients",
    "import_consents",
    "import_halts",
    "import_holdings",
    "import_inbox",
    "import_market",
    "import_preferences",
    "import_watching",
]

_PAGE: Final = 5_000  # holdings written in one transaction


def import_clients(
    desk: Desk, path: Path, settings: Import, *, as_of: datetime | None = None
) -> Imported:
    """Add and update clients. Consent columns become consent events, and only where they say what
    the ledger does not know; none of them lifts an opt-out. Raises FileProblem."""
    defaults = Defaults(settings.default_country, settings.default_locale, settings.default_zone)
    table, matched = open_clients(path, settings.columns)
    chunks = client_chunks(table, settings.columns, defaults, desk.chunk_rows)
    fresh = new_client(defaults)
    with (
        FirstLines() as first_lines,
        opened(desk, "clients", table, matched.unknown, as_of) as book,
    ):
        for chunk, rows in chunks:
            repeated = first_lines.repeated(rows.columns["client_no"], rows.lines)
            problems = [*rows.problems, *repeated_numbers(matched, rows, repeated)]
            book.take(chunk, problems, _clients_step(book, rows.without(repeated), fresh))
        return book.finished()


def import_holdings(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Take a snapshot of who holds what: a book of its own, which counts once it is in whole.
    Raises FileProblem."""
    return _import_snapshot(desk, path, "holdings", as_of, holding_rows.REQUIRED, holding_rows.held)


def import_watching(desk: Desk, path: Path, *, as_of: datetime | None = None) -> Imported:
    """Take a snapshot of which securities clients watch. Raises FileProblem."""
    required = ("client_no", "symbol")
    return _import_snapshot(desk, path, "watching", as_of, required, holding_rows.watched)


def _import_snapshot(
    desk: Desk,
    path: Path,
    kind: str,
    as_of: datetime | None,
    required: tuple[str, ...],
    reading: Callable[[Mapping[str, str], Mapping[str, int]], Held | Fault],
) -> Imported:
    table, matched = open_known(path, alias_index(holding_rows.ALIASES), required)
    with Snapshot() as snapshot, opened(desk, kind, table, matched.unknown, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            ids = _ids(desk, cells)
            read = [reading(row, ids) for row in rows_of(cells)]
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
    with opened(desk, "consents", table, matched.unknown, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            ids = _ids(desk, cells)
            read = [consent_rows.event(row, ids, zone, book.at) for row in rows_of(cells)]
            events, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, _consents_step(book, [NewEvent(*e) for _, e in events]))
        return book.finished()


# --- what happens to a chunk inside its transaction ------------------------------------------


def _clients_step(book: Book, rows: ClientRows, fresh: Mapping[str, Any]) -> Step:
    def step(tx: Tx) -> Taken:
        counts = clients.upsert(tx, rows.columns, fresh, book_id=book.id, at=book.at)
        events = _claims(tx, rows, book.as_of) if rows.consents else []
        return Taken(counts, _record(tx, book, events))

    return step


def _claims(tx: Tx, rows: ClientRows, as_of: datetime) -> list[NewEvent]:
    """The consent columns of a chunk as events, as far as they are news to the ledger."""
    found = clients.ids_of(tx, rows.columns["client_no"])
    ids = [found[number] for number in rows.columns["client_no"]]
    known = consent.events_of(tx, ids)
    news = consent_rows.claims(rows.consents, ids, known, as_of)
    return [NewEvent(*one, Source.BATCH_IMPORT.value, as_of) for one in news]


def _consents_step(book: Book, events: list[NewEvent]) -> Step:
    def step(tx: Tx) -> Taken:
        added, covered = consent.add_new(
            tx, events, recorded_at=book.at, actor=book.desk.actor, book_id=book.id
        )
        return Taken(Counts(added=added, unchanged=len(events) - added), covered)

    return step


def _record(tx: Tx, book: Book, events: list[NewEvent]) -> Covered | None:
    return consent.add(tx, events, recorded_at=book.at, actor=book.desk.actor, book_id=book.id)


# --- reading ---------------------------------------------------------------------------------


def _ids(desk: Desk, cells: Cells) -> dict[str, int]:
    with desk.database.reading() as conn:
        return clients.ids_of(conn, dict.fromkeys(cells["client_no"]))
