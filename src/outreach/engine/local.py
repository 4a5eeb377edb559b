"""The embedded engine: works a run to its end on this machine, in this process or in several."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from outreach import clock, dispatch, plan
from outreach.store import outbox, runs, takeover
from outreach.store.database import Database

POLL_SECONDS = 0.05


def owner() -> str:
    """Who we are to other processes: host, process, and when it started (numbers are reused)."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def gone(owners: Iterable[str]) -> list[str]:
    """Those owners that certainly are no more: processes of this machine that have ended.

    Owners elsewhere are given until their lease runs out.
    """
    here = socket.gethostname()
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


@dataclass(frozen=True)
class Local:
    """What the embedded engine works with."""

    sending: dispatch.Sending
    page: int
    senders: int  # further processes for a large run
    in_process_up_to: int
    command: tuple[str, ...]  # starts a sender process; the run's number is added
    planned: Callable[[int], None] = lambda done: None
    sent: Callable[[int], None] = lambda done: None

    @property
    def database(self) -> Database:
        return self.sending.database


class _Stopped(Exception):
    """Somebody asked to stop between two pages of a plan."""


@dataclass
class Ended:
    """How a run ended for now."""

    stopped: list[str] = field(default_factory=list)  # why a sender gave up
    swept: int = 0  # messages found in doubt after a crash
    next_at: datetime | None = None  # when held messages or retries are due


def work(engine: Local, run_id: int) -> Ended:
    """Plan what is not planned, send what is due, and close the run when nothing is open.

    When asked to stop it ends after the page or window at hand, and gives back what it holds.
    """
    ended, tally = Ended(), dispatch.Tally()
    ended.swept += take_over(engine, run_id)
    processes = _start_senders(engine, run_id)
    try:
        _plan(engine, run_id)
        if processes:
            _wait(engine, run_id, processes, ended)
        ended.swept += take_over(engine, run_id)
        if not ended.stopped:
            _drain(engine, run_id, tally)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
    ended.stopped.extend(tally.stopped.splitlines())
    ended.next_at = close(engine, run_id)
    return ended


def _plan(engine: Local, run_id: int) -> None:
    def planned(done: int) -> None:
        engine.planned(done)
        if engine.sending.stopping():
            raise _Stopped

    sending = engine.sending
    with suppress(_Stopped):
        plan.work(engine.database, run_id, sending.key, sending.clock, engine.page, planned)


def _drain(engine: Local, run_id: int, tally: dispatch.Tally) -> None:
    """Send until nothing is due and nobody else holds a part of the run."""
    sending = replace(engine.sending, tick=engine.sent)
    while True:
        dispatch.drain(sending, run_id, tally)
        with engine.database.reading() as conn:
            left = takeover.still_open(conn, run_id, sending.clock())
            going = runs.going(conn, run_id)
        stopped = tally.stopped or engine.sending.stopping() or not going
        if stopped or not (left.ready or left.leased):
            return
        time.sleep(POLL_SECONDS)
        take_over(engine, run_id)


def take_over(engine: Local, run_id: int | None) -> int:
    """Sweep after owners that are gone; the number of messages now in doubt."""
    with engine.database.reading() as conn:
        ended = gone(takeover.owners(conn, run_id))
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


# --- several processes -----------------------------------------------------------------------


def _start_senders(engine: Local, run_id: int) -> list[subprocess.Popen[str]]:
    """Sender processes for a run that is worth their start, while it is still being planned."""
    with engine.database.reading() as conn:
        run = runs.load(conn, run_id)
        if run is None or run["state"] != "planning" or engine.senders < 1:
            return []
        job = plan.reopened(conn, run, engine.sending.key)
        if job.count(conn) <= engine.in_process_up_to:
            return []
    environment = {**os.environ, **clock.environment()}
    return [
        subprocess.Popen(
            [*engine.command, str(run_id)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(engine.senders)
    ]


def _wait(engine: Local, run_id: int, processes: list[subprocess.Popen[str]], ended: Ended) -> None:
    """Follow the senders to their end, and pass on what they say."""
    while any(process.poll() is None for process in processes):
        time.sleep(0.2)
        if engine.sending.stopping():
            for process in processes:
                process.terminate()  # it finishes its window first
        with engine.database.reading() as conn:
            states = runs.counts(conn, run_id).get("state", {})
        waiting = states.get("ready", 0) + states.get("held", 0)
        engine.sent(sum(states.values()) - waiting)
    for process in processes:
        _, said = process.communicate()
        lines = [line for line in said.splitlines() if line.strip()]
        if any(line.startswith("Traceback") for line in lines):
            lines = [f"a sender process broke off: {lines[-1]}"]
        if process.returncode:
            ended.stopped.extend(line for line in lines if line not in ended.stopped)


def serve_run(engine: Local, run_id: int, tally: dispatch.Tally) -> None:
    """What a sender process does: send while the run is planned and until nothing is due; end
    early when the process that started it is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        # Asked before the work, so that a page planned meanwhile is not missed.
        with engine.database.reading() as conn:
            run = runs.load(conn, run_id)
        dispatch.drain(engine.sending, run_id, tally)
        if run is None or run["state"] != "planning" or engine.sending.stopping():
            return
        time.sleep(POLL_SECONDS)


def python_command(*arguments: str) -> tuple[str, ...]:
    """This program, run by this interpreter."""
    return (sys.executable, "-m", "outreach", *arguments)
