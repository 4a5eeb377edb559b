"""What a message costs PostgreSQL over its whole life: `python -m benchmarks.postgres_cost`.

A run is planned and sent with everything that belongs to it, decisions and audit included. Server
CPU is that of all its processes, checkpoints and vacuum among them; the log is what was written to
it. The start of a run costs some hundred statements, so small runs look dear.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.postgres import Server, server
from benchmarks.processes import free_port, machine, outreach, smtp_sink
from benchmarks.project import make_project, route_to_smtp
from outreach.samples.generate import write_clients

AIM_US, AIM_BYTES = 12.0, 1000.0
# Of a table and its indexes: how much of the log was about them.
_SIZES: Final = """
SELECT c.relname, pg_total_relation_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'outreach_jobs')
"""


class Figures(NamedTuple):
    """Of one stretch, a message each."""

    messages: int
    server_us: float
    wal_bytes: float
    client_us: float
    seconds: float


def measured(postgres: Server, folder: Path, *words: str) -> tuple[Figures, dict[str, int]]:
    """A command that plans and sends: what it cost the server, and how much each table grew."""
    before = dict(_grown(postgres))
    cpu, wal = postgres.cpu_seconds(), postgres.wal_bytes()
    cost, document = outreach(folder, *words)
    cpu, wal = postgres.cpu_seconds() - cpu, postgres.wal_bytes() - wal
    n = sum(document["messages"].values())
    grown = {name: size - before.get(name, 0) for name, size in _grown(postgres).items()}
    each = cost.cpu_seconds / n * 1e6
    return Figures(n, cpu / n * 1e6, wal / n, each, cost.seconds), grown


def _grown(postgres: Server) -> dict[str, int]:
    found = {}
    for name, total, indexes in postgres.ask(_SIZES):
        found[name] = int(total) - int(indexes)
        found[f"{name} (indexes)"] = int(indexes)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=40_000)
    parser.add_argument("--file", action="store_true", help="write files instead of to smtp-sink")
    given = parser.parse_args()
    print(machine())
    port = free_port()
    with server() as postgres, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder, port, postgres.url, "first", "second")
        outreach(folder, "db", "upgrade")
        write_clients(folder / "clients.csv", given.clients)
        outreach(folder, "clients", "import", "clients.csv")
        postgres.ask("VACUUM ANALYZE")
        for campaign in ("first", "second"):
            outreach(folder, "approve", campaign, "--as", "li.na")
        if given.file:
            _show(postgres, folder)
            return
        route_to_smtp(folder)
        with smtp_sink(port):
            _show(postgres, folder)


def _show(postgres: Server, folder: Path) -> None:
    """The first run meets empty tables; the second one says what the next million costs."""
    for campaign in ("first", "second"):
        figures, grown = measured(postgres, folder, "run", campaign)
        print(
            f"run {campaign}: {figures.messages:,} messages in {figures.seconds:.1f} s;"
            f" server CPU {figures.server_us:.1f} us (aim {AIM_US:.0f}),"
            f" log {figures.wal_bytes:,.0f} bytes (aim {AIM_BYTES:,.0f}),"
            f" own CPU {figures.client_us:.0f} us a message"
        )
        _table(grown, figures.messages)


def _table(grown: dict[str, int], messages: int) -> None:
    by_size: Callable[[tuple[str, int]], int] = lambda pair: -pair[1]  # noqa: E731
    for name, size in sorted(grown.items(), key=by_size)[:10]:
        print(f"  {size / messages:8.1f} bytes a message: {name}")


if __name__ == "__main__":
    main()
