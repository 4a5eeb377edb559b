"""Following a run that workers do: the command that started it waits, and works nothing itself."""

import time
from datetime import timedelta
from typing import Any, Final

from outreach.engine import SILENCE
from outreach.engine.local import Ended
from outreach.engine.steps import Local
from outreach.store import left, runs, work, workers

LOOK: Final = 0.3  # seconds between two looks
PATIENCE: Final = 120.0  # seconds in which something has to move: a takeover takes at most 60


def follow(engine: Local, run_id: int) -> Ended | None:
    """Wait until nothing of a run is due, and say how it stands. None: there is no worker, so
    somebody else has to work it."""
    before: Any = None
    moved = time.monotonic()
    while True:
        now = engine.sending.clock()
        with engine.database.reading() as conn:
            if not workers.present(conn, timedelta(seconds=SILENCE)):
                return None
            run, found = runs.load(conn, run_id), left.still_open(conn, run_id, now)
            states = runs.counts(conn, run_id).get("state", {})
            troubles = left.troubles(conn, run_id, now)
        if run is None or run["state"] not in work.GOING:
            return Ended()
        _tick(engine, run["state"], int(run["audience"]), states)
        soon = found.paced_at is not None and found.paced_at - now < timedelta(seconds=PATIENCE)
        rests = run["state"] == "sending" and not (found.ready or found.leased or soon)
        # Otherwise a worker is about to close it.
        if rests and (found.next_at or found.stuck or troubles or states.get("in_doubt")):
            return Ended(stopped=troubles, next_at=found.next_at)
        standing = (run["state"], run["audience"], states, found)
        if standing != before:
            before, moved = standing, time.monotonic()
        elif time.monotonic() - moved >= PATIENCE:
            why = f"nothing of run {run_id} moved for {PATIENCE:.0f} s; see `outreach workers`"
            return Ended(stopped=[why])
        time.sleep(LOOK)


def _tick(engine: Local, state: str, audience: int, states: dict[str, int]) -> None:
    if state == "planning":
        engine.planned(audience)
    else:
        waiting = states.get("ready", 0) + states.get("held", 0)
        engine.sent(sum(states.values()) - waiting)
