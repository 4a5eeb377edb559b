"""Take halt files in: one file, one transaction, one alert for each fact that is news."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from outreach.core.cell_problem import CellProblem
from outreach.core.halt_clock import Calendars
from outreach.core.halt_versions import Compared, compare
from outreach.core.halts import CALENDARS
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import MAINLAND, Parsed, raw_files, read, recognised, speaks_for
from outreach.feeds.table_file import Chunk
from outreach.ingest.book import Desk, Imported, Step, Taken, Tx, age_of, opened
from outreach.ingest.market import import_market, is_market
from outreach.project.feed_config import HaltFeed
from outreach.store import calendars, halts
from outreach.store.books import Counts

MARK: Final = "@"  # between the name of a source and the rest of a file's name in the inbox


@dataclass(frozen=True, slots=True)
class _ReadFile:
    path: Path
    digest: str
    encoding: str
    about: int


class Put(NamedTuple):
    """What became of one file of the inbox, and where it lies now. `why`: it could not be taken."""

    file: Path
    imported: Imported | None
    why: str = ""


def import_halts(
    desk: Desk,
    path: Path,
    *,
    form: str = "",
    as_of: datetime | None = None,
    keep: Path | None = None,
    ours: Sequence[str] = MAINLAND,
    markets: Sequence[str] = (),
) -> Imported:
    """Take a saved halt file of any form; without one, the form is recognised by the content.

    A correction is a new version, what is known is unchanged, and the alerts are stored with the
    versions they tell of. The raw file is kept in `keep` first, whatever comes of it. `ours` are
    the markets that lists of the firm's own cover together, `markets` those the file is declared to
    tell of. Raises FileProblem.
    """
    saved = raw_files.opened(path)
    kept = raw_files.keep(keep, saved) if keep else None
    form = form or recognised(saved.content)
    moment = as_of or age_of(path, desk)
    parsed = read(saved, form, calendars_of(desk), moment)
    file = _ReadFile(path, raw_files.digest_of(saved), parsed.encoding, parsed.rows)
    with opened(desk, "halts", file, parsed.unknown, moment) as book:
        events: Counter[str] = Counter()
        rejected = [one.line for one in parsed.problems if one.rejected]
        lines = [*(one.line for one in parsed.statements), *rejected]
        chunk = Chunk(sorted(lines), [], [])
        if lines:
            book.take(chunk, parsed.problems, _step(book.id, book.at, parsed, moment, events))
        else:
            book.count(chunk, Counts(), parsed.problems)
        book.markets = speaks_for(parsed, form, ours, markets)
        done = book.finished()
    alerts = tuple(sorted(events.items()))
    return replace(done, form=form, kept=kept, alerts=alerts, markets=book.markets)


def import_inbox(
    desk: Desk,
    inbox: Path,
    *,
    keep: Path | None = None,
    feed: HaltFeed | None = None,
    names: Collection[str] | None = None,
) -> Iterator[Put]:
    """Take every new file of a watched folder, or those of these names, the oldest first. What was
    taken goes to done/, what could not be to broken/, with a .txt that says why; the next file is
    taken all the same. Raises FileProblem for one that cannot be moved there.

    A file called `<source>@...` is in the form of that source of `feed` and tells of its markets.
    """
    for path in raw_files.waiting(inbox):
        if names is not None and path.name not in names:
            continue
        try:
            imported = _take(desk, path, keep, feed or HaltFeed())
            into, why = raw_files.DONE, ""
        except FileProblem as problem:
            imported, into, why = None, raw_files.BROKEN, str(problem)
        # Two services may watch one folder: what the other has moved away meanwhile, it has taken.
        try:
            put = Put(raw_files.put_away(path, into, why), imported, why)
        except FileProblem:
            if path.exists():
                raise
            continue
        yield put


def _take(desk: Desk, path: Path, keep: Path | None, feed: HaltFeed) -> Imported:
    """Market files come into the same folder; all others are halts."""
    named = path.name.partition(MARK)[0] if MARK in path.name else ""
    source = next((one for one in feed.sources if one.name == named), None)
    if source is None and is_market(path):
        return import_market(desk, path, keep=keep.with_name("market") if keep else None)
    return import_halts(
        desk,
        path,
        form=source.form if source else "",
        keep=keep,
        ours=feed.own_markets,
        markets=source.markets if source else (),
    )


def calendars_of(desk: Desk) -> Calendars:
    """The calendar of every market that halts are known of."""
    with desk.database.reading() as conn:
        return {name: calendars.load(conn, name) for name in sorted(set(CALENDARS.values()))}


def _step(
    book_id: int, at: datetime, parsed: Parsed, as_of: datetime, events: Counter[str]
) -> Step:
    said = parsed.statements

    def step(tx: Tx) -> Taken:
        known = halts.known(tx, {(one.market, one.symbol) for one in said})
        done = compare(known, said, as_of)
        added = halts.add(tx, done.changes, book_id=book_id, seen_at=at)
        events.update(change.event for change in done.changes if change.event)
        return Taken(_counts(done), added.halts, _problems(done), added.alerts, added.sources)

    return step


def _counts(done: Compared) -> Counts:
    new = sum(change.new for change in done.changes)
    return Counts(added=new, updated=len(done.changes) - new, unchanged=done.unchanged)


def _problems(done: Compared) -> list[CellProblem]:
    return [CellProblem(one.line, one.column, one.value, *one.bad) for one in done.refused]
