"""What the plan needs of a kind of event: what is waiting, and what a run of it is opened with."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, RowMapping

from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.run_values import RunValues
from outreach.core.sources import Source
from outreach.core.words import Missed
from outreach.plan.due import Due, OnOpen
from outreach.plan.run import open_run
from outreach.project.definition import Definition
from outreach.store import runs
from outreach.store.database import Database


class Passed(NamedTuple):
    """An occurrence that was put on record as missed just now."""

    due: Due
    run: int
    why: Missed


class Event(Protocol):
    """One kind of event. The same facts give the same keys to whoever asks, so that two schedulers
    open one run."""

    def settle(self, database: Database, definition: Definition, now: datetime) -> Sequence[Passed]:
        """Put on record what no run will ever tell; what of it has a key of its own."""
        ...

    def pending(self, conn: Connection, definition: Definition, now: datetime) -> Sequence[str]:
        """The keys a scheduler should open now, oldest first."""
        ...

    def prepare(
        self, conn: Connection, definition: Definition, key: str | None, now: datetime
    ) -> Due | Blocked:
        """What the run of a key is opened with; without a key, the run of what waits now."""
        ...


def due_of(
    conn: Connection,
    definition: Definition,
    occurrence: Occurrence,
    now: datetime,
    *,
    texts: Mapping[str, Mapping[str, object]] | None = None,
    only: Sequence[Source] = (),
    on_open: OnOpen | None = None,
    **values: Any,
) -> Due:
    """An event's occurrence, ready to be planned. `texts` are what it gives to the texts, formatted
    and by locale; `only` whose clients alone it is for; `values` further fields of `RunValues`."""
    approval = runs.standing_approval(conn, definition.campaign_id, definition.approval_digest)
    needed = definition.campaign.purpose in definition.config.approval.required_for
    today = now.astimezone(definition.zone).date()
    run_values = RunValues(
        key=occurrence.key,
        due_at=occurrence.due_at,
        expires_at=occurrence.expires_at,
        year=today.year,
        approved=approval is not None or not needed,
        constants=definition.constants(occurrence, today, texts or {}),
        only=tuple(only),
        **values,
    )
    number = int(approval["id"]) if approval else None
    return Due(definition, occurrence, run_values, number, on_open=on_open)


def passed(
    database: Database, dues: Iterable[tuple[Due, Missed]], now: datetime, actor: str
) -> list[Passed]:
    """Record each of these as missed, unless somebody else has by now."""
    found: list[Passed] = []
    for due, why in dues:
        run, fresh = open_run(database, due._replace(on_open=None), actor, now, missed=why)
        if fresh:
            found.append(Passed(due, run, why))
    return found


def opened_before(definition: Definition, run: RowMapping) -> Due:
    """The run that an occurrence has already, as it was opened."""
    values = RunValues.load(run["values"])
    occurrence = Occurrence(values.key, values.due_at, values.expires_at)
    return Due(definition, occurrence, values, run["approval_id"])
