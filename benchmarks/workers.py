"""Workers on PostgreSQL, one beside two: `python -m benchmarks.workers`.

Each round gives a run of its own to so many workers, planning included, and takes turns between
them: 1, 2, 1, 2. The receiver is smtp-sink, or with --file the disk; its CPU is told beside ours,
since on two cores it takes its share of them.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from benchmarks.postgres import Server, server, ticks
from benchmarks.processes import free_port, machine, outreach, smtp_sink
from benchmarks.project import make_project, route_to_smtp
from outreach.samples.generate import write_clients

AIM: Final = 1.6
_FINISHED: Final = "SELECT 1 FROM run WHERE id = %s AND state = 'finished'"


class Figures(NamedTuple):
    """Of one run, CPU in microseconds a message."""

    messages: int
    seconds: float
    workers_us: float
    server_us: float
    sink_us: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


@contextmanager
def workers(folder: Path, n: int) -> Iterator[list[int]]:
    """So many workers, each at its work; their process ids."""
    line = [sys.executable, "-m", "outreach", "--json", "worker", "--name"]
    started = [
        subprocess.Popen([*line, f"w{i}"], cwd=folder, stderr=subprocess.PIPE, text=True)
        for i in range(n)
    ]
    try:
        for one in started:
            for said in one.stderr or ():
                if json.loads(said)["event"] == "working":
                    break
        yield [one.pid for one in started]
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.communicate()


def measured(postgres: Server, folder: Path, campaign: str, n: int, sink: int | None) -> Figures:
    """A run by n workers, from the moment it is open until it is finished."""
    with workers(folder, n) as pids, psycopg.connect(postgres.uri, autocommit=True) as conn:
        cpu = sum(map(ticks, pids)), postgres.cpu_seconds(), ticks(sink) if sink else 0.0
        _, document = outreach(folder, "run", campaign, "--no-wait")
        started = time.monotonic()
        while conn.execute(_FINISHED, [document["run"]]).fetchone() is None:
            time.sleep(0.05)
        seconds = time.monotonic() - started
        after = sum(map(ticks, pids)), postgres.cpu_seconds(), ticks(sink) if sink else 0.0
    _, document = outreach(folder, "runs", "show", str(document["run"]))
    total = sum(document["messages"].values())
    each = [(end - begin) / total * 1e6 for begin, end in zip(cpu, after, strict=True)]
    return Figures(total, seconds, *each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--file", action="store_true", help="write files instead of to smtp-sink")
    given = parser.parse_args()
    print(machine())
    plan = [(n, f"run-{n}-{i}") for i in range(given.rounds) for n in (1, 2)]
    with ExitStack() as stack:
        postgres = stack.enter_context(server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port, sink = free_port(), None
        make_project(folder, port, postgres.url, *(campaign for _, campaign in plan))
        config = folder / "config.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace('"embedded"', '"workers"', 1), encoding="utf-8")
        outreach(folder, "db", "upgrade")
        write_clients(folder / "clients.csv", given.clients)
        outreach(folder, "clients", "import", "clients.csv")
        postgres.ask("VACUUM ANALYZE")
        for _, campaign in plan:
            outreach(folder, "approve", campaign, "--as", "li.na")
        if not given.file:
            route_to_smtp(folder)
            sink = stack.enter_context(smtp_sink(port)).pid
        _rounds(postgres, folder, plan, sink)


def _rounds(postgres: Server, folder: Path, plan: list[tuple[int, str]], sink: int | None) -> None:
    rates: dict[int, list[float]] = {1: [], 2: []}
    for n, campaign in plan:
        one = measured(postgres, folder, campaign, n, sink)
        rates[n].append(one.rate)
        print(
            f"{n} worker(s): {one.messages:,} messages in {one.seconds:.1f} s, {one.rate:,.0f}/s;"
            f" CPU a message: workers {one.workers_us:.0f} us, PostgreSQL {one.server_us:.0f} us,"
            f" receiver {one.sink_us:.0f} us",
            flush=True,
        )
    ratio = statistics.median(rates[2]) / statistics.median(rates[1])
    print(f"two workers carry {ratio:.2f} times as much as one (aim {AIM})")


if __name__ == "__main__":
    main()
