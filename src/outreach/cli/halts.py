"""`outreach halts`: take halt files in, by name or from the watched folder, and show what is on."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from outreach.cli import halt_sources
from outreach.cli.clients import (
    As,
    AsOf,
    desk_of,
    document,
    lines,
    moment_of,
    report,
    run_import,
)
from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.core.halts import Halt
    from outreach.ingest.halts import Put

app = typer.Typer(no_args_is_help=True, help="Trading halts: import feeds, show what is on.")
app.command()(halt_sources.sources)
app.command()(halt_sources.fetch)

# The table of parsers, in words that need no parser loaded; a test holds the two together.
Form = Literal["canonical", "sse", "szse", "nasdaq", "nyse", "eastmoney", "jydb", "tushare"]
COLUMNS = (
    "halt_id", "symbol", "name", "halted", "resumes", "resume_status", "reason", "version",
)  # fmt: skip


@app.command("import")
def import_halts(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A saved feed, or CSV, XLSX, Parquet or JSON.")],
    form: Annotated[
        Form | None,
        typer.Option("--format", help="The form the file is in. Else told by its content."),
    ] = None,
    as_of: AsOf = "",
    actor: As = "",
) -> None:
    """Add halts, their corrections and their ends. What is known already stays as it is."""
    from outreach import ingest

    door: Door = context.obj
    moment, kept, feed = moment_of(door, as_of), kept_in(door), door.config.feeds.halts
    done = run_import(
        door,
        file,
        actor,
        lambda desk: ingest.import_halts(
            desk, file, form=form or "", as_of=moment, keep=kept, ours=feed.own_markets
        ),
    )
    report(door, done)
    next_step(door, "outreach halts show", "outreach plan suspension-alert")


@app.command()
def inbox(context: typer.Context, actor: As = "") -> None:
    """Take every new file of the watched folder; done ones move to done/, others to broken/."""
    from outreach import ingest

    door: Door = context.obj
    feed = door.config.feeds.halts
    folder = door.root / feed.inbox
    folder.mkdir(parents=True, exist_ok=True)
    desk = desk_of(door, actor)
    put = list(ingest.import_inbox(desk, folder, keep=kept_in(door), feed=feed))
    if door.json:
        emit_json([_put(one) for one in put])
    for one in put:
        if one.imported is not None:
            say(door, *lines(door, one.imported))
        else:
            say(door, f"{one.why}", f"  moved to {one.file}, with {one.file.name}.txt beside it")
    if not put:
        say(door, f"{folder} holds no new file.")
    broken = sum(one.imported is None for one in put)
    if broken:
        raise Failure(PROBLEMS, f"{broken} of {len(put)} files could not be taken; see broken/")


@app.command()
def show(
    context: typer.Context,
    on: Annotated[str, typer.Option("--on", help="A day: halts on during it. Else now.")] = "",
) -> None:
    """List the halts in force, each in its newest version."""
    from outreach.store import halts

    door: Door = context.obj
    try:
        day = date.fromisoformat(on) if on else None
    except ValueError:
        raise Failure(USAGE, f"--on: {on!r} is no day; write 2026-09-24") from None
    with door.database.reading() as conn:
        found = halts.in_force(conn, door.now(), day)
    title = f"Halts on {day}" if day else "Halts in force"
    emit_rows(door, title, [_shown(one) for one in found], COLUMNS, extra=("kind", "market"))
    if not found and not day:  # what is known before the opening begins with it
        today = door.now().astimezone(ZoneInfo(door.config.firm.zone)).date()
        next_step(door, f"outreach halts show --on {today}")


@app.command()
def alerts(
    context: typer.Context,
    symbol: Annotated[str, typer.Option(help="Of one security, such as 600519.")] = "",
    run: Annotated[int | None, typer.Option(help="That one run told or settled.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
) -> None:
    """What there was to tell of halts, and what each campaign made of it: told, or why not."""
    from outreach.core.halt_alerts import MADE
    from outreach.store import halt_alerts

    door: Door = context.obj
    with door.database.reading() as conn:
        found = halt_alerts.listing(conn, symbol=symbol or None, run_id=run, limit=limit)
    rows = [
        {**one._asdict(), "why": MADE[one.made].sentence.in_(door.config.language)}
        if one.made
        else {**one._asdict(), "why": ""}
        for one in found
    ]
    columns = ("at", "symbol", "name", "event", "campaign", "made", "run", "run_state", "why")
    emit_rows(
        door, "Halt alerts", rows, columns, extra=("market", "version", "halt_id", "settled_at")
    )


def kept_in(door: Door) -> Path:
    """Where raw halt files are kept under their digest."""
    return door.var / "feeds" / "halts"


def _put(one: "Put") -> dict[str, Any]:
    if one.imported is None:
        return {"broken": str(one.file), "why": one.why}
    return {"done": str(one.file), **document(one.imported)}


def _shown(halt: "Halt") -> dict[str, Any]:
    """A halt with its moments on its market's clock."""
    from outreach.core.halts import MARKET_CLOCKS

    zone = ZoneInfo(MARKET_CLOCKS[halt.market][0])
    resumes = halt.resume_at.astimezone(zone) if halt.resume_at else None
    quotes = halt.resume_quote_at.astimezone(zone) if halt.resume_quote_at else None
    return {
        "halt_id": halt.halt_id,
        "version": halt.version,
        "market": halt.market,
        "symbol": halt.symbol,
        "name": halt.name_zh,
        "kind": halt.kind,
        "halted": f"{halt.halt_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "resumes": f"{resumes:%Y-%m-%d %H:%M}" if resumes else None,
        "resume_status": halt.resume_status,
        "reason": halt.reason_text_raw or halt.reason_code_raw,
        "source": halt.source,
        "isin": halt.isin,
        "quotes": f"{quotes:%Y-%m-%d %H:%M}" if quotes else None,
        "last_halted_on": halt.last_halted_on,
    }
