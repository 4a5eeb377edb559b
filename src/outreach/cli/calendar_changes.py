"""What a changed trading calendar does: days, closures, firings, and runs that told other dates."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from outreach.cli.door import Door
from outreach.cli.output import emit_rows, next_step, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.core.calendar_override import Override
    from outreach.core.closure_told import ClosureDates, Correction
    from outreach.core.occurrence import Occurrence
    from outreach.core.trading_calendar import Closure, TradingCalendar

    Calendars = Mapping[str, TradingCalendar]

AHEAD: Final = timedelta(days=60)
# Whose calendar follows from whose: an override of one side is one of Stock Connect too.
FOLLOWERS: Final = {"CN_A": ("SB", "NB"), "HK": ("SB", "NB")}


def calendars_of(
    conn: "Connection", market: str, also: "Sequence[Override]" = ()
) -> "dict[str, TradingCalendar]":
    """The calendars an override of this market may change; with `also`, as they would be then."""
    from outreach.store import calendars

    markets = (market, *FOLLOWERS.get(market, ()))
    return {name: calendars.load(conn, name, also) for name in markets}


def effects(
    door: Door, conn: "Connection", before: "Calendars", after: "Calendars"
) -> dict[str, Any]:
    """What is otherwise by `after`: for scripts, and for `show`. Forecasts are looked at too."""
    old, new = (
        {market: calendar.with_provisional() for market, calendar in each.items()}
        for each in (before, after)
    )
    days = list(_days(door, old, new))
    closures = list(_closures(door, old, new))
    changed = bool(days or closures)
    return {
        "sessions": days,
        "closures": closures,
        "firings": list(_firings(door, conn, old, new)) if changed else [],
        "touched": list(_touched(door, conn, old, new)) if changed else [],
        "untrue": list(_untrue(door, conn, after)) if changed else [],
    }


def _days(door: Door, before: "Calendars", after: "Calendars") -> Iterator[dict[str, Any]]:
    from outreach.core.calendar_difference import differing_days
    from outreach.core.calendar_effects import last_day

    for market, old in before.items():
        today = door.now().astimezone(old.zone).date()
        for one in differing_days(old, after[market], today, last_day(old)):
            yield {
                "market": market,
                "on": one.on,
                "before": str(one.before),
                "after": str(one.after),
            }


def _closures(door: Door, before: "Calendars", after: "Calendars") -> Iterator[dict[str, Any]]:
    from outreach.core.calendar_difference import differing_closures

    for market, old in before.items():
        today = door.now().astimezone(old.zone).date()
        for one in differing_closures(old, after[market], today):
            yield {
                "market": market,
                "before": one.before.key if one.before else None,
                "was": _dates(one.before),
                "after": one.after.key if one.after else None,
                "is": _dates(one.after),
            }


def _dates(closure: "Closure | ClosureDates | None") -> str:
    if closure is None:
        return "none"
    return f"{closure.close_from} to {closure.close_to}, reopens {closure.reopen}"


def _firings(
    door: Door, conn: "Connection", before: "Calendars", after: "Calendars"
) -> Iterator[dict[str, Any]]:
    """By campaign: what fires at another moment in the coming 60 days, or not at all any more."""
    from outreach.core.calendar_effects import differing_firings
    from outreach.core.timetable import Here, markets_of
    from outreach.store import calendars

    firm, now = door.config.firm, door.now()
    for name, campaign in sorted(door.project.campaigns.items()):
        markets = markets_of(campaign, firm.market)
        if not campaign.enabled or not markets & before.keys():
            continue
        others = {
            market: calendars.load(conn, market).with_provisional()
            for market in markets - before.keys()
        }
        here = [
            Here(ZoneInfo(firm.zone), firm.market, {**others, **each}) for each in (before, after)
        ]
        for one in differing_firings(campaign, here[0], here[1], now, now + AHEAD):
            yield {
                "campaign": name,
                "occurrence": one.occurrence,
                "change": one.change,
                "before": one.before,
                "after": one.after,
            }


def _touched(
    door: Door, conn: "Connection", before: "Calendars", after: "Calendars"
) -> Iterator[dict[str, Any]]:
    """Campaign occurrences that change, with the run of each that was opened already."""
    from outreach.core.calendar_effects import touched
    from outreach.store import runs

    zone = ZoneInfo(door.config.firm.zone)
    for name, campaign in door.project.campaigns.items():
        for found in touched(campaign.occurrence, before, after, door.now(), zone):
            key = _key(found.before) or _key(found.after) or ""
            run = runs.revised(conn, name, key)
            yield {
                "campaign": name,
                "before": _key(found.before),
                "after": _key(found.after),
                "expires_at": found.after.expires_at if found.after else None,
                "run": run["id"] if run else None,
                "run_state": run["state"] if run else None,
            }


def _key(occurrence: "Occurrence | None") -> str | None:
    return occurrence.key if occurrence else None


def _untrue(door: Door, conn: "Connection", after: "Calendars") -> Iterator[dict[str, Any]]:
    """Runs that told dates which are not true by `after`, and what has not gone out of each."""
    from outreach.store import closures_told, runs

    for number, correction in closures_told.untrue(conn, after, door.now()).items():
        run = runs.load(conn, number)
        states = runs.counts(conn, number).get("state", {})
        if run is None:
            continue
        yield {
            "run": number,
            "campaign": run["campaign"],
            "occurrence": run["occurrence"],
            "state": run["state"],
            "told": _dates(_told(correction, number)),
            "is": _dates(correction.closure),
            "unsent": states.get("ready", 0) + states.get("held", 0),
            "ended": run["state"] not in runs.OPEN,
            "correction": correction.key,
        }


def _told(correction: "Correction", run: int) -> "ClosureDates":
    return next(one.dates for one in correction.told if one.run == run)


# --- for people ----------------------------------------------------------------------------------


def show(door: Door, document: Mapping[str, Any], *, done: bool) -> None:
    """The tables, and a line for each run that told what is not true. `done`: it is in force."""
    if not document["sessions"] and not document["closures"]:
        say(door, "No coming session changes.")
        return
    emit_rows(door, "Sessions that change", document["sessions"])
    emit_rows(door, "Closures that change", document["closures"])
    emit_rows(door, "Firings of the next 60 days that change", document["firings"])
    emit_rows(door, "Campaign occurrences that change", document["touched"])
    for row in document["untrue"]:
        say(door, _sentence(row, done))
    corrected = {row["campaign"]: row["correction"] for row in document["untrue"]}
    for campaign, key in corrected.items():
        if key is None:
            say(door, f"There is no closure left that {campaign} could correct: write to those"
                " who got it.")  # fmt: skip
        elif done:
            say(door, f"{campaign} {key} corrects it. `outreach serve` sends it by itself.")
            next_step(door, f"outreach run {campaign}")


def _sentence(row: Mapping[str, Any], done: bool) -> str:
    told = f"Run {row['run']} of {row['campaign']} {row['occurrence']} told {row['told']}"
    if row["ended"]:
        return f"{told}; it is {row['state']}, so that has gone out."
    stops = "is stopped" if done else "would be stopped"
    return f"{told}; what it has not sent {stops} ({row['unsent']:,} messages planned so far)."
