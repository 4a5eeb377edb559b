"""The cases of a service: what is due is handed to its department.

A round only looks whether it is time. Departments are called in a thread of its own, one case after
the other, so that nothing urgent waits behind a system that does not answer.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from outreach import survey
from outreach.project.config import Config
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.store.database import Database, DatabaseProblem
from outreach.survey import HandOver

# How often cases are looked for; the first wait after a refusal is a minute.
LOOK_EVERY: Final = timedelta(seconds=30)
_PATIENCE: Final = 10.0  # seconds a stopping service waits for the case in hand

Ways = tuple[Mapping[str, HandOver], list[str]]  # departments, and why others cannot be called


@dataclass
class Cases:
    """What a service does about departments. Whatever goes wrong is said once, and again when it
    goes wrong in another way; a round never fails by it."""

    database: Database
    definitions: Definitions
    clock: Callable[[], datetime]
    say: Say
    ways: Callable[[Config], Ways]
    background: bool = False  # in a thread; else within the round
    stopping: Callable[[], bool] = lambda: False
    _look_at: datetime | None = None
    _troubles: dict[str, str] = field(default_factory=dict)  # what was said of what
    _thread: threading.Thread | None = None

    def look(self, now: datetime) -> None:
        """Begin to hand over what is due, when it is time and the last is not still at work."""
        if self._thread is not None and self._thread.is_alive():
            return
        if not is_due(self._look_at, now, LOOK_EVERY):
            return
        self._look_at = now + LOOK_EVERY
        config = self.definitions.config
        if not config.departments:
            return
        if not self.background:
            self._work(config)
            return
        self._thread = threading.Thread(
            target=self._work, args=(config,), name="cases", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait a little for the case in hand; a case cut short is handed over again."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _work(self, config: Config) -> None:
        try:
            ways, problems = self.ways(config)
            self._tell("secrets", "department_trouble", "; ".join(problems))
            for one in survey.forward(self.database, ways, self.clock()):
                what = "case_not_taken" if one.why else "case_handed_over"
                self.say(what, case=one.case, department=one.department, why=one.why)
                if self.stopping():
                    return
            self._tell("database", "cases_trouble", "")
        except DatabaseProblem as error:
            self._tell("database", "cases_trouble", str(error))
        except Exception as error:  # the rounds must go on; the next look tries again
            self._tell("database", "cases_failed", type(error).__name__)

    def _tell(self, what: str, event: str, why: str) -> None:
        """Trouble, once; without a reason there is none any more."""
        if why and self._troubles.get(what) != why:
            self.say(event, why=why)
        if why:
            self._troubles[what] = why
        elif self._troubles.pop(what, None):
            self.say("departments_back", what=what)
