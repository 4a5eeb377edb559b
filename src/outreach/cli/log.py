"""`outreach log`: who got what, when, and why or why not."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, USAGE, Door, Failure
from outreach.cli.export import FORMATS, Column, refuse, write_table
from outreach.cli.output import (
    console,
    emit_json,
    emit_stream,
    next_step,
    number_of,
    progress,
    say,
    table,
)
from outreach.core.masking import masked_address, masked_text

if TYPE_CHECKING:
    from outreach.cli.output import Ticker
    from outreach.store.database import Database
    from outreach.store.sendlog import Line, Wanted

ON_SCREEN: Final = 50
COUNTED: Final = 10_000  # lines beyond those shown that are still counted
TICK: Final = 1_000

COLUMNS: Final = (
    Column("run", "id", 8), Column("campaign", width=20), Column("occurrence", width=20),
    Column("client", width=16), Column("decision", width=10), Column("channel", width=9),
    Column("address", width=26), Column("locale", width=8), Column("state", width=12),
    Column("reason", width=20), Column("detail", width=30), Column("decided_at", "moment", 27),
    Column("at", "moment", 33), Column("held_until", "moment", 27),
    Column("sms_parts", "number", 10), Column("provider_ref", width=24),
    Column("message", "id", 12), Column("content_digest", width=66), Column("sender", width=18),
)  # fmt: skip


Since = Annotated[
    str | None, typer.Option(help="2026-09-28, or 2026-09-28T15:30 on the firm's clock.")
]
Until = Annotated[
    str | None, typer.Option(help="Like --since; a day counts to its end, a moment does not.")
]


def log(
    context: typer.Context,
    client: Annotated[str | None, typer.Option(help="Client number.")] = None,
    campaign: Annotated[str | None, typer.Option(help="A campaign's name.")] = None,
    run: Annotated[int | None, typer.Option(help="A run's number.")] = None,
    state: Annotated[str | None, typer.Option(help="A message state, such as in_doubt.")] = None,
    reason: Annotated[str | None, typer.Option(help="A reason, such as consent_missing.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"Lines at most; {ON_SCREEN} on a screen without it.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write every line to FILE.csv, .xlsx or .parquet.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show addresses in full; goes on record.")
    ] = False,
    why: Annotated[str, typer.Option(help="Why they must be seen; goes on record.")] = "",
) -> None:
    """The send log: each message, and each channel on which a rule stopped a candidate."""
    from outreach.store import sendlog

    door: Door = context.obj
    zone = ZoneInfo(door.config.firm.zone)
    wanted = sendlog.Wanted(
        client, campaign, run, _known_state(state), reason,
        typed_moment("--since", since, zone, timedelta()) if since else None,
        typed_moment("--until", until, zone, timedelta(days=1)) if until else None,
    )  # fmt: skip
    if bool(why.strip()) != unmask:
        raise Failure(USAGE, "--unmask and --why TEXT belong together: say why addresses are shown")
    if export is not None:
        refuse(export, FORMATS, force=force)
    _refuse_unknown(door.database, wanted)
    if unmask:
        _put_on_record(door, wanted, why.strip(), export)
    if export is not None:
        _export(door, wanted, export, limit=limit, force=force, unmask=unmask)
    elif door.json:
        with door.database.reading() as conn:
            lines = islice(sendlog.lines(conn, wanted, door.now()), limit)
            emit_stream(
                dict(zip(sendlog.Line._fields, row, strict=True)) for row in masked(lines, unmask)
            )
    else:
        _show(door, wanted, limit or ON_SCREEN, unmask)


def _known_state(state: str | None) -> str | None:
    from outreach.core.words import STATES

    if state is not None and state not in STATES:
        raise Failure(
            USAGE, f"--state {state}: there is no such state; there are {', '.join(STATES)}"
        )
    return state


def typed_moment(option: str, written: str, zone: ZoneInfo, day: timedelta) -> datetime:
    """A moment as it was typed; a bare day is its first moment plus `day`."""
    try:
        if len(written) == len("2026-09-28"):
            start = date.fromisoformat(written)
            return datetime.combine(start + day, time(), zone)
        at = datetime.fromisoformat(written)
    except ValueError:
        raise Failure(
            USAGE, f"{option} {written}: is no day or moment; write 2026-09-28 or 2026-09-28T15:30"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _refuse_unknown(database: "Database", wanted: "Wanted") -> None:
    """A mistyped client or run is no empty log."""
    from outreach.store import runs, sendlog

    with database.reading() as conn:
        if wanted.client_no and sendlog.client_id(conn, wanted.client_no) is None:
            raise Failure(BAD_DATA, f"{wanted.client_no}: the client book has no such client")
        if wanted.run_id is not None and runs.load(conn, wanted.run_id) is None:
            raise Failure(BAD_DATA, f"there is no run {wanted.run_id}; see `outreach runs`")
        if wanted.campaign and not runs.ever_ran(conn, wanted.campaign):
            raise Failure(BAD_DATA, f"{wanted.campaign}: has never run; see `outreach runs`")


def _put_on_record(door: Door, wanted: "Wanted", why: str, export: Path | None) -> None:
    """The entry is committed before the first address is shown, whatever happens to the rest."""
    from dataclasses import asdict

    from outreach.store import audit

    asked = {name: value for name, value in asdict(wanted).items() if value is not None}
    detail = {"why": why[:400], "asked": asked, "export": export.name if export else None}
    with door.database.begin() as tx:
        entry = audit.Entry(door.now(), "log.unmasked", door.actor, "send log", detail)
        audit.append(tx, [entry])


def masked(lines: Iterable["Line"], unmask: bool = False) -> Iterator[tuple[Any, ...]]:
    """The lines as they may be shown: addresses masked, also where a server repeats them."""
    if unmask:
        yield from lines
        return
    for line in lines:
        address = masked_address(line.channel, line.address)
        detail = masked_text(line.detail) if line.detail else ""
        yield (*line[:6], address, *line[7:10], detail, *line[11:])


def _export(
    door: Door, wanted: "Wanted", path: Path, *, limit: int | None, force: bool, unmask: bool
) -> None:
    from outreach.store import sendlog

    with progress(door, f"writing {path.name}") as tick, door.database.reading() as conn:
        lines = islice(sendlog.lines(conn, wanted, door.now()), limit)
        rows = counted(masked(lines, unmask), tick)
        count = write_table(path, "send log", COLUMNS, rows, force=force)
    if door.json:
        emit_json({"file": str(path), "lines": count, "masked": not unmask})
    say(door, f"{count:,} lines written to {path}{'' if unmask else ', addresses masked'}.")


def counted(rows: Iterable[tuple[Any, ...]], tick: "Ticker") -> Iterator[tuple[Any, ...]]:
    """The rows, with word of how many have gone by."""
    count = 0
    for count, row in enumerate(rows, start=1):
        yield row
        if count % TICK == 0:
            tick(count)
    tick(count)


# --- for people ------------------------------------------------------------------------------


def _show(door: Door, wanted: "Wanted", limit: int, unmask: bool) -> None:
    from outreach.store import sendlog

    with door.database.reading() as conn:
        found = sendlog.lines(conn, wanted, door.now())
        shown = [sendlog.Line._make(row) for row in masked(islice(found, limit), unmask)]
        more = sum(1 for _ in islice(found, COUNTED + 1))
    if not shown:
        say(door, "No line of the send log is like that.")
        return
    _show_table(door, shown)
    _show_reasons(door, shown)
    if more:
        rest = f"{more:,}" if more <= COUNTED else f"more than {COUNTED:,}"
        lines = number_of(len(shown), "line")
        say(door, f"{lines} shown, {rest} more: --limit N, or --export FILE.xlsx.")
    else:
        say(door, f"{number_of(len(shown), 'line')}, all there are.")
    one = next((line for line in shown if line.reason), shown[0])
    next_step(door, f"outreach explain {one.client} {one.campaign} --run {one.run}")


def _show_table(door: Door, shown: Sequence["Line"]) -> None:
    runs = {(line.run, line.campaign, line.occurrence) for line in shown}
    title, head = "Send log", ["run", "campaign"]
    if len(runs) == 1:
        number, campaign, occurrence = next(iter(runs))
        title, head = f"Send log of run {number}, {campaign} {occurrence}", []
        if event := _event(door, number):
            title = f"{title} ({event})"
    names = [*head, "client", "channel", "address", "state", "reason", "at", "message"]
    rows = [
        (
            *((line.run, line.campaign) if head else ()),
            line.client, line.channel, line.address, line.state, line.reason,
            line.held_until or line.at or line.decided_at, line.message,
        )
        for line in shown
    ]  # fmt: skip
    console().print(table(title, names, rows, zone=door.config.firm.zone))


def _event(door: Door, number: int) -> str | None:
    """What happened to the clients of a run, where that is why it was for them."""
    from outreach.cli.run import event_of
    from outreach.project.definition import redefine
    from outreach.store import runs

    with door.database.reading() as conn:
        found = runs.load(conn, number)
        if found is None:
            return None
        event = event_of(redefine(runs.parts(conn, found)).campaign, found)
    return event.sentence.in_(door.config.language) if event else None


def _show_reasons(door: Door, shown: Sequence["Line"]) -> None:
    from outreach.core.words import REASONS

    language = door.config.language
    for code in sorted({line.reason for line in shown if line.reason in REASONS}):
        say(door, f"  {code}: {REASONS[code].sentence.in_(language)}")
