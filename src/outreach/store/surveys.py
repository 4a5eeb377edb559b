"""Surveys that were sent, and the answers to them: added, never changed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, and_, func, select

from outreach.core.survey import Answer, Open
from outreach.core.survey_form import Survey
from outreach.core.words import Purpose
from outreach.store.audit import Covered, cover
from outreach.store.database import allocate, append
from outreach.store.tables import client, frozen, message, outcome, run, survey_answer, window

_COLUMNS: Final = tuple(column.name for column in survey_answer.columns)
_AT_ONCE: Final = 5_000
# Outcomes that say the client got it, or may have.
_REACHED: Final = ("accepted", "delivered", "in_doubt")


class SurveyRun(NamedTuple):
    """A run that asked something."""

    run_id: int
    campaign: str
    occurrence: str
    survey: Survey
    opened_at: datetime


class NewAnswer(NamedTuple):
    """An answer about to be recorded. `identity` is that of the row or request it came by."""

    answer: Answer
    raw: str
    received_at: datetime
    source: str  # sms | web | staff
    identity: str


class Given(NamedTuple):
    """An answer on record, with what a report needs to know of its client."""

    id: int
    run_id: int
    client_id: int
    client_no: str
    kind: str
    score: int | None
    comment: str
    received_at: datetime
    source: str
    branch: str | None
    adviser: str | None


def survey_runs(conn: Connection, campaign: str | None = None) -> list[SurveyRun]:
    """Every run that asked something, newest first. The form is the one the run was frozen with."""
    statement = (
        select(
            run.c.id, run.c.campaign, run.c.occurrence, run.c.opened_at, frozen.c.digest,
            frozen.c.content,
        )
        .join(frozen, frozen.c.digest == run.c.campaign_digest)
        .where(run.c.purpose == Purpose.SURVEY, run.c.state != "missed")
        .order_by(run.c.opened_at.desc(), run.c.id.desc())
    )  # fmt: skip
    if campaign is not None:
        statement = statement.where(run.c.campaign == campaign)
    found = []
    for row in conn.execute(statement):
        if (survey := _form(row.content)) is not None:
            found.append(SurveyRun(row.id, row.campaign, row.occurrence, survey, row.opened_at))
    return found


@lru_cache(maxsize=64)
def _form(content: bytes) -> Survey | None:
    written = orjson.loads(content).get("survey")
    return None if written is None else Survey.model_validate(written, extra="ignore")


def asked_at(
    conn: Connection, runs: Sequence[SurveyRun], phones: Iterable[str]
) -> dict[str, list[Open]]:
    """The surveys that went to these numbers by SMS, by number: what a reply can be an answer to.
    Only where the number is still the client's."""
    by_run = {one.run_id: one for one in runs}
    found: dict[str, list[Open]] = defaultdict(list)
    if not by_run:
        return found
    mine = and_(message.c.client_id == client.c.id, message.c.address == client.c.phone)
    statement = (
        select(message.c.address, message.c.run_id, message.c.client_id, message.c.id)
        .join_from(client, message, mine)
        .where(message.c.run_id.in_(sorted(by_run)), message.c.channel == "sms")
    )
    for some in _pages(phones):
        for row in conn.execute(statement.where(client.c.phone.in_(some))):
            one = by_run[row.run_id]
            asked_for = Open(row.run_id, row.client_id, row.id, one.survey, one.opened_at)
            found[row.address].append(asked_for)
    return found


def _pages(values: Iterable[str]) -> Iterator[list[str]]:
    """Different values, as many at once as either database takes as parameters."""
    wanted = sorted(set(values))
    for at in range(0, len(wanted), _AT_ONCE):
        yield wanted[at : at + _AT_ONCE]


def asked(conn: Connection, one: SurveyRun, client_id: int) -> Open | None:
    """The survey as a client got it, by whichever channel; None where it did not go there."""
    statement = (
        select(message.c.id)
        .where(message.c.run_id == one.run_id, message.c.client_id == client_id)
        .order_by(message.c.channel)  # e-mail first: that is where links are
        .limit(1)
    )
    found = conn.execute(statement).scalar()
    return (
        None
        if found is None
        else Open(one.run_id, client_id, int(found), one.survey, one.opened_at)
    )


def holders(conn: Connection, phones: Iterable[str]) -> dict[str, list[int]]:
    """The clients who have these numbers."""
    found: dict[str, list[int]] = defaultdict(list)
    statement = select(client.c.phone, client.c.id).order_by(client.c.id)
    for some in _pages(phones):
        for phone, client_id in conn.execute(statement.where(client.c.phone.in_(some))):
            found[phone].append(client_id)
    return found


def known(conn: Connection, identities: Iterable[str]) -> set[str]:
    """Those of the rows and requests that are on record."""
    identity = survey_answer.c.identity
    found: set[str] = set()
    for some in _pages(identities):
        found.update(conn.execute(select(identity).where(identity.in_(some))).scalars())
    return found


def record(
    tx: Connection,
    answers: Sequence[NewAnswer],
    *,
    recorded_at: datetime,
    actor: str,
    book_id: int | None = None,
) -> tuple[list[int], Covered | None]:
    """Add answers that are not on record (`known`); their numbers, in the order given."""
    if not answers:
        return [], None
    first = allocate(tx, "survey_answer", len(answers))
    numbers = list(range(first, first + len(answers)))
    rows = [
        (
            number, one.answer.to.run_id, one.answer.to.client_id, one.answer.to.message_id,
            one.answer.kind, one.answer.score, one.answer.comment, one.raw, one.received_at,
            recorded_at, one.source, actor, one.identity, book_id,
        )
        for number, one in zip(numbers, answers, strict=True)
    ]  # fmt: skip
    append(tx, survey_answer, _COLUMNS, rows)
    return numbers, cover(survey_answer, _COLUMNS, rows)


def given(conn: Connection, run_ids: Sequence[int]) -> list[Given]:
    """Every answer to these runs, in the order they were received."""
    names = ("id", "run_id", "client_id", "kind", "score", "comment", "received_at", "source")
    columns: dict[str, Any] = {name: survey_answer.c[name] for name in names}
    columns |= {name: client.c[name] for name in ("client_no", "branch", "adviser")}
    statement = (
        select(*(columns[name] for name in Given._fields))
        .join(client, client.c.id == survey_answer.c.client_id)
        .where(survey_answer.c.run_id.in_(run_ids))
        .order_by(survey_answer.c.received_at, survey_answer.c.id)
    )
    return [Given(*row) for row in conn.execute(statement)]


def reached(conn: Connection, run_id: int) -> int:
    """How many clients the survey of a run went out to."""
    statement = (
        select(func.count(func.distinct(message.c.client_id)))
        .join_from(window, outcome, outcome.c.window_id == window.c.id)
        .join(message, message.c.id == outcome.c.message_id)
        .where(window.c.run_id == run_id, outcome.c.state.in_(_REACHED))
    )
    return int(conn.execute(statement).scalar_one())
