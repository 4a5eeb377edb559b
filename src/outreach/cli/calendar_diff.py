"""`outreach calendar diff`: a stored year against the library exchange_calendars."""

from datetime import date
from typing import Annotated, Any

import typer

from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import console, emit_json, say, table


def diff(
    context: typer.Context,
    market: Annotated[str, typer.Argument(help="CN_A, HK, US, UK, SB or NB.")],
    year: Annotated[int, typer.Argument(help="The year.", min=1990, max=2100)],
    provisional: Annotated[
        bool, typer.Option("--provisional", help="Compare forecast days as well.")
    ] = False,
) -> None:
    """Show the days on which exchange_calendars says something else; exit 1 when there are any.

    The library may be the one that is wrong: it learns of typhoons and new holidays late.
    """
    from outreach.core.calendar_difference import differing_days
    from outreach.core.market import MARKETS
    from outreach.feeds.exchange_calendars import CalendarSourceProblem, library_calendar
    from outreach.store import calendars

    door: Door = context.obj
    if market not in MARKETS:
        raise Failure(USAGE, f"{market} is not a known market; write one of {', '.join(MARKETS)}")
    with door.database.reading() as conn:
        ours = calendars.load(conn, market)
    ours = ours.with_provisional() if provisional else ours
    first, last = date(year, 1, 1), date(year, 12, 31)
    for edge in (first, last):
        ours.is_session(edge)  # raises beyond coverage, with what to import
    try:
        theirs = library_calendar(market, year)
    except CalendarSourceProblem as error:
        raise Failure(BAD_DATA, str(error)) from None
    rows: list[dict[str, Any]] = [
        {
            "on": found.on,
            "weekday": f"{found.on:%a}",
            "stored": found.before.kind,
            "stored_hours": found.before.hours,
            "stored_name": found.before.name_en,
            "library": found.after.kind,
            "library_hours": found.after.hours,
            "library_name": found.after.name_en,
        }
        for found in differing_days(ours, theirs, first, last)
    ]
    sessions = len(ours.sessions(first, last)), len(theirs.sessions(first, last))
    if door.json:
        emit_json(
            {"market": market, "year": year, "sessions": sessions[0],
             "library_sessions": sessions[1], "days": rows}
        )  # fmt: skip
    else:
        if rows:
            console().print(table("", list(rows[0]), [list(row.values()) for row in rows]))
        say(
            door,
            f"{market} {year}: {sessions[0]} sessions here, {sessions[1]} in exchange_calendars;"
            f" {len(rows)} days differ.",
        )
    if rows:
        raise typer.Exit(PROBLEMS)
