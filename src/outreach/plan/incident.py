"""Incidents as events: each step is told once, and takes the place of what was told before it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from outreach.core.campaign import OnIncident
from outreach.core.incident import Incident, Kind, Step, expires_at, from_key
from outreach.core.incident_values import incident_values
from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.sources import Got
from outreach.core.words import Missed, Sentence
from outreach.plan.due import Due, Overtaken
from outreach.plan.event import Passed, due_of, opened_before, passed
from outreach.project.definition import Definition
from outreach.project.narrowed import narrowed
from outreach.store import incidents, outbox, runs
from outreach.store.database import Database

_ONCE_MORE: Final = (Kind.RESOLVE, Kind.WITHDRAW)  # for those who got something before


class Incidents:
    """What the plan asks about incidents."""

    def settle(self, database: Database, definition: Definition, now: datetime) -> Sequence[Passed]:
        """Record as missed what a later step took the place of before it had a run, and what was
        of no use any more."""
        with database.reading() as conn:
            waiting = [_found(conn, definition, key) for key in _untold(conn, definition)]
        missed: list[tuple[Due, Missed]] = []
        for found in waiting:
            if isinstance(found, Blocked):
                continue
            one, step = found
            over = _expires_at(definition, one, step)
            if over > now:
                continue
            with database.reading() as conn:
                due = step_due(conn, definition, one, step, now)
            later = one.after(step.sequence)
            reason = Missed.STALE if due.values.approved else Missed.NOT_APPROVED
            reason = Missed.OVERTAKEN if later and later.at <= over else reason
            missed.append((due, reason))
        return passed(database, missed, now, outbox.ACTOR)

    def pending(self, conn: Connection, definition: Definition, now: datetime) -> Sequence[str]:
        """Steps without a run that are still of use, oldest first."""
        keys = []
        for key in _untold(conn, definition):
            found = _found(conn, definition, key)
            if not isinstance(found, Blocked) and _expires_at(definition, *found) > now:
                keys.append(key)
        return keys

    def prepare(
        self, conn: Connection, definition: Definition, key: str | None, now: datetime
    ) -> Due | Blocked:
        """What the run of a step is opened with; without a key, of the latest that waits."""
        if key is None:
            waiting = self.pending(conn, definition, now)
            if not waiting:
                return _NOTHING
            key = waiting[-1]
        existing = runs.find(conn, definition.campaign_id, key)
        if existing is not None:
            return opened_before(definition, existing)
        found = _found(conn, definition, key)
        return found if isinstance(found, Blocked) else step_due(conn, definition, *found, now)


def step_due(
    conn: Connection, definition: Definition, one: Incident, step: Step, now: datetime
) -> Due:
    """The run of a step: its texts, whom it is for, and what it takes the place of. Takes a step
    that is not on record too, to look at."""
    earlier = _runs_before(conn, one, step)
    occurrence = Occurrence(
        one.key(step.sequence), step.at, _expires_at(definition, one, step)
    )  # fmt: skip
    texts = {
        locale: incident_values(one.id, step, locale, definition.zone)
        for locale in definition.template.locales
    }

    def on_open(tx: Connection, run_id: int) -> None:
        """Stop what is still being told of before. Raises Overtaken when that is not what it was
        when the audience was found."""
        stands = incidents.find(tx, one.id)
        if stands is None or _overtaken(stands, step) or _runs_before(tx, stands, step) != earlier:
            raise Overtaken(f"{one.key(step.sequence)}: another step was told in between")
        if step.kind is not Kind.AFTERCARE:
            for run in earlier:
                runs.supersede(tx, run, by=run_id, at=now, actor=outbox.ACTOR)

    due = due_of(
        conn, definition, occurrence, now, texts=texts, only=_sources(step, conn, one, earlier),
        on_open=on_open,
    )  # fmt: skip
    if one.narrowed is None:
        return due
    return due._replace(definition=narrowed(definition, one.narrowed))


def _sources(
    step: Step, conn: Connection, one: Incident, earlier: tuple[int, ...]
) -> tuple[Got, ...]:
    """Whose clients alone a step is for; none: everybody's of the segment."""
    if step.kind is Kind.AFTERCARE:
        return (Got(tuple(told.run for told in incidents.told(conn, one) if told.sequence == 1)),)
    return (Got(earlier),) if step.kind in _ONCE_MORE and not step.facts.to_all else ()


def _runs_before(conn: Connection, one: Incident, step: Step) -> tuple[int, ...]:
    """The runs of the steps before one."""
    return tuple(told.run for told in incidents.told(conn, one) if told.sequence < step.sequence)


def _overtaken(one: Incident, step: Step) -> bool:
    later = one.after(step.sequence)
    return later is not None and later.kind is not Kind.AFTERCARE


def _untold(conn: Connection, definition: Definition) -> list[str]:
    return incidents.untold(conn, definition.campaign_id)


def _expires_at(definition: Definition, one: Incident, step: Step) -> datetime:
    rule = definition.campaign.occurrence
    if not isinstance(rule, OnIncident):
        raise TypeError(f"{definition.campaign_id} does not tell of incidents")
    grace, useful = timedelta(minutes=rule.grace_minutes), timedelta(hours=rule.useful_hours)
    return expires_at(one, step, grace, useful)


def _found(conn: Connection, definition: Definition, key: str) -> tuple[Incident, Step] | Blocked:
    """The step of this campaign that a key names."""
    named = from_key(key)
    one = incidents.find(conn, named[0]) if named else None
    step = one.step(named[1]) if one and named else None
    if one is None or step is None or step.campaign != definition.campaign_id:
        return Blocked(
            "key",
            Sentence(
                f"{key!r} is no step of an incident that this campaign tells, see `outreach"
                " incident list`",
                f"“{key}”不是本活动的事件通知，请查看 outreach incident list",
            ),
        )
    return one, step


_NOTHING: Final = Blocked(
    "nothing_due", Sentence("no step of an incident waits to be told", "没有待告知的事件通知")
)
