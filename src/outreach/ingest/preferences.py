"""Take a file in that says what clients prefer: their service file."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from outreach.core import preference_rows
from outreach.core.headers import alias_index
from outreach.core.preference_rows import Stated
from outreach.core.table_rows import cells_of, parted, rows_of
from outreach.core.written import Bilingual
from outreach.feeds.known_columns import open_known
from outreach.ingest.book import Book, Desk, Imported, Step, Taken, Tx, opened
from outreach.store import clients, preferences


def import_preferences(
    desk: Desk, path: Path, topics: Sequence[Bilingual], *, as_of: datetime | None = None
) -> Imported:
    """Add what the rows say; what stands already is unchanged. Topics must be in the firm's list,
    where it has one. Raises FileProblem."""
    index = alias_index(preference_rows.ALIASES)
    table, matched = open_known(path, index, preference_rows.REQUIRED)
    zone = ZoneInfo(desk.zone)
    with opened(desk, "preferences", table, matched.unknown, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            with desk.database.reading() as conn:
                ids = clients.ids_of(conn, dict.fromkeys(cells["client_no"]))
            read = [
                preference_rows.stated(row, ids, topics, zone, book.as_of, book.at)
                for row in rows_of(cells)
            ]
            said, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, _step(book, [one for _, one in said]))
        return book.finished()


def _step(book: Book, said: Sequence[Stated]) -> Step:
    def step(tx: Tx) -> Taken:
        return Taken(
            *preferences.record(
                tx, said, recorded_at=book.at, actor=book.desk.actor, book_id=book.id
            )
        )

    return step
