"""How long it takes to match halts with holdings: whom 5,000 alerts concern of 2,000,000 clients.

`python -m benchmarks.halts` makes 10,000,000 holdings of 8,000 securities in a folder of its own
(SQLite), matches 50 and 5,000 halts against them, and prints seconds, matches and peak memory.
"""

import argparse
import random
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from outreach.cli.engine import collect_seldom
from outreach.core.alert import Alert, Reach
from outreach.store import migrate
from outreach.store.affected import affected
from outreach.store.database import Database, append
from outreach.store.sources import Span
from outreach.store.tables import holding

CLIENTS: Final = 2_000_000
HOLDINGS: Final = 10_000_000
SECURITIES: Final = 8_000
HALTS: Final = (50, 5_000)
SPAN: Final = 40_000  # clients, as a crowded plan takes them
PAGE: Final = 200_000
_COLUMNS: Final = ("book_id", "market", "symbol", "client_id", "quantity")


def alerts(count: int) -> list[Alert]:
    """The first `count` securities, halted, told to their holders."""
    return [
        Alert(f"XSHG-{n:06}-1", 1, "halted", "XSHG", f"{n:06}", (Reach("holds", 1),))
        for n in range(count)
    ]


def holdings() -> Iterator[tuple[int, str, str, int, int]]:
    """In the order of the snapshot; who holds what is drawn anew for every security."""
    draw = random.Random(1)
    each = HOLDINGS // SECURITIES
    for n in range(SECURITIES):
        for client in sorted(draw.sample(range(1, CLIENTS + 1), each)):
            yield 1, "XSHG", f"{n:06}", client, 100


def fill(database: Database) -> None:
    """Add the holdings, a transaction a page."""
    rows, more = holdings(), True
    while more:
        page = [row for _, row in zip(range(PAGE), rows, strict=False)]
        more = bool(page)
        with database.begin() as tx:
            append(tx, holding, _COLUMNS, page)


def matched(database: Database, count: int) -> tuple[int, int, float, float]:
    """(clients, matches, seconds, seconds of CPU), span by span as a plan does."""
    clients = matches = 0
    begun, busy = perf_counter(), process_time()
    with database.reading() as conn:
        for after in range(0, CLIENTS, SPAN):
            found = affected(conn, alerts(count), Span(after, after + SPAN)).clients
            clients += len(found)
            matches += sum(map(len, found.values()))
    return clients, matches, perf_counter() - begun, process_time() - busy


def main() -> None:
    """Make the database, match, and say how long it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("var"))
    folder = Path(tempfile.mkdtemp(prefix="bench-halts-", dir=parser.parse_args().folder))
    database = Database(f"sqlite:///{folder}/outreach.db")
    collect_seldom()  # as every command that plans
    try:
        migrate.upgrade(database)
        begun = perf_counter()
        fill(database)
        print(f"{HOLDINGS:,} holdings written in {perf_counter() - begun:.1f} s")
        for count in HALTS:
            clients, matches, seconds, busy = matched(database, count)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{count:>6,} halts: {matches:>10,} matches of {clients:>9,} clients"
                  f" in {seconds:5.1f} s ({busy:.1f} s of CPU), peak {peak} MB")  # fmt: skip
    finally:
        database.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
