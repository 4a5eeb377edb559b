"""The one place where a door reads the clock.

`OUTREACH_CLOCK=2026-09-28T15:30+08:00` starts the clock at that instant; it then runs on. A door
that may send refuses it unless every channel is `file` or `memory`.

A clock that jumps while a process runs is not believed at once: nobody knows yet whether it was
wrong before or is now. For ten minutes time goes on as it did, and nothing is begun (`jumped`); a
clock that is back by then has changed nothing, one that stays is believed.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

VARIABLE = "OUTREACH_CLOCK"
_SINCE = "OUTREACH_CLOCK_SINCE"  # of a child process: when its parent's clock was started
_started = float(os.environ.get(_SINCE) or time.monotonic())

LEAST: Final = timedelta(minutes=10)  # what is set by less is followed: NTP, a machine that slept
BELIEVED: Final = timedelta(minutes=10)  # so long after a jump the clock is believed again


class ClockProblem(Exception):
    """OUTREACH_CLOCK cannot be used; the message says why."""


def pretended() -> datetime | None:
    """The instant OUTREACH_CLOCK names, or None when the real clock is used."""
    written = os.environ.get(VARIABLE)
    if not written:
        return None
    try:
        start = datetime.fromisoformat(written)
    except ValueError:
        raise ClockProblem(
            f"{VARIABLE}: {written!r} is no moment; write it like 2026-09-28T15:30+08:00"
        ) from None
    if start.tzinfo is None:
        raise ClockProblem(f"{VARIABLE}: {written!r} has no zone; write it like {written}+08:00")
    return start.astimezone(UTC)


def environment() -> dict[str, str]:
    """What a child process needs so that its clock is ours, not one that starts again."""
    if pretended() is None:
        return {}
    return {VARIABLE: os.environ[VARIABLE], _SINCE: repr(_started)}


def now() -> datetime:
    """The present moment in UTC."""
    start = pretended()
    if start is None:
        return _steady.now()
    return start + timedelta(seconds=time.monotonic() - _started)


def jumped() -> timedelta | None:
    """How far the clock of the machine jumped while this process ran, ahead or back (negative),
    until it is believed or back; None while there is nothing to doubt."""
    return _steady.jumped() if pretended() is None else None


def elapsed() -> float:
    """Seconds on a clock that nobody sets; it runs on while the machine is asleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Steady:
    """The clock of the machine, held against one that nobody sets."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        self._wall, self._elapsed = wall, elapsed
        self._lock = threading.Lock()
        self._began = self._at_zero()  # when the other clock showed 0, as we believe
        self._doubted: tuple[datetime, float] | None = None  # another beginning, and since when

    def now(self) -> datetime:
        """The moment, as we believe."""
        if self.jumped() is None:
            return self._wall()
        return self._began + timedelta(seconds=self._elapsed())

    def jumped(self) -> timedelta | None:
        """See `clock.jumped`."""
        with self._lock:
            began, since = self._at_zero(), self._elapsed()
            by = began - self._began
            if abs(by) < LEAST:
                self._began, self._doubted = began, None
                return None
            if self._doubted is None or abs(began - self._doubted[0]) >= LEAST:
                self._doubted = (began, since)
            if since - self._doubted[1] < BELIEVED.total_seconds():
                return by
            self._began, self._doubted = began, None
            return None

    def _at_zero(self) -> datetime:
        return self._wall() - timedelta(seconds=self._elapsed())


_steady = Steady()
