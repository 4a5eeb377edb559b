"""The moves of a campaign: what has been told, and the fold of index levels from there."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from outreach.core.market_conditions import OnMarketMove
from outreach.core.market_moves import Folded, Level, fold
from outreach.core.market_words import Watched, watched, watched_margin
from outreach.core.run_values import RunValues
from outreach.store import calendars, market
from outreach.store.database import latest
from outreach.store.tables import margin_event, market_level, run

# How far back a move is looked for that nobody told, to be put on record as missed.
REMEMBERED: Final = timedelta(days=7)
# How far back a condition is followed that triggered long ago and may not have come back since.
FOLLOWED: Final = timedelta(days=92)


def told(conn: Connection, campaign: str, now: datetime, besides: int = 0) -> dict[str, datetime]:
    """What the runs of a campaign told, or missed to tell: by key, the moment it happened."""
    mine = select(run.c.occurrence, run.c["values"]).where(
        run.c.campaign == campaign, run.c.opened_at >= now - FOLLOWED, run.c.id != besides
    )
    return {key: RunValues.load(values).due_at for key, values in conn.execute(mine)}


def folded(
    conn: Connection, rule: OnMarketMove, known: Mapping[str, datetime], now: datetime
) -> Folded:
    """The triggers nobody was told of, and where each condition stands. `known` is what `told`
    said. Raises CalendarCoverageError where the calendar does not know today."""
    told_at: dict[str, list[datetime]] = {one.slug: [] for one in rule.conditions}
    for key, at in known.items():
        named = (one.slug for one in rule.conditions if one.named_by(key))
        # A condition that has left the file still counts for the cool-down.
        told_at.setdefault(next(named, ""), []).append(at)
    calendar = calendars.load(conn, rule.calendar)
    calendar.day(now.astimezone(calendar.zone).date())
    since = _since(rule, told_at, now)
    levels: list[Level] = []
    for code in sorted({one.index for one in rule.conditions if one.index}):
        levels += market.levels_since(conn, code, since)
    return fold(rule.conditions, levels, calendar, told_at)


def watch(
    conn: Connection, campaign: str, rule: OnMarketMove, now: datetime, zone: ZoneInfo
) -> list[Watched]:
    """Where each condition of a campaign stands. Raises CalendarCoverageError."""
    if (margin := rule.margin) is not None:
        found = market.margin_count(conn)
        below = found.below_warn if margin.margin_below == "warn" else found.below_close
        return [watched_margin(margin, below, found.as_of, zone)]
    followed = folded(conn, rule, told(conn, campaign, now), now)
    waiting = {one.condition.slug for one in followed.triggers}
    return [
        watched(one, followed.standings[one.slug], one.slug in waiting, zone)
        for one in rule.conditions
    ]


class Mark(NamedTuple):
    """How far the facts are written that tell what has happened to a campaign."""

    level: int
    file: int  # with which somebody crossed a margin line
    run: int


def mark(conn: Connection, campaign: str) -> Mark:
    """Three looks into indexes: while nothing moves, nothing needs to be folded again."""
    files = select(func.coalesce(func.max(margin_event.c.book_id), 0))
    mine = select(func.coalesce(func.max(run.c.id), 0)).where(run.c.campaign == campaign)
    newest = latest(conn, market_level)
    return Mark(newest, int(conn.execute(files).scalar_one()), int(conn.execute(mine).scalar_one()))


def any_since(conn: Connection, rule: OnMarketMove, since: datetime) -> bool:
    """Whether any index of the conditions has a level of a moment or later."""
    codes = {one.index for one in rule.conditions if one.index}
    newest = (market.newest_level_at(conn, code) for code in codes)
    return any(at is not None and at >= since for at in newest)


def _since(rule: OnMarketMove, told_at: Mapping[str, list[datetime]], now: datetime) -> datetime:
    """From when on levels matter: for the longest window, and for each window of several sessions
    all since it last triggered, to see whether it came back."""
    sessions = max(one.over_sessions or 1 for one in rule.conditions)
    long = [told_at[one.slug] for one in rule.conditions if (one.over_sessions or 1) > 1]
    since = min([now - REMEMBERED, *(max(some) for some in long if some)])
    start = max(since, now - FOLLOWED)
    return start - timedelta(days=2 * sessions + 14)  # weekends, and the longest closure
