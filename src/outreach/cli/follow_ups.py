"""`outreach follow-ups`: the cases departments work on, the overdue ones first."""

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.cli.output import Marked, emit_json, emit_rows, moment, next_step, say

app = typer.Typer(no_args_is_help=True, help="Cases for departments: list, take, note, close.")

Number = Annotated[int, typer.Argument(help="Its number; see `outreach follow-ups list`.")]
User = Annotated[str, typer.Option("--as", help="Who does it.")]
Note = Annotated[str, typer.Option("--note", help="What was found or done; kept with it.")]


@app.command("list")
def list_cases(
    context: typer.Context,
    department: Annotated[str, typer.Option(help="Only those of one department.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
) -> None:
    """Cases that are not closed: overdue ones first, then by the day they are due."""
    from outreach.core.follow_up import Work

    door: Door = context.obj
    rows = _rows(door, department=department or None)
    shown = [row for row in rows if every or row["state"] != Work.DONE.value]
    if door.json:
        emit_json(shown)
        return
    columns = (
        "id", "department", "client", "score", "comment", "opened", "due", "state", "with",
        "handed over",
    )  # fmt: skip
    emit_rows(door, "Cases", [_marked(row) for row in shown], columns)
    overdue = sum(row["overdue"] for row in shown)
    if overdue:
        say(door, f"{overdue} of {len(shown)} are overdue.")
    next_step(door, "outreach follow-ups take ID --as USER")


def _marked(row: dict[str, Any]) -> dict[str, Any]:
    late = Marked(f"{row['due']} overdue", "red") if row["overdue"] else row["due"]
    return {**row, "due": late, "with": row["actor"], "handed over": row["delivery"]}


@app.command()
def show(context: typer.Context, number: Number) -> None:
    """One case with every step."""
    door: Door = context.obj
    (row,) = _rows(door, number=number)
    steps = row.pop("steps")
    if door.json:
        emit_json({**row, "steps": steps})
        return
    facts = [{"what": name, "is": value} for name, value in row.items() if value not in (None, "")]
    emit_rows(door, f"Case {number}", facts)
    emit_rows(door, "Steps", steps)


@app.command()
def take(context: typer.Context, number: Number, user: User, note: Note = "") -> None:
    """Take a case up: it is in progress with you."""
    _step(context.obj, number, "take", user, note)


@app.command("note")
def add_note(context: typer.Context, number: Number, user: User, note: Note) -> None:
    """Note something about a case."""
    _step(context.obj, number, "note", user, note)


@app.command()
def close(context: typer.Context, number: Number, user: User, note: Note) -> None:
    """Close a case, with what came of it."""
    _step(context.obj, number, "close", user, note)


@app.command()
def reopen(context: typer.Context, number: Number, user: User, note: Note) -> None:
    """Open a closed case again, with the reason."""
    _step(context.obj, number, "reopen", user, note)


def _step(door: Door, number: int, name: str, user: str, note: str) -> None:
    from outreach.core.follow_up import Action, Step, refusal, standing
    from outreach.store import follow_ups

    action = Action(name)
    if not user.strip():
        raise Failure(USAGE, "--as: name who does it")
    if action is not Action.TAKE and not note.strip():
        raise Failure(USAGE, "--note: write what was found or done")
    with door.database.begin() as tx:
        follow_ups.hold(tx)
        found = follow_ups.cases(tx, number=number)
        if not found:
            raise Failure(BAD_DATA, f"there is no case {number}; see `outreach follow-ups list`")
        if (why := refusal(standing(found[0].steps), action)) is not None:
            raise Failure(NOT_ALLOWED, f"case {number}: {why.in_('en')}")
        follow_ups.add_step(tx, number, Step(action, user, note.strip(), door.now()))
    (row,) = _rows(door, number=number)
    if door.json:
        emit_json(row)
    say(door, f"Case {number} {_DONE[name]} {user}: {row['state'].replace('_', ' ')}.")


_DONE = {
    "take": "was taken up by", "note": "was noted on by", "close": "was closed by",
    "reopen": "was opened again by",
}  # fmt: skip


def _rows(
    door: Door, *, number: int | None = None, department: str | None = None
) -> list[dict[str, Any]]:
    """Cases as they are shown, the overdue first; addresses and numbers in words are masked."""
    from outreach.cli.departments import days_of, working_days
    from outreach.core.follow_up import due_on, overdue, standing
    from outreach.core.masking import masked_text
    from outreach.store import follow_ups

    zone = ZoneInfo(door.config.firm.zone)
    today = door.now().astimezone(zone).date()
    with door.database.reading() as conn:
        found = follow_ups.cases(conn, number=number, department=department)
        works = working_days(door.config, conn)
    if number is not None and not found:
        raise Failure(BAD_DATA, f"there is no case {number}; see `outreach follow-ups list`")
    rows: list[tuple[tuple[bool, date, int], dict[str, Any]]] = []
    for case in found:
        now_is = standing(case.steps)
        opened = case.opened_at.astimezone(zone).date()
        due = due_on(opened, days_of(door.config, case.department), works)
        late = overdue(now_is, due, today)
        row = {
            "id": case.id,
            "department": case.department,
            "client": case.client_no,
            "campaign": case.campaign,
            "run": case.run_id,
            "score": case.score,
            "comment": masked_text(case.comment),
            "rule": case.rule,
            "opened": moment(case.opened_at, zone),
            "due": due.isoformat(),
            "overdue": late,
            "state": now_is.work.value,
            "actor": now_is.actor,
            "delivery": now_is.delivery.value,
            "steps": [
                {"at": moment(s.at, zone), "step": s.action, "by": s.actor, "note": s.note}
                for s in case.steps
            ],
        }
        rows.append(((not late, due, case.id), row))
    return [row for _, row in sorted(rows, key=lambda item: item[0])]
