"""Cases reach their department at least once, with one id, whoever is stopped in the middle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from outreach import survey
from outreach.core.follow_up import Action
from outreach.core.model import Frozen
from outreach.store import audit, follow_ups, runs, surveys
from outreach.store.database import Database
from outreach.verify import verify
from tests.cli.survey_answers import one_answer
from tests.store import client_book

NOW = datetime(2026, 9, 29, 7, 30, tzinfo=UTC)
PARTS = ("campaign", "segment", "template", "policy")


class Stopped(BaseException):
    """The process ends here."""


@dataclass
class Department:
    """Takes what it is given, or does what the test says first."""

    first: Callable[[], str | None] = lambda: None
    told: list[tuple[str, bytes]] = field(default_factory=list)

    def hand_over(self, case_id: str, body: bytes, at: datetime) -> str | None:
        self.told.append((case_id, body))
        return self.first() if len(self.told) == 1 else None


@pytest.fixture
def case(database: Database) -> int:
    """A case of `crm` about the answer of a client to run 1."""
    with database.begin() as tx:
        client_book.add(tx, [client_book.row(1)])
        parts = {kind: Frozen(kind, "x", kind * 8, b"{}") for kind in PARTS}
        opening = runs.Opening("survey", "k", "survey", parts, b"{}", NOW, "li.m", None, None)
        runs.open_run(tx, opening)
        (number,), covered = surveys.record(tx, [one_answer()], recorded_at=NOW, actor="test")
        audit.append(tx, [audit.Entry(NOW, "survey.answered", "test", "client 1", {}, covered)])
        return follow_ups.open_cases(tx, [(number, "crm", "complaint")], NOW, "test")[0]


def steps(database: Database, case: int) -> list[str]:
    with database.reading() as conn:
        (found,) = follow_ups.cases(conn, number=case)
    return [one.action for one in found.steps]


def forward(database: Database, way: Department, now: datetime = NOW) -> list[Action]:
    return [one.action for one in survey.forward(database, {"crm": way}, now)]


def test_a_case_is_handed_over_once(database: Database, case: int) -> None:
    way = Department()

    assert forward(database, way) == [Action.FORWARDED]
    assert forward(database, way) == []
    assert steps(database, case) == ["forwarded"]


def test_after_a_stop_in_the_middle_the_same_case_is_told_again(
    database: Database, case: int
) -> None:
    def stop() -> None:
        raise Stopped

    way = Department(first=stop)
    with pytest.raises(Stopped):
        forward(database, way)
    assert steps(database, case) == []

    assert forward(database, way) == [Action.FORWARDED]

    first, second = way.told
    assert first == second
    assert first[0] == f"outreach-follow-up-{case}"


def test_what_another_process_handed_over_meanwhile_gets_no_second_step(
    database: Database, case: int
) -> None:
    other = Department()

    def overtaken() -> None:
        forward(database, other)

    assert forward(database, Department(first=overtaken)) == []
    assert steps(database, case) == ["forwarded"]


def test_a_refusal_is_tried_again_when_its_time_has_come(database: Database, case: int) -> None:
    way = Department(first=lambda: "HTTP 500")

    assert forward(database, way) == [Action.RETRY]
    assert forward(database, way, NOW + timedelta(seconds=59)) == []
    assert forward(database, way, NOW + timedelta(seconds=60)) == [Action.FORWARDED]


def test_a_department_that_is_no_longer_there_keeps_its_cases(
    database: Database, case: int
) -> None:
    assert list(survey.forward(database, {}, NOW)) == []
    assert steps(database, case) == []


def test_every_row_of_it_is_answered_for_by_the_log(database: Database, case: int) -> None:
    forward(database, Department())

    assert verify(database).first_bad is None
