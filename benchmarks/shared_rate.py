"""`python -m benchmarks.shared_rate`: worker processes under PostgreSQL that share one sender.

The sender is limited; the workers are real ones, woken by their queue. What counts is what the file
channel wrote and when each window was begun, not what the workers say of themselves.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.postgres import Server, server
from benchmarks.processes import machine, outreach
from benchmarks.project import ROOT, make_project
from outreach.samples.generate import write_clients

WARM_UP = timedelta(seconds=5)  # until every worker has its first batch
REACHABLE = 0.7  # of the sample's clients have an address and may be written to


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_rate", description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second of the sender")
    parser.add_argument("--seconds", type=int, default=60, help="how long it is measured")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(machine())
    (ROOT / "var").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
    try:
        with server() as cluster:
            measure(folder, cluster, options.rate, options.seconds, options.workers)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, cluster: Server, rate: float, seconds: int, workers: int) -> None:
    """Let the workers share the sender, and print rate and shares."""
    make_project(folder, 9, cluster.url, "bench-shared")
    config = folder / "config.toml"
    text = config.read_text(encoding="utf-8")
    text = text.replace("[senders.mail-file]", f"[senders.mail-file]\nper_second = {rate:g}", 1)
    text = text.replace('mode = "embedded"', 'mode = "workers"', 1)
    config.write_text(text.replace("page = 2000", "page = 200", 1), encoding="utf-8")
    needed = rate * (seconds + 3 * WARM_UP.total_seconds())
    write_clients(folder / "clients.csv", int(needed / REACHABLE) + 1)
    outreach(folder, "db", "upgrade")
    outreach(folder, "clients", "import", "clients.csv")
    outreach(folder, "approve", "bench-shared", "--as", "approver")
    line = [sys.executable, "-m", "outreach", "worker", "--name"]
    at_work = [
        subprocess.Popen([*line, f"worker-{n}"], cwd=folder, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        for n in range(workers)
    ]  # fmt: skip
    try:
        outreach(folder, "run", "bench-shared", "--no-wait")
        _wait(cluster, seconds)
    finally:
        for process in at_work:
            process.send_signal(signal.SIGTERM)
        for process in at_work:
            process.wait()
    _report(folder, cluster, rate, seconds, workers)


_WINDOWS = 'SELECT intent_at, owner, last_id - first_id + 1 FROM "window" ORDER BY intent_at'


def _wait(cluster: Server, seconds: int) -> None:
    end = timedelta(seconds=seconds) + 2 * WARM_UP
    while True:
        rows = cluster.ask(_WINDOWS)
        if rows and rows[-1][0] - rows[0][0] >= end:
            return
        time.sleep(1)


def _report(folder: Path, cluster: Server, rate: float, seconds: int, workers: int) -> None:
    rows = cluster.ask(_WINDOWS)
    begins: datetime = rows[0][0] + WARM_UP
    ends = begins + timedelta(seconds=seconds)
    shares: Counter[str] = Counter()
    sizes: list[int] = []
    fullest = 0
    seen: list[tuple[Any, ...]] = [row for row in rows if begins <= row[0] < ends]
    for at, owner, size in seen:
        shares[owner] += size
        sizes.append(size)
        second = [row[2] for row in seen if at <= row[0] < at + timedelta(seconds=1)]
        fullest = max(fullest, sum(second))
    sent = shares.total()
    written = sum(1 for _ in (folder / "var" / "outbox").rglob("*.eml"))
    ((stored,),) = cluster.ask("SELECT count(*) FROM outcome WHERE state = 'accepted'")
    print(f"limit {rate:g} a second, {workers} worker processes, {seconds} s, PostgreSQL")
    print(f"sent {sent:,}: {sent / seconds:.2f} a second ({sent / seconds / rate - 1:+.2%});")
    print(f"fullest second {fullest}; windows {min(sizes)} to {max(sizes)}")
    for n, (_, messages) in enumerate(shares.most_common(), 1):
        print(f"worker {n}: {messages:,} ({messages / sent:.1%})")
    print(f"all in all {stored:,} accepted, {written:,} mails written")


if __name__ == "__main__":
    os.environ.pop("OUTREACH_CLOCK", None)
    main()
