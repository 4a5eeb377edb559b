"""The cases of a service: what is due is handed to its department.

A round only looks whether it is time. Departments are called beside it, one case after the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from outreach import survey
from outreach.project.config import Config
from outreach.service.beside import Beside
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.store.database import Database
from outreach.survey import HandOver

# How often cases are looked for; the first wait after a refusal is a minute.
LOOK_EVERY: Final = timedelta(seconds=30)

Ways = tuple[Mapping[str, HandOver], list[str]]  # departments, and why others cannot be called


@dataclass
class Cases:
    """What a service does about departments."""

    database: Database
    definitions: Definitions
    clock: Callable[[], datetime]
    say: Say
    ways: Callable[[Config], Ways]
    background: bool = False  # in a thread; else within the round
    stopping: Callable[[], bool] = lambda: False
    _look_at: datetime | None = None

    def __post_init__(self) -> None:
        self._beside = Beside("cases", self.say)

    def look(self, now: datetime) -> None:
        """Begin to hand over what is due, when it is time and the last is not still at work."""
        if self._beside.busy:
            return
        if not is_due(self._look_at, now, LOOK_EVERY):
            return
        self._look_at = now + LOOK_EVERY
        config = self.definitions.config
        if config.departments:
            self._beside.begin(lambda: self._work(config), background=self.background)

    def close(self) -> None:
        """Wait a little for the case in hand; a case cut short is handed over again."""
        self._beside.close()

    def _work(self, config: Config) -> None:
        ways, problems = self.ways(config)
        if problems:
            self._beside.trouble("secrets", "department_trouble", "; ".join(problems))
        else:
            self._beside.fine("secrets", "departments_back")
        for one in survey.forward(self.database, ways, self.clock()):
            what = "case_not_taken" if one.why else "case_handed_over"
            self.say(what, case=one.case, department=one.department, why=one.why)
            if self.stopping():
                return
