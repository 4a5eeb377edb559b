"""`make bench`: the main job at 100,000 and 1,000,000 clients, as rates and peak memory.

Every step is the command a clerk would type, run as its own process tree; memory is the highest sum
of the resident sizes of all processes of the tree. `smtp-sink` comes with Debian's postfix.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Cost, free_port, machine, outreach, smtp_sink
from benchmarks.project import ROOT, make_project, route_to_smtp
from outreach.samples.generate import write_clients


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured step."""

    step: str
    clients: int
    items: int
    cost: Cost

    def row(self) -> str:
        rate = self.items / self.cost.seconds
        cpu = self.cost.cpu_seconds / self.items * 1e6 if self.items else 0.0
        return (
            f"| {self.step} | {self.clients:,} | {self.items:,} | {self.cost.seconds:.1f} |"
            f" {rate:,.0f} | {cpu:.0f} | {self.cost.peak_mb:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--database", default="", help="another database address; empty: SQLite")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind")
    options = parser.parse_args()
    print(machine())
    print("| step | clients | items | s | items/s | CPU us/item | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        (ROOT / "var").mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
        try:
            for figure in measure(folder, size, options.database):
                print(figure.row(), flush=True)
        finally:
            if not options.keep:
                shutil.rmtree(folder)


def measure(folder: Path, size: int, database: str) -> Iterator[Figure]:
    """Import, plan, and send through both channels."""
    ports = [free_port(), free_port()]
    make_project(folder, ports, database, "bench-file", "bench-smtp")
    write_clients(folder / "clients.csv", size)
    outreach(folder, "db", "upgrade")
    cost, _ = outreach(folder, "clients", "import", "clients.csv")
    yield Figure("import", size, size, cost)
    for campaign in ("bench-file", "bench-smtp"):
        outreach(folder, "approve", campaign, "--as", "approver")
    cost, document = outreach(folder, "plan", "bench-file")
    yield Figure("plan (dry run)", size, document["audience"], cost)
    cost, document = outreach(folder, "run", "bench-file")
    yield Figure("run to the file channel", size, document["messages"].get("accepted", 0), cost)
    route_to_smtp(folder)
    with smtp_sink(ports[0]), smtp_sink(ports[1]):
        cost, document = outreach(folder, "run", "bench-smtp")
    yield Figure("run to two smtp-sink", size, document["messages"].get("accepted", 0), cost)


if __name__ == "__main__":
    main()
