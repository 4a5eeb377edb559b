"""Lanes of a service: no run waits behind one whose sender is slow, and none is worked twice."""

import queue
import threading
from typing import Any

import pytest

from outreach.service import lanes


class Slow:
    """A bench whose runs are begun, and end when the test says so."""

    begun: queue.Queue[int]
    ends: threading.Event

    def __init__(self, _service: Any) -> None:
        pass

    def work(self, run: int) -> None:
        self.begun.put(run)
        self.ends.wait(30)

    def close(self) -> None:
        pass


def test_runs_that_are_not_urgent_go_on_beside_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    Slow.begun, Slow.ends = queue.Queue(), threading.Event()
    monkeypatch.setattr(lanes, "Bench", Slow)
    stop = threading.Event()
    threads = lanes.Threads(object(), stop)  # type: ignore[arg-type]

    threads.offer([], [1, 2, 3, 4, 5])
    begun = [Slow.begun.get(timeout=30) for _ in range(lanes.BULK)]
    threads.offer([9], [1, 2, 3, 4, 5])  # the next round finds them at work
    urgent = Slow.begun.get(timeout=30)

    assert sorted(begun) == [1, 2, 3]
    assert urgent == 9, "its lane takes nothing else"
    stop.set()
    Slow.ends.set()
    threads.close()
    assert Slow.begun.empty()
