"""What there is to do with a run, step by step. Every engine takes the same steps, any number of
times, and trusts none of them to run alone."""

import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from outreach import dispatch, plan
from outreach.engine import SILENCE
from outreach.store import outbox, runs, takeover, work, workers
from outreach.store.database import Database
from outreach.store.left import turn_at
from outreach.store.work import Task

# How long a batch is left alone after its sender gave up.
REST: Final = timedelta(minutes=1)
SLOW_SLICE: Final = 10.0  # seconds a batch of a limited sender is worked on before others are


@dataclass(frozen=True)
class Local:
    """What a run is worked with in this process."""

    sending: dispatch.Sending
    page: int
    senders: int  # further processes for a large run
    in_process_up_to: int
    command: tuple[str, ...]  # starts a sender process; the run's number is added
    planned: Callable[[int], None] = lambda done: None
    sent: Callable[[int], None] = lambda done: None
    jumped: Callable[[], timedelta | None] = lambda: None  # see clock.jumped
    doubted: Callable[[timedelta], None] = lambda by: None  # told by whoever waits for the clock

    @property
    def database(self) -> Database:
        return self.sending.database


def steady(engine: Local) -> Local:
    """The same, as one that is asked to stop while the clock is in doubt: it begins nothing."""
    sending, jumped = engine.sending, engine.jumped
    sure = replace(sending, stopping=lambda: sending.stopping() or jumped() is not None)
    return replace(engine, sending=sure)


# --- who is there ----------------------------------------------------------------------------


def owner() -> str:
    """Who we are to other processes: host, process, and when it started (numbers are reused)."""
    return f"{_here()}:{os.getpid()}:{_started(os.getpid())}"


def _here() -> str:
    """This machine, or this container of it: where a process number means the same process. Two
    machines may bear one name, so the name alone does not do."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        numbers = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}.{boot}.{numbers}"


def gone(owners: Iterable[str]) -> list[str]:
    """Those owners that certainly are no more: processes of this machine that have ended.

    Owners elsewhere are given until their lease runs out, or until they fell silent as workers.
    """
    here = _here()
    ended = []
    for name in owners:
        host, _, rest = name.rpartition(":")[0].rpartition(":")
        pid, started = (rest, name.rpartition(":")[2])
        if host == here and pid.isdigit() and _started(int(pid)) != started:
            ended.append(name)
    return ended


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since boot; empty when there is none, or only
    its entry is left because nobody has asked how it ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


# --- the steps -------------------------------------------------------------------------------


class _Stopped(Exception):
    """Somebody asked to stop between two pages of a plan."""


def plan_run(engine: Local, run_id: int) -> None:
    """Plan what is not planned of a run; end after the page at hand when asked to stop."""

    def planned(done: int) -> None:
        engine.planned(done)
        if engine.sending.stopping():
            raise _Stopped

    sending = engine.sending
    with suppress(_Stopped):
        plan.work(engine.database, run_id, sending.key, sending.clock, engine.page, planned)


def take_over(engine: Local, run_id: int | None) -> int:
    """Sweep after owners that are gone; the number of messages now in doubt."""
    with engine.database.reading() as conn:
        ended = gone(takeover.owners(conn, run_id))
        ended += [one.owner for one in workers.silent(conn, timedelta(seconds=SILENCE))]
    return takeover.sweep(engine.database, engine.sending.clock(), ended, run_id).in_doubt


def close(engine: Local, run_id: int) -> datetime | None:
    """Finish the run when every message is final; otherwise when it has work again."""
    now = engine.sending.clock()
    with engine.database.begin() as tx:
        left = takeover.still_open(tx, run_id, now)
        states = runs.counts(tx, run_id).get("state", {})
        unfinished = sum(states.get(state, 0) for state in ("ready", "held", "sending", "in_doubt"))
        if not (left.ready or left.leased or left.next_at or unfinished):
            runs.move(tx, run_id, "finished", now, outbox.ACTOR, since=["sending"])
    return left.next_at


def perform(engine: Local, task: Task, tally: dispatch.Tally) -> list[Task]:
    """Do a task as far as it goes now; what is left of it, to be done later. Doing it when there is
    nothing to do changes nothing."""
    match task.kind:
        case "plan":
            return _plan(engine, task)
        case "dispatch":
            return _dispatch(engine, task, tally)
        case "retries":
            while dispatch.work_retries(engine.sending, task.ref, tally):
                pass
            close(engine, task.ref)
        case "close":
            close(engine, task.ref)
        case _:
            raise ValueError(f"there is no task of kind {task.kind}")
    return []


def _limited(sending: dispatch.Sending, sender: str, pace: str | None) -> bool:
    """Whether a batch may take as long as its sender's rate wants."""
    asks = sending.limits(sender).asks(pace)
    return any(ask.limit.per_second is not None for ask in asks)


def _hurried(sending: dispatch.Sending) -> dispatch.Sending:
    """The same, for a short slice of time: a slot that waits for permits is lost for others."""
    end = sending.elapsed() + SLOW_SLICE
    return replace(sending, stopping=lambda: sending.stopping() or sending.elapsed() >= end)


def _plan(engine: Local, task: Task) -> list[Task]:
    plan_run(engine, task.ref)
    with engine.database.reading() as conn:
        run = runs.load(conn, task.ref)
    if run is not None and run["state"] == "planning":
        return [task._replace(not_before=None)]
    close(engine, task.ref)
    return []


def _dispatch(engine: Local, task: Task, tally: dispatch.Tally) -> list[Task]:
    sending = engine.sending
    with engine.database.reading() as conn:
        known = work.batch_of(conn, task.ref)
    if known is not None and _limited(sending, known.sender, known.pace):
        if not task.slow:
            return [task._replace(slow=True)]
        sending = _hurried(sending)
    while True:
        claimed = dispatch.work_batch(sending, None, tally, batch_id=task.ref)
        with engine.database.reading() as conn:
            left, now = work.batch_of(conn, task.ref), sending.clock()
            worked = left is None or work.all_worked(conn, left.run_id)
            turn = turn_at(conn, left.sender, left.pace, now) if left is not None else None
        if left is None or left.state != "ready" or left.run_state not in work.GOING:
            break
        rests = now + REST if left.sender in tally.down else None
        later = max((at for at in (rests, turn, left.not_before) if at and at > now), default=None)
        soon = tally.unripe(sending)
        if claimed and later is None and (left.pace or left.sender) in soon:
            dispatch.until(sending, tally.waits[left.pace or left.sender])
            if not sending.stopping():
                continue
        # Who may not claim it and need not wait either finds it again by its row, some day.
        again = claimed or later or sending.stopping()
        return [task._replace(not_before=later)] if again else []
    if left is not None and worked:
        close(engine, left.run_id)
    return []
