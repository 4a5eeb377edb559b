"""Events on their way into the database: many requests share one transaction.

A request waits until its event is on disk and is answered then. While one transaction commits, the
events of other requests gather for the next: the busier the door, the more share a commit.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from outreach.receive import Event
from outreach.store.database import DatabaseProblem

_AT_ONCE: Final = 1_000  # events of one transaction
_PATIENCE: Final = 8.0  # seconds: providers wait 10 to 15 for an answer
# While many come, more are waited for: a transaction costs as much as some eighty rows of it.
_MANY: Final = 8
_GATHER: Final = 0.005  # seconds
_AGAIN: Final = 0.25  # seconds between two tries while the database cannot be written to


class NotStored(Exception):
    """The event is not on record; whoever sent it should send it again."""


class _Waiting(NamedTuple):
    event: Event
    stored: "asyncio.Future[None]"
    since: float


class Intake:
    """One thread that writes. `store` takes events in, `taken` is called when some are on disk."""

    def __init__(
        self,
        store: Callable[[Sequence[Event]], object],
        taken: Callable[[], None],
        say: Callable[..., None],
        *,
        most_waiting: int = 20_000,
    ) -> None:
        self._store, self._taken, self._say = store, taken, say
        self._most, self._waiting = most_waiting, 0
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = self._busy = False
        self.troubled = False  # the last transaction failed
        self._thread = threading.Thread(target=self._run, name="web-intake", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread.start()

    async def put(self, event: Event) -> None:
        """Returns when the event is on record. Raises `NotStored` when it is not, for the database
        cannot be written to or too many wait."""
        if self._loop is None or self._closing or self._waiting >= self._most:
            raise NotStored
        stored: asyncio.Future[None] = self._loop.create_future()
        self._waiting += 1
        self._queue.put(_Waiting(event, stored, time.monotonic()))
        await stored

    def close(self) -> None:
        """Store what waits, then end. From another thread than the loop's."""
        self._closing = True
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._write(batch)
            except Exception as error:  # the thread must live on, and somebody waits for an answer
                self._answer(batch, NotStored())
                self._trouble(type(error).__name__, "")

    def _next(self) -> list[_Waiting] | None:
        """Whatever waits now, at least one; None at the end."""
        first = self._queue.get()
        if first is None:
            return None
        if self._busy:
            time.sleep(_GATHER)
        batch = [first]
        while len(batch) < _AT_ONCE:
            try:
                more = self._queue.get_nowait()
            except Empty:
                break
            if more is None:
                self._queue.put(None)  # the end comes after these
                break
            batch.append(more)
        self._busy = len(batch) >= _MANY
        return batch

    def _write(self, batch: list[_Waiting]) -> None:
        """All of them, or as many as can be: one that nobody can store keeps no other out."""
        try:
            self._patiently(batch)
        except DatabaseProblem as error:
            self._trouble(type(error).__name__, str(error))
            self._answer(batch, NotStored())
        except Exception as error:
            if len(batch) == 1:
                self._trouble(type(error).__name__, "")
                self._answer(batch, NotStored())
                return
            for one in batch:
                self._write([one])
        else:
            if self.troubled:
                self.troubled = False
                self._say("web_stores_again")
            self._answer(batch, None)
            self._taken()

    def _patiently(self, batch: list[_Waiting]) -> None:
        """A database that is away for a moment costs nobody an answer."""
        events = [one.event for one in batch]
        while True:
            try:
                self._store(events)
                return
            except DatabaseProblem:
                if self._closing or time.monotonic() - batch[0].since > _PATIENCE:
                    raise
                time.sleep(_AGAIN)

    def _trouble(self, error: str, sentence: str) -> None:
        if not self.troubled:
            self.troubled = True
            self._say("web_cannot_store", error=error, problem=sentence)

    def _answer(self, batch: list[_Waiting], error: Exception | None) -> None:
        def settle() -> None:
            self._waiting -= len(batch)
            for one in batch:
                if one.stored.done():  # its connection is gone
                    continue
                if error is None:
                    one.stored.set_result(None)
                else:
                    one.stored.set_exception(error)

        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(settle)
