"""The thread that makes of events what they mean, as soon as some have come in."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from outreach.core.fault import place_of
from outreach.receive import Applied
from outreach.store.database import DatabaseProblem
from outreach.web.tally import EVERY

# Without a call it looks now and then: some events wait for what they speak of.
_LOOK: Final = 1.0
_REST: Final = 5.0  # seconds after trouble
# Between two transactions while more comes in: each has many events then, and who takes them in has
# his turn first, for a provider waits for him.
_PAUSE: Final = 0.1  # seconds


class Applier:
    """Calls `apply` until nothing is due, then waits to be woken."""

    def __init__(self, apply: Callable[[], Applied], say: Callable[..., Any]) -> None:
        self._apply, self._say = apply, say
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._trouble = ""
        self._aside, self._told = 0, -EVERY
        self._faults: set[str] = set()  # that were told
        self._thread = threading.Thread(target=self._run, name="applier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Events came in."""
        self._woken.set()

    def close(self) -> None:
        """Finish the transaction in hand, then end; what is left is applied by the next process."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            sound = self._all()
            self._tell()
            if sound:
                self._woken.wait(_LOOK)
            else:
                self._stopping.wait(_REST)

    def _tell(self) -> None:
        """How many nobody could make anything of, once a minute."""
        if self._aside and time.monotonic() - self._told > EVERY:
            self._say("events_set_aside", n=self._aside)
            self._aside, self._told = 0, time.monotonic()

    def _all(self) -> bool:
        """Apply what is due; False when that failed. The same trouble is told once."""
        try:
            while not self._stopping.is_set():
                self._woken.clear()
                done = self._apply()
                self._aside += done.aside
                for fault in sorted({*done.faults} - self._faults):
                    self._faults.add(fault)
                    self._say("event_failed", fault=fault)
                if not done.events:
                    break
                if self._woken.is_set():
                    self._stopping.wait(_PAUSE)
        except Exception as error:  # the thread must live on
            sentence = str(error) if isinstance(error, DatabaseProblem) else ""
            if self._trouble != (trouble := type(error).__name__):
                self._say("events_not_applied", error=trouble, problem=sentence, at=place_of(error))
            self._trouble = trouble
            return False
        if self._trouble:
            self._trouble = ""
            self._say("events_applied_again")
        return True
