"""Receipts through the real HTTP door: signed, checked, on disk, answered, and then applied.

    python -m benchmarks.receipts --messages 50000 --connections 32

Each message of an SMS run gets a `sent` and a `delivered` callback, as Twilio sends them. The load
comes from a process of its own over connections that are kept; it signs beforehand. Taken in means
answered with 2xx, and no answer comes before the event is on disk. `us` is CPU time of the door's
processes a receipt: until the last answer, and until everything was applied.
"""

import argparse
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import func, select

from benchmarks.processes import free_port, listening, machine, outreach
from benchmarks.project import CAMPAIGN, ROOT
from outreach.samples.generate import write_clients
from outreach.store.database import Database
from outreach.store.tables import event_due, message, raw_event, run_count

PUBLIC: Final = "https://outreach.example.com"
TOKEN: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105
SENDER: Final = "sms-abroad"
_CAMPAIGN: Final = CAMPAIGN.replace('["email"]', '["sms"]')
_AS_FILE: Final = f'[senders.{SENDER}]\nkind = "file"\nchannel = "sms"\naddress = "+15005550006"\n'
_AS_TWILIO: Final = (
    f'[senders.{SENDER}]\nkind = "twilio_sms"\naddress = "+15005550006"\n'
    f'account = "AC{"0" * 32}"\nreceipts_url = "{PUBLIC}/twilio/{SENDER}/status"\n'
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One round: how fast reports were taken in, and what became of them."""

    taken: int
    seconds: float
    refused: int
    door_cpu: float  # seconds of the door's processes until the last answer
    applied_after: float  # seconds from the last answer until none was due
    all_cpu: float  # seconds of the door's processes until then
    delivered: int

    def row(self, name: str) -> str:
        us = 1e6 / self.taken
        return (
            f"| {name} | {self.taken:,} | {self.taken / self.seconds:,.0f} |"
            f" {self.door_cpu * us:.0f} | {self.applied_after:.1f} | {self.all_cpu * us:.0f} |"
            f" {self.delivered:,} | {self.refused} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receipts", description=__doc__)
    parser.add_argument("--messages", type=int, default=25_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", default="", help="another database address; empty: SQLite")
    options = parser.parse_args()
    print(machine())
    print(
        "| door | receipts | a second | CPU us | applied s later | CPU us | delivered | refused |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for number in range(options.rounds):
        (ROOT / "var").mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
        try:
            figure = measure(folder, options)
            print(figure.row(f"{options.processes} process, round {number + 1}"), flush=True)
        finally:
            shutil.rmtree(folder)


def measure(folder: Path, options: Any) -> Figure:
    """One round in a fresh project."""
    port = free_port()
    url = options.database or f"sqlite:///{folder}/var/outreach.db"
    _project(folder, port, options)
    write_clients(folder / "clients.csv", options.messages * 7 // 5)
    outreach(folder, "db", "upgrade")
    outreach(folder, "clients", "import", "clients.csv")
    outreach(folder, "approve", "bench", "--as", "approver")
    outreach(folder, "run", "bench")
    _rewrite(folder, _AS_FILE, _AS_TWILIO)
    numbers = _sent(url)
    with _door(folder, port) as door:
        before = _cpu(door)
        context = get_context("spawn")
        mine, theirs = context.Pipe()
        load = context.Process(target=_load, args=(theirs, port, numbers, options.connections))
        load.start()
        seconds, refused = mine.recv()
        load.join()
        answered, ended = _cpu(door), time.monotonic()
        _wait_for_none_due(url)
        applied_after = time.monotonic() - ended
        return Figure(
            _count(url, raw_event), seconds, refused, answered - before, applied_after,
            _cpu(door) - before, _delivered(url),
        )  # fmt: skip


# --- the load --------------------------------------------------------------------------------


def signed(numbers: Sequence[int]) -> list[bytes]:
    """Two callbacks a message as Twilio posts them: all `sent` of some, then their `delivered`."""
    from twilio.request_validator import RequestValidator

    validator, made = RequestValidator(TOKEN), []
    for at in range(0, len(numbers), 500):
        for status in ("sent", "delivered"):
            made += [_request(validator, number, status) for number in numbers[at : at + 500]]
    return made


def _request(validator: Any, number: int, status: str) -> bytes:
    path, sid = f"/twilio/{SENDER}/status/{number}", f"SM{number:032x}"
    form = {
        "MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status,
        "To": f"+1212555{number % 10_000:04}", "From": "+15005550006",
        "ApiVersion": "2010-04-01", "AccountSid": "AC" + "0" * 32,
    }  # fmt: skip
    body = urlencode(form)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: outreach.example.com\r\nUser-Agent: TwilioProxy/1.1\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nAccept: */*\r\nX-Forwarded-For: 203.0.113.9\r\n"
        f"I-Twilio-Idempotency-Token: {number:032x}\r\nX-Home-Region: us1\r\n"
        f"X-Twilio-Signature: {validator.compute_signature(PUBLIC + path, form)}\r\n\r\n"
    )
    return (head + body).encode()


def _load(pipe: Any, port: int, numbers: Sequence[int], connections: int) -> None:
    requests = signed(numbers)
    pipe.send(drive(port, requests, connections))


def drive(port: int, requests: Sequence[bytes], connections: int) -> tuple[float, int]:
    """Send every request, each connection one at a time; seconds, and how many got no 2xx."""
    waiting, selector, refused = iter(requests), selectors.DefaultSelector(), 0
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
    began, left = time.perf_counter(), len(requests)
    for key in list(selector.get_map().values()):
        if (request := next(waiting, None)) is not None:
            key.fileobj.sendall(request)  # type: ignore[union-attr]
    while left:
        for key, _ in selector.select():
            connection = key.fileobj  # type: ignore[assignment]
            answer = connection.recv(65_536)
            if not answer:
                raise SystemExit("the door closed a connection")
            refused += not answer.startswith(b"HTTP/1.1 20")
            left -= 1
            if (request := next(waiting, None)) is not None:
                connection.sendall(request)
    return time.perf_counter() - began, refused


# --- the door --------------------------------------------------------------------------------


def _project(folder: Path, port: int, options: Any) -> None:
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    for path in (folder / "campaigns").glob("*.toml"):
        if path.name != "segments.toml":
            path.unlink()
    (folder / "campaigns" / "bench.toml").write_text(_CAMPAIGN, encoding="utf-8")
    template = folder / "templates" / "bench"
    template.mkdir()
    name = 'name = { zh = "基准测试", en = "Benchmark" }\nsecurities_content = false\n'
    (template / "template.toml").write_text(name, encoding="utf-8")
    for locale, text in {"zh-CN": "尾号{{ account_tail }}", "en": "{{ account_tail }}"}.items():
        (template / f"sms.{locale}.text.j2").write_text(text, encoding="utf-8")
    config = (ROOT / "config.toml").read_text(encoding="utf-8")
    config = config.replace('sender = "sms-file"', f'sender = "{SENDER}"')
    if options.database:
        config = config.replace('"sqlite:///var/outreach.db"', f'"{options.database}"')
    config += (
        f'\n{_AS_FILE}\n[web]\nport = {port}\npublic_url = "{PUBLIC}"\n'
        f"processes = {options.processes}\n"
    )
    (folder / "config.toml").write_text(config, encoding="utf-8")


def _rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@contextmanager
def _door(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    secret = {f"OUTREACH_SECRET_{SENDER.upper().replace('-', '_')}": TOKEN}
    line = [sys.executable, "-m", "outreach", "web"]
    process = subprocess.Popen(line, cwd=folder, env={**os.environ, **secret})
    try:
        listening(port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _cpu(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds of a process and its children so far."""
    pids = [process.pid]
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    pids += [int(pid) for pid in children.split()]
    spent = 0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        spent += int(stat[11]) + int(stat[12])
    return spent / os.sysconf("SC_CLK_TCK")


# --- what is so ------------------------------------------------------------------------------


def _asked(url: str, statement: Any) -> list[Any]:
    database = Database(url)
    with database.reading() as conn:
        found = list(conn.execute(statement))
    database.close()
    return found


def _sent(url: str) -> list[int]:
    return [row[0] for row in _asked(url, select(message.c.id).order_by(message.c.id))]


def _count(url: str, table: Any) -> int:
    return int(_asked(url, select(func.count()).select_from(table))[0][0])


def _delivered(url: str) -> int:
    where = (run_count.c.kind == "state", run_count.c.key == "delivered")
    return int(_asked(url, select(func.coalesce(func.sum(run_count.c.n), 0)).where(*where))[0][0])


def _wait_for_none_due(url: str) -> None:
    while _count(url, event_due):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
