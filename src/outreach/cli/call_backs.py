"""`outreach call-backs`: who is to be called back until when, what came of it, the yearly tenth."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from outreach.cli.call_back_results import concerns, day_of, record, show
from outreach.cli.call_back_years import base, coverage, draw, draws
from outreach.cli.clients import As, AsOf, moment_of, report, run_import
from outreach.cli.door import BAD_DATA, USAGE, Door, Failure
from outreach.cli.export import FORMATS, Column, refuse, write_table
from outreach.cli.log import counted
from outreach.cli.output import (
    Marked,
    console,
    emit_json,
    emit_stream,
    next_step,
    progress,
    say,
    table,
)
from outreach.core.call_back import RULES
from outreach.core.masking import masked_name, masked_phone

if TYPE_CHECKING:
    from outreach.call_backs import Due
    from outreach.core.trading_calendar import TradingCalendar
    from outreach.store.call_backs import Wanted

app = typer.Typer(no_args_is_help=True, help="Call-backs: who is due, what came of it, how many.")
app.command()(base)
app.command()(draw)
app.command()(draws)
app.command()(coverage)
app.command()(record)
app.command()(show)
app.command()(concerns)

ON_SCREEN: Final = 50
COUNTED: Final = 100_000  # further ones that are still counted
COLUMNS: Final = (
    Column("deadline", width=12), Column("overdue", width=9), Column("rule", width=16),
    Column("since", width=12), Column("what", width=24), Column("client", width=16),
    Column("name", width=12), Column("phone", width=18), Column("branch", width=20),
    Column("adviser", width=14), Column("tries", "number", 7), Column("last_on", width=12),
    Column("last_result", width=13),
)  # fmt: skip
File = Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet.")]


@app.command("import")
def import_cases(context: typer.Context, file: File, as_of: AsOf = "", actor: As = "") -> None:
    """Add trading permissions that were opened and accounts that were flagged."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    verb = ingest.import_call_backs
    report(door, run_import(door, file, actor, lambda desk: verb(desk, file, as_of=moment)))
    next_step(door, "outreach call-backs due")


@app.command("import-results")
def import_results(context: typer.Context, file: File, as_of: AsOf = "", actor: As = "") -> None:
    """Add what came of calls, such as the file of a call centre."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    verb = ingest.import_call_back_results
    report(door, run_import(door, file, actor, lambda desk: verb(desk, file, as_of=moment)))
    next_step(door, "outreach call-backs due", "outreach call-backs coverage")


# --- who is due -------------------------------------------------------------------------------


@app.command()
def due(
    context: typer.Context,
    branch: Annotated[str | None, typer.Option(help="Of one branch only.")] = None,
    adviser: Annotated[str | None, typer.Option(help="Of one adviser only.")] = None,
    client: Annotated[str | None, typer.Option(help="Of one client only.")] = None,
    until: Annotated[str, typer.Option(help="Deadlines up to this day, such as 2026-10-09.")] = "",
    export: Annotated[
        Path | None, typer.Option(help="Write every line to FILE.csv, .xlsx or .parquet.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show names and phones in full; goes on record.")
    ] = False,
    why: Annotated[str, typer.Option(help="Why they must be seen; goes on record.")] = "",
) -> None:
    """Call-backs nobody has made yet, the overdue ones first."""
    door: Door = context.obj
    last = day_of("--until", until) if until else None
    if bool(why.strip()) != unmask:
        raise Failure(USAGE, "--unmask and --why TEXT belong together: say why they are shown")
    if export is not None:
        refuse(export, FORMATS, force=force)
    asked, calendar = _asked(door, branch, adviser, client)
    if unmask:
        _put_on_record(door, asked, why.strip(), export)
    if export is not None:
        with progress(door, f"writing {export.name}") as tick:
            rows = counted(_rows(door, asked, calendar, last, unmask), tick)
            count = write_table(export, "call-backs", COLUMNS, rows, force=force)
        if door.json:
            emit_json({"file": str(export), "lines": count, "masked": not unmask})
        masked = "" if unmask else ", names and phones masked"
        say(door, f"{count:,} call-backs written to {export}{masked}.")
    elif door.json:
        names = [column.name for column in COLUMNS]
        rows = _rows(door, asked, calendar, last, unmask)
        emit_stream(dict(zip(names, row, strict=True)) for row in rows)
    else:
        _show(door, _rows(door, asked, calendar, last, unmask))


def _asked(
    door: Door, branch: str | None, adviser: str | None, client: str | None
) -> "tuple[Wanted, TradingCalendar]":
    from outreach import call_backs
    from outreach.store import calendars, clients

    zone = ZoneInfo(door.config.firm.zone)
    today = door.now().astimezone(zone).date()
    with door.database.reading() as conn:
        if client is not None and client not in clients.ids_of(conn, [client]):
            raise Failure(BAD_DATA, f"{client}: the client book has no such client")
        calendar = calendars.load(conn, door.config.firm.market)
        asked = call_backs.asked_on(
            conn, today, zone, branch=branch, adviser=adviser, client=client
        )
    return asked, calendar


def _put_on_record(door: Door, asked: "Wanted", why: str, export: Path | None) -> None:
    """The entry is committed before the first name is shown, whatever happens to the rest."""
    from outreach.store import audit

    wanted = {name: value for name, value in asked._asdict().items() if value is not None}
    detail = {"why": why[:400], "asked": wanted, "export": export.name if export else None}
    with door.database.begin() as tx:
        entry = audit.Entry(door.now(), "call_back.unmasked", door.actor, "call-backs", detail)
        audit.append(tx, [entry])


def _rows(
    door: Door, asked: "Wanted", calendar: "TradingCalendar", until: date | None, unmask: bool
) -> Iterator[tuple[Any, ...]]:
    from outreach import call_backs

    with door.database.reading() as conn:
        for one in call_backs.due(conn, asked, calendar, until):
            yield _row(one, unmask)


def _row(one: "Due", unmask: bool) -> tuple[Any, ...]:
    """A line of the list; days as text, since a file may go to any program."""
    who = one.waiting
    name, phone = (who.name, who.phone) if unmask else (masked_name(who.name), _masked(who.phone))
    return (
        str(one.deadline) if one.deadline else "", "yes" if one.overdue else "no", who.rule,
        str(who.since_on), who.detail, who.client, name, phone, who.branch, who.adviser, who.tries,
        str(who.last_on) if who.last_on else None, who.last_result,
    )  # fmt: skip


def _masked(phone: str | None) -> str | None:
    return masked_phone(phone) if phone else None


def _show(door: Door, rows: Iterator[tuple[Any, ...]]) -> None:
    shown = list(islice(rows, ON_SCREEN))
    rest = list(islice((row[1] for row in rows), COUNTED + 1))
    _say_sources(door)
    if not shown:
        say(door, "No call-back is due.")
        return
    names = [column.name for column in COLUMNS]
    out = [name for name in ("overdue", "last_on") if name in names]
    kept = [at for at, name in enumerate(names) if name not in out]
    lines = [
        [Marked(row[0], "red") if at == 0 and row[1] == "yes" else row[at] or None for at in kept]
        for row in shown
    ]
    console().print(table("Call-backs due", [names[at] for at in kept], lines))
    language = door.config.language
    for rule in dict.fromkeys(row[2] for row in shown):
        say(door, f"  {rule}: {RULES[rule].sentence.in_(language)}")
    overdue = sum(row[1] == "yes" for row in shown) + rest.count("yes")
    count, many = len(shown) + len(rest), ""
    if len(rest) > COUNTED:
        count, many = len(shown) + COUNTED, "more than "
    say(door, f"{many}{count:,} are due, {overdue:,} of them overdue; {len(shown):,} shown.")
    if any(not row[0] for row in shown):
        say(door, "No deadline: the trading calendar does not reach it; import the next year.")
    next_step(
        door,
        "outreach call-backs due --export due.xlsx --unmask --why TEXT",
        f"outreach call-backs record {shown[0][5]} --rule {shown[0][2]} --result reached --by NAME",
    )


def _say_sources(door: Door) -> None:
    """Of what the list can know: an empty one may mean that nobody sent the file."""
    from outreach.store import call_backs

    with door.database.reading() as conn:
        newest = call_backs.newest_cases(conn)
    if newest is None:
        say(door, "No file of permissions and abnormal accounts has come in yet.")
    else:
        day = newest.astimezone(ZoneInfo(door.config.firm.zone)).date()
        say(door, f"Permissions and abnormal accounts as of {day}.")
