"""`outreach serve` as a process of its own, followed by the lines it says."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from outreach import plan
from outreach.project.load import load_project
from outreach.store.database import Database
from tests.fired_project import at
from tests.journeys.house import DEADLINE, House, until


@dataclass
class Serving:
    """A scheduler that runs; `said` grows as it speaks."""

    process: subprocess.Popen[str]
    said: list[dict[str, Any]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)  # lines that are no event, such as a traceback

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr or ():
            try:
                self.said.append(json.loads(line))
            except ValueError:
                self.other.append(line)

    def events(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """What it said of an event so far; `facts` narrow it down."""
        return [
            one
            for one in list(self.said)
            if one["event"] == event and all(one.get(k) == v for k, v in facts.items())
        ]

    def waits_for(self, event: str, **facts: Any) -> dict[str, Any]:
        """The first such event, as soon as it comes."""
        assert until(lambda: bool(self.events(event, **facts)), self.process), (event, self)
        return self.events(event, **facts)[0]

    def until(self, so: Callable[[], bool]) -> None:
        """Wait for something to be so while it serves."""
        assert until(so, self.process), self

    def stops(self) -> None:
        """SIGTERM; it ends well, and says nothing but events to the last."""
        self.process.send_signal(signal.SIGTERM)
        self.ended()
        assert self.said[-1]["event"] == "stopped"

    def ended(self) -> None:
        assert self.process.wait(DEADLINE) == 0, self
        self._reader.join()
        assert self.other == []

    def killed(self) -> None:
        """kill -9, its children with it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.killed()
        self._reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def serving(house: House, clock: str) -> Iterator[Serving]:
    """Start a scheduler on a pretended clock and wait until it serves; killed when left alone."""
    house.clock = clock
    one = Serving(house.start("--json", "serve", "--every", "0.2"))
    try:
        one.waits_for("serving")
        yield one
    finally:
        one.close()


def followed_since(house: House, moment: str) -> None:
    """As if a scheduler had looked at a moment, and none since."""
    fired(house, moment)


def fired(house: House, moment: str, *campaigns: str) -> list[tuple[str, str | None, str]]:
    """What a scheduler fires when it looks at a moment: (campaign, occurrence, outcome); of all
    campaigns, or of those named."""
    project, problems = load_project(house.folder / "config.toml")
    assert project is not None, problems
    database = Database(house.url)
    try:
        found = plan.fire_due(database, project, at(moment), "scheduler", campaigns or None)
    finally:
        database.close()
    return [(one.campaign, one.key, one.outcome) for one in found]
