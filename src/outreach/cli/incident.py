"""`outreach incident`: tell clients of a failing service, step by step, until it is back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.cli.incident_tell import Order
    from outreach.core.incident import Incident

app = typer.Typer(help="Tell clients of a failing service.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="ID", help="INC-2026-0001; see `incident list`.")]
Functions = Annotated[
    str, typer.Option(help="What fails, by name: login,orders. `incident words` lists them.")
]
Started = Annotated[str, typer.Option(help="Since when: HH:MM, or YYYY-MM-DDTHH:MM.")]
Status = Annotated[
    str, typer.Option(help="How things stand: a ready wording by name, or your own in Chinese.")
]
StatusEn = Annotated[str, typer.Option(help="The same in English, beside your own wording.")]
Workaround = Annotated[
    str, typer.Option(help="What clients can use: by name, your own in Chinese, or `none`.")
]
WorkaroundEn = Annotated[str, typer.Option(help="The same in English.")]
NextUpdate = Annotated[str, typer.Option(help="When clients hear again at the latest: HH:MM.")]
User = Annotated[str, typer.Option("--as", help="Who tells it; without it, the system's user.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show every text; record nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, however many clients it reaches.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Open the run and leave sending to `outreach serve`.")
]
ToAll = Annotated[bool, typer.Option("--to-all", help="Also to those who have got nothing yet.")]


@app.command("open")
def open_(
    context: typer.Context,
    functions: Functions,
    started: Started,
    status: Status,
    next_update: NextUpdate,
    segment: Annotated[
        str, typer.Option(help="A segment of segments.toml; without it, the campaign's.")
    ] = "",
    status_en: StatusEn = "",
    workaround: Workaround = "",
    workaround_en: WorkaroundEn = "",
    campaign: Annotated[str, typer.Option(help="Whose texts; needed where several do.")] = "",
    another: Annotated[
        bool, typer.Option("--another", help="It is not the incident that is open already.")
    ] = False,
    user: User = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """The first notice. Sent at once, ahead of everything else; typed again, it goes on."""
    from outreach.cli import incident_tell as tell

    door: Door = context.obj
    tell.open_incident(
        door,
        tell.Opening(functions, started, segment, campaign, another),
        _written(status, status_en, workaround, workaround_en, next_update),
        _order(door, user, dry_run, yes, no_wait),
    )


@app.command()
def update(
    context: typer.Context,
    incident: Number,
    next_update: NextUpdate,
    status: Status = "",
    status_en: StatusEn = "",
    workaround: Workaround = "",
    workaround_en: WorkaroundEn = "",
    user: User = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """How things stand now. What is not written stays as it was told last."""
    from outreach.cli import incident_tell as tell
    from outreach.core.incident import Kind

    door: Door = context.obj
    written = _written(status, status_en, workaround, workaround_en, next_update)
    order = _order(door, user, dry_run, yes, no_wait)
    tell.follow(door, incident, Kind.UPDATE, written, order)


@app.command()
def correct(
    context: typer.Context,
    incident: Number,
    next_update: NextUpdate,
    functions: Functions = "",
    started: Started = "",
    status: Status = "",
    status_en: StatusEn = "",
    workaround: Workaround = "",
    workaround_en: WorkaroundEn = "",
    user: User = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """The last notice was wrong (also when it said that service is back)."""
    from outreach.cli import incident_tell as tell
    from outreach.core.incident import Kind

    door: Door = context.obj
    written = _written(status, status_en, workaround, workaround_en, next_update)
    written = written._replace(functions=functions, started=started)
    order = _order(door, user, dry_run, yes, no_wait)
    tell.follow(door, incident, Kind.CORRECT, written, order)


@app.command()
def resolve(
    context: typer.Context,
    incident: Number,
    at: Annotated[str, typer.Option(help="Since when service is back: HH:MM.")],
    status: Status = "",
    status_en: StatusEn = "",
    to_all: ToAll = False,
    user: User = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """Service is back: to everybody who got a notice before."""
    from outreach.cli import incident_tell as tell
    from outreach.core.incident import Kind

    door: Door = context.obj
    written = _written(status, status_en)._replace(resolved=at, to_all=to_all)
    order = _order(door, user, dry_run, yes, no_wait)
    tell.follow(door, incident, Kind.RESOLVE, written, order)


@app.command()
def withdraw(
    context: typer.Context,
    incident: Number,
    to_all: ToAll = False,
    user: User = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """There was no incident: every notice is taken back, from everybody who got one."""
    from outreach.cli import incident_tell as tell
    from outreach.core.incident import Kind

    door: Door = context.obj
    written = _written()._replace(to_all=to_all)
    order = _order(door, user, dry_run, yes, no_wait)
    tell.follow(door, incident, Kind.WITHDRAW, written, order)


@app.command()
def aftercare(
    context: typer.Context,
    incident: Number,
    campaign: Annotated[str, typer.Option(help="Whose texts; needed where several do.")] = "",
    user: User = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """An apology, and where to turn with a claim: to everybody who got the first notice."""
    from outreach.cli import incident_tell as tell
    from outreach.core.incident import Kind

    door: Door = context.obj
    order = _order(door, user, dry_run, yes, no_wait)
    tell.follow(door, incident, Kind.AFTERCARE, _written(), order, campaign)


def _written(
    status: str = "",
    status_en: str = "",
    workaround: str = "",
    workaround_en: str = "",
    next_update: str = "",
) -> Any:
    from outreach.cli.incident_words import Written

    return Written(
        status=(status, status_en), workaround=(workaround, workaround_en), next_update=next_update
    )


def _order(door: Door, user: str, dry_run: bool, yes: bool, no_wait: bool) -> "Order":
    from outreach.cli.incident_tell import Order

    return Order(user.strip() or door.actor, dry_run, yes, no_wait)


# --- looking ---------------------------------------------------------------------------------


@app.command("list")
def listing(context: typer.Context) -> None:
    """Every incident, the latest first."""
    from outreach.store import incidents

    door: Door = context.obj
    with door.database.reading() as conn:
        rows = [_row(door, one) for one in incidents.recorded(conn)]
    columns = ("incident", "state", "functions", "started_at", "steps", "told_at", "next_update_by")
    emit_rows(door, "Incidents", rows, columns, extra=("overdue", "segment", "opened_by"))
    late = [row for row in rows if row["overdue"]]
    for row in late:
        say(door, f"{row['incident']}: clients were promised to hear again by now.")
    if late:
        next_step(door, f"outreach incident update {late[0]['incident']} --next-update HH:MM")


def _row(door: Door, one: "Incident") -> dict[str, Any]:
    facts = one.last.facts
    again = facts.next_update_by
    return {
        "incident": one.id,
        "state": one.state,
        "functions": ",".join(facts.functions),
        "started_at": facts.started_at,
        "segment": one.segment,
        "steps": len(one.steps),
        "told_at": one.last.at,
        "next_update_by": again,
        "resolved_at": facts.resolved_at,
        "overdue": again is not None and again <= door.now(),
        "opened_by": one.steps[0].by,
    }


@app.command()
def show(context: typer.Context, incident: Number) -> None:
    """One incident: what was told when, to how many, and what a later step took the place of."""
    from outreach.store import incidents, runs

    door: Door = context.obj
    with door.database.reading() as conn:
        one = incidents.find(conn, incident)
        if one is None:
            raise Failure(BAD_DATA, f"{incident}: there is no such incident; `incident list`")
        told = {each.sequence: each for each in incidents.told(conn, one)}
        counts = {each.sequence: runs.counts(conn, each.run) for each in told.values()}
    steps = []
    for step in one.steps:
        run, states = told.get(step.sequence), counts.get(step.sequence, {}).get("state", {})
        superseded = states.get("suppressed", 0) if run and run.state == "superseded" else 0
        sent = sum(states.get(name, 0) for name in ("accepted", "delivered", "undelivered"))
        steps.append(
            {
                "step": step.sequence, "kind": str(step.kind), "at": step.at, "by": step.by,
                "run": run.run if run else None, "state": run.state if run else "waits",
                "sent": sent, "superseded": superseded, "messages": states,
                "campaign": step.campaign, **_facts(step.facts),
            }
        )  # fmt: skip
    if door.json:
        emit_json({**_row(door, one), "steps": steps})
        return
    language = door.config.language
    for each in steps:
        each["status"] = each[f"status_{language}"]
    columns = ("step", "kind", "at", "by", "status", "next_update_by", "run", "state", "sent",
               "superseded")  # fmt: skip
    emit_rows(door, f"{one.id} ({one.state})", steps, columns, extra=("workaround_zh",))
    if any(each["run"] is None for each in steps[-1:]):
        say(
            door, "The last step has no run yet: type its command again, or start `outreach serve`."
        )


def _facts(facts: Any) -> dict[str, Any]:
    return {
        "functions": list(facts.functions), "started_at": facts.started_at,
        "status_zh": facts.status.zh, "status_en": facts.status.en,
        "workaround_zh": facts.workaround.zh, "workaround_en": facts.workaround.en,
        "next_update_by": facts.next_update_by, "resolved_at": facts.resolved_at,
        "to_all": facts.to_all,
    }  # fmt: skip


@app.command()
def words(context: typer.Context) -> None:
    """The names that stand for functions, and for wording that is ready in both languages."""
    from outreach.core.incident_words import FUNCTIONS, STATUSES, WORKAROUNDS

    door: Door = context.obj
    rows = [
        {"for": option, "name": name, "zh": said.zh, "en": said.en}
        for option, known in (
            ("--functions", FUNCTIONS), ("--status", STATUSES), ("--workaround", WORKAROUNDS),
        )
        for name, said in known.items()
    ]  # fmt: skip
    emit_rows(door, "Words", rows)
