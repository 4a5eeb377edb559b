"""The embedded engine: works a run to its end on this machine, in this process or in several."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from outreach import clock, dispatch, plan
from outreach.engine.steps import Local as Local
from outreach.engine.steps import close as close
from outreach.engine.steps import gone as gone
from outreach.engine.steps import owner as owner
from outreach.engine.steps import plan_run, steady
from outreach.engine.steps import take_over as take_over
from outreach.store import left, runs

POLL_SECONDS = 0.05
# A run waits so long for permits of a slow sender; then it says when it goes on.
PATIENCE = timedelta(minutes=2)


@dataclass
class Ended:
    """How a run ended for now."""

    stopped: list[str] = field(default_factory=list)  # why a sender gave up
    swept: int = 0  # messages found in doubt after a crash
    next_at: datetime | None = None  # when held messages or retries are due


def work(engine: Local, run_id: int) -> Ended:
    """Plan what is not planned, send what is due, and close the run when nothing is open.

    When asked to stop it ends after the page or window at hand, and gives back what it holds. It
    does the same when the clock jumps, and goes on when that is back or believed.
    """
    while True:
        _wait_for_clock(engine)
        ended = _work(steady(engine), run_id)
        if engine.jumped() is None or engine.sending.stopping():
            return ended


def _wait_for_clock(engine: Local) -> None:
    sending = engine.sending
    if (by := engine.jumped()) is not None:
        engine.doubted(by)
    while engine.jumped() is not None and not sending.stopping():
        sending.sleep(POLL_SECONDS)


def _work(engine: Local, run_id: int) -> Ended:
    ended, tally = Ended(), dispatch.Tally()
    ended.swept += take_over(engine, run_id)
    processes = _start_senders(engine, run_id)
    try:
        plan_run(engine, run_id)
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
    with engine.database.reading() as conn:
        troubles = left.troubles(conn, run_id, engine.sending.clock())
    ended.stopped.extend(line for line in troubles if line not in ended.stopped)
    ended.next_at = close(engine, run_id)
    return ended


def _drain(engine: Local, run_id: int, tally: dispatch.Tally) -> None:
    """Send until nothing is due and nobody else holds a part of the run."""
    sending = replace(engine.sending, tick=engine.sent)
    while True:
        dispatch.drain(sending, run_id, tally)
        with engine.database.reading() as conn:
            found = left.still_open(conn, run_id, sending.clock())
            going = runs.going(conn, run_id)
        if tally.stopped or sending.stopping() or not going:
            return
        if found.ready or found.leased:
            time.sleep(POLL_SECONDS)
            take_over(engine, run_id)
        elif found.paced_at is not None and found.paced_at - sending.clock() < PATIENCE:
            engine.sent(tally.sent)
            dispatch.until(sending, sending.elapsed() + _seconds(found.paced_at, sending.clock()))
        else:
            return


def _seconds(until: datetime, now: datetime) -> float:
    return max(POLL_SECONDS, (until - now).total_seconds())


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
    engine, parent = steady(engine), os.getppid()
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
