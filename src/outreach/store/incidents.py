"""Incidents and their steps: appended as they are told, never changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select

from outreach.core.incident import (
    KINDS,
    Facts,
    Incident,
    Kind,
    Said,
    Step,
    incident_id,
    occurrence_key,
)
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.tables import id_block, incident, incident_step, run

_INCIDENT: Final = tuple(column.name for column in incident.columns)
_STEP: Final = tuple(column.name for column in incident_step.columns)


class Told(NamedTuple):
    """The run of a step."""

    sequence: int
    run: int
    state: str


# --- reading ---------------------------------------------------------------------------------


def recorded(conn: Connection) -> list[Incident]:
    """Every incident on record, the latest first."""
    heads = conn.execute(select(incident).order_by(incident.c.opened_at.desc(), incident.c.id))
    steps: dict[str, list[Row[Any]]] = {}
    query = select(incident_step).order_by(incident_step.c.incident_id, incident_step.c.sequence)
    for row in conn.execute(query):
        steps.setdefault(row.incident_id, []).append(row)
    return [_incident(head, steps[head.id]) for head in heads]


def find(conn: Connection, number: str) -> Incident | None:
    """One incident by its id."""
    head = conn.execute(select(incident).where(incident.c.id == number)).first()
    if head is None:
        return None
    mine = incident_step.c.incident_id == number
    query = select(incident_step).where(mine).order_by(incident_step.c.sequence)
    return _incident(head, conn.execute(query).all())


def told(conn: Connection, one: Incident) -> list[Told]:
    """The runs opened for the steps of an incident, in the order of the steps."""
    keys = {one.key(step.sequence): step for step in one.steps}
    campaigns = sorted({step.campaign for step in one.steps})  # runs are found by campaign first
    query = select(run.c.id, run.c.campaign, run.c.occurrence, run.c.state).where(
        run.c.campaign.in_(campaigns), run.c.occurrence.in_(list(keys))
    )
    rows = conn.execute(query).all()
    return sorted(
        Told(keys[row.occurrence].sequence, int(row.id), row.state)
        for row in rows
        if row.campaign == keys[row.occurrence].campaign
    )


def untold(conn: Connection, campaign: str) -> list[str]:
    """Keys of the steps that this campaign is to tell and that have no run yet, oldest first."""
    mine = run.c.campaign == campaign
    opened = set(conn.execute(select(run.c.occurrence).where(mine)).scalars())
    query = select(incident_step.c.incident_id, incident_step.c.sequence)
    query = query.where(incident_step.c.campaign == campaign)
    rows = conn.execute(query.order_by(incident_step.c.at, incident_step.c.sequence))
    keys = [occurrence_key(row.incident_id, row.sequence) for row in rows]
    return [key for key in keys if key not in opened]


def next_id(conn: Connection, year: int) -> str:
    """What the next incident of a year will be called, unless another is opened before it."""
    query = select(id_block.c.next).where(id_block.c.name == _sequence(year))
    return incident_id(year, int(conn.execute(query).scalar() or 1))


def _sequence(year: int) -> str:
    return f"incident {year}"


# --- adding ----------------------------------------------------------------------------------


def hold(tx: Connection) -> None:
    """Let others who tell of incidents wait until this transaction ends, before reading them."""
    audit.append(tx, [])


def open_incident(
    tx: Connection,
    segment: str,
    facts: Facts,
    campaign: str,
    at: datetime,
    actor: str,
    *,
    year: int,
    narrowed: bytes | None = None,
) -> Incident:
    """Record a new incident with its first step. `year` is that of the firm's clock."""
    number = incident_id(year, allocate(tx, _sequence(year), 1))
    row = (number, segment, narrowed, at, actor)
    append(tx, incident, _INCIDENT, [row])
    covered = cover(incident, _INCIDENT, [row])
    entry = Entry(at, "incident.opened", actor, number, {"segment": segment}, covered)
    first = Step(1, Kind.OPEN, facts, campaign, at, actor)
    audit.append(tx, [entry, _added(tx, number, first)])
    return Incident(number, segment, (first,), narrowed)


def add_step(
    tx: Connection, one: Incident, kind: Kind, facts: Facts, campaign: str, at: datetime, actor: str
) -> Incident:
    """Record the next step of an incident; whether it may follow was asked before, in the same
    transaction."""
    step = Step(one.last.sequence + 1, kind, facts, campaign, at, actor)
    audit.append(tx, [_added(tx, one.id, step)])
    return replace(one, steps=(*one.steps, step))


def refused(tx: Connection, subject: str, code: str, at: datetime, actor: str) -> None:
    """Record that a step was refused, and by what: who tried to tell, and could not."""
    audit.append(tx, [Entry(at, "incident.refused", actor, subject, {"reason": code})])


def _added(tx: Connection, number: str, step: Step) -> Entry:
    facts = step.facts
    row = (
        number, step.sequence, str(step.kind), f",{','.join(facts.functions)},", facts.started_at,
        *facts.status, *facts.workaround, facts.next_update_by, facts.resolved_at, facts.to_all,
        step.campaign, step.at, step.by,
    )  # fmt: skip
    append(tx, incident_step, _STEP, [row])
    detail = {"sequence": step.sequence, "kind": str(step.kind), "campaign": step.campaign}
    covered = cover(incident_step, _STEP, [row])
    return Entry(step.at, "incident.step", step.by, number, detail, covered)


# --- rows as values --------------------------------------------------------------------------


def _incident(head: Row[Any], steps: Sequence[Row[Any]]) -> Incident:
    return Incident(head.id, head.segment, tuple(map(_step, steps)), head.narrowed)


def _step(row: Row[Any]) -> Step:
    facts = Facts(
        functions=tuple(row.functions.strip(",").split(",")),
        started_at=row.started_at,
        status=Said(row.status_zh, row.status_en),
        workaround=Said(row.workaround_zh, row.workaround_en),
        next_update_by=row.next_update_by,
        resolved_at=row.resolved_at,
        to_all=row.to_all,
    )
    return Step(row.sequence, KINDS[row.kind], facts, row.campaign, row.at, row.by)
