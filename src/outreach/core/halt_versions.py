"""What a halt file changes in what is known: new halts, corrections, ends planned, moved and met.

A halt is known by its security and the moment it began, whichever feed says so. A file's row makes
a further version only where it says something else, and it is told to clients by at most one event
of that version. What a file leaves out it does not deny: a missing row is never a resumption.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from outreach.core.cells import Bad
from outreach.core.halt_merge import (
    DAY_BY_DAY,
    DAYS_ONLY,
    FEEDS,
    SAME,
    describer,
    ender,
    event_of,
    merged,
)
from outreach.core.halts import DELISTING_PERIOD, MARKET_CLOCKS, Halt, Statement


class Known(NamedTuple):
    """A stored version of a halt, and as of when the file speaks that it came with."""

    halt: Halt
    as_of: datetime


class Change(NamedTuple):
    """One version to store. `event` is what is told of it; None when there is nothing to tell, as
    when only the spelling of a name changed."""

    line: int
    halt: Halt
    event: str | None
    new: bool = False  # nothing was known of this halt

    @property
    def supersedes(self) -> int | None:
        """The version this one takes the place of."""
        version = self.halt.version or 1
        return version - 1 if version > 1 else None

    @property
    def key(self) -> tuple[str, int, str] | None:
        """The alert key: by it one fact is told once."""
        return (self.halt.halt_id, self.halt.version or 1, self.event) if self.event else None


class Refused(NamedTuple):
    line: int
    column: str
    value: str
    bad: Bad


@dataclass(slots=True)
class Compared:
    """What became of the statements of a file. Every statement is in one of the three."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)


def compare(known: Iterable[Known], statements: Sequence[Statement], as_of: datetime) -> Compared:
    """What the statements of one file, which speaks as of a moment, add to what is known.

    `known` holds every version of every halt of the securities in the file, in any order. Rows of
    the file that speak of one halt are joined before they are compared.
    """
    books: dict[tuple[str, str], list[_Story]] = {}
    for one in sorted(known, key=lambda one: (one.halt.halt_id, one.halt.version or 0)):
        stories = books.setdefault((one.halt.market, one.halt.symbol), [])
        if not stories or stories[-1].halt_id != one.halt.halt_id:
            stories.append(_Story(one.halt.halt_id))
        stories[-1].versions.append(one)
    done = Compared()
    joined = _joined(statements)
    done.unchanged = len(statements) - len(joined)
    for said in joined:
        _take(done, books.setdefault((said.market, said.symbol), []), said, as_of)
    return done


@dataclass(slots=True)
class _Story:
    """The versions of one halt, oldest first."""

    halt_id: str
    versions: list[Known] = field(default_factory=list)

    @property
    def latest(self) -> Halt:
        return self.versions[-1].halt

    @property
    def as_of(self) -> datetime:
        """The newest moment anything is known of: an older file changes nothing."""
        return max(one.as_of for one in self.versions)

    def told_before(self, halt: Halt, as_of: datetime) -> bool:
        """Whether this was said already, by files not older: one read again turns nothing back."""
        said = [one for one in self.versions if one.halt.facts() == halt.facts()]
        return bool(said) and as_of <= self.as_of

    def add(self, halt: Halt, as_of: datetime) -> None:
        self.versions.append(Known(halt, as_of))
        self.versions.sort(key=lambda one: one.halt.version or 0)


def _take(done: Compared, stories: list[_Story], said: Statement, as_of: datetime) -> None:
    story, goes_on = _story_of(stories, said)
    if story is None:
        if said.halt_at is None:
            done.refused.append(_unknown_halt(said))
            return
        halt = _new(stories, said, said.halt_at)
        story = _Story(halt.halt_id)
        stories.append(story)
        change = Change(said.line, halt, _first_event(halt), new=True)
    elif said.version is not None:
        counted = _counted(story, said)
        if isinstance(counted, Refused):
            done.refused.append(counted)
            return
        if counted is None:
            done.unchanged += 1
            return
        change = counted
    else:
        halt, event = merged(
            story.latest, said, as_of=as_of, known_as_of=story.as_of, goes_on=goes_on
        )
        if halt.facts() == story.latest.facts() or story.told_before(halt, as_of):
            done.unchanged += 1
            return
        version = (story.latest.version or 1) + 1
        change = Change(said.line, halt._replace(version=version), event)
    story.add(change.halt, as_of)
    done.changes.append(change)


def _unknown_halt(said: Statement) -> Refused:
    at = said.resume_at.isoformat() if said.resume_at else ""
    wrong = f"no halt of {said.symbol}.{said.market} is known that this could end"
    return Refused(said.line, "halt_at", at, Bad(wrong, "import the file it began in first"))


# --- rows of one file that are one halt ------------------------------------------------------


def _joined(statements: Sequence[Statement]) -> list[Statement]:
    """Rows that say the same halt twice (once without its end), and rows of day after day, as one
    statement each. Rows that only end a halt come last: the row it began in may stand below."""
    result: list[Statement] = []
    ends = [said for said in statements if said.halt_at is None]
    begun = [(said.halt_at, said) for said in statements if said.halt_at is not None]
    last: dict[tuple[str, str], int] = {}
    for at, said in sorted(begun, key=lambda one: (*one[1][2:4], one[0], one[1].line)):
        place = last.get((said.market, said.symbol))
        one = None if place is None else _as_one(result[place], said, at)
        if one is None or place is None:
            last[said.market, said.symbol] = len(result)
            result.append(said)
        else:
            result[place] = one
    unique = {(one.market, one.symbol, one.resume_at): one for one in ends}
    return [*sorted(result, key=lambda one: one.line), *unique.values()]


def _as_one(before: Statement, said: Statement, at: datetime) -> Statement | None:
    """Two rows as one halt, when that is what they are."""
    if before.halt_at is None or _own(before) or _own(said):
        return None
    if _delists(before.kind) is not _delists(said.kind):
        return None
    if said.source in DAY_BY_DAY and before.source == said.source:
        # Day after day of one halt; what is between them is not said to have been a resumption.
        return before if before.resume_at == said.resume_at and _whole_days(before, said) else None
    if at - before.halt_at <= SAME:
        ended = said.resume_at is not None or said.resume_status == "cancelled"
        one = said if ended else _closed(said, before)
        return one._replace(halt_at=before.halt_at)
    goes_on = before.resume_at == at and _at_opening(at, said.market) and said.source in FEEDS
    return _closed(before, said) if goes_on else None


def _own(said: Statement) -> bool:
    """Whether the source counts by itself, and so knows what is one halt."""
    return said.halt_id is not None or said.version is not None


def _closed(said: Statement, end: Statement) -> Statement:
    return said._replace(resume_at=end.resume_at, resume_status=end.resume_status)


# --- which halt a statement is about ---------------------------------------------------------


def _story_of(stories: Sequence[_Story], said: Statement) -> tuple[_Story | None, bool]:
    """The halt a statement is about, None for a new one; and whether the statement is about its
    going on past the moment it was to end."""
    if said.halt_id is not None:
        return next((one for one in stories if one.halt_id == said.halt_id), None), False
    # A halt until the first day of a delisting period and the period itself are two facts.
    stories = [one for one in stories if _delists(one.latest.kind) is _delists(said.kind)]
    if said.halt_at is None:
        return _ended_by(stories, said), False
    begun = said.halt_at
    near = [one for one in stories if abs(one.latest.halt_at - begun) <= SAME]
    if near:
        return min(near, key=lambda one: (abs(one.latest.halt_at - begun), one.halt_id)), False
    day = _day(begun, said.market)
    same_day = [one for one in stories if _day(one.latest.halt_at, said.market) == day]
    loose = [one for one in same_day if {said.source, describer(one.latest)} & DAYS_ONLY]
    if loose:
        return max(loose, key=lambda one: one.latest.halt_at), False
    if said.source in DAY_BY_DAY:
        going_on = next((one for one in stories if _on_at(one.latest, begun)), None)
    else:
        going_on = next((one for one in stories if _goes_on(one, said, begun)), None)
    return going_on, going_on is not None


def _on_at(halt: Halt, at: datetime) -> bool:
    """Whether a halt is on at a moment, or was to end at it and nobody says that it did."""
    if halt.halt_at >= at or halt.resume_status == "cancelled":
        return False
    if halt.resume_at is None or halt.resume_at > at:
        return True
    return halt.resume_at == at and halt.resume_status == "planned"


def _whole_days(*said: Statement) -> bool:
    return all(one.kind == "continuous" for one in said)


def _delists(kind: str) -> bool:
    return kind == DELISTING_PERIOD


def _goes_on(story: _Story, said: Statement, begun: datetime) -> bool:
    """Whether a row begins at the opening at which a halt of its own source was to end: a feed that
    lists day after day. Read again, it finds that the halt went on already."""
    halt = story.latest
    planned = any(one.halt.resume_at == begun for one in story.versions)
    if not planned or not _at_opening(begun, said.market) or halt.halt_at >= begun:
        return False
    if said.source not in FEEDS or said.source not in (describer(halt), ender(halt)):
        return False
    return halt.resume_at != begun or halt.resume_status == "planned"


def _ended_by(stories: Sequence[_Story], said: Statement) -> _Story | None:
    """The newest halt that was on before this resumption and had not ended by another."""
    ended = said.resume_at
    if ended is None:
        return None
    found = [
        one
        for one in stories
        if one.latest.halt_at < ended
        and (one.latest.resume_status in ("none", "planned") or one.latest.resume_at == ended)
    ]
    return max(found, key=lambda one: one.latest.halt_at, default=None)


def _day(at: datetime, market: str) -> str:
    return f"{at.astimezone(ZoneInfo(MARKET_CLOCKS[market][0])):%Y%m%d}"


def _at_opening(at: datetime | None, market: str) -> bool:
    zone, opens = MARKET_CLOCKS[market]
    return at is not None and at.astimezone(ZoneInfo(zone)).time() == time.fromisoformat(opens)


# --- new halts, and versions a source counts itself --------------------------------------------


def _new(stories: Sequence[_Story], said: Statement, begun: datetime) -> Halt:
    stem = f"{said.market}-{said.symbol}-{_day(begun, said.market)}"
    taken = [
        one.halt_id.removeprefix(f"{stem}-") for one in stories if one.halt_id.startswith(stem)
    ]
    number = 1 + max((int(one) for one in taken if one.isdigit()), default=0)
    return _stated(said, begun, said.halt_id or f"{stem}-{number}", said.version or 1)


def _stated(said: Statement, begun: datetime, halt_id: str, version: int) -> Halt:
    return Halt(
        halt_id, version, said.market, said.symbol, said.name_zh or said.name_en or said.symbol,
        said.name_en,
        said.kind, begun, said.resume_at, said.resume_status, said.reason_code_raw,
        said.reason_text_raw, said.reason_family, said.announcement_title, said.announcement_url,
        said.source, said.isin, said.resume_quote_at, said.last_halted_on,
        said.source_updated_at, said.source_row_sha256,
    )  # fmt: skip


def _first_event(halt: Halt) -> str | None:
    """A halt that is over when it is first heard of is told as over; one struck out, not at all."""
    if _delists(halt.kind):
        return "delisting" if halt.resume_status in ("none", "planned") else None
    return {"confirmed": "resumed", "cancelled": None}.get(halt.resume_status, "halted")


def _counted(story: _Story, said: Statement) -> Change | Refused | None:
    """A statement with a version of its own: known already, news, or a contradiction."""
    halt = _stated(said, said.halt_at or story.latest.halt_at, story.halt_id, said.version or 1)
    same = next((one.halt for one in story.versions if one.halt.version == said.version), None)
    if same is None:
        late = (said.version or 1) < (story.latest.version or 1)
        return Change(said.line, halt, None if late else event_of(story.latest, halt))
    if same.facts() == halt.facts():
        return None
    wrong = f"{halt.halt_id} version {said.version} is known with other facts"
    fix = "give a correction the next version, or none"
    return Refused(said.line, "version", str(said.version), Bad(wrong, fix))
