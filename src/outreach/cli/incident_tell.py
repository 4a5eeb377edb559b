"""Telling a step of an incident: judged, shown, asked about, put on record, sent."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.cli.incident_send import Order as Order
from outreach.cli.incident_send import go_on
from outreach.cli.incident_words import Written, read
from outreach.cli.output import emit_json, next_step, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.core.campaign import Campaign
    from outreach.core.incident import Facts, Incident, Kind, Refusal, Step
    from outreach.plan import Due
    from outreach.project.definition import Definition


class Opening(NamedTuple):
    """What only the first step says."""

    functions: str
    started: str
    segment: str
    campaign: str
    another: bool


def open_incident(door: Door, opening: Opening, written: Written, order: Order) -> None:
    """Open an incident and tell its first step; the same words again go on with it."""
    from outreach.core.incident import NOTHING, Facts, Incident, Kind, Step, may_open, same_opening
    from outreach.store import incidents

    definition = _definition(door, opening.campaign, "notices")
    zone, at = definition.zone, door.now()
    words = written._replace(functions=opening.functions, started=opening.started)
    given = read(words, at, zone)
    if given.functions is None or given.started_at is None:
        raise Failure(USAGE, "--functions and --started: say what fails, and since when")
    facts = Facts(
        given.functions, given.started_at, given.status or NOTHING, given.workaround or NOTHING,
        given.next_update_by,
    )  # fmt: skip
    segment, narrowed = _segment(door, definition, opening.segment)

    def judged(conn: "Connection") -> "Incident | Refusal | None":
        others = [one for one in incidents.recorded(conn) if one.state == "open"]
        if (same := same_opening(facts, segment, others)) is not None:
            return same
        return may_open(facts, others, at, another=opening.another)

    def record(tx: "Connection") -> Incident:
        year = at.astimezone(zone).year
        return incidents.open_incident(
            tx, segment, facts, definition.campaign_id, at, order.user, year=year, narrowed=narrowed
        )

    step = Step(1, Kind.OPEN, facts, definition.campaign_id, at, order.user)
    with door.database.reading() as conn:
        number = incidents.next_id(conn, at.astimezone(zone).year)
    draft = Incident(number, segment, (step,), narrowed)
    _tell(door, definition, draft, judged, record, order)


def follow(
    door: Door, number: str, kind: "Kind", written: Written, order: Order, campaign: str = ""
) -> None:
    """Tell the next step of an incident; the same words again go on with the step told last."""
    from dataclasses import replace

    from outreach.core.incident import Incident, Kind, Step, may_follow, next_facts
    from outreach.store import incidents

    with door.database.reading() as conn:
        one = incidents.find(conn, number)
    if one is None:
        raise Failure(
            BAD_DATA, f"{number}: there is no such incident; see `outreach incident list`"
        )
    if kind is Kind.AFTERCARE:
        definition = _definition(door, campaign, "aftercare")
    else:
        definition = _definition(door, one.steps[0].campaign, "notices")
    at = door.now()
    given = read(written, at, definition.zone)

    def told(before: Incident) -> "Facts":
        return next_facts(before, kind, **given._asdict())

    def judged(conn: "Connection") -> "Incident | Refusal | None":
        stands = incidents.find(conn, number) or one
        refusal = may_follow(stands, kind, told(stands), at)
        return stands if refusal is not None and refusal.code == "repeated" else refusal

    def record(tx: "Connection") -> Incident:
        stands = incidents.find(tx, number) or one
        return incidents.add_step(
            tx, stands, kind, told(stands), definition.campaign_id, at, order.user
        )

    step = Step(
        one.last.sequence + 1, kind, told(one), definition.campaign_id, at, order.user
    )  # fmt: skip
    draft = replace(one, steps=(*one.steps, step))
    _tell(door, definition, draft, judged, record, order)


def _tell(
    door: Door,
    definition: "Definition",
    draft: "Incident",
    judged: "Callable[[Connection], Incident | Refusal | None]",
    record: "Callable[[Connection], Incident]",
    order: Order,
) -> None:
    from outreach.core.incident import Incident
    from outreach.store import incidents

    with door.database.reading() as conn:
        verdict = judged(conn)
        due = None if isinstance(verdict, Incident) else _due(conn, definition, draft, door)
    if isinstance(verdict, Incident) and not order.dry_run:
        go_on(door, definition, verdict, order)
        return
    if verdict is not None and not isinstance(verdict, Incident):
        raise Failure(NOT_ALLOWED, verdict.sentence.in_("en"))
    if due is None:
        raise Failure(NOT_ALLOWED, f"{draft.key(draft.last.sequence)}: this was told already")
    _judge_slots(definition, draft.last)
    if order.dry_run:
        _show_draft(door, due, draft)
        return
    if not due.values.approved:
        _refuse_unapproved(door, definition, draft, order)
    _confirm(door, due, draft.last, order)
    with door.database.begin() as tx:
        incidents.hold(tx)
        verdict = judged(tx)
        if verdict is not None and not isinstance(verdict, Incident):
            raise Failure(NOT_ALLOWED, verdict.sentence.in_("en"))
        told = verdict or record(tx)
    go_on(door, definition, told, order)


# --- what stands in the way ------------------------------------------------------------------


def _definition(door: Door, name: str, tells: str) -> "Definition":
    """The campaign whose texts tell it: the one that is named, or the only one there is."""
    from outreach.cli.engine import definition
    from outreach.core.campaign import OnIncident

    def fits(campaign: "Campaign") -> bool:
        rule = campaign.occurrence
        return isinstance(rule, OnIncident) and rule.tells == tells

    known = door.project.campaigns
    fitting = [one for one, campaign in known.items() if fits(campaign) and campaign.enabled]
    if name:
        found = definition(door, name)
        if not fits(found.campaign):
            names = ", ".join(fitting) or "none"
            raise Failure(BAD_DATA, f"{name} does not tell {tells} of incidents; there is: {names}")
        if not found.campaign.enabled:
            raise Failure(BAD_DATA, f"{name}: is not enabled; set enabled = true in its file")
        return found
    if not fitting:
        wanted = f'occurrence = {{ kind = "incident", tells = "{tells}" }}'
        raise Failure(BAD_DATA, f"no enabled campaign has {wanted}; `outreach check` says more")
    if len(fitting) > 1:
        raise Failure(USAGE, f"--campaign: write which of {', '.join(fitting)} tells it")
    return definition(door, fitting[0])


def _segment(door: Door, definition: "Definition", name: str) -> tuple[str, bytes | None]:
    """The segment an incident touches, and how it stands where it is not the campaign's own."""
    from outreach.core.segment import Segment
    from outreach.project.narrowed import segment_as_it_stands

    own = definition.campaign.segment
    if not name or name == own:
        return own, None
    known = door.project.segments.models
    if name not in known:
        names = ", ".join(sorted(known))
        raise Failure(BAD_DATA, f"--segment: there is no segment {name}; there are: {names}")
    segment: Segment = known[name]
    if segment.asks_for_halts:
        raise Failure(BAD_DATA, f"--segment: {name} asks for halts, which an incident has none of")
    return name, segment_as_it_stands(door.project, name)


def _judge_slots(definition: "Definition", step: "Step") -> None:
    """Raises Failure(5) with a line for every word that may not stand in a slot."""
    from outreach.core.incident import Kind
    from outreach.core.incident_slots import slot_faults
    from outreach.project.phrases import shipped_lint

    slots = definition.template.template.slots
    open_still = step.kind in (Kind.OPEN, Kind.UPDATE, Kind.CORRECT)
    faults = slot_faults(slots, step.facts, open_still=open_still, also=[shipped_lint()])
    if lines := [str(fault) for fault in faults]:
        raise Failure(NOT_ALLOWED, lines)


def _refuse_unapproved(
    door: Door, definition: "Definition", draft: "Incident", order: Order
) -> None:
    from outreach.store import incidents

    name, owner = definition.campaign_id, definition.campaign.owner
    subject = draft.id if draft.last.sequence > 1 else "incident"
    with door.database.begin() as tx:
        incidents.refused(tx, subject, "not_approved", door.now(), order.user)
    raise Failure(
        NOT_ALLOWED,
        f"{name}: nobody has approved this text and campaign, so nothing is told;"
        f" outreach approve {name} --as USER (not {owner})",
    )


def _confirm(door: Door, due: "Due", step: "Step", order: Order) -> None:
    """Ask before many clients are written to. Where nobody can be asked, --yes has to be there."""
    most = door.config.incidents.confirm_above
    if order.yes:
        return
    reached = _audience(door, due)
    if reached <= most:
        return
    what = f"{step.kind.sentence.en}: {reached:,} clients"
    if door.json or not sys.stdin.isatty():
        raise Failure(NOT_ALLOWED, f"{what}, more than {most:,}; look with --dry-run, add --yes")
    typer.confirm(f"{what}. Send it now?", abort=True)


# --- looking ---------------------------------------------------------------------------------


def _due(conn: "Connection", definition: "Definition", draft: "Incident", door: Door) -> "Due":
    from outreach.plan.incident import step_due

    return step_due(conn, definition, draft, draft.last, door.now())


def _audience(door: Door, due: "Due") -> int:
    from outreach import plan as verb
    from outreach.cli.engine import unsubscribe_key

    job = verb.Job.of(due.definition, due.values, unsubscribe_key(door), door.now())
    with door.database.reading() as conn:
        return job.count(conn)


def _show_draft(door: Door, due: "Due", draft: "Incident") -> None:
    """Every text in every language as it would go, and to how many."""
    from outreach.cli.incident_texts import draft_texts

    texts, step = draft_texts(due), draft.last
    document = {
        "dry_run": True, "incident": draft.id, "step": step.sequence, "kind": str(step.kind),
        "segment": draft.segment, "campaign": due.definition.campaign_id,
        "approved": due.values.approved, "audience": _audience(door, due),
        "expires_at": due.occurrence.expires_at, "texts": texts,
    }  # fmt: skip
    if door.json:
        emit_json(document)
        return
    from outreach.cli.output import console

    out = console()
    for one in texts:
        size = f", {one['sms']['parts']} part(s)" if one["sms"] else ""
        out.print(f"[dim]{one['channel']} {one['locale']}{size}[/]")
        parts = one["parts"]
        head = [f"Subject: {parts['subject']}", ""] if "subject" in parts else []
        out.print("\n".join([*head, parts["text"].strip(), ""]), markup=False)
    say(
        door,
        f"{draft.id}, step {step.sequence} ({step.kind.sentence.en}): {document['audience']:,}"
        f" clients of {draft.segment}. Nothing was recorded or sent.",
    )
    if not due.values.approved:
        say(door, "Not approved: it would be refused until somebody else has approved it.")
        next_step(door, f"outreach approve {due.definition.campaign_id} --as USER")
