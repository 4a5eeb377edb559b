"""SMS through the Twilio channel beside a plain loop over Twilio's own library.

    python -m benchmarks.sms [--count 20000] [--rounds 3] [--connections 16] [--tls]

Both ask the same stand-in, a process of its own that reads each request whole, answers 201 with the
JSON of a message (about 800 bytes) and counts the numbers it was asked for. Whole processes take
turns, the client on one core and the stand-in on the other; rates, and CPU of both sides a message,
are medians. Ours writes and digests a text of its own for each client, in windows as a sender does.
"""

import argparse
import json
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

ACCOUNT: Final = "AC" + "0" * 32
TEXT: Final = (
    "【示例证券】尊敬的{}：国庆节10月1日至8日休市，10月9日恢复交易。"
    "市场有风险，投资需谨慎。详询95000"
)
LOOP: Final = 20  # the plain loop sends so many times fewer: it is that slow


class Taken(NamedTuple):
    """One run: seconds on the clock, and CPU of the client and of the stand-in."""

    wall: float
    client: float
    server: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--tls", action="store_true")
    options.add_argument("--serve", help=argparse.SUPPRESS)
    options.add_argument("--send", choices=("ours", "sdk", "sdk8"), help=argparse.SUPPRESS)
    options.add_argument("--url", help=argparse.SUPPRESS)
    options.add_argument("--ca", default=None, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.serve:
        _serve(Path(asked.serve), asked.tls)
    elif asked.send == "ours":
        _ours(asked.url, asked.count, asked.connections, asked.ca)
    elif asked.send:
        _library(asked.url, asked.count, 8 if asked.send == "sdk8" else 1)
    else:
        _compare(asked.count, asked.rounds, asked.connections, asked.tls)


# --- the clients ------------------------------------------------------------------------------


def _ours(url: str, count: int, connections: int, ca_file: str | None) -> None:
    from outreach.channels.twilio_sms import TwilioSms
    from outreach.core.model import Message
    from outreach.core.words import State

    channel = TwilioSms(
        account=ACCOUNT, token=None, address="+15551234567", connections=connections,
        receipts_url="https://broker.example/twilio/main/status", base_url=url, ca_file=ca_file,
    )  # fmt: skip
    at, good = datetime.now(UTC), 0
    for first in range(0, count, channel.window):
        window = [
            Message(n, 7, f"+1202{n:07d}", "zh-CN", (TEXT.format(f"客户{n}"),), at, None)
            for n in range(first, min(first + channel.window, count))
        ]
        good += sum(one.state is State.ACCEPTED for _, one in channel.send(window))
    channel.close()
    assert good == count


def _library(url: str, count: int, threads: int) -> None:
    """What one writes first: a client, and `messages.create` in a loop."""
    from concurrent.futures import ThreadPoolExecutor

    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    def loop(part: int) -> int:
        client = Client(ACCOUNT, "token", http_client=TwilioHttpClient(timeout=10))
        client.api.base_url = url
        good = 0
        for n in range(part, count, threads):
            sent = client.messages.create(
                to=f"+1202{n:07d}",
                from_="+15551234567",
                body=TEXT.format(f"客户{n}"),
                status_callback=f"https://broker.example/twilio/main/status/{n}",
            )
            good += bool(sent.sid)
        return good

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(loop, range(threads))) == count


# --- the stand-in -----------------------------------------------------------------------------

_LENGTH: Final = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
_TO: Final = re.compile(rb"(?:^|&)To=([^&]*)")
_REST: Final = {
    "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": TEXT, "num_segments": "2",
    "date_created": "Mon, 28 Sep 2026 07:30:00 +0000", "date_sent": None, "direction":
    "outbound-api", "date_updated": "Mon, 28 Sep 2026 07:30:00 +0000", "error_code": None,
    "error_message": None, "from": "+15551234567", "messaging_service_sid": None, "num_media": "0",
    "price": None, "price_unit": None, "status": "queued", "subresource_uris": {"media": "x" * 120},
    "uri": "x" * 120,
}  # fmt: skip
_ANSWER: Final = json.dumps(_REST)[1:].encode()


def _serve(folder: Path, tls: bool) -> None:
    """Answer until told to stop, then say how many requests came and for how many numbers."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    (folder / "port").write_text(str(listener.getsockname()[1]))
    lines: dict[int, tuple[socket.socket, bytearray]] = {}
    numbers: set[bytes] = set()
    requests = 0
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if context is not None:
                    sock = context.wrap_socket(sock, server_side=True)
                sock.setblocking(False)
                lines[sock.fileno()] = (sock, bytearray())
                poll.register(sock.fileno(), select.EPOLLIN)
            elif fd == sys.stdin.fileno():
                if sys.stdin.readline():
                    print(json.dumps([requests, len(numbers), time.process_time()]), flush=True)
                    requests, numbers = 0, set()
                else:
                    return
            elif (body := _request(*lines[fd])) is not None:
                requests += 1
                found = _TO.search(body)
                numbers.add(found[1] if found else b"")
                lines[fd][0].send(_answer(requests))
            elif lines[fd][0].fileno() < 0:
                del lines[fd]


def _request(sock: socket.socket, buffer: bytearray) -> bytes | None:
    """The content of a request once it is whole."""
    try:
        data = sock.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    except OSError:
        data = b""
    if not data:
        sock.close()
        return None
    buffer += data
    end = buffer.find(b"\r\n\r\n")
    found = _LENGTH.search(buffer, 0, end + 2) if end >= 0 else None
    if found is None or len(buffer) < end + 4 + int(found[1]):
        return None
    content = bytes(buffer[end + 4 :])
    buffer.clear()
    return content


def _answer(number: int) -> bytes:
    content = b'{"sid": "SM%032d", ' % number + _ANSWER
    return (
        b"HTTP/1.1 201 CREATED\r\nContent-Type: application/json;charset=utf-8\r\nContent-Length:"
        b" %d\r\nTwilio-Request-Id: RQ%032d\r\nTwilio-Concurrent-Requests: 1\r\nX-Shenanigans:"
        b" none\r\n\r\n%b" % (len(content), number, content)
    )


# --- side by side -----------------------------------------------------------------------------


@contextmanager
def _stand_in(tls: bool) -> Iterator[tuple[Any, str, str | None]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if tls:
            from tests.certificate import made_certificate

            made_certificate(folder / "server.pem")
        command = [sys.executable, "-m", "benchmarks.sms", "--serve", name, *["--tls"] * tls]
        process = subprocess.Popen(
            ["taskset", "-c", "1", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            while not (folder / "port").exists() or not (folder / "port").read_text():
                time.sleep(0.02)
            url = f"http{'s' * tls}://127.0.0.1:{(folder / 'port').read_text()}"
            yield process, url, str(folder / "server.pem") if tls else None
        finally:
            process.communicate()


def _asked(process: Any) -> tuple[int, int, float]:
    process.stdin.write("\n")
    process.stdin.flush()
    requests, numbers, cpu = json.loads(process.stdout.readline())
    return requests, numbers, cpu


def _run(process: Any, which: str, url: str, ca_file: str | None, count: int, lines: int) -> Taken:
    _, _, before = _asked(process)
    command = [sys.executable, "-m", "benchmarks.sms", "--send", which, "--url", url]
    command += ["--count", str(count), "--connections", str(lines)]
    env = {**os.environ, "NO_PROXY": "127.0.0.1"}
    if ca_file:
        command += ["--ca", ca_file]
        env["REQUESTS_CA_BUNDLE"] = ca_file
    used = os.times()
    started = time.perf_counter()
    subprocess.run(["taskset", "-c", "0", *command], check=True, env=env)
    wall, after = time.perf_counter() - started, os.times()
    requests, numbers, cpu = _asked(process)
    assert requests == numbers == count, (which, requests, numbers)
    client = after.children_user + after.children_system - used.children_user - used.children_system
    return Taken(wall, client, cpu - before)


def _compare(count: int, rounds: int, connections: int, tls: bool) -> None:
    plans = {"ours": count, "sdk": count // LOOP, "sdk8": count // LOOP}
    taken: dict[str, list[Taken]] = {which: [] for which in plans}
    empty: dict[str, list[Taken]] = {which: [] for which in plans}
    with _stand_in(tls) as (process, url, ca_file):
        for _ in range(rounds):
            for which, many in plans.items():
                empty[which].append(_run(process, which, url, ca_file, 0, connections))
                taken[which].append(_run(process, which, url, ca_file, many, connections))
    rates = {}
    print("| client | messages/s | CPU us/message | of the stand-in |")
    print("|---|---|---|---|")
    for which, many in plans.items():
        start = median(one.wall for one in empty[which])
        spent = median(one.client for one in empty[which])
        wall = median(one.wall for one in taken[which]) - start
        client = median(one.client for one in taken[which]) - spent
        server = median(one.server for one in taken[which])
        rates[which] = many / wall
        micro = 1e6 / many
        print(
            f"| {NAMES[which]} | {rates[which]:,.0f} | {client * micro:.0f}"
            f" | {server * micro:.0f} |"
        )
    print(f"\nours: {rates['ours'] / rates['sdk']:.1f} times the plain loop")


NAMES: Final = {
    "ours": "the Twilio channel",
    "sdk": "the library, a plain loop",
    "sdk8": "the library, 8 threads",
}


if __name__ == "__main__":
    main()
