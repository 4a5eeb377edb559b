"""`outreach consent`: the ledger of one client, what it adds up to, and what is added to it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As, AsOf, moment_of, report, run_import
from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say
from outreach.core.words import Channel, Purpose

if TYPE_CHECKING:
    from outreach.core.consent import ConsentState

app = typer.Typer(no_args_is_help=True, help="Consent: show it, record it, import it.")

Client = Annotated[str, typer.Argument(help="The client's number.")]
OneChannel = Annotated[Channel | None, typer.Option(help="Without it: every channel.")]
OnePurpose = Annotated[Purpose | None, typer.Option(help="Without it: every purpose.")]
Reference = Annotated[
    str, typer.Option("--reference", help="Where the proof is: form, recording or message number.")
]
From = Annotated[
    str,
    typer.Option(
        "--source", help="Where the client said so: app, web, branch_paper, call_recording, sms_mo"
        " ...; staff and batch_import lift no opt-out.",
    ),
]  # fmt: skip
At = Annotated[str, typer.Option("--at", help="When the client said so; without it, now.")]


@app.command("import")
def import_consents(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, Parquet or JSON.")],
    as_of: AsOf = "",
    actor: As = "",
) -> None:
    """Add the consent events of a file. Those on record already stay as they are."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    done = run_import(
        door, file, actor, lambda desk: ingest.import_consents(desk, file, as_of=moment)
    )
    report(door, done)
    next_step(door, "outreach consent show CLIENT")


@app.command()
def show(context: typer.Context, client: Client, as_of: AsOf = "") -> None:
    """Where a client stands on each channel and purpose, now or at an earlier moment."""
    door: Door = context.obj
    at = moment_of(door, as_of) or door.now()
    rows = _standing(door, client, at)
    if door.json:
        emit_json({"client": client, "as_of": at.isoformat(), "consent": _listed(rows)})
        return
    _tabled(door, f"Consent of {client} at {_local(door, at)}", rows)
    next_step(door, f"outreach consent history {client}")


@app.command()
def history(context: typer.Context, client: Client, as_of: AsOf = "") -> None:
    """Every event on record about a client, in the order it was recorded."""
    from outreach.store import consent

    door: Door = context.obj
    until = moment_of(door, as_of)
    with door.database.reading() as conn:
        events = consent.history(conn, _id_of(door, client))
    shown = [one for one in events if until is None or one["recorded_at"] <= until]
    names = (
        "id", "captured_at", "action", "channel", "purpose", "source", "source_ref", "wording",
        "valid_until", "recorded_at", "actor", "book_id",
    )  # fmt: skip
    rows = [{name: one[name] for name in names} for one in shown]
    if door.json:
        emit_json(_listed(rows))
        return
    _tabled(door, f"Consent events of {client}", rows)


@app.command()
def grant(
    context: typer.Context,
    client: Client,
    purpose: Annotated[Purpose, typer.Option(help="What the client agreed to.")],
    channel: OneChannel = None,
    source: From = "staff",
    reference: Reference = "",
    wording: Annotated[str, typer.Option(help="Id and version of the text shown.")] = "",
    until: Annotated[str, typer.Option(help="The last day it holds, such as 2027-12-31.")] = "",
    at: At = "",
    actor: As = "",
) -> None:
    """Record that a client agreed. Only the client's own word lifts an earlier opt-out."""
    door: Door = context.obj
    term = _last_day(door, until)
    event = ("grant", channel, purpose, source, reference, wording, term)
    _record(door, client, event, at, actor)


@app.command()
def withdraw(
    context: typer.Context,
    client: Client,
    channel: OneChannel = None,
    purpose: OnePurpose = None,
    source: From = "staff",
    reference: Reference = "",
    at: At = "",
    actor: As = "",
) -> None:
    """Record an opt-out: of a purpose, of a channel, or, with neither, of everything that is not
    required by law."""
    door: Door = context.obj
    action = "withdraw" if channel or purpose else "object"
    event = (action, channel, purpose, source, reference, "", None)
    _record(door, client, event, at, actor)


def _record(door: Door, client: str, event: tuple[Any, ...], at: str, actor: str) -> None:
    from outreach.core.consent import Source
    from outreach.store import audit, consent

    action, channel, purpose, source, reference, wording, until = event
    if source not in {one.value for one in Source}:
        raise Failure(USAGE, f"--source: {source!r} is none of {', '.join(Source)}")
    now = door.now()
    who = actor or door.actor
    client_id = _id_of(door, client)
    captured = moment_of(door, at, "--at") or _after_all(door, client_id, now)
    new = consent.NewEvent(
        client_id, channel, purpose, action, source, captured, until, reference or None,
        wording or None,
    )  # fmt: skip
    with door.database.begin() as tx:
        covered = consent.add(tx, [new], recorded_at=now, actor=who)
        detail = {"action": action, "channel": channel, "purpose": purpose, "source": source}
        kind = f"consent.{action}"
        audit.append(tx, [audit.Entry(now, kind, who, f"client {client_id}", detail, covered)])
    rows = _standing(door, client, max(now, captured))
    if door.json:
        emit_json({"client": client, "action": action, "consent": _listed(rows)})
        return
    say(door, f"Recorded: {action} of {client}.")
    _tabled(door, "Consent now", rows)
    if action == "grant" and any(row["state"].startswith("opted out") for row in rows):
        say(door, "An opt-out still stands: only the client's own newer word lifts it.")


def _after_all(door: Door, client_id: int, now: datetime) -> datetime:
    """Now, or just after the newest event when another machine's clock runs ahead of ours: what is
    recorded later was said later."""
    from outreach.store import consent

    with door.database.reading() as conn:
        events = consent.events_of(conn, [client_id]).get(client_id, [])
    newest = max((event.captured_at for event in events), default=now)
    return max(now, newest + timedelta(microseconds=1)) if events else now


def _standing(door: Door, client: str, at: datetime) -> list[dict[str, Any]]:
    from outreach.core.consent import fold, until
    from outreach.store import consent

    client_id = _id_of(door, client)
    with door.database.reading() as conn:
        events = until(consent.events_of(conn, [client_id]).get(client_id, []), at)
    rows: list[dict[str, Any]] = []
    for channel in Channel:
        for purpose in Purpose:
            state = fold(events, channel, purpose, at)
            rows.append({"channel": channel.value, "purpose": purpose.value, **_said(state, at)})
    return rows


def _said(state: "ConsentState", at: datetime) -> dict[str, Any]:
    """One state in words, the strictest first."""
    if state.objected_on:
        said, since = "opted out of everything", state.objected_on
    elif state.stopped_on:
        said, since = "opted out of the channel", state.stopped_on
    elif state.purpose_stopped_on:
        said, since = "opted out of the purpose", state.purpose_stopped_on
    elif state.granted_on is None:
        return {"state": "nothing on record", "since": None, "until": None}
    elif state.granted_until and state.granted_until <= at:
        said, since = "consent has run out", state.granted_on
    else:
        said, since = "consented", state.granted_on
    return {"state": said, "since": since, "until": state.granted_until}


def _id_of(door: Door, client: str) -> int:
    from outreach.store import clients

    with door.database.reading() as conn:
        found = clients.ids_of(conn, [client])
    if client not in found:
        raise Failure(PROBLEMS, f"{client}: no client has this number")
    return found[client]


def _last_day(door: Door, written: str) -> datetime | None:
    """The end of the last day of a term, on the firm's clock."""
    from outreach.core.cells import Bad
    from outreach.core.consent_rows import moment

    found = moment(written, ZoneInfo(door.config.firm.zone), end_of_day=True)
    if isinstance(found, Bad):
        raise Failure(USAGE, f"--until: {written!r} is no day; write it like 2027-12-31")
    return found


def _listed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows for JSON: moments in ISO 8601."""
    return [
        {name: v.isoformat() if isinstance(v, datetime) else v for name, v in row.items()}
        for row in rows
    ]


def _tabled(door: Door, title: str, rows: list[dict[str, Any]]) -> None:
    """The rows for people: moments on the firm's clock."""
    shown = [
        {name: _local(door, v) if isinstance(v, datetime) else v for name, v in row.items()}
        for row in rows
    ]
    emit_rows(door, title, shown)


def _local(door: Door, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(door.config.firm.zone)):%Y-%m-%d %H:%M}"
