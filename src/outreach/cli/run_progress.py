"""How far a run is while it is worked, on a terminal that somebody watches."""

from typing import TYPE_CHECKING, Final

from outreach.cli.output import watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from outreach.cli.door import Door
    from outreach.cli.output import Ticker

LOOK_SECONDS: Final = 0.2


def stretches(
    door: "Door", run_id: int, tick: "Ticker"
) -> "tuple[Callable[[int], None], Callable[[int], None]]":
    """What the engine calls as it plans and as it sends. Senders are several processes, so how far
    they are is read from the run's counters, a few times a second."""
    import time

    from outreach.engine.waiting import throttled, waiting_rows
    from outreach.store import runs

    audience, looked = _audience(door, run_id) if watched(door) else None, 0.0

    def planned(done: int) -> None:
        tick(done, audience, f"run {run_id}: planning")

    def sent(done: int) -> None:
        nonlocal looked
        if not watched(door) or time.monotonic() - looked < LOOK_SECONDS:
            return
        looked = time.monotonic()
        with door.database.reading() as conn:
            states = runs.counts(conn, run_id).get("state", {})
            slow = throttled(
                waiting_rows(door.config, conn, run_id, door.now()), door.config.firm.zone
            )
        waiting = states.get("ready", 0) + states.get("held", 0)
        total = sum(states.values())
        tick(total - waiting, total, f"run {run_id}: sending {slow}".rstrip())

    return planned, sent


def _audience(door: "Door", run_id: int) -> int | None:
    """How many candidates there are, while they are still being planned."""
    from outreach import plan as verb
    from outreach.cli.engine import unsubscribe_key
    from outreach.store import runs

    with door.database.reading() as conn:
        found = runs.load(conn, run_id)
        if found is None or found["state"] != "planning":
            return None
        return verb.reopened(conn, found, unsubscribe_key(door)).count(conn)
