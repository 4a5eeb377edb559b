"""The engine that holds nothing: its workers look at the rows themselves, a few times a second.
It serves SQLite, and any database on one machine."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from outreach.engine import HEARTBEAT, SILENCE, SWEEP, UPKEEP, Stats, queue_of
from outreach.engine.workshop import Workshop
from outreach.store import work, workers
from outreach.store.database import Database
from outreach.store.work import Task

POLL: float = 0.2  # seconds between two looks of a thread that has nothing to do
AGAIN: float = 2.0  # seconds until what went wrong is tried again


@dataclass
class Rows:
    """The rows are the queue. A worker needs a workshop; whoever only submits does not."""

    database: Database
    workshop: Workshop | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _at_work: set[str] = field(default_factory=set)
    _not_before: dict[str, float] = field(default_factory=dict)  # of tasks that went wrong

    def submit(
        self,
        tx: Connection,
        kind: str,
        ref: int,
        *,
        not_before: datetime | None = None,
        priority: int = 0,
    ) -> None:
        """Nothing to do: the row that was just written is the entry in the queue."""

    def submit_all(self, tx: Connection, tasks: Sequence[Task]) -> None:
        """Nothing to do either."""

    def abort(self, tx: Connection, kind: str, ref: int) -> bool:
        """Nothing waits but the row itself."""
        return False

    def hand_over(self) -> int:
        """Workers find the rows themselves."""
        return 0

    def stalled(self) -> list[str]:
        """Workers that fell silent, and batches that nobody is given any more."""
        return stalled(self.database)

    def stats(self) -> Stats:
        return stats(self.database, {})

    def run_worker(self, queues: Sequence[str], concurrency: int) -> None:
        """Work what the rows say is due, until asked to stop."""
        shop = self._shop
        shop.beat()
        shop.say("working", queues=",".join(queues), hears="by looking")
        lanes = [queue for queue in queues for _ in range(1 if queue == UPKEEP else concurrency)]
        threads = [
            threading.Thread(target=self._lane, args=(queue,), name=queue, daemon=True)
            for queue in lanes
        ]
        for thread in threads:
            thread.start()
        beaten = time.monotonic()
        while not shop.stopping():
            time.sleep(POLL)
            if time.monotonic() - beaten >= HEARTBEAT:
                shop.beat()
                beaten = time.monotonic()
        for thread in threads:
            thread.join()
        shop.close()

    @property
    def _shop(self) -> Workshop:
        if self.workshop is None:
            raise ValueError("a worker needs a workshop")
        return self.workshop

    def _lane(self, queue: str) -> None:
        swept = float("-inf")
        shop = self._shop
        while not shop.stopping():
            if queue == UPKEEP and time.monotonic() - swept >= SWEEP:
                shop.sweep()
                swept = time.monotonic()
            task = self._next(queue)
            if task is None:
                time.sleep(POLL)
                continue
            well = shop.perform(task)
            with self._lock:
                self._at_work.discard(task.name)
                if not well:  # others have their turn first
                    self._not_before[task.name] = time.monotonic() + AGAIN

    def _next(self, queue: str) -> Task | None:
        """The first due task of a queue that no other thread of ours is at."""
        found = self._shop.due()
        if found is None:
            time.sleep(AGAIN)
            return None
        now = time.monotonic()
        with self._lock:
            self._not_before = {k: at for k, at in self._not_before.items() if at > now}
            for task in found:
                mine = queue_of(task.kind, urgent=task.urgent) == queue
                if mine and task.name not in self._at_work and task.name not in self._not_before:
                    self._at_work.add(task.name)
                    return task._replace(slow=True)  # there is no queue to stand behind others in
        return None


def stalled(database: Database) -> list[str]:
    """What stands still and why, as far as the rows tell."""
    with database.reading() as conn:
        silent = workers.silent(conn, timedelta(seconds=SILENCE))
        stuck = work.stuck(conn)
    said = [
        f"worker {one.name} fell silent at {one.seen_at:%Y-%m-%d %H:%M:%S} UTC" for one in silent
    ]
    if stuck:
        some = ", ".join(map(str, stuck[:5]))
        said.append(
            f"{len(stuck)} batches ended {work.STUCK_AFTER} workers and are given to nobody any"
            f" more: {some}"
        )
    return said


def stats(database: Database, jobs: dict[str, dict[str, int]]) -> Stats:
    """Who works, and what is due by the real clock."""
    with database.reading() as conn:
        present = workers.present(conn, timedelta(seconds=SILENCE))
        due = Counter(task.kind for task in work.due(conn, datetime.now(UTC)))
    return Stats(present, jobs, dict(due))
