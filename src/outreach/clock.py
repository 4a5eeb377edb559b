"""The one place where a door reads the clock.

`OUTREACH_CLOCK=2026-09-28T15:30+08:00` starts the clock at that instant; it then runs on. A door
that may send refuses it unless every channel is `file` or `memory`.
"""

import os
import time
from datetime import UTC, datetime, timedelta

VARIABLE = "OUTREACH_CLOCK"
_SINCE = "OUTREACH_CLOCK_SINCE"  # of a child process: when its parent's clock was started
_started = float(os.environ.get(_SINCE) or time.monotonic())


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
        return datetime.now(UTC)
    return start + timedelta(seconds=time.monotonic() - _started)
