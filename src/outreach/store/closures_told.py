"""Closures that runs have told of, as far as they may still be to come."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping

from outreach.core.campaign import OnClosure
from outreach.core.closure_told import Correction, Told, corrections
from outreach.core.occurrence import Calendars
from outreach.core.run_values import RunValues
from outreach.store import runs

# A closure that was put off may still be to come when its first notice has expired.
LOOK_BACK: Final = timedelta(days=31)


def owed(
    conn: Connection, campaign: str, rule: OnClosure, known: Calendars, now: datetime
) -> list[Correction]:
    """The corrections a campaign owes, by the calendars that are handed in."""
    calendar = known.get(rule.market)
    told = [_told(row) for row in runs.since(conn, campaign, now - LOOK_BACK)]
    mine = [one for one in told if one is not None and one.key.startswith(f"{rule.market}-")]
    if calendar is None or not mine:
        return []
    return corrections(mine, calendar, now.astimezone(calendar.zone).date())


def untrue(conn: Connection, known: Calendars, now: datetime) -> dict[int, Correction]:
    """By run: the closures that were told with dates that `known` does not bear out."""
    found: dict[int, Correction] = {}
    for campaign in runs.campaigns_since(conn, now - LOOK_BACK):
        for market in known:
            rule = OnClosure(kind="closure", market=market)
            for one in owed(conn, campaign, rule, known, now):
                found |= {told.run: one for told in one.told}
    return found


def _told(row: RowMapping) -> Told | None:
    """None for a run that told nothing, and for one of before its dates were kept."""
    dates = RunValues.load(row["values"]).closure
    return Told(row["id"], row["occurrence"], row["state"], dates) if dates else None
