"""`outreach preferences`: the service file of clients: what they asked of us, and who said so."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As, AsOf, moment_of, report, run_import
from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, moment, next_step

app = typer.Typer(no_args_is_help=True, help="What clients asked of us: import it, show it.")

WORDS = {
    "salutation": "salutation",
    "preferred_channel": "preferred channel",
    "topics": "topics of interest",
    "wanted_risk": "highest product risk wanted",
    "own_hours": "contact hours",
    "locale": "language",
    "note": "note of the adviser (never printed)",
}


@app.command("import")
def import_preferences(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, Parquet or JSON.")],
    as_of: AsOf = "",
    actor: As = "",
) -> None:
    """Add what clients said about how they want to be served. An empty cell says nothing; 清除 (or
    none) takes back what was said before."""
    from outreach import ingest

    door: Door = context.obj
    when, topics = moment_of(door, as_of), door.config.topics
    done = run_import(
        door, file, actor, lambda desk: ingest.import_preferences(desk, file, topics, as_of=when)
    )
    report(door, done)
    next_step(door, "outreach preferences show CLIENT")


@app.command()
def show(
    context: typer.Context,
    client: Annotated[str, typer.Argument(help="The client's number.")],
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show salutation and note in full; goes on record.")
    ] = False,
    why: Annotated[str, typer.Option(help="With --unmask: why they are shown.")] = "",
    actor: Annotated[str, typer.Option("--as", help="With --unmask: who looks.")] = "",
) -> None:
    """What stands of one client's preferences, and everything that was said about them."""
    from outreach.core.preference_rows import PREFERENCES
    from outreach.store import preferences

    door: Door = context.obj
    if bool(why.strip()) != unmask:
        raise Failure(USAGE, "--unmask and --why TEXT belong together: say why they are shown")
    found = _client(door, client)
    with door.database.reading() as conn:
        history = preferences.history(conn, found["id"])
    if unmask:
        _on_record(door, found["id"], why, actor or door.actor)
    note = next((one["said"]["note"] for one in reversed(history) if "note" in one["said"]), None)
    stands = {name: note if name == "note" else found[name] for name in PREFERENCES}
    shown = _shown(stands, unmask)
    if door.json:
        emit_json({"client": client, "preferences": shown, "history": _listed(history, unmask)})
        return
    rows = [{"preference": WORDS[name], "is": value} for name, value in shown.items() if value]
    emit_rows(door, f"Preferences of {client}", rows)
    emit_rows(door, "Said", _lines(door, history, unmask))


def _client(door: Door, number: str) -> dict[str, Any]:
    from outreach.store import clients

    with door.database.reading() as conn:
        found = clients.find(conn, number)
    if found is None:
        raise Failure(PROBLEMS, f"{number}: no client has this number")
    return found


def _on_record(door: Door, client_id: int, why: str, actor: str) -> None:
    from outreach.store import audit

    with door.database.begin() as tx:
        entry = audit.Entry(
            door.now(), "preferences.unmasked", actor, f"client {client_id}", {"why": why}
        )
        audit.append(tx, [entry])


def _shown(said: Mapping[str, Any], unmask: bool) -> dict[str, Any]:
    """Preferences for people: risks as R3, topics as a list, what is personal masked."""
    from outreach.core.masking import masked_name
    from outreach.core.topics import entries

    shown = {name: said[name] for name in WORDS if name in said}
    if shown.get("wanted_risk"):
        shown["wanted_risk"] = f"R{shown['wanted_risk']}"
    if shown.get("topics"):
        shown["topics"] = ", ".join(entries(shown["topics"]))
    if not unmask and shown.get("salutation"):
        shown["salutation"] = masked_name(shown["salutation"])
    if not unmask and shown.get("note"):
        shown["note"] = f"*** ({len(shown['note'])} characters)"
    return shown


def _listed(history: list[dict[str, Any]], unmask: bool) -> list[dict[str, Any]]:
    return [
        {
            "said_at": one["said_at"].isoformat(),
            "said_by": one["said_by"],
            "said": _shown(one["said"], unmask),
            "recorded_at": one["recorded_at"].isoformat(),
            "actor": one["actor"],
            "book": one["book_id"],
        }
        for one in history
    ]


def _lines(door: Door, history: list[dict[str, Any]], unmask: bool) -> list[dict[str, Any]]:
    clock = ZoneInfo(door.config.firm.zone)
    return [
        {
            "said at": moment(one["said_at"], clock),
            "by": one["said_by"],
            "what": "; ".join(
                f"{WORDS[name]}: {'taken back' if value is None else value}"
                for name, value in _shown(one["said"], unmask).items()
            ),
            "recorded by": one["actor"],
        }
        for one in history
    ]
