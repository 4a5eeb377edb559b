"""The processes of the door: whoever dies is started again, whatever stands in the way."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from outreach.web import children as room
from outreach.web.children import Children

STAYS = "import sys; sys.stdin.read()"


class Said:
    """What was said, and somebody who waits for it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self._more = threading.Condition()

    def __call__(self, event: str, **facts: Any) -> None:
        with self._more:
            self.lines.append((event, facts))
            self._more.notify_all()

    def waits_for(self, *events: str) -> None:
        with self._more:
            assert self._more.wait_for(
                lambda: [event for event, _ in self.lines][: len(events)] == list(events), 20
            ), self.lines


@contextmanager
def children(program: str, said: Said) -> Iterator[Children]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Children([sys.executable, "-c", program], [listener.dup()], said, {}, keeper=False)
        made.start()
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LOOK", 0.01)
    monkeypatch.setattr(room, "_REST", (0.01,))


def test_a_process_that_dies_is_started_again() -> None:
    said = Said()
    with children("raise SystemExit(3)", said):
        said.waits_for("web_died", "web_died")

    assert said.lines[0][1]["code"] == 3


def test_a_process_that_cannot_be_started_is_tried_again_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, faults, begin = Said(), [OSError(12, "Cannot allocate memory")], Children._begin
    begun = threading.Semaphore(0)

    def begins(self: Children, child: Any) -> None:
        if child.process is not None and faults:
            raise faults.pop()
        begin(self, child)
        begun.release()

    monkeypatch.setattr(Children, "_begin", begins)
    with children(STAYS, said) as made:
        assert begun.acquire(timeout=20)
        process = made._children[0].process
        assert process is not None
        process.kill()
        assert begun.acquire(timeout=20)

    assert [event for event, _ in said.lines] == ["web_died", "web_not_started"]
    assert "Cannot allocate memory" in said.lines[1][1]["why"]


def test_processes_are_started_anew_by_another_command_and_none_of_them_died(
    tmp_path: Path,
) -> None:
    said = Said()
    write = f"import sys; open({str(tmp_path)!r} + '/new', 'w').close(); sys.stdin.read()"
    with children(STAYS, said) as made:
        before = made._children[0].process
        made.renew([sys.executable, "-c", write], [])
        after = made._children[0].process
        assert before is not None
        assert after is not None
        assert before is not after
        assert before.poll() is not None
        while not (tmp_path / "new").exists():
            assert after.poll() is None

    assert said.lines == []
