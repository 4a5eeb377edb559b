"""Fetch halt feeds by their addresses and put what is new into the inbox, like any other file.

A source is claimed, then asked with no transaction open, then what came of it is remembered. What
is not whole is not put anywhere. What did not change is put again only where it says something
new by its later moment: that an end which was planned has passed.
"""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from outreach.core.feed_watch import Seen, Watch
from outreach.core.halt_clock import Calendars
from outreach.core.halts import CALENDARS, MARKET_CLOCKS
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import MAINLAND, WHOLE_MARKETS, Saved, paged, raw_files, read
from outreach.feeds.halts.fetching import Answer, FetchProblem, Request, fetch
from outreach.ingest.book import Desk
from outreach.ingest.halts import MARK, calendars_of
from outreach.project.feed_config import HaltSource
from outreach.project.secrets import SecretProblem, secret, variable_of
from outreach.store import feeds
from outreach.store.feeds import SourceState

Outcome = Literal["new", "unchanged", "failed", "asked elsewhere"]


class Fetched(NamedTuple):
    """What came of asking a source. `file`: what it said, in the inbox now."""

    name: str
    outcome: Outcome
    file: Path | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where fetched files go: the inbox, where raw files are kept, the project's folder."""

    desk: Desk
    inbox: Path
    kept: Path
    root: Path
    ask: Callable[[Request], Answer] = fetch
    pause: Callable[[float], None] = time.sleep  # between two tries, in seconds


def due_sources(desk: Desk, sources: Sequence[HaltSource], now: datetime) -> list[HaltSource]:
    """The sources to be asked now, by their hours and by when they were asked last."""
    if not sources:
        return []
    known, moments = calendars_of(desk), states_of(desk)
    return [one for one in sources if watch_of(one, known).due(seen(moments.get(one.name)), now)]


def fetch_sources(place: Place, sources: Sequence[HaltSource]) -> list[Fetched]:
    """Ask these sources now, one after the other. What fails is told and never raised."""
    known, before = calendars_of(place.desk), states_of(place.desk)
    return [
        _fetch_one(place, source, before.get(source.name) or SourceState(source.name, ""), known)
        for source in sources
    ]


def states_of(desk: Desk) -> dict[str, SourceState]:
    with desk.database.reading() as conn:
        return feeds.states(conn)


def seen(state: SourceState | None) -> Seen:
    """What the watch needs of it."""
    return Seen(state.checked_at, state.fetched_at, state.failures) if state else Seen()


def watch_of(source: HaltSource, known: Calendars) -> Watch:
    """When it is asked, on the clock and the trading days of the first of its markets."""
    market = _market(source)
    return Watch(
        timedelta(minutes=source.every_minutes),
        ZoneInfo(MARKET_CLOCKS[market][0]),
        source.between,
        known.get(CALENDARS[market]),
        timedelta(minutes=source.stale_after_minutes),
        source.stale_after_failures,
    )


def shown_address(source: HaltSource) -> str:
    """The address as people may see it: a query may hold a key, so it is left out."""
    parts = urlsplit(source.url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}" + ("?..." if parts.query else "")


# --- one source -------------------------------------------------------------------------------


def _fetch_one(place: Place, source: HaltSource, state: SourceState, known: Calendars) -> Fetched:
    at = place.desk.clock()
    state = state._replace(form=source.form)
    with place.desk.database.begin() as tx:
        if not feeds.claim(tx, state, at):
            return Fetched(source.name, "asked elsewhere")
    state = state._replace(checked_at=at)
    try:
        answer = _asked(place, source, state, at)
        state, done = _taken(place, source, state, answer, at, known)
    except (FetchProblem, FileProblem, SecretProblem) as problem:
        state = state._replace(failures=state.failures + 1, error=str(problem))
        done = Fetched(source.name, "failed", None, str(problem))
    with place.desk.database.begin() as tx:
        feeds.settle(tx, state)
    return done


def _asked(place: Place, source: HaltSource, state: SourceState, at: datetime) -> Answer:
    """The whole answer of a source, after as many tries as it has."""
    for attempt in range(1, source.tries + 1):
        try:
            if source.form in paged.FORMS and "{page" in source.url:
                return Answer(paged.whole(source.form, lambda n: _page(place, source, at, n)))
            known = raw_files.kept(place.kept, state.digest) is not None
            return place.ask(_request(place, source, at, 1, state if known else None))
        except FetchProblem as problem:
            if not problem.passing or attempt == source.tries:
                raise
            place.pause(2.0 ** (attempt - 1))
    raise AssertionError("a source has at least one try")


def _page(place: Place, source: HaltSource, at: datetime, number: int) -> bytes:
    return place.ask(_request(place, source, at, number, None)).content or b""


def _request(
    place: Place, source: HaltSource, at: datetime, page: int, known: SourceState | None
) -> Request:
    key = secret(source.name) or ""
    wanted = "{secret" in source.url or any("{secret" in one for one in source.headers.values())
    if wanted and not key:
        raise FetchProblem(f"its secret is not there; set {variable_of(source.name)}")
    day = at.astimezone(ZoneInfo(MARKET_CLOCKS[_market(source)][0])).date()
    return Request(
        source.url.format(day=day, page=page, secret=quote(key, safe="")),
        {name: value.replace("{secret}", key) for name, value in source.headers.items()},
        source.timeout_seconds,
        source.max_mb << 20,
        str(place.root / source.ca_file) if source.ca_file else None,
        known.etag if known else "",
        known.last_modified if known else "",
    )


def _market(source: HaltSource) -> str:
    return (*source.markets, *WHOLE_MARKETS.get(source.form, ()), *MAINLAND)[0]


# --- what was fetched -------------------------------------------------------------------------


def _taken(
    place: Place, source: HaltSource, state: SourceState, answer: Answer, at: datetime,
    known: Calendars,
) -> tuple[SourceState, Fetched]:  # fmt: skip
    """The state after an answer, and what became of it. Raises FileProblem for one that is not
    whole."""
    fine = state._replace(
        fetched_at=at, failures=0, error="", etag=answer.etag, last_modified=answer.last_modified
    )
    digest = state.digest
    if answer.content is not None:
        digest = hashlib.sha256(answer.content).hexdigest()
    if digest != state.digest:
        file = _put(place, source, answer.content or b"", at, known)
        fine = fine._replace(digest=digest, changed_at=at)
        return fine, Fetched(source.name, "new", file)
    if _waits(place.inbox, source.name) or not _says_more(place, digest, at):
        return fine, Fetched(source.name, "unchanged")
    content = answer.content
    if content is None:
        kept = raw_files.kept(place.kept, digest)
        content = kept.read_bytes() if kept else b""
    return fine, Fetched(source.name, "unchanged", _put(place, source, content, at, known))


def _says_more(place: Place, digest: str, at: datetime) -> bool:
    """Whether what did not change is to be taken once more: it was never taken in whole, or an end
    that was planned has passed since. Else its markets are as fresh as this moment."""
    with place.desk.database.begin() as tx:
        spoke = feeds.spoke_at(tx, digest)
        if spoke is None or feeds.plans_met(tx, spoke, at):
            return True
        feeds.confirm(tx, digest, at)
    return False


def _waits(inbox: Path, name: str) -> bool:
    return any(path.name.startswith(f"{name}{MARK}") for path in raw_files.waiting(inbox))


def _put(place: Place, source: HaltSource, content: bytes, at: datetime, known: Calendars) -> Path:
    """Put an answer into the inbox, as old as the moment it was asked for, once it has been read
    from end to end. It appears there at once or not at all."""
    ending = {"nasdaq": ".xml", "sse": ".json", "szse": ".json"}.get(source.form)
    name = f"{source.name}{MARK}{at.astimezone(UTC):%Y%m%dT%H%M%SZ}{ending or _ending(content)}"
    hidden, target = place.inbox / f".{name}", place.inbox / name
    try:
        place.inbox.mkdir(parents=True, exist_ok=True)
        hidden.write_bytes(content)
        os.utime(hidden, (at.timestamp(), at.timestamp()))
        parsed = read(Saved(hidden, content), source.form, known, at)
        if not parsed.whole:
            wrong = next(one.wrong for one in parsed.problems if not one.rejected)
            raise FileProblem(f"the answer is not whole: {wrong}")
        hidden.replace(target)
    except FileProblem as problem:
        raise FileProblem(str(problem).replace(f"{hidden}: ", "the answer: ")) from None
    except OSError as error:
        raise FileProblem(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        hidden.unlink(missing_ok=True)
    return target


def _ending(content: bytes) -> str:
    if content.startswith(b"PK"):
        return ".xlsx"
    return ".json" if content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"[", b"{") else ".csv"
