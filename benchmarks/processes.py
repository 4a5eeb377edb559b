"""Commands timed as whole process trees, and the receivers they send to."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process tree took: wall time, its CPU time, the highest sum of its resident sizes."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


class Ended(NamedTuple):
    cost: Cost
    out: str


def machine() -> str:
    """What the figures were measured on, and when."""
    return (
        f"{platform.node()}: {os.cpu_count()} cores, Python {platform.python_version()},\n"
        f"{platform.platform()}, {datetime.now(UTC):%Y-%m-%d}\n"
    )


def timed(line: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end. Raises SystemExit when it fails."""
    started, before = time.monotonic(), os.times()
    process = subprocess.Popen(
        line, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    peak, stop = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, stop))
    watcher.start()
    out, _ = process.communicate()
    after, seconds = os.times(), time.monotonic() - started
    stop.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(line)} ended with {process.returncode}")
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return Ended(Cost(seconds, cpu, peak[0]), out)


def outreach(folder: Path, *words: str) -> tuple[Cost, dict[str, Any]]:
    """A command of ours and the document it answers with."""
    environment = {**os.environ}
    # Nobody who runs it has it compiled anew at every start.
    for name in ("OUTREACH_CLOCK", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    line = [sys.executable, "-m", "outreach", "--json", *words]
    cost, out = timed(line, folder, environment)
    return cost, dict(json.loads(out)) if out.strip() else {}


def _watch(pid: int, peak: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.1):
        peak[0] = max(peak[0], sum(_resident_mb(one) for one in _tree(pid)))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii")
        except OSError:
            continue
        found += [int(child) for child in children.split()]
    return found


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def smtp_sink(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Postfix's own sink, which takes every mail and keeps none."""
    if shutil.which("smtp-sink") is None:
        raise SystemExit("smtp-sink is not installed (Debian: apt-get install postfix)")
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    sink = subprocess.Popen(
        ["smtp-sink", *user, "-c", f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL
    )
    try:
        listening(port)
        yield sink
    finally:
        sink.terminate()
        sink.wait()


def listening(port: int) -> None:
    """Wait until somebody answers on a port."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens on port {port}")
