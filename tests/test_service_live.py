"""A service on the real clock: it lives on whatever goes wrong in a round, and whoever listens."""

import io
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from outreach.cli.door import Door
from outreach.cli.serve import Lines
from outreach.core.schedule import Timing
from outreach.service.due import is_due
from outreach.service.live import Live, RuleTrigger
from tests.project.small_project import make_project

NOW = datetime(2026, 9, 28, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (None, True),
        (NOW - MINUTE, True),
        (NOW, True),
        (NOW + timedelta(seconds=1), False),
        (NOW + MINUTE, False),
        (NOW + MINUTE + timedelta(seconds=1), True),  # the clock was put back since
        (NOW + timedelta(days=1), True),
    ],
)
def test_what_is_done_every_minute_is_due_by_the_clock_as_it_stands(
    at: datetime | None, due: bool
) -> None:
    assert is_due(at, NOW, MINUTE) is due


class Rounds:
    """A service whose rounds break off, but for the last."""

    def __init__(self, stop: threading.Event, most: int) -> None:
        self.lanes: Any = None
        self.definitions = SimpleNamespace(by_project=lambda: iter(()))
        self.rounds = 0
        self.said: list[tuple[str, dict[str, Any]]] = []
        self._stop, self._most = stop, most

    def clock(self) -> datetime:
        return NOW

    def say(self, event: str, **facts: Any) -> None:
        self.said.append((event, facts))

    def round(self, _now: datetime) -> None:
        self.rounds += 1
        if self.rounds < self._most:
            raise ZeroDivisionError("client 13800000001")
        self._stop.set()

    def close(self) -> None:
        self.say("closed")


def test_a_round_that_breaks_off_is_told_and_the_next_one_comes() -> None:
    stop = threading.Event()
    service = Rounds(stop, most=3)
    Live(service, stop, 0.001, pretended=True).run()  # type: ignore[arg-type]

    assert service.rounds == 3
    events = [event for event, _ in service.said]
    assert events == ["round_failed", "round_failed", "stopping", "closed", "stopped"]
    assert service.said[0][1]["error"] == "ZeroDivisionError"
    assert Path(__file__).name in service.said[0][1]["at"]
    assert "13800000001" not in str(service.said)


def test_a_rule_that_cannot_tell_its_next_instant_does_not_end_the_scheduler() -> None:
    class Broken(Timing):
        def next_after(self, at: datetime) -> datetime | None:
            raise OverflowError

    assert RuleTrigger(Broken()).get_next_fire_time(None, NOW) is None  # type: ignore[abstract]


@pytest.mark.parametrize("trouble", [BrokenPipeError(), OSError(28, "No space left on device")])
def test_a_line_nobody_can_read_any_more_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    tried: list[str] = []

    class Gone(io.StringIO):
        def write(self, line: str) -> int:
            tried.append(line)
            raise trouble

    make_project(tmp_path)
    lines = Lines(Door(tmp_path / "config.toml", json=False))
    monkeypatch.setattr(sys, "stderr", Gone())

    lines("working", queues="bulk")
    lines("stopped")

    assert [line.split()[1] for line in tried] == ["working", "stopped"]
