"""Work beside the rounds of a service: one piece at a time, in a thread of its own, so that nothing
urgent waits behind a machine that does not answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from outreach.core.fault import place_of
from outreach.service.definitions import Say
from outreach.store.database import DatabaseProblem

_PATIENCE: Final = 10.0  # seconds a stopping service waits for the piece in hand


@dataclass
class Beside:
    """One kind of such work. Whatever goes wrong is said once, and again when it goes wrong in
    another way; neither a round nor the next piece fails by it.

    The lines of the work as a whole are NAME_trouble (the database), NAME_failed (a fault of ours)
    and NAME_back.
    """

    name: str
    say: Say
    _troubles: dict[str, str] = field(default_factory=dict)  # what was said of what
    _thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether the last piece is still at work."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, work: Callable[[], None], *, background: bool) -> None:
        """Do a piece of work, in the background or at once; nobody may be at one."""
        if not background:
            self._work(work)
            return
        self._thread = threading.Thread(
            target=self._work, args=(work,), name=self.name, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait a little for the piece in hand."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def trouble(self, what: str, event: str, why: str, **facts: object) -> None:
        """Say why something does not go, once."""
        if self._troubles.get(what) != why:
            self._troubles[what] = why
            self.say(event, why=why, **facts)

    def fine(self, what: str, event: str, **facts: object) -> None:
        """Say that something goes again, where it was said not to."""
        if self._troubles.pop(what, None) is not None:
            self.say(event, **facts)

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except DatabaseProblem as error:
            self.trouble("", f"{self.name}_trouble", str(error))
        except Exception as error:  # not what it says, which may be a client's name
            why = f"{type(error).__name__} at {place_of(error)}"
            self.trouble("", f"{self.name}_failed", why)
        else:
            self.fine("", f"{self.name}_back")
