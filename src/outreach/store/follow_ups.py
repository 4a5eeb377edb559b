"""Cases departments look at: opened by an answer, and every step after that added to them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from outreach.core.follow_up import Action, Step
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.facts import among
from outreach.store.tables import client, follow_up, follow_up_step, run, survey_answer

_CASES: Final = tuple(column.name for column in follow_up.columns)
_AT_ONCE: Final = 5_000
_STEPS: Final = tuple(column.name for column in follow_up_step.columns)


class Case(NamedTuple):
    """A case with the answer it is about, its client and its steps."""

    id: int
    department: str
    rule: str
    opened_at: datetime
    answer_id: int
    run_id: int
    campaign: str
    kind: str
    score: int | None
    comment: str
    raw: str
    received_at: datetime
    source: str
    client_no: str
    branch: str | None
    adviser: str | None
    steps: tuple[Step, ...] = ()


def open_cases(
    tx: Connection, wanted: Sequence[tuple[int, str, str]], at: datetime, actor: str
) -> list[int]:
    """Open a case for each (answer, department, rule); their numbers. Logged here, so this comes
    last in a transaction."""
    if not wanted:
        return []
    first = allocate(tx, "follow_up", len(wanted))
    rows = [(first + index, *one, at) for index, one in enumerate(wanted)]
    append(tx, follow_up, _CASES, rows)
    detail = {"cases": len(rows), "departments": sorted({one[1] for one in wanted})}
    covered = cover(follow_up, _CASES, rows)
    audit.append(tx, [Entry(at, "follow_up.opened", actor, "survey answers", detail, covered)])
    return [row[0] for row in rows]


def add_step(tx: Connection, case: int, step: Step) -> None:
    """Add a step to a case. Logged here, so this comes last in a transaction."""
    row = (allocate(tx, "follow_up_step", 1), case, *step)
    append(tx, follow_up_step, _STEPS, [row])
    covered = cover(follow_up_step, _STEPS, [row])
    kind = f"follow_up.{step.action}"
    audit.append(tx, [Entry(step.at, kind, step.actor, f"follow-up {case}", {}, covered)])


def hold(tx: Connection) -> None:
    """Let others who add steps wait until this transaction ends, before reading them."""
    audit.append(tx, [])


def cases(
    conn: Connection,
    *,
    number: int | None = None,
    department: str | None = None,
    undelivered: bool = False,
) -> list[Case]:
    """Cases with their steps, oldest first: all of them, one, those of a department, or those that
    no department has."""
    names: Mapping[str, Any] = {
        **{name: follow_up.c[name] for name in ("id", "department", "rule", "opened_at")},
        "answer_id": follow_up.c.answer_id,
        **{
            name: survey_answer.c[name]
            for name in ("run_id", "kind", "score", "comment", "raw", "received_at", "source")
        },
        "campaign": run.c.campaign,
        **{name: client.c[name] for name in ("client_no", "branch", "adviser")},
    }
    statement = (
        select(*(names[name] for name in Case._fields[:-1]))
        .join_from(follow_up, survey_answer, survey_answer.c.id == follow_up.c.answer_id)
        .join(run, run.c.id == survey_answer.c.run_id)
        .join(client, client.c.id == survey_answer.c.client_id)
        .order_by(follow_up.c.id)
    )
    if number is not None:
        statement = statement.where(follow_up.c.id == number)
    if department is not None:
        statement = statement.where(follow_up.c.department == department)
    if undelivered:
        step = follow_up_step.c
        handed_over = select(step.id).where(
            step.follow_up_id == follow_up.c.id, step.action == Action.FORWARDED
        )
        statement = statement.where(~handed_over.exists())
    rows = [Case(*row) for row in conn.execute(statement)]
    steps = _steps(conn, [row.id for row in rows])
    return [row._replace(steps=tuple(steps.get(row.id, ()))) for row in rows]


def _steps(conn: Connection, ids: Sequence[int]) -> dict[int, list[Step]]:
    step = follow_up_step.c
    columns = (step.follow_up_id, step.action, step.actor, step.note, step.at)
    found: dict[int, list[Step]] = defaultdict(list)
    for at in range(0, len(ids), _AT_ONCE):
        of_them = among(step.follow_up_id, ids[at : at + _AT_ONCE])
        for row in conn.execute(select(*columns).where(of_them).order_by(step.id)):
            found[row[0]].append(Step(*row[1:]))
    return found
