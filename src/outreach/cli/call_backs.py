"""`outreach call-backs`: who is to be called back until when, what came of it, the yearly tenth."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from outreach.cli.call_back_years import base, coverage, draw, draws
from outreach.cli.clients import As, AsOf, moment_of, report, run_import
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.export import FORMATS, Column, refuse, write_table
from outreach.cli.log import counted
from outreach.cli.output import (
    Marked,
    console,
    emit_json,
    emit_rows,
    emit_stream,
    next_step,
    progress,
    say,
    table,
)
from outreach.core.call_back import QUESTIONS, Means, Result, Rule, answers_wrong
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

ON_SCREEN: Final = 50
COUNTED: Final = 100_000  # further ones that are still counted
COLUMNS: Final = (
    Column("deadline", width=12), Column("overdue", width=9), Column("rule", width=16),
    Column("since", width=12), Column("what", width=24), Column("client", width=16),
    Column("name", width=12), Column("phone", width=18), Column("branch", width=20),
    Column("adviser", width=14), Column("tries", "number", 7), Column("last_on", width=12),
    Column("last_result", width=13),
)  # fmt: skip
Client = Annotated[str, typer.Argument(help="The client's number.")]
# One pair of flags a question, the answer that gives no concern first; in the order of QUESTIONS.
FLAGS: Final = (
    "--identity/--not-identity", "--own-will/--not-own-will",
    "--no-staff-trading/--staff-trading", "--risk-disclosed/--risk-not-disclosed",
    "--no-full-mandate/--full-mandate", "--changes-confirmed/--changes-not-confirmed",
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


def day_of(option: str, written: str) -> date:
    """A day an option names. Raises Failure(2) for what is no day."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Failure(USAGE, f"{option}: {written!r} is no day; write 2026-10-09") from None


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
    overdue = sum(row[1] == "yes" for row in shown) + rest.count("yes")
    count = len(shown) + len(rest)
    many = "more than " if len(rest) > COUNTED else ""
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


# --- what came of it --------------------------------------------------------------------------


@app.command()
def record(
    context: typer.Context,
    client: Client,
    rule: Annotated[Rule, typer.Option(help="Why the client was called.")],
    result: Annotated[Result, typer.Option(help="What came of it.")],
    by: Annotated[str, typer.Option(help="Who called.")],
    means: Annotated[Means, typer.Option(help="How.")] = Means.PHONE,
    at: Annotated[str, typer.Option("--at", help="When; without it, now.")] = "",
    identity: Annotated[bool | None, typer.Option(FLAGS[0])] = None,
    own_will: Annotated[bool | None, typer.Option(FLAGS[1])] = None,
    no_staff_trading: Annotated[bool | None, typer.Option(FLAGS[2])] = None,
    risk_disclosed: Annotated[bool | None, typer.Option(FLAGS[3])] = None,
    no_full_mandate: Annotated[bool | None, typer.Option(FLAGS[4])] = None,
    changes_confirmed: Annotated[bool | None, typer.Option(FLAGS[5])] = None,
    reference: Annotated[str, typer.Option(help="Where the recording or the form is.")] = "",
    note: Annotated[str, typer.Option(help="A remark, kept with it.")] = "",
    actor: As = "",
) -> None:
    """Record what came of one call. A client who was reached has answered every question."""
    from outreach import call_backs
    from outreach.core.words import Sentence
    from outreach.store import clients
    from outreach.store.call_backs import NewResult

    door: Door = context.obj
    given = (identity, own_will, no_staff_trading, risk_disclosed, no_full_mandate,
             changes_confirmed)  # fmt: skip
    answers = dict(zip(QUESTIONS, given, strict=True))
    if (wrong := answers_wrong(result, answers)) is not None:
        raise Failure(USAGE, [f"{client}: {wrong.en}", f"the answers are {', '.join(FLAGS)}"])
    now = door.now()
    done_at = moment_of(door, at, "--at") or now
    with door.database.reading() as conn:
        ids = clients.ids_of(conn, [client])
    if client not in ids:
        raise Failure(PROBLEMS, f"{client}: no client has this number")
    done_on = done_at.astimezone(ZoneInfo(door.config.firm.zone)).date()
    new = NewResult(
        ids[client], rule.value, done_at, done_on, by, means.value, result.value, *given,
        reference or None, note or None,
    )  # fmt: skip
    added = call_backs.record(door.database, new, recorded_at=now, actor=actor or door.actor)
    if isinstance(added, Sentence):
        raise Failure(PROBLEMS, f"{client}: {added.en}; see outreach call-backs show {client}")
    if door.json:
        emit_json({"client": client, "rule": rule, "result": result, "added": bool(added)})
    say(door, f"Recorded: {rule} of {client}, {result}." if added else "It is on record already.")


@app.command()
def show(context: typer.Context, client: Client) -> None:
    """Everything on record about a client: why to call, the calls, and the answers."""
    from outreach.store import call_backs, clients

    door: Door = context.obj
    with door.database.reading() as conn:
        ids = clients.ids_of(conn, [client])
        if client not in ids:
            raise Failure(BAD_DATA, f"{client}: the client book has no such client")
        found = call_backs.history(conn, ids[client])
    emit_rows(
        door, f"Call-backs of {client}", [_told(door, row) for row in found],
        ("on", "rule", "what", "result", "done_by", "means", "no_to"),
        ("done_at", "reference", "note", "actor"),
    )  # fmt: skip


@app.command()
def concerns(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="From this day on; else the first of the year.")] = "",
    until: Annotated[str, typer.Option(help="Up to this day; else today.")] = "",
    branch: Annotated[str | None, typer.Option(help="Of one branch only.")] = None,
) -> None:
    """Calls in which a question was answered with no: somebody has to look into them."""
    from outreach.store import call_backs

    door: Door = context.obj
    today = door.now().astimezone(ZoneInfo(door.config.firm.zone)).date()
    first = day_of("--since", since) if since else today.replace(month=1, day=1)
    last = day_of("--until", until) if until else today
    with door.database.reading() as conn:
        found = list(call_backs.concerns(conn, first, last, branch))
    rows = [
        {"client": row["client_no"], "name": masked_name(row["name"]), "branch": row["branch"],
         **_told(door, {"on": row["done_on"], **row})}
        for row in found
    ]  # fmt: skip
    emit_rows(
        door, f"Answers that give concern, {first} to {last}", rows,
        ("on", "client", "name", "branch", "rule", "no_to", "done_by"), ("reference", "note"),
    )  # fmt: skip


def _told(door: Door, row: dict[str, Any]) -> dict[str, Any]:
    """A reason or a call as it is listed; `no_to` names the questions answered with no."""
    zone = ZoneInfo(door.config.firm.zone)
    done_at = row.get("done_at")
    return {
        "on": str(row["on"]),
        "rule": row["rule"],
        "what": row.get("detail") or None,
        "result": row.get("result"),
        "done_at": done_at.astimezone(zone).isoformat("T", "minutes") if done_at else None,
        "done_by": row.get("done_by"),
        "means": row.get("means"),
        "answers": {name: row.get(name) for name in QUESTIONS} if done_at else None,
        "no_to": ", ".join(name for name in QUESTIONS if row.get(name) is False) or None,
        "reference": row.get("reference"),
        "note": row.get("note"),
        "actor": row["actor"],
    }
