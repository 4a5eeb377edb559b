"""`outreach clients`, `holdings` and `watching`: take files in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, next_step, progress, say

if TYPE_CHECKING:
    from outreach.ingest import Desk, Imported

clients = typer.Typer(no_args_is_help=True, help="The client book: import client files.")
holdings = typer.Typer(no_args_is_help=True, help="Who holds what: import snapshots.")
watching = typer.Typer(no_args_is_help=True, help="Who watches what: import snapshots.")

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


@watching.command("import")
def import_watching(context: typer.Context, file: File, as_of: AsOf = "", actor: As = "") -> None:
    """Take a snapshot of the securities that clients watch: halts of them are told like those of
    holdings. The newest one by as-of moment counts."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    done = run_import(
        door, file, actor, lambda desk: ingest.import_watching(desk, file, as_of=moment)
    )
    report(door, done)
    next_step(door, "outreach plan suspension-alert")


# --- shared with the imports of consents and halts -------------------------------------------


def run_import(
    door: Door, file: Path, actor: str, verb: "Callable[[Desk], Imported]"
) -> "Imported":
    """Open a desk for an import and do it, with progress. Raises FileProblem."""
    with progress(door, file.name) as tick:
        return verb(replace(desk_of(door, actor), progress=tick))


def desk_of(door: Door, actor: str) -> "Desk":
    """Where the imports of this project happen."""
    from outreach import ingest

    rejects, zone = door.var / "rejects", door.config.firm.zone
    return ingest.Desk(door.database, rejects, actor or door.actor, door.now, zone)


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
    if door.json:
        emit_json(document(done))
    say(door, *lines(door, done))
    refuse_empty(done)


def refuse_empty(done: "Imported") -> None:
    """Raises Failure(1) when a file had rows and not one of them could be taken."""
    counts = done.counts
    if counts.read == counts.rejected and (counts.read or not done.form):
        raise Failure(PROBLEMS, f"{done.file}: no row could be taken; see {done.rejects_file}")


def document(done: "Imported") -> dict[str, Any]:
    """What an import came to, for scripts."""
    said: dict[str, Any] = {
        "file": done.file,
        "kind": done.kind,
        "digest": done.digest,
        "encoding": done.encoding,
        "as_of": done.as_of.isoformat(),
        "book": done.book_id,
        **done.counts.told(),
        "warnings": done.warnings,
        "rejects_file": str(done.rejects_file) if done.rejects_file else None,
        "unknown_headers": done.unknown_headers,
    }
    if done.form:
        said |= {"format": done.form, "kept": str(done.kept), "alerts": dict(done.alerts)}
        said["markets"] = done.markets
    return said


def lines(door: Door, done: "Imported") -> list[str]:
    """What an import came to, for people."""
    counts, zone = done.counts, ZoneInfo(door.config.firm.zone)
    form = f"{done.form}, " if done.form else ""
    said = [
        f"{done.file} ({form}{done.encoding}, SHA-256 {done.digest[:12]}...),"
        f" as of {done.as_of.astimezone(zone):%Y-%m-%d %H:%M}",
        f"  read {counts.read:,} = added {counts.added:,} + updated {counts.updated:,}"
        f" + unchanged {counts.unchanged:,} + rejected {counts.rejected:,}",
    ]
    if done.alerts:
        told = ", ".join(f"{count} {event.replace('_', ' ')}" for event, count in done.alerts)
        said.append(f"  to tell: {told}")
    if done.kind == "halts" and not done.markets:
        said.append("  not all its source has to say: no market counts as reported on by it")
    if done.warnings and done.form:
        said.append(f"  to look at, though its rows stand: {done.warnings:,}")
    elif done.warnings:
        said.append(f"  {done.warnings:,} cells were wrong in rows that were taken")
    if done.unknown_headers:
        said.append(f"  not taken, no field goes by: {', '.join(done.unknown_headers)}")
    if done.rejects_file:
        said.append(f"  what was wrong, and what to write: {done.rejects_file}")
    return said
