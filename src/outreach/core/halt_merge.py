"""Which source is believed about a halt, and what one statement changes in its latest version."""

from datetime import datetime, timedelta
from typing import Final

from outreach.core.halts import DELISTING_PERIOD, Halt, Statement

EVENTS: Final = (
    "halted", "extended", "resume_planned", "resumed", "corrected", "cancelled", "delisting",
)  # fmt: skip
# Feeds stamp one halt some seconds apart. The shortest pause of a market is five minutes.
SAME: Final = timedelta(seconds=60)
DAYS_ONLY: Final = frozenset({"eastmoney"})  # its table has lost the time of day
DAY_BY_DAY: Final = frozenset({"tushare"})  # one row a halted day, which knows no end
FEEDS: Final = frozenset({"sse", "szse", "nasdaq", "nyse", "eastmoney", "jydb", "tushare"})
_AT_HOME: Final = {
    "sse": ("XSHG",),
    "szse": ("XSHE",),
    "nasdaq": ("XNAS",),
    "nyse": ("XNYS", "XASE", "ARCX", "BATS"),
}


def describer(halt: Halt) -> str:
    """Who said that it began. `szse+eastmoney` is a halt by szse with an end by eastmoney."""
    return halt.source.partition("+")[0]


def ender(halt: Halt) -> str:
    """Who said when it ends; who described it where nobody else did."""
    return halt.source.rpartition("+")[2]


def merged(
    was: Halt, said: Statement, *, as_of: datetime, known_as_of: datetime, goes_on: bool
) -> tuple[Halt, str | None]:
    """The latest version with what a statement changes in it, and the event that is told of that.

    `goes_on`: the statement begins where the halt was to end, so it speaks of the end alone. The
    version number is left as it is.
    """
    newer = as_of >= known_as_of
    now = was if goes_on or said.halt_at is None else _described(was, said, said.halt_at, newer)
    withdraws = as_of > known_as_of or (goes_on and newer)
    now = _ended(now, said, newer=newer, withdraws=withdraws)
    return now, event_of(was, now)


def _described(was: Halt, said: Statement, begun: datetime, newer: bool) -> Halt:
    """A source corrects what it said itself. From another, the market's own feed and the firm take
    over; a feed that lost the time of day never does."""
    source = describer(was)
    other = said.source != source
    if not other or said.source not in FEEDS:
        taken = newer
    else:
        taken = _rank(said.source, was.market) < _rank(source, was.market)
    if not taken:
        return was
    return was._replace(
        name_zh=said.name_zh or was.name_zh,
        name_en=said.name_en or was.name_en,
        kind=said.kind,
        halt_at=begun,
        reason_code_raw=said.reason_code_raw,
        reason_text_raw=said.reason_text_raw,
        reason_family=said.reason_family,
        announcement_title=said.announcement_title or was.announcement_title,
        announcement_url=said.announcement_url or was.announcement_url,
        source=_sources(said.source, ender(was)),
        isin=said.isin or was.isin,
        resume_quote_at=said.resume_quote_at or (was.resume_quote_at if other else None),
        source_updated_at=said.source_updated_at,
        source_row_sha256=said.source_row_sha256,
    )


def _sources(describes: str, ends: str) -> str:
    return describes if ends == describes else f"{describes}+{ends}"


def _ended(was: Halt, said: Statement, *, newer: bool, withdraws: bool) -> Halt:
    """The halt with the end a statement gives it, if it may."""
    mine = said.source == ender(was)
    if said.resume_at is None and said.resume_status != "cancelled":
        # A plan is withdrawn by its own source, and by a newer file only.
        if was.resume_status in ("planned", "cancelled") and mine and withdraws:
            return was._replace(resume_at=None, resume_status="none", last_halted_on=None)
        return was
    if (said.resume_at, said.resume_status) == (was.resume_at, was.resume_status):
        return was
    if not _may_end(was, said, mine=mine, newer=newer):
        return was
    met = said.resume_at == was.resume_at
    source = was.source if met else _sources(describer(was), said.source)
    return was._replace(
        resume_at=said.resume_at,
        resume_status=said.resume_status,
        source=source,
        last_halted_on=said.last_halted_on or (was.last_halted_on if met else None),
        source_updated_at=said.source_updated_at,
        source_row_sha256=said.source_row_sha256,
    )


def _may_end(was: Halt, said: Statement, *, mine: bool, newer: bool) -> bool:
    if was.resume_status == "none":
        return newer or not mine
    if was.resume_at == said.resume_at:
        if was.resume_status == "planned" and said.resume_status == "confirmed":
            return True  # anybody may say that the plan has come true
        if was.resume_status == "confirmed" and said.resume_status == "planned":
            return False  # a fact does not become a plan again
    theirs, ours = _rank(said.source, was.market), _rank(ender(was), was.market)
    return newer if mine or theirs == ours else theirs < ours


def _rank(source: str, market: str) -> int:
    """0 for the market's own feed and for what the firm enters itself; more for those further
    off. Of two that disagree the nearer is believed, whichever came first."""
    if source not in FEEDS or market in _AT_HOME.get(source, ()):
        return 0
    return 2 if source in DAYS_ONLY else 1


# --- what is told of it ----------------------------------------------------------------------


def event_of(was: Halt, now: Halt) -> str | None:
    """The one thing a version tells: its end before anything else, for that is what it changes for
    a client. A moment moved within what feeds differ by is not told, nor is a name."""
    if now.resume_status == "cancelled":
        return "cancelled" if was.resume_status != "cancelled" else None
    if was.resume_status == "cancelled":
        return "corrected"
    if now.kind == DELISTING_PERIOD:
        return _event_of_delisting(was, now)
    changed = (was.resume_at, was.resume_status) != (now.resume_at, now.resume_status)
    event = _event_of_end(was, now) if changed else None
    return event or ("corrected" if _corrects(was, now) else None)


def _event_of_delisting(was: Halt, now: Halt) -> str | None:
    """The period itself is news once. That it is over is no resumption, and nothing to tell."""
    if was.kind != DELISTING_PERIOD:
        return "delisting"
    return "corrected" if _moved(was.resume_at, now.resume_at) or _corrects(was, now) else None


def _event_of_end(was: Halt, now: Halt) -> str | None:
    if now.resume_at is None:
        return "extended" if was.resume_status == "planned" else "corrected"
    moved = _moved(was.resume_at, now.resume_at)
    if was.resume_status == "confirmed":
        return "corrected" if moved or now.resume_status != "confirmed" else None
    if now.resume_status == "confirmed":
        return "resumed"
    if not moved:
        return None
    later = was.resume_at is not None and now.resume_at > was.resume_at
    return "extended" if later else "resume_planned"


def _moved(was: datetime | None, now: datetime | None) -> bool:
    """Whether an end is another one, by more than what feeds differ by."""
    if was is None or now is None:
        return was is not now
    return abs(was - now) > SAME


def _corrects(was: Halt, now: Halt) -> bool:
    """Whether clients were told something that was wrong. Two feeds give one reason in two ways."""
    if abs(was.halt_at - now.halt_at) > SAME:
        return True
    other_feed = describer(was) != describer(now) and describer(now) in FEEDS
    return not other_feed and _reason(was) != _reason(now)


def _reason(halt: Halt) -> str | None:
    """A reason as clients understand it: news pending and news released are one story."""
    return halt.reason_family or halt.reason_text_raw or halt.reason_code_raw
