"""`outreach clients`, `holdings` and `halts`: take files in."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, next_step, progress, say

if TYPE_CHECKING:
    from outreach.ingest import Desk, Imported

clients = typer.Typer(no_args_is_help=True, help="The client book: import client files.")
holdings = typer.Typer(no_args_is_help=True, help="Who holds what: import snapshots.")
halts = typer.Typer(no_args_is_help=True, help="Trading halts: import them.")

File = Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet.")]
AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="What moment the file speaks of: 2026-09-24, or with a time. Else its age."
    ),
]
As = Annotated[str, typer.Option("--as", help="Who imports it.")]


@clients.command("import")
def import_clients(context: typer.Context, file: File, as_of: AsOf = "", actor: As = "") -> None:
    """Add and update clients. Bad rows go to a rejects file; the rest is taken."""
    from outreach import ingest

    door: Door = context.obj
    settings = door.config.clients
    moment = moment_of(door, as_of)
    done = run_import(
        door, file, actor, lambda desk: ingest.import_clients(desk, file, settings, as_of=moment)
    )
    report(door, done)
    next_step(door, "outreach holdings import samples/holdings.csv", "outreach segment list")


@holdings.command("import")
def import_holdings(context: typer.Context, file: File, as_of: AsOf = "", actor: As = "") -> None:
    """Take a snapshot of holdings. The newest one by as-of moment tells who holds what."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    done = run_import(
        door, file, actor, lambda desk: ingest.import_holdings(desk, file, as_of=moment)
    )
    report(door, done)
    next_step(door, "outreach halts import samples/halts.csv", "outreach plan suspension-alert")


@halts.command("import")
def import_halts(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, Parquet or JSON.")],
    form: Annotated[
        Literal["canonical"], typer.Option("--format", help="The form the file is in.")
    ] = "canonical",
    as_of: AsOf = "",
    actor: As = "",
) -> None:
    """Add halts and their corrections. What is known already stays as it is."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    done = run_import(door, file, actor, lambda desk: ingest.import_halts(desk, file, as_of=moment))
    report(door, done)
    next_step(door, "outreach plan suspension-alert")


# --- shared with `outreach consent import` ---------------------------------------------------


def run_import(
    door: Door, file: Path, actor: str, verb: "Callable[[Desk], Imported]"
) -> "Imported":
    """Open a desk for an import and do it, with progress. Raises FileProblem."""
    from outreach import ingest

    with progress(door, file.name) as tick:
        desk = ingest.Desk(
            door.database,
            door.var / "rejects",
            actor or door.actor,
            door.now,
            door.config.firm.zone,
            progress=tick,
        )
        return verb(desk)


def moment_of(door: Door, written: str, option: str = "--as-of") -> datetime | None:
    """The moment an option names, on the firm's clock when it has no offset; a day is meant to its
    end. None when it is not given. Raises Failure(2) for what is no moment, or is yet to come."""
    if not written:
        return None
    zone = ZoneInfo(door.config.firm.zone)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Failure(
            USAGE, f"{option}: {written!r} is no moment; write 2026-09-24 or 2026-09-24T15:00"
        ) from None
    whole_day = len(written) <= len("2026-09-24")
    if whole_day:
        moment = datetime.combine(moment.date(), time(23, 59, 59))
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    now = door.now()
    if moment <= now:
        return moment
    if whole_day and now.astimezone(zone).date() == moment.astimezone(zone).date():
        return now
    raise Failure(USAGE, f"{option}: {written} is yet to come; name a moment that has passed")


def report(door: Door, done: "Imported") -> None:
    """Say what an import came to. Ends with exit code 1 when not a single row could be taken."""
    counts = done.counts
    if door.json:
        emit_json(
            {
                "file": done.file,
                "kind": done.kind,
                "digest": done.digest,
                "encoding": done.encoding,
                "as_of": done.as_of.isoformat(),
                "book": done.book_id,
                **counts.told(),
                "warnings": done.warnings,
                "rejects_file": str(done.rejects_file) if done.rejects_file else None,
                "unknown_headers": done.unknown_headers,
            }
        )
    zone = ZoneInfo(door.config.firm.zone)
    say(
        door,
        f"{done.file} ({done.encoding}, SHA-256 {done.digest[:12]}...),"
        f" as of {done.as_of.astimezone(zone):%Y-%m-%d %H:%M}",
        f"  read {counts.read:,} = added {counts.added:,} + updated {counts.updated:,}"
        f" + unchanged {counts.unchanged:,} + rejected {counts.rejected:,}",
    )
    if done.warnings:
        say(door, f"  {done.warnings:,} cells were wrong in rows that were taken")
    if done.unknown_headers:
        say(door, f"  not taken, no field goes by: {', '.join(done.unknown_headers)}")
    if done.rejects_file:
        say(door, f"  what was wrong, and what to write: {done.rejects_file}")
    if counts.read == counts.rejected:
        raise Failure(PROBLEMS, f"{done.file}: no row could be taken; see {done.rejects_file}")
