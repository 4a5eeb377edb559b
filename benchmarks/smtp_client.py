"""The SMTP client alone beside `smtp-source`, both against the same `smtp-sink`.

    python -m benchmarks.smtp_client [--count 50000] [--rounds 3] [--connections 16]

Whole processes take turns, the client on one core and the sink on the other; rates, and CPU of
both sides a message, are medians, interpreter start included. `wire` sends the same prepared bytes
every time, as smtp-source does; `mails` builds and digests a personalised mail for each recipient,
and signs it with --dkim. Debian's postfix has both programs.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from outreach.channels.smtp import SmtpChannel
    from outreach.core.dkim import Signer
    from outreach.core.model import Message

WINDOW: Final = 500
SIZE: Final = "3150"  # bytes of one mail as it is built below
TEXT: Final = (
    "尊敬的{}：\n\n您在示例营业部的账户请留意市场波动，理性投资。市场有风险。\n"
    + "国庆节休市安排。\n" * 20
)
HTML: Final = (
    "<html><body><p>尊敬的{}：</p>" + "<p>国庆节期间休市安排如下。</p>\n" * 40 + "</body></html>\n"
)


class Taken(NamedTuple):
    """One run: seconds on the clock, and CPU of the client and of the sink."""

    wall: float
    client: float
    sink: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=50_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--dkim", choices=("none", "rsa", "ed25519"), default="none")
    options.add_argument("--send-to", type=int, help=argparse.SUPPRESS)
    options.add_argument("--prepared", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.send_to:
        _send(asked.send_to, asked.count, asked.connections, asked.dkim, asked.prepared)
        return
    _compare(asked.count, asked.rounds, asked.connections, asked.dkim)


def _send(port: int, count: int, connections: int, dkim: str, prepared: bool) -> None:
    """The client process: as a sender does it, window after window."""
    import gc

    from outreach.channels.smtp import SmtpChannel
    from outreach.channels.smtp_session import Server
    from outreach.core.mime import Letterhead
    from outreach.core.model import Message
    from outreach.core.words import State

    gc.set_threshold(200_000, 20, 100)  # as the sender process does
    letterhead = Letterhead("notice@broker.example", "示例证券")
    server = Server("127.0.0.1", port, "none")
    channel = SmtpChannel(server, letterhead, connections=connections, signers=_signers(dkim))
    at = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
    # As the template engine hands them over; rendering is measured elsewhere.
    texts = [
        ("关于国庆节休市安排的通知", TEXT.format(id_), HTML.format(id_)) for id_ in range(WINDOW)
    ]
    first = Message(1, 7, "user@client.example", "zh-CN", texts[0], at, None)
    if prepared:
        _prepare(channel, first)
    for start in range(1, count + 1, WINDOW):
        messages = [
            Message(
                id_, 7, f"user{id_}@client{id_ % 9}.example", "zh-CN", texts[id_ % WINDOW], at,
                f"https://broker.example/u/{id_}",
            )
            for id_ in range(start, min(start + WINDOW, count + 1))
        ]  # fmt: skip
        for _, outcome in channel.send(messages):
            if outcome.state is not State.ACCEPTED:
                raise SystemExit(f"not accepted: {outcome}")
    channel.close()


def _prepare(channel: "SmtpChannel", message: "Message") -> None:
    """Lets the channel send the bytes of one mail again and again."""
    from outreach.channels.smtp_wire import Letter, Offers

    made: dict[Offers, Letter] = {}
    clerk = channel._clerk
    make_out = clerk.make_out

    def copy(letter: Letter, offers: Offers) -> None:
        one = made.get(offers)
        if one is None:
            one = made[offers] = Letter(message)
            make_out(one, offers)
        letter.data, letter.mail, letter.rcpt = one.data, one.mail, one.rcpt
        letter.digest = one.digest

    clerk.make_out = copy  # type: ignore[method-assign]


def _signers(kind: str) -> "list[Signer]":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    from outreach.core.dkim import Signer

    if kind == "none":
        return []
    key = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return [Signer("broker.example", "bench", pem)]


def _compare(count: int, rounds: int, connections: int, dkim: str) -> None:
    if not shutil.which("smtp-sink"):
        raise SystemExit("smtp-sink is not installed; it comes with postfix")
    ours = [sys.executable, "-m", "benchmarks.smtp_client", "--count", str(count)]
    ours += ["--connections", str(connections), "--send-to", "{port}"]
    source = ["smtp-source", "-d", "-s", str(connections), "-l", SIZE, "-m", str(count)]
    source += ["-f", "notice@broker.example", "-t", "user@client.example", "127.0.0.1:{port}"]
    commands = {
        "ours, mails": [*ours, "--dkim", dkim],
        "ours, wire": [*ours, "--prepared"],
        "smtp-source": source,
    }
    found: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            with _sink() as (port, pid):
                found[name].append(_run([word.format(port=port) for word in command], pid))
    _print(found, count)


@contextmanager
def _sink() -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = ["smtp-sink", f"127.0.0.1:{port}", "1000"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    sink = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.sched_setaffinity(sink.pid, {max(os.sched_getaffinity(0))})
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port, sink.pid
    finally:
        sink.terminate()
        sink.wait()


def _run(command: Sequence[str], sink: int) -> Taken:
    before, begun = _cpu(sink), time.perf_counter()
    # As installed: compiled once, not at every start.
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(command, cwd=Path(__file__).parents[1], env=environment)
    os.sched_setaffinity(child.pid, {min(os.sched_getaffinity(0))})
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{command[0]} failed")
    return Taken(wall, used.ru_utime + used.ru_stime, _cpu(sink) - before)


def _cpu(pid: int) -> float:
    """User and system seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print(found: dict[str, list[Taken]], count: int) -> None:
    print("| client | messages/s | client CPU us | sink CPU us |\n|---|---|---|---|")
    for name, runs in found.items():
        wall = median(run.wall for run in runs)
        client = median(run.client for run in runs) / count * 1e6
        sink = median(run.sink for run in runs) / count * 1e6
        print(f"| {name} | {count / wall:,.0f} | {client:.1f} | {sink:.1f} |")
    for name in ("ours, mails", "ours, wire"):
        pairs = list(zip(found[name], found["smtp-source"], strict=True))
        wall = median(a.wall / b.wall for a, b in pairs)
        client = median(a.client / b.client for a, b in pairs)
        both = median((a.client + a.sink) / (b.client + b.sink) for a, b in pairs)
        print(
            f"{name} / smtp-source: {wall:.2f} of the time, {client:.2f} of the client's CPU,"
            f" {both:.2f} of both sides' CPU"
        )


if __name__ == "__main__":
    main()
