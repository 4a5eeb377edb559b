"""Hand cases over to their departments: at least once, each with an id that tells it twice."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

import orjson

from outreach.core.follow_up import Action, Delivery, Step, after_refusal, standing, to_try
from outreach.store import follow_ups
from outreach.store.database import Database
from outreach.store.follow_ups import Case

ACTOR: Final = "outreach"


class HandOver(Protocol):
    """A way to a department (`channels.department`). One try: None when it was taken, else why
    not."""

    def hand_over(self, case_id: str, body: bytes, at: datetime) -> str | None: ...


class Tried(NamedTuple):
    """One try to hand a case over, and what it is recorded as."""

    case: int
    department: str
    action: Action
    why: str  # of a try that was not taken


def forward(
    database: Database,
    departments: Mapping[str, HandOver],
    now: datetime,
    *,
    failed_too: bool = False,
) -> Iterator[Tried]:
    """Try what is due, oldest first; with `failed_too`, also what waits or was given up. Cases of
    other departments stay as they are. No transaction is open while a department is called, so a
    crash in between calls it again: the id is the same then."""
    with database.reading() as conn:
        waiting = [
            one
            for one in follow_ups.cases(conn, undelivered=True)
            if one.department in departments
            and to_try(standing(one.steps), now, failed_too=failed_too)
        ]
    for case in waiting:
        why = departments[case.department].hand_over(case_id(case), body(case), now)
        with database.begin() as tx:
            follow_ups.hold(tx)
            (current,) = follow_ups.cases(tx, number=case.id)
            now_is = standing(current.steps)
            if now_is.delivery is Delivery.FORWARDED:  # somebody else was faster
                continue
            action = Action.FORWARDED if why is None else after_refusal(now_is)
            follow_ups.add_step(tx, case.id, Step(action, ACTOR, why or "", now))
        yield Tried(case.id, case.department, action, why or "")


def case_id(case: Case) -> str:
    """The same on every try: by it a department tells a case it has from a new one."""
    return f"outreach-follow-up-{case.id}"


def body(case: Case) -> bytes:
    """What a department is given: the same bytes on every try. No address of the client is in it;
    the department finds the client by number."""
    data = {
        "follow_up": case.id,
        "department": case.department,
        "rule": case.rule,
        "campaign": case.campaign,
        "run": case.run_id,
        "client_no": case.client_no,
        "branch": case.branch,
        "adviser": case.adviser,
        "score": case.score,
        "comment": case.comment,
        "kind": case.kind,
        "source": case.source,
        "received_at": case.received_at.astimezone(UTC),
    }
    document = {
        "id": case_id(case),
        "type": "survey.answer",
        "timestamp": case.opened_at.astimezone(UTC),
        "data": data,
    }
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)
