"""`outreach senders`: how fast each sender is used, which of them wait, and why."""

from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import RowMapping

app = typer.Typer(help="List senders, and look after them.", invoke_without_command=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The sender's name in config.toml.")]


@app.callback()
def listing(context: typer.Context) -> None:
    """Senders: what goes through them, their limits, and whether they may send."""
    if context.invoked_subcommand is not None:
        return
    door: Door = context.obj
    rows = sender_rows(door)
    columns = ("sender", "kind", "state", "until", "why", "last_minute", "per_second", "today",
               "cap")  # fmt: skip
    emit_rows(door, "Senders", rows, columns, extra=("account",))
    held = [row["sender"] for row in rows if row["state"] != "sends"]
    next_step(door, *(f"outreach senders open {name}" for name in held))


def sender_rows(door: Door) -> list[dict[str, Any]]:
    """The senders of config.toml, as `senders --json` lists them."""
    from outreach.project.rate_config import limits
    from outreach.store import breakers, rates

    now, zone = door.now(), ZoneInfo(door.config.firm.zone)
    with door.database.reading() as conn:
        standing, trouble = rates.standing(conn), breakers.standing(conn)
        lately = rates.last_minute(conn, now)
    rows = []
    for name, sender in door.config.senders.items():
        mine = limits(name, sender, door.config.accounts)
        row = standing.get(name)
        state, until, why = _state(door, row, trouble.get(name), now)
        day = now.astimezone(zone).date()
        rows.append({
            "sender": name,
            "kind": sender.kind,
            "state": state,
            "last_minute": lately.get(name, 0),
            "per_second": mine.own.per_second,
            "today": row["used"] if row is not None and row["day"] == day else None,
            "cap": mine.own.cap(row["first_on"] if row is not None else None, day),
            "until": until,
            "why": why,
            "account": mine.account.name.removeprefix("account ") if mine.account else None,
        })  # fmt: skip
    return rows


def _state(
    door: Door, row: "RowMapping | None", trouble: "RowMapping | None", now: "datetime"
) -> "tuple[str, datetime | None, str | None]":
    """Whether it sends; until when not; and why."""
    from outreach.core.rate import WHYS

    if trouble is not None and trouble["state"] != "closed":
        names = {"open": "rests", "half_open": "is tried", "stopped": "stopped"}
        return names[trouble["state"]], trouble["open_until"], trouble["why"]
    if row is not None and row["not_before"] is not None and row["not_before"] > now:
        why = WHYS[row["why"] or "rate"].sentence.in_(door.config.language)
        return "waits", row["not_before"], why
    return "sends", None, None


@app.command("open")
def open_(context: typer.Context, name: Name) -> None:
    """Let a sender go on that rests, waits or was stopped; its trouble is forgotten."""
    from outreach.store import breakers, rates

    door: Door = context.obj
    _known(door, name)
    with door.database.begin() as tx:
        waited = rates.release(tx, name)
        held = breakers.let_go(tx, name, door.actor, door.now())
    if not (waited or held):
        raise Failure(PROBLEMS, f"{name}: nothing held it; `outreach senders` shows how it stands")
    say(door, f"{name} may send again.")
    _emit(door, name)


@app.command()
def stop(
    context: typer.Context,
    name: Name,
    why: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
) -> None:
    """Stop a sender for every worker, within one window, until `senders open`."""
    from outreach.store import breakers

    door: Door = context.obj
    _known(door, name)
    if not why.strip():
        raise Failure(USAGE, "senders stop: add --why REASON; it is kept in the audit log")
    with door.database.begin() as tx:
        breakers.stop(tx, name, why.strip(), door.actor, door.now())
    say(door, f"{name} is stopped. What it was to send waits.")
    _emit(door, name)
    if not door.json:
        next_step(door, f"outreach senders open {name}")


def _known(door: Door, name: str) -> None:
    if name not in door.config.senders:
        names = ", ".join(sorted(door.config.senders))
        raise Failure(BAD_DATA, f"{name}: config.toml has no such sender; there are: {names}")


def _emit(door: Door, name: str) -> None:
    if door.json:
        emit_json(next(row for row in sender_rows(door) if row["sender"] == name))
