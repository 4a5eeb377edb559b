"""`outreach run`: open the run of an occurrence, work it to its end, and say what came of it."""

import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outreach.cli.campaigns import FORECAST, CampaignName, Occurrence, show_decisions
from outreach.cli.door import BAD_DATA, NOT_ALLOWED, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import console, emit_json, next_step, number_of, progress, say, table
from outreach.cli.run_words import in_hands, left, to_do

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from outreach.core.campaign import Campaign
    from outreach.core.client_event import ClientEvent
    from outreach.engine.local import Ended, Local
    from outreach.plan import Due


def run(
    context: typer.Context,
    campaign: CampaignName,
    occurrence: Occurrence = None,
    even_though_missed: Annotated[
        bool,
        typer.Option("--even-though-missed", help="Send what was missed, as long as it is true."),
    ] = False,
    why: Annotated[str, typer.Option(help="With it: why, kept with the run.")] = "",
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Leave it to the workers and do not wait for them.")
    ] = False,
) -> None:
    """Open the run and work it to the end. Repeating it goes on, and never sends twice."""
    from outreach import plan as verb
    from outreach.cli.engine import definition
    from outreach.core.occurrence import Blocked
    from outreach.store import runs

    door: Door = context.obj
    if no_wait and door.config.engine.mode == "embedded":
        raise Failure(USAGE, '--no-wait: nobody else would send; [engine] mode is not "workers"')
    defined, now = definition(door, campaign), door.now()
    verb.settle(door.database, defined, now)
    with door.database.reading() as conn:
        due = verb.prepare(conn, defined, occurrence, now)
        if isinstance(due, Blocked) and due.code == "calendar":
            forecast = verb.prepare(conn, defined, occurrence, now, provisional=True)
            if not isinstance(forecast, Blocked):
                raise Failure(NOT_ALLOWED, f"{campaign}: {forecast.occurrence.key}: {FORECAST}")
        if isinstance(due, Blocked):
            raise Failure(BAD_DATA, f"{campaign}: {due.sentence.in_('en')}")
        existing = runs.find(conn, campaign, due.occurrence.key)
        if even_though_missed:
            due = _though_missed(door, conn, due, existing, why)
            existing = runs.find(conn, campaign, due.occurrence.key)
    if existing is None:
        _refuse_unless_due(door, due)
    elif existing["state"] == "missed":
        raise Failure(NOT_ALLOWED, _missed(campaign, existing))
    try:
        run_id, fresh = verb.open_run(door.database, due, door.actor, now)
    except verb.Overtaken:
        newer = "something newer was told of it at this moment; run it again to see what is due now"
        raise Failure(NOT_ALLOWED, f"{campaign}: {due.occurrence.key}: {newer}") from None
    if not fresh:
        _say_existing(door, run_id, existing, defined)
    if no_wait:
        _leave(door, run_id)
        return
    work_run(door, run_id)


def _refuse_unless_due(door: Door, due: "Due") -> None:
    """A new run needs an enabled, approved campaign and an occurrence whose time is now."""
    name, occurrence, now = due.definition.campaign_id, due.occurrence, door.now()
    campaign, zone = due.definition.campaign, door.config.firm.zone
    if not campaign.enabled:
        raise Failure(BAD_DATA, f"{name}: is not enabled; set enabled = true in its file")
    if occurrence.due_at > now:
        when = local_time(occurrence.due_at, zone)
        raise Failure(
            NOT_ALLOWED,
            f"{name}: {occurrence.key} is not due before {when}; `plan` shows it",
        )
    if occurrence.expires_at <= now:
        when = local_time(occurrence.expires_at, zone)
        raise Failure(
            NOT_ALLOWED, f"{name}: {occurrence.key} expired at {when}; what it tells is over"
        )
    if not due.values.approved:
        raise Failure(
            NOT_ALLOWED,
            f"{name}: nobody has approved this text and campaign;"
            f" outreach approve {name} --as USER (not {campaign.owner})",
        )


def _missed(campaign: str, existing: Any) -> str:
    from outreach.core.words import MISSED

    why = MISSED[existing["reason"]].sentence.in_("en")
    return (
        f"{campaign}: {existing['occurrence']} was missed ({why}) and stays so on record as run"
        f" {existing['id']}; to send it now: outreach run {campaign} --occurrence"
        f" {existing['occurrence']} --even-though-missed --why REASON"
    )


def _though_missed(door: Door, conn: "Connection", due: "Due", existing: Any, why: str) -> "Due":
    """What was missed, to be sent now. Halts and incidents tell what is so at their moment: they
    are never made up for."""
    from outreach import plan as verb
    from outreach.core.campaign import OnClosure, OnDay

    name, key = due.definition.campaign_id, due.occurrence.key
    if existing is None or existing["state"] != "missed":
        raise Failure(USAGE, f"{name}: {key} was not missed; leave out --even-though-missed")
    if not isinstance(due.definition.campaign.occurrence, OnClosure | OnDay):
        raise Failure(NOT_ALLOWED, f"{name}: {key} told of a moment that is over")
    if not why.strip():
        raise Failure(USAGE, "--even-though-missed: add --why; it is kept with the run")
    return verb.though_missed(conn, due, existing, why, door.actor, door.now())


def _say_existing(door: Door, run_id: int, existing: Any, defined: Any) -> None:
    if existing is None:
        return
    what = f"Run {run_id} of {existing['occurrence']} is {existing['state']}"
    if existing["state"] in ("finished", "cancelled", "superseded"):
        say(door, f"{what}; an occurrence has one run, so nothing more is sent.")
        return
    say(door, f"{what}; going on with it.")
    changed = [
        kind for kind, part in defined.parts.items() if existing[f"{kind}_digest"] != part.digest
    ]
    if changed:
        say(
            door,
            f"Its files changed since ({', '.join(changed)}); the run keeps what it began with.",
        )


def work_run(door: Door, run_id: int, about: "Mapping[str, Any] | None" = None) -> None:
    """Work a run to its end with progress, and report; exit 1 when messages are left unsent.
    `about` is put before the run in its JSON document."""
    import time

    from outreach.cli.engine import Adapters, engine
    from outreach.cli.run_progress import stretches
    from outreach.engine import local
    from outreach.store import breakers, rates

    with door.database.begin() as tx:
        breakers.knock(tx, door.now())  # somebody is at hand: a sender at rest is tried at once
        rates.ask_again(tx)
    adapters, started = Adapters(door), time.monotonic()
    before = run_document(door, run_id)["messages"].get("accepted", 0)
    try:
        with progress(door, f"run {run_id}") as tick:
            planned, sent = stretches(door, run_id, tick)
            here = replace(engine(door, adapters, planned, sent), doubted=_say_jump)
            ended = _followed(door, here, run_id) or local.work(here, run_id)
    finally:
        adapters.close()
    document = run_document(door, run_id)
    document["seconds"] = round(time.monotonic() - started, 3)
    document["sent_now"] = document["messages"].get("accepted", 0) - before
    document["stopped"], document["next_at"] = ended.stopped, ended.next_at
    if door.json:
        emit_json({**(about or {}), **document})
    else:
        show_run(door, document)
        next_step(door, *to_do(document), f"outreach explain CLIENT {document['campaign']}")
    lines = [*ended.stopped, *left(document, stopped=bool(ended.stopped))]
    if lines:
        raise Failure(PROBLEMS, lines)


def _say_jump(by: timedelta) -> None:
    ahead = "ahead" if by.total_seconds() > 0 else "back"
    length = timedelta(seconds=round(abs(by).total_seconds()))
    print(
        f"the clock of this machine jumped {length} {ahead}; nothing is begun until it is right"
        " again, or has stayed so for ten minutes",
        file=sys.stderr,
    )


def _leave(door: Door, run_id: int) -> None:
    if door.json:
        emit_json(run_document(door, run_id))
    say(door, f"Run {run_id} is left to the workers.")
    next_step(door, f"outreach runs show {run_id}", "outreach workers")


def _followed(door: Door, here: "Local", run_id: int) -> "Ended | None":
    """How workers left the run; None where this process has to work it."""
    if door.config.engine.mode == "embedded":
        return None
    from outreach.engine.follow import follow

    ended = follow(here, run_id)
    if ended is None:
        print("no worker is there, so the run is worked here", file=sys.stderr)
    return ended


def run_document(door: Door, run_id: int) -> dict[str, Any]:
    """A run with its counters, as `run --json` and `runs show --json` give it."""
    from outreach.engine.waiting import limits_added, waiting_rows
    from outreach.project.definition import redefine
    from outreach.store import runs

    with door.database.reading() as conn:
        found = runs.load(conn, run_id)
        if found is None:
            raise Failure(BAD_DATA, f"there is no run {run_id}; see `outreach runs`")
        counts = runs.counts(conn, run_id)
        waits = (
            waiting_rows(door.config, conn, run_id, door.now())
            if found["state"] in runs.OPEN
            else []
        )
        definition = redefine(runs.parts(conn, found))
        event = event_of(definition.campaign, found)
    waiting = [row["sender"].partition(" ")[0] for row in waits if row["sender"]]
    decisions = counts.get("decision", {})
    return {
        "run": run_id,
        "campaign": found["campaign"],
        "occurrence": found["occurrence"],
        "event": event.sentence.in_(door.config.language) if event else None,
        "state": found["state"],
        "reason": found["reason"],
        "superseded_by": found["superseded_by"],
        "audience": found["audience"],
        **{name: decisions.get(name, 0) for name in ("allow", "defer", "suppress")},
        "messages": counts.get("state", {}),
        "channels": counts.get("channel", {}),
        "reasons": dict(sorted(counts.get("reason", {}).items(), key=lambda item: -item[1])),
        "sms_parts": counts.get("parts", {}).get("sms", 0),
        "content_refused": sum(counts.get("content", {}).values()),
        "waiting": waits,
        "limits_added": limits_added(definition.config, door.config, waiting),
        "opened_at": found["opened_at"],
        "opened_by": found["opened_by"],
        "expires_at": found["expires_at"],
        "finished_at": found["finished_at"],
    }


def event_of(campaign: "Campaign", found: Any) -> "ClientEvent | None":
    """The event of its clients that a run on record came after."""
    from outreach.core.client_event import client_event
    from outreach.core.run_values import RunValues

    return client_event(campaign, RunValues.load(found["values"]).day)


def show_run(door: Door, document: dict[str, Any]) -> None:
    """A run for people."""
    from outreach.core.words import MISSED, STATES

    out, language = console(), door.config.language
    why = f" ({MISSED[document['reason']].sentence.in_(language)})" if document["reason"] else ""
    out.print(
        f"[bold]run {document['run']}[/] {document['campaign']} {document['occurrence']}:"
        f" {document['state']}{why}"
    )
    if by := document["superseded_by"]:
        out.print(f"Run {by} took its place: what was not sent by then is suppressed.")
    if document["event"]:
        out.print(document["event"], markup=False)
    show_decisions(door, document)
    rows = [(s, n, STATES[s].sentence.in_(language)) for s, n in document["messages"].items()]
    if rows:
        out.print(table("", ("message state", "messages", ""), rows))
    if document["waiting"]:
        columns = ("sender", "messages", "per_second", "until", "done_at", "why")
        shown = [[one.get(column) for column in columns] for one in document["waiting"]]
        if document["state"] == "paused":  # when it will be through nobody can say
            shown = [[*row[:4], None, row[5]] for row in shown]
        zone = door.config.firm.zone
        out.print(table("", ("waits for", *columns[1:]), shown, zone=zone))
    if handed := in_hands(document):
        out.print(f"In the hands of senders: {number_of(handed, 'message')}.")
    if late := document["limits_added"]:
        out.print(f"Planned before these limits, which do not hold for it: {', '.join(late)}.")
    if document["state"] == "paused" and document["content_refused"]:
        out.print(f"Refused for what the text says: {document['content_refused']:,}.")
    channels = ", ".join(f"{name} {n:,}" for name, n in document["channels"].items())
    line = f"Channels: {channels or 'none'}; SMS parts {document['sms_parts']:,}"
    out.print(line)
    if seconds := document.get("seconds"):
        sent = document["sent_now"]
        rate = f", {sent / seconds:,.0f} a second" if sent else ""
        out.print(f"Sent now: {sent:,} in {seconds:.1f} s{rate}")
    if document.get("next_at"):
        zone = door.config.firm.zone
        out.print(f"Held messages or retries are due at {local_time(document['next_at'], zone)}.")


def local_time(at: Any, zone: str) -> str:
    """A moment on the firm's clock."""
    from zoneinfo import ZoneInfo

    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
