"""Send on purpose what was missed. The record of the miss stays: the run is one of its own."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from outreach.core.closure_told import parted
from outreach.plan.due import Due
from outreach.store import audit, runs
from outreach.store.audit import Entry


def though_missed(
    conn: Connection, due: Due, missed: RowMapping, why: str, actor: str, now: datetime
) -> Due:
    """The same occurrence under its next revision, such as `2026-03-02.2`; under the one it has
    where it was sent before. `why` and `actor` go on record with the run that is opened."""
    key = missed["occurrence"]
    newest = runs.revised(conn, due.definition.campaign_id, key)
    again = newest["occurrence"] if newest is not None else key
    if again == key:
        again = f"{key}.{parted(key)[1] + 1}"

    def on_open(tx: Connection, run_id: int) -> None:
        if due.on_open is not None:
            due.on_open(tx, run_id)
        detail = {"missed": missed["id"], "reason": missed["reason"], "why": why}
        audit.append(tx, [Entry(now, "run.though_missed", actor, f"run {run_id}", detail)])

    return due._replace(
        occurrence=replace(due.occurrence, key=again),
        values=replace(due.values, key=again),
        on_open=on_open,
    )
