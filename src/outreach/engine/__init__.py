"""How work finds those who do it. The rows of the database say what there is to do; an engine only
wakes somebody for it, so every engine may lose all it holds.

There are two: `rows` looks at the database itself, on SQLite or for one machine; `procrastinate`
keeps a queue in PostgreSQL for any number of workers on any number of machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.store.work import Task
    from outreach.store.workers import Worker

URGENT, BULK, UPKEEP = QUEUES = ("urgent", "bulk", "maint")
HEARTBEAT: Final = 10.0  # seconds between two signs of life of a worker
SILENCE: Final = 45.0  # seconds without one, after which a worker is taken for gone
SWEEP: Final = 15.0  # seconds between two looks for what was left lying


@dataclass(frozen=True)
class Stats:
    """How an engine stands."""

    workers: Sequence["Worker"]  # that gave a sign of life lately
    jobs: dict[str, dict[str, int]]  # {queue: {todo | doing: n}}; empty where rows are the queue
    due: dict[str, int]  # {kind: n} of what the rows say may be worked on now


class Engine(Protocol):
    """What the program needs of an engine."""

    def submit(
        self,
        tx: "Connection",
        kind: str,
        ref: int,
        *,
        not_before: datetime | None = None,
        priority: int = 0,
    ) -> None:
        """Have a task done, as soon as the caller's transaction is committed and not before a
        moment. Once it waits, submitting it again changes nothing. Priority above 0 is urgent."""

    def submit_all(self, tx: "Connection", tasks: Sequence["Task"]) -> None:
        """The same for many at once."""

    def hand_over(self) -> int:
        """Submit everything that may be worked on now and that nothing waits for; how much that
        was. It heals whatever an engine lost."""

    def run_worker(self, queues: Sequence[str], concurrency: int) -> None:
        """Work from these queues until asked to stop, `concurrency` tasks of each at once."""

    def stalled(self) -> list[str]:
        """What stands still and why, a sentence each: workers that fell silent, batches that
        nobody is given any more."""

    def abort(self, tx: "Connection", kind: str, ref: int) -> bool:
        """Take a task back that nobody has begun; False when there is none. What has begun ends
        within a window when its run is paused or cancelled."""

    def stats(self) -> Stats:
        """How many work, and how much waits."""


def queue_of(kind: str, *, urgent: bool) -> str:
    """The queue a task waits in."""
    if kind in ("sweep", "close"):
        return UPKEEP
    return URGENT if urgent else BULK
