"""The day and the calendars that texts and schedules are held against."""

from pathlib import Path
from typing import TYPE_CHECKING

from outreach.cli.door import Door

if TYPE_CHECKING:
    from outreach.core.problem import Problem
    from outreach.core.trading_calendar import TradingCalendar
    from outreach.project.check_dates import Almanac
    from outreach.project.load import Project


def sqlite_file(door: Door) -> Path | None:
    """The file of an SQLite database; None for a server."""
    url = door.config.database
    return door.root / url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else None


def known_calendars(door: Door) -> "dict[str, TradingCalendar]":
    """The calendars of the database; where none is set up, those that come with the program."""
    from outreach.cli.door import Failure
    from outreach.core.market import MARKETS
    from outreach.feeds import calendar_file
    from outreach.store import calendars
    from outreach.store.database import DatabaseProblem

    shipped = calendar_file.shipped()
    known = {
        market: shipped.calendar(market) for market in {span.market for span in shipped.coverage}
    }
    try:
        file = sqlite_file(door)
        if file is not None and not file.is_file():
            return known
        with door.database.reading() as conn:
            return {market: calendars.load(conn, market) for market in MARKETS}
    except (DatabaseProblem, Failure):
        return known


def almanac(door: Door) -> "Almanac":
    """Today on the firm's clock, and the calendars as they are known."""
    from zoneinfo import ZoneInfo

    from outreach import clock
    from outreach.project.check_dates import Almanac

    zone = ZoneInfo(door.config.firm.zone)
    return Almanac(clock.now().astimezone(zone).date(), known_calendars(door))


def coverage_warnings(project: "Project", known: "Almanac") -> "list[Problem]":
    """Calendars that this project's campaigns are told by and that run out."""
    from outreach.core.calendar_watch import running_out

    found: list[Problem] = []
    for market in sorted(markets(project)):
        calendar = known.calendars.get(market)
        ends = running_out(calendar, known.today) if calendar and known.today else None
        if ends is not None:
            wrong, _, write = ends.sentence.en.partition("; ")
            found.append(project.config_file.warning(("firm", "market"), wrong, write))
    return found


def markets(project: "Project") -> set[str]:
    """The markets whose days this project goes by."""
    from outreach.core.timetable import markets_of

    firm = project.config.firm.market
    enabled = [campaign for campaign in project.campaigns.values() if campaign.enabled]
    return {firm, *(market for campaign in enabled for market in markets_of(campaign, firm))}
