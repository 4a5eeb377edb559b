"""`outreach call-backs record`, `show` and `concerns`: what came of the calls."""

from datetime import date
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As, moment_of
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, say
from outreach.core.call_back import QUESTIONS, Means, Result, Rule, answers_wrong
from outreach.core.masking import masked_name

Client = Annotated[str, typer.Argument(help="The client's number.")]
# One pair of flags a question, the answer that gives no concern first; in the order of QUESTIONS.
FLAGS: Final = (
    "--identity/--not-identity", "--own-will/--not-own-will",
    "--no-staff-trading/--staff-trading", "--risk-disclosed/--risk-not-disclosed",
    "--no-full-mandate/--full-mandate", "--changes-confirmed/--changes-not-confirmed",
)  # fmt: skip


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
    _explain_no(door, found)


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
    _explain_no(door, found)


def _explain_no(door: Door, found: list[dict[str, Any]]) -> None:
    """What a no to each of these questions says is not so."""
    for name, sentence in QUESTIONS.items():
        if any(row.get(name) is False for row in found):
            say(door, f"  {name}: {sentence.in_(door.config.language)} - no")


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


def day_of(option: str, written: str) -> date:
    """A day an option names. Raises Failure(2) for what is no day."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Failure(USAGE, f"{option}: {written!r} is no day; write 2026-10-09") from None
