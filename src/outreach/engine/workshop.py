"""A worker process, whatever engine wakes it: opened channels for each task at once, tasks done a
slice of time each, and the look for what others left lying."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from outreach import dispatch
from outreach.core.fault import place_of
from outreach.engine import SILENCE, steps
from outreach.store import marks, work, workers
from outreach.store.database import Database, DatabaseProblem
from outreach.store.work import Task

SLICE: Final = 60.0  # seconds a task is worked on before others have their turn
# A clock further from the database's would take others for gone, or their windows for stale.
DRIFT: Final = timedelta(seconds=5)
TEXTS_KEPT: Final = 8  # runs whose compiled texts a bench keeps
Say = Callable[..., None]


class Opened(NamedTuple):
    """An engine with its channels, of one thread; `close` lets go of them."""

    engine: steps.Local
    close: Callable[[], None]


@dataclass
class _Bench:
    opened: Opened
    config: object  # what it was opened by
    tally: dispatch.Tally = field(default_factory=dispatch.Tally)


@dataclass
class Workshop:
    """What the tasks of one worker are done with. Safe to use from several threads."""

    database: Database
    owner: str
    name: str
    queues: Sequence[str]
    config: Callable[[], object]  # as it stands; benches opened by another are opened again
    open_engine: Callable[[], Opened]
    stopping: Callable[[], bool]
    say: Say
    slice: float = SLICE
    jumped: Callable[[], timedelta | None] = lambda: None  # see clock.jumped
    clock: Callable[[], datetime] | None = None  # None: ours is pretended, the database's real
    _idle: list[_Bench] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _down: set[str] = field(default_factory=set)  # why senders gave up, as said
    _troubled: bool = False
    _jumped: bool = False  # as said
    _drifts: bool = False

    # --- tasks -----------------------------------------------------------------------------

    def perform(self, task: Task) -> bool:
        """Do a task for a slice of time, and submit what is left of it; False when it went wrong.
        That is said and not raised: the rows still tell that it is to be done."""
        if self.stopping():
            return True
        if not self.steady():
            return False
        with self.guarded(task.name), self._bench() as bench:
            engine = steps.steady(bench.opened.engine)
            end = time.monotonic() + self.slice

            asked = engine.sending.stopping

            def stopping() -> bool:
                return asked() or self.stopping() or time.monotonic() >= end

            engine = replace(engine, sending=replace(engine.sending, stopping=stopping))
            left = steps.perform(engine, task, bench.tally)
            self._tell(bench.tally)
            if left:
                with self.database.begin() as tx:
                    self.database.submit(tx, left)
            return True
        return False

    def sweep(self) -> None:
        """Take over from those who are gone."""
        if not self.steady():
            return
        with self.guarded("sweep"), self._bench() as bench:
            with self.database.reading() as conn:
                silent = workers.silent(conn, timedelta(seconds=SILENCE))
            if doubtful := steps.take_over(bench.opened.engine, None):
                self.say("in_doubt_after_crash", messages=doubtful)
            for one in silent:
                with self.database.begin() as tx:
                    workers.leaves(tx, one.owner)
                self.say("worker_gone", worker=one.name, seen_at=one.seen_at)

    def due(self) -> list[Task] | None:
        """What the rows say may be worked on now; None when looking went wrong."""
        with self.guarded("look"), self._bench() as bench, self.database.reading() as conn:
            return work.due(conn, bench.opened.engine.sending.clock())
        return None

    def beat(self) -> None:
        """Give a sign of life, and hold our clock against that of the database."""
        with self.guarded("heartbeat"):
            with self.database.begin() as tx:
                workers.seen(tx, self.owner, self.name, self.queues)
                drift = marks.drift(tx, self.clock) if self.clock is not None else timedelta()
            drifts = drift > DRIFT
            if drifts != self._drifts:
                self._drifts = drifts
                event = "clock_drift" if drifts else "clock_agrees"
                self.say(event, seconds=round(drift.total_seconds(), 1))

    def steady(self) -> bool:
        """Whether our clock is to be gone by: it has not jumped, and the database's agrees."""
        by = self.jumped()
        with self._lock:  # of several threads one says it
            news, self._jumped = (by is not None) != self._jumped, by is not None
        if news:
            told = {} if by is None else {"seconds": round(by.total_seconds())}
            self.say("clock_steady" if by is None else "clock_jumped", **told)
        return by is None and not self._drifts

    def close(self) -> None:
        """Let go of every channel, and say goodbye."""
        for bench in self._idle:
            with self.guarded("close"):
                bench.opened.close()
        self._idle.clear()
        with suppress(DatabaseProblem), self.database.begin() as tx:
            workers.leaves(tx, self.owner)

    # --- trouble ---------------------------------------------------------------------------

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Say what goes wrong in here instead of raising it."""
        try:
            yield
        except DatabaseProblem as error:
            self.trouble(str(error))
        except Exception as error:  # the worker must live on
            self.failed(what, error)
        else:
            if self._troubled:
                self._troubled = False
                self.say("database_back")

    def failed(self, what: str, error: Exception) -> None:
        """Something that should not go wrong did: where, and not what it says, which may be a
        client's name."""
        self.say("task_failed", task=what, error=type(error).__name__, where=place_of(error))

    def trouble(self, sentence: str) -> None:
        """The database cannot be worked with: told once, until it can."""
        if not self._troubled:
            self._troubled = True
            self.say("database_trouble", problem=sentence)

    def _tell(self, tally: dispatch.Tally) -> None:
        """A sender that gave up, once; and when all of them are back."""
        for line in tally.stopped.splitlines():
            if line not in self._down:
                self._down.add(line)
                self.say("sender_stopped", why=line)
        if tally.sent and not tally.stopped and self._down:
            self._down.clear()
            self.say("senders_back")

    # --- benches ---------------------------------------------------------------------------

    @contextmanager
    def _bench(self) -> Iterator[_Bench]:
        bench, config = None, self.config()
        with self._lock:
            if self._idle:
                bench = self._idle.pop()
        if bench is not None and bench.config != config:
            bench.opened.close()
            bench = None
        if bench is None:
            bench = _Bench(self.open_engine(), config)
        bench.tally.renew(TEXTS_KEPT)
        try:
            yield bench
        finally:
            with self._lock:
                self._idle.append(bench)
