"""Take market files in: index levels and margin ratios, a file and a transaction at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach.core import market_rows
from outreach.core.cell_problem import CellProblem
from outreach.core.headers import Matched
from outreach.core.table_rows import cells_of, parted, rows_of
from outreach.feeds import market as feed
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import raw_files
from outreach.feeds.table_file import Chunk, TableFile
from outreach.ingest.book import Book, Desk, Imported, Step, Taken, Tx, age_of, opened
from outreach.store import clients
from outreach.store import market as store
from outreach.store.books import Counts

Row = Mapping[str, str]
Read = Callable[[list[Row]], Sequence[Any]]  # of some rows: what each says, or a Fault


def import_market(
    desk: Desk, path: Path, *, as_of: datetime | None = None, keep: Path | None = None
) -> Imported:
    """Take a file of index levels or of margin ratios; which of them, its header tells.

    A file is taken in one transaction: who crossed a line with it is seen whole or not at all. The
    raw file is kept in `keep` first, whatever comes of it. Raises FileProblem.
    """
    saved = raw_files.opened(path)
    kept = raw_files.keep(keep, saved) if keep else None
    kind = feed.recognised(saved)
    if kind is None:
        raise FileProblem(
            f"{path}: this is neither a file of index levels (index, at, level, prev_close) nor of"
            " margin ratios (client_no, ratio, warn_line, close_line); name its columns so"
        )
    table, matched, cut = feed.open_market(saved, kind)
    with opened(desk, kind, table, matched.unknown, as_of or age_of(path, desk)) as book:
        read, step = _KINDS[kind](book)
        whole, good, problems = _read(table, matched, read, desk.chunk_rows)
        events: dict[str, int] = {}
        book.take(whole, [*problems, *([cut] if cut else [])], step(good, events))
        done = book.finished()
    return replace(done, form=kind, kept=kept, alerts=tuple(sorted(events.items())))


def _read(
    table: TableFile, matched: Matched, read: Read, size: int
) -> tuple[Chunk, list[Any], list[CellProblem]]:
    """The whole file: its lines, what can be taken of it, and what is wrong with the rest."""
    whole = Chunk([], [], [])
    good: list[Any] = []
    problems: list[CellProblem] = []
    for chunk in table.chunks(size):
        cells = cells_of(matched, chunk.columns)
        some, wrong = parted(matched, chunk.lines, cells, read(list(rows_of(cells))))
        good += [value for _line, value in some]
        problems += wrong
        whole.lines.extend(chunk.lines)
        whole.bad.extend(chunk.bad)
    return whole, good, problems


# --- the two kinds -----------------------------------------------------------------------------

MakeStep = Callable[[list[Any], dict[str, int]], Step]


def _levels(book: Book) -> tuple[Read, MakeStep]:
    zone = ZoneInfo(book.desk.zone)

    def read(rows: list[Row]) -> Sequence[Any]:
        return [market_rows.level(row, zone, book.at) for row in rows]

    def step(good: list[Any], events: dict[str, int]) -> Step:
        def add(tx: Tx) -> Taken:
            done = store.add_levels(tx, good, book.id)
            return Taken(Counts(done.added, done.corrected, done.unchanged), done.covered)

        return add

    return read, step


def _margins(book: Book) -> tuple[Read, MakeStep]:
    reader = market_rows.RatioReader(ZoneInfo(book.desk.zone), book.at, book.as_of)

    def read(rows: list[Row]) -> Sequence[Any]:
        with book.desk.database.reading() as conn:
            ids = clients.ids_of(conn, dict.fromkeys(row["client_no"] for row in rows))
        return [reader.ratio(row, ids) for row in rows]

    def step(good: list[Any], events: dict[str, int]) -> Step:
        def add(tx: Tx) -> Taken:
            added = store.add_ratios(tx, good, book.id)
            done = added.compared
            events.clear()
            for one in done.crossings:
                name = f"{one.direction} {one.line}"
                events[name] = events.get(name, 0) + 1
            counts = Counts(added=len(done.news), unchanged=done.known + done.late)
            late = [_late(done.late)] if done.late else []
            return Taken(counts, added.ratios, late, added.crossings)

        return add

    return read, step


def _late(rows: int) -> CellProblem:
    wrong = f"{rows:,} rows speak of a moment before what is known, and change nothing"
    return CellProblem(0, "as_of", "", wrong, "take files in the order they were made", False)


_KINDS: Final[Mapping[str, Callable[[Book], tuple[Read, MakeStep]]]] = {
    "levels": _levels,
    "margins": _margins,
}


def is_market(path: Path) -> bool:
    """Whether a file of the inbox is one of ours, by its header. Raises FileProblem."""
    return feed.recognised(raw_files.opened(path)) is not None
