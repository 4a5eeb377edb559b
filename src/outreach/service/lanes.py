"""Threads that work runs: one for urgent runs alone, so that none waits behind a bulk run; several
for the others, so that none waits behind one whose sender is slow."""

import threading
from collections.abc import Sequence

from outreach.service.rounds import Bench, Service
from outreach.store.database import DatabaseProblem

BULK = 3  # runs that are not urgent, worked at once; a slow sender's run mostly sleeps


class Threads:
    """The lanes. A run is in one of them at a time; what is offered again meanwhile waits."""

    def __init__(self, service: Service, stop: threading.Event) -> None:
        self._service, self._stop = service, stop
        self._changed = threading.Condition()
        self._urgent: list[int] = []
        self._others: list[int] = []
        self._at_work: set[int] = set()
        lanes = {"urgent": True, **{f"bulk-{n}": False for n in range(1, BULK + 1)}}
        self._threads = [
            # Daemons, so that a second Ctrl-C ends the process without waiting for a gateway.
            threading.Thread(target=self._lane, args=(urgent,), name=name, daemon=True)
            for name, urgent in lanes.items()
        ]
        for thread in self._threads:
            thread.start()

    def offer(self, urgent: Sequence[int], others: Sequence[int]) -> None:
        with self._changed:
            self._urgent, self._others = list(urgent), list(others)
            self._changed.notify_all()

    def close(self) -> None:
        """Wait until each lane has finished its window. `stop` must be set."""
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _lane(self, urgent_only: bool) -> None:
        bench = Bench(self._service)
        try:
            while (run := self._next(urgent_only)) is not None:
                self._work(bench, run)
        finally:
            bench.close()

    def _next(self, urgent_only: bool) -> int | None:
        """The next run of this lane, waiting for one; None when it is time to stop."""
        with self._changed:
            while not self._stop.is_set():
                waiting = self._urgent if urgent_only else [*self._urgent, *self._others]
                for run in waiting:
                    if run not in self._at_work:
                        self._at_work.add(run)
                        return run
                self._changed.wait()
        return None

    def _work(self, bench: Bench, run: int) -> None:
        try:
            bench.work(run)
        except DatabaseProblem as error:
            self._service.interrupted(run, str(error))
        except Exception as error:  # the lane must live on; the run is tried again
            self._service.say("run_failed", run=run, error=type(error).__name__)
            self._service.rests(run)
        finally:
            with self._changed:
                self._at_work.discard(run)
                for lane in (self._urgent, self._others):
                    if run in lane:
                        lane.remove(run)
