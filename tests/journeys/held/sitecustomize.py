"""Loaded at the start of every process of a held house: its file channel writes so many e-mails
and then waits, in the middle of a window, until the gate is opened or the process is asked to stop.
Where HASTE is set, workers look after each other in seconds instead of half a minute; where
BELIEVED is, a clock that jumped is believed after so many seconds.

So a test that kills, stops or overtakes a run in its middle does so on any machine.
"""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

if "FAKETIME_TIMESTAMP_FILE" in os.environ:  # libfaketime takes its offset from a steady clock too
    time.sleep = lambda seconds: threading.Event().wait(float(seconds))  # type: ignore[assignment]

from outreach import clock, engine
from outreach.channels.file_outbox import FileOutbox
from outreach.engine import stop

if haste := os.environ.get("HASTE"):
    engine.HEARTBEAT, engine.SILENCE, engine.SWEEP = map(float, haste.split())  # type: ignore[misc]

if believed := os.environ.get("BELIEVED"):
    clock.BELIEVED = timedelta(seconds=float(believed))  # type: ignore[misc]

_after = int(os.environ.get("HELD_AFTER", "1000000000"))
_gate = Path(os.environ.get("HELD_GATE", "no gate"))
_asked: list[threading.Event] = []
_on_signals, _write_eml = stop.on_signals, FileOutbox._write_eml
_written = 0


def _remembered() -> threading.Event:
    _asked.append(_on_signals())
    return _asked[0]


def _held(outbox: FileOutbox, path: str, content: bytes) -> None:
    global _written
    while _written >= _after and _gate.exists() and not any(one.is_set() for one in _asked):
        time.sleep(0.005)
    _written += 1
    _write_eml(outbox, path, content)


stop.on_signals = _remembered
FileOutbox._write_eml = _held  # type: ignore[method-assign, assignment]
