"""Sending a step of an incident that is on record: its run found or opened, and worked."""

from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, Door, Failure
from outreach.cli.output import emit_json, next_step, say

if TYPE_CHECKING:
    from outreach.core.incident import Incident
    from outreach.project.definition import Definition

TRIES = 5  # at opening a run while others tell of the same incident


class Order(NamedTuple):
    """How a step is to be told."""

    user: str
    dry_run: bool
    yes: bool
    no_wait: bool


def go_on(door: Door, definition: "Definition", one: "Incident", order: Order) -> None:
    """Open the run of the last step, or find it, and work it to the end."""
    from outreach.cli.run import run_document, work_run

    run_id = _opened(door, definition, one, order.user)
    step = one.last
    about = {"incident": one.id, "step": step.sequence, "kind": str(step.kind)}
    say(door, f"{one.id}, step {step.sequence}: {step.kind.sentence.en}, run {run_id}.")
    if order.no_wait:
        if door.json:
            emit_json({**about, **run_document(door, run_id)})
        say(
            door,
            "`outreach serve` sends it; without one, type the command again without --no-wait.",
        )
        return
    work_run(door, run_id, about)
    if step.facts.next_update_by is not None:
        when = f"{step.facts.next_update_by.astimezone(ZoneInfo(door.config.firm.zone)):%H:%M}"
        say(door, f"Clients were promised to hear again by {when}.")
        next_step(door, f"outreach incident update {one.id} --next-update HH:MM --status ...",
                  f"outreach incident resolve {one.id} --at HH:MM")  # fmt: skip


def _opened(door: Door, definition: "Definition", one: "Incident", user: str) -> int:
    from outreach import plan as verb
    from outreach.cli.run import local_time
    from outreach.core.occurrence import Blocked
    from outreach.store import runs

    key = one.key(one.last.sequence)
    for _ in range(TRIES):
        now = door.now()
        with door.database.reading() as conn:
            existing = runs.find(conn, definition.campaign_id, key)
            due = verb.prepare(conn, definition, key, now)
        if isinstance(due, Blocked):
            raise Failure(BAD_DATA, f"{key}: {due.sentence.in_('en')}")
        if existing is not None and existing["state"] == "missed":
            raise Failure(NOT_ALLOWED, f"{key} was missed and stays so; tell how things stand now")
        if existing is None and due.occurrence.expires_at <= now:
            when = local_time(due.occurrence.expires_at, door.config.firm.zone)
            raise Failure(NOT_ALLOWED, f"{key} is stale since {when}; tell how things stand now")
        if existing is None and not due.values.approved:
            raise Failure(NOT_ALLOWED, f"{key}: {definition.campaign_id} is not approved any more")
        try:
            return verb.open_run(door.database, due, user, now)[0]
        except verb.Overtaken:
            continue
    raise Failure(NOT_ALLOWED, f"{key}: others tell of it at this moment; `incident show {one.id}`")
