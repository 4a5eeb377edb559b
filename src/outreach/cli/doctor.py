"""`outreach doctor`: what is set up, reachable, running out, or driving nothing."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import typer

from outreach.cli import delivery_health as delivery
from outreach.cli.db_health import database_findings
from outreach.cli.departments import department_findings
from outreach.cli.door import PROBLEMS, Door, Failure
from outreach.cli.incident_health import incident_findings
from outreach.cli.market_health import market_findings
from outreach.cli.output import Marked, console, emit_json, say, table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.project.load import Project

HOLDINGS_AGE: Final = timedelta(days=4)  # Friday's close is still the newest on a Tuesday morning
LITTLE_SPACE, NO_SPACE = 5 * 1024**3, 512 * 1024**2  # bytes left for var
_STYLES: Final = {"ok": "green", "warning": "yellow", "error": "red"}


class Finding(NamedTuple):
    """What one check saw, and what to do about it."""

    level: Literal["ok", "warning", "error"]
    says: str
    write: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What the checks look at. Those that ask the database run only when it is there."""

    door: Door
    project: "Project"
    now: datetime
    connect: bool
    conn: "Connection"


Check = Callable[[Look], Iterator[Finding]]


def doctor(
    context: typer.Context,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also knock at the mail servers.")
    ] = False,
) -> None:
    """Look at everything the program depends on. Exit 1 when something is broken."""
    door: Door = context.obj
    rows = [
        {"check": name, "level": found.level, "finding": found.says, "do": found.write}
        for name, found in _findings(door, connect)
    ]
    broken = sum(row["level"] == "error" for row in rows)
    warned = sum(row["level"] == "warning" for row in rows)
    if door.json:
        emit_json({"errors": broken, "warnings": warned, "checks": rows})
    else:
        shown = [
            (row["check"], Marked(row["level"], _STYLES[row["level"]]), row["finding"], row["do"])
            for row in rows
        ]
        console().print(table("", ("check", "level", "finding", "what to do"), shown))
        say(door, f"{broken} errors, {warned} warnings.")
    if broken:
        raise typer.Exit(PROBLEMS)


def _findings(door: Door, connect: bool) -> Iterator[tuple[str, Finding]]:
    database = list(_database(door))
    yield from (("database", one) for one in database)
    try:
        project, lines = door.project, door.problems_of("")
    except Failure as failure:
        project, lines = None, failure.lines
    if lines:
        wrong = f"{len(lines)} problems, the first: {lines[0]}"
        yield "project", Finding("error", wrong, "outreach check")
    if project is None:
        return
    from contextlib import nullcontext

    there = all(found.level == "ok" for found in database)
    opened: Any = door.database.reading() if there else nullcontext()
    with opened as conn:
        look = Look(door, project, door.now(), connect, conn)
        for name, asks_database, check in CHECKS:
            if there or not asks_database:
                yield from ((name, found) for found in check(look))


def _database(door: Door) -> Iterator[Finding]:
    from outreach.cli.almanac import sqlite_file
    from outreach.store import migrate
    from outreach.store.database import DatabaseProblem

    upgrade = "outreach db upgrade"
    file = sqlite_file(door)
    if file is not None and not file.is_file():
        yield Finding("error", f"{file} does not exist yet", upgrade)
        return
    try:
        at, newest = migrate.current(door.open_database()), migrate.newest()
    except DatabaseProblem as problem:
        yield Finding("error", str(problem), "see that the database runs")
        return
    if at != newest:
        yield Finding("error", f"revision {at or 'none'}, this program needs {newest}", upgrade)
        return
    try:
        migrate.require_current(door.open_database())
        yield Finding("ok", f"revision {at}")
    except DatabaseProblem as problem:
        says, _, write = str(problem).partition("; ")
        yield Finding("error", says, write)


def _calendars(look: Look) -> Iterator[Finding]:
    from outreach.cli.almanac import markets
    from outreach.core.calendar_watch import running_out
    from outreach.store import calendars

    for market in sorted(markets(look.project)):
        calendar = calendars.load(look.conn, market)
        ends = running_out(calendar, look.now.astimezone(calendar.zone).date())
        if ends is None:
            yield Finding("ok", f"{market} is official up to {calendar.covered_to}")
        else:
            says, _, write = ends.sentence.en.partition("; ")
            yield Finding(ends.severity, says, write)


def _unsubscribe_key(look: Look) -> Iterator[Finding]:
    from outreach.cli.engine import UNSUBSCRIBE
    from outreach.project.secrets import secret, variable_of

    path = look.door.var / "keys" / f"{UNSUBSCRIBE}.key"
    if secret(UNSUBSCRIBE):
        yield Finding("ok", f"from {variable_of(UNSUBSCRIBE)}")
    elif not path.is_file():
        yield Finding("warning", "there is none yet; the first plan makes one", f"then keep {path}")
    elif path.stat().st_mode & 0o077:
        yield Finding("warning", f"{path} can be read by others", f"chmod 600 {path}")
    else:
        yield Finding("ok", f"{path}; links in mails already sent depend on it")


def _audit_key(look: Look) -> Iterator[Finding]:
    from outreach.project.secrets import secret, variable_of

    if secret("audit"):
        yield Finding("ok", "checkpoints are signed")
    else:
        write = f"set {variable_of('audit')} (openssl rand -base64 32)"
        yield Finding("warning", "checkpoints are not signed", write)


def _senders(look: Look) -> Iterator[Finding]:
    from outreach.cli.sender_health import server_findings

    for level, says, write in server_findings(look.project.config.senders, look.connect):
        yield Finding(level, says, write)


def _campaigns(look: Look) -> Iterator[Finding]:
    from outreach.project.definition import define
    from outreach.store import runs

    waiting, approved = [], 0
    for name, campaign in look.project.campaigns.items():
        if (
            not campaign.enabled
            or campaign.purpose not in look.project.config.approval.required_for
        ):
            continue
        digest = define(look.project, name).approval_digest
        if runs.standing_approval(look.conn, name, digest) is None:
            waiting.append(name)
        else:
            approved += 1
    yield Finding("ok", f"{approved} enabled campaigns are approved")
    for name in waiting:
        yield Finding("warning", f"{name} is not approved", f"outreach approve {name} --as USER")


def _snapshots(look: Look) -> Iterator[Finding]:
    from outreach.core.campaign import OnHalt

    rules = [one.occurrence for one in look.project.campaigns.values() if one.enabled]
    halts = [rule for rule in rules if isinstance(rule, OnHalt)]
    if not halts:
        yield Finding("ok", "no campaign needs holdings or halts")
        return
    yield _age(look, "holdings", HOLDINGS_AGE)
    limits: dict[str, int] = {}
    for rule in halts:
        for market in rule.markets:
            limits[market] = min(rule.max_age_hours, limits.get(market, rule.max_age_hours))
    yield from _halts(look, limits)


def _halts(look: Look, limits: dict[str, int]) -> Iterator[Finding]:
    """Each market by itself: a file about one says nothing of another."""
    from outreach.store import feeds

    write = "outreach halts import FILE"
    known = feeds.freshness(look.conn, sorted(limits))
    silent = [market for market, as_of in known.items() if as_of is None]
    ages = {market: look.now - as_of for market, as_of in known.items() if as_of is not None}
    hours = {market: int(age.total_seconds() // 3600) for market, age in ages.items()}
    if silent and not hours:
        yield Finding("warning", "no halts have been taken in", write)
        return
    if silent:
        yield Finding("warning", f"no whole file told of halts of {', '.join(silent)} yet", write)
    old = {market for market, age in ages.items() if age > timedelta(hours=limits[market])}
    for market in sorted(old):
        yield Finding("warning", f"halts of {market} are {hours[market]} hours old", write)
    if not silent and not old:
        yield Finding("ok", f"halts are {max(hours.values())} hours old")


def _age(look: Look, kind: str, most: timedelta) -> Finding:
    from outreach.store import books

    done = [book["as_of"] for book in books.listed(look.conn, kind) if book["finished_at"]]
    write = f"outreach {kind} import FILE"
    if not done:
        return Finding("warning", f"no {kind} have been taken in", write)
    age = look.now - max(done)
    hours = int(age.total_seconds() // 3600)
    if age > most:
        return Finding("warning", f"{kind} are {hours} hours old", write)
    return Finding("ok", f"{kind} are {hours} hours old")


def _sources(look: Look) -> Iterator[Finding]:
    """Feeds that are fetched by their address."""
    from outreach.cli.clients import desk_of
    from outreach.cli.halt_sources import standing

    rows = standing(look.door, desk_of(look.door, ""))
    fine = sum(row["state"] == "ok" for row in rows)
    if fine or not rows:
        yield Finding("ok", f"{fine} of {len(rows)} sources answer" if rows else "none is fetched")
    for row in rows:
        if row["state"] != "ok":
            why = f": {row['last_error']}" if row["last_error"] else ""
            says = f"{row['name']} is {row['state']}, last fetched {row['last_fetched'] or 'never'}"
            yield Finding("warning", says + why, f"outreach halts fetch {row['name']}")


def _disk(look: Look) -> Iterator[Finding]:
    place = look.door.var
    while not place.exists():
        place = place.parent
    left = shutil.disk_usage(place).free
    says = f"{left / 1024**3:,.1f} GB left for {look.door.var}"
    if not os.access(place, os.W_OK):
        yield Finding("error", f"{place} cannot be written to", "correct its access rights")
    elif left < LITTLE_SPACE:
        yield Finding("error" if left < NO_SPACE else "warning", says, "free some space")
    else:
        yield Finding("ok", says)


def _room(find: "Callable[[Connection, Project, datetime], Iterator[Any]]") -> Check:
    """The findings of a room that keeps its own."""
    return lambda look: (Finding(*one) for one in find(look.conn, look.project, look.now))


def _routes(look: Look) -> Iterator[Finding]:
    """Routes behind one that takes all they would, senders without a route, channels without."""
    config = look.project.config
    used = {channel for one in look.project.campaigns.values() for channel in one.channels}
    wide: set[tuple[str, str]] = set()
    idle = 0
    for number, route in enumerate(config.routes, start=1):
        if any(route.channel == c and route.prefix.startswith(prefix) for c, prefix in wide):
            says = f"route {number} ({route.channel} {route.prefix}) is never reached"
            yield Finding("warning", says, "put it before the wider route, or remove it")
            idle += 1
        wide.add((route.channel, route.prefix))
    for name in config.senders:
        if name not in {route.sender for route in config.routes}:
            yield Finding("warning", f"no route leads to {name}", "add [[routes]] or remove it")
            idle += 1
    for channel in sorted(used - {route.channel for route in config.routes}):
        yield Finding("error", f"no route serves {channel}", "add [[routes]] for it")
        idle += 1
    if not idle:
        yield Finding("ok", f"{len(config.routes)} routes, each with something to do")


# The order in which they are told; the second says whether the database is asked.
CHECKS: Final[tuple[tuple[str, bool, Check], ...]] = (
    ("database size", True, _room(database_findings)),
    ("calendars", True, _calendars),
    ("unsubscribe key", False, _unsubscribe_key),
    ("audit key", False, _audit_key),
    ("senders", False, _senders),
    ("routes", False, _routes),
    ("campaigns", True, _campaigns),
    ("holdings, halts", True, _snapshots),
    ("halt sources", True, _sources),
    ("incidents", True, _room(incident_findings)),
    ("market moves", True, _room(market_findings)),
    ("departments", True, _room(department_findings)),
    ("senders at rest", True, _room(delivery.sender_findings)),
    ("in doubt", True, _room(delivery.doubt_findings)),
    ("heard back", True, _room(delivery.heard_findings)),
    ("returned mail", True, _room(delivery.returned_findings)),
    ("disk", False, _disk),
)
