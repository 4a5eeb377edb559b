"""What a service does about cases: in a thread of its own, in time, telling troubles once."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from outreach.service.cases import Cases
from outreach.store.database import Database
from outreach.survey import HandOver
from tests.test_survey_forward import NOW, Department, case, steps

__all__ = ["case"]


@dataclass
class Served:
    """The cases of a service, with the departments it has and what it said."""

    database: Database
    ways: Mapping[str, HandOver]
    problems: list[str] = field(default_factory=list)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    now: Any = NOW

    def cases(self, **more: Any) -> Cases:
        config = SimpleNamespace(departments={"crm": object()})
        definitions: Any = SimpleNamespace(config=config)
        return Cases(
            self.database, definitions, lambda: self.now, lambda e, **f: self.said.append((e, f)),
            lambda _: (self.ways, self.problems), **more,
        )  # fmt: skip

    def events(self) -> list[str]:
        return [event for event, _ in self.said]


def test_what_is_due_is_handed_over_and_said(database: Database, case: int) -> None:
    served = Served(database, {"crm": Department(first=lambda: "HTTP 500")})
    cases = served.cases()

    for seconds in (0, 10, 29, 31, 62):
        served.now = NOW + timedelta(seconds=seconds)
        cases.look(served.now)

    assert steps(database, case) == ["retry", "forwarded"]
    assert served.events() == ["case_not_taken", "case_handed_over"]
    assert served.said[0][1]["why"] == "HTTP 500"


def test_a_department_that_cannot_be_called_is_said_once_and_stops_no_other(
    database: Database, case: int
) -> None:
    served = Served(database, {"crm": Department()}, problems=["departments.x: has no secret"])
    cases = served.cases()
    for minute in range(3):
        cases.look(NOW + timedelta(minutes=minute))
    served.problems.clear()
    cases.look(NOW + timedelta(minutes=9))

    assert served.events() == ["department_trouble", "case_handed_over", "departments_back"]


def test_whatever_goes_wrong_a_round_goes_on(database: Database, case: int) -> None:
    def broken() -> str:
        raise RuntimeError("13812345678")

    served = Served(database, {"crm": Department(first=broken)})
    cases = served.cases()
    cases.look(NOW)
    cases.look(NOW + timedelta(minutes=1))

    assert served.events()[:2] == ["cases_failed", "case_handed_over"]
    assert "13812345678" not in str(served.said)


@pytest.mark.parametrize("stops", [False, True])
def test_a_slow_department_holds_up_no_round(database: Database, case: int, stops: bool) -> None:
    called, answer = threading.Event(), threading.Event()

    def slow() -> None:
        called.set()
        answer.wait(30)

    way = Department(first=slow)
    served = Served(database, {"crm": way})
    cases = served.cases(background=True, stopping=lambda: stops)
    cases.look(NOW)
    assert called.wait(30)
    cases.look(NOW + timedelta(minutes=1))  # comes back at once, and calls nobody
    answer.set()
    cases.close()

    assert len(way.told) == 1
    assert steps(database, case) == ["forwarded"]
