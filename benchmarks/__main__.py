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

    def add_to(self, path: Path) -> None:
        """One more line of a CSV file, under a head when it is the first."""
        new = not path.exists()
        with path.open("a", encoding="utf-8") as file:
            if new:
                file.write("step,clients,items,seconds,cpu_seconds,peak_mb\n")
            cost = self.cost
            costs = f"{cost.seconds:.2f},{cost.cpu_seconds:.2f},{cost.peak_mb:.0f}"
            file.write(f"{self.step},{self.clients},{self.items},{costs}\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--database", default="", help="another database address; empty: SQLite")
    parser.add_argument("--mails-only", action="store_true", help="import, and send by SMTP")
    parser.add_argument("--csv", type=Path, help="add the figures to a file, for benchmarks.plot")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind")
    options = parser.parse_args()
    print(machine())
    print("| step | clients | items | s | items/s | CPU us/item | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        (ROOT / "var").mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
        try:
            for figure in measure(folder, size, options.database, options.mails_only):
                print(figure.row(), flush=True)
                if options.csv:
                    figure.add_to(options.csv)
        finally:
            if not options.keep:
                shutil.rmtree(folder)


def measure(folder: Path, size: int, database: str, mails_only: bool = False) -> Iterator[Figure]:
    """Import, plan, and send through both channels; or import and send mails only."""
    ports = [free_port(), free_port()]
    make_project(folder, ports, database, "bench-file", "bench-smtp")
    write_clients(folder / "clients.csv", size)
    outreach(folder, "db", "upgrade")
    cost, _ = outreach(folder, "clients", "import", "clients.csv")
    yield Figure("import", size, size, cost)
    for campaign in ("bench-file", "bench-smtp"):
        outreach(folder, "approve", campaign, "--as", "approver")
    if not mails_only:
        cost, document = outreach(folder, "plan", "bench-file")
        yield Figure("plan (dry run)", size, document["audience"], cost)
        cost, document = outreach(folder, "run", "bench-file")
        accepted = document["messages"].get("accepted", 0)
        yield Figure("run to the file channel", size, accepted, cost)
    route_to_smtp(folder)
    with smtp_sink(ports[0]), smtp_sink(ports[1]):
        cost, document = outreach(folder, "run", "bench-smtp")
    yield Figure("run to two smtp-sink", size, document["messages"].get("accepted", 0), cost)


if __name__ == "__main__":
    main()
