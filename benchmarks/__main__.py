"""`make bench`: the main job at 100,000 and 1,000,000 clients, as rates and peak memory.

Every step is the command a clerk would type, run as its own process tree; memory is the highest sum
of the resident sizes of all processes of the tree. `smtp-sink` comes with Debian's postfix.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from outreach.samples.generate import write_clients

ROOT = Path(__file__).parents[1]
MOMENT = "2026-09-28T10:00+08:00"
CAMPAIGN = """\
purpose = "service"
segment = "active-clients"
template = "bench"
channels = ["email"]
owner = "bench"
occurrence = { kind = "day" }
urgent = true
urgent_why = "a benchmark must not wait for morning"

[name]
zh = "基准测试"
en = "Benchmark"
"""
TEMPLATE = """\
name = { zh = "基准测试", en = "Benchmark" }
securities_content = true
"""
# A personalised mail of 2 to 3 kB, five values of the client in it.
TEXT = {
    "zh-CN": "尊敬的{{ client_name }}：\n\n" + "您在{{ branch }}的账户（尾号{{ account_tail }}）"
    "开立于{{ opened_on }}。请留意市场波动，理性投资。\n" * 3 + "\n{{ firm_name }} {{ hotline }}\n"
    "{{ risk_line }}\n{{ unsubscribe_url }}\n",
    "en": "Dear {{ client_name }},\n\n"
    + "Your account ending {{ account_tail }} at {{ branch }} was"
    " opened on {{ opened_on }}. Markets move; please decide with care.\n"
    * 3
    + "\n{{ firm_name }} {{ hotline }}\n{{ risk_line }}\n{{ unsubscribe_url }}\n",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured step."""

    step: str
    clients: int
    items: int
    seconds: float
    peak_mb: float
    cpu_seconds: float

    def row(self) -> str:
        rate = self.items / self.seconds
        cpu = self.cpu_seconds / self.items * 1e6 if self.items else 0.0
        return (
            f"| {self.step} | {self.clients:,} | {self.items:,} | {self.seconds:.1f} |"
            f" {rate:,.0f} | {cpu:.0f} | {self.peak_mb:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--database", default="", help="another database address; empty: SQLite")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind")
    options = parser.parse_args()
    print(f"{platform.node()}: {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"{platform.platform()}, {datetime.now(UTC):%Y-%m-%d}\n")
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
    port = _free_port()
    _project(folder, port, database)
    book = folder / "clients.csv"
    write_clients(book, size)
    _command(folder, "db", "upgrade")
    figure, document = _timed(folder, "import", size, "clients", "import", "clients.csv")
    yield figure
    for campaign in ("bench-file", "bench-smtp"):
        _command(folder, "approve", campaign, "--as", "approver")
    figure, document = _timed(folder, "plan (dry run)", size, "plan", "bench-file")
    yield _of(figure, document["audience"])
    figure, document = _timed(folder, "run to the file channel", size, "run", "bench-file")
    yield _of(figure, document["messages"].get("accepted", 0))
    if shutil.which("smtp-sink") is None:
        print("smtp-sink is not installed (Debian: apt-get install postfix)", file=sys.stderr)
        return
    with _smtp_sink(port):
        figure, document = _timed(folder, "run to smtp-sink", size, "run", "bench-smtp")
    yield _of(figure, document["messages"].get("accepted", 0))


def _of(figure: Figure, items: int) -> Figure:
    return Figure(
        figure.step, figure.clients, items, figure.seconds, figure.peak_mb, figure.cpu_seconds
    )


# --- the project -----------------------------------------------------------------------------


def _project(folder: Path, port: int, database: str) -> None:
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    for path in (folder / "campaigns").glob("*.toml"):
        if path.name != "segments.toml":
            path.unlink()
    template = folder / "templates" / "bench"
    template.mkdir()
    (template / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    for locale, text in TEXT.items():
        html = "".join(f"<p>{line}</p>\n" for line in text.splitlines() if line)
        (template / f"email.{locale}.subject.j2").write_text(
            "{{ firm_name }} {{ today }}", encoding="utf-8"
        )
        (template / f"email.{locale}.text.j2").write_text(text, encoding="utf-8")
        (template / f"email.{locale}.html.j2").write_text(html, encoding="utf-8")
    _plain_layout(folder / "templates" / "_layout")
    for campaign in ("bench-file", "bench-smtp"):
        path = folder / "campaigns" / f"{campaign}.toml"
        path.write_text(CAMPAIGN, encoding="utf-8")
    (folder / "config.toml").write_text(_config(port, database), encoding="utf-8")


def _plain_layout(folder: Path) -> None:
    """A layout that adds nothing, so that the mail stays at 2 to 3 kB."""
    for locale in TEXT:
        (folder / f"email.{locale}.html.j2").write_text(
            f'<!doctype html>\n<html lang="{locale}"><head><title>x</title></head><body>\n'
            "{# body #}\n</body></html>\n",
            encoding="utf-8",
        )
        (folder / f"email.{locale}.text.j2").write_text("{# body #}\n", encoding="utf-8")


def _config(port: int, database: str) -> str:
    """The shipped config with the mail server beside the file sender; a run's route decides."""
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    if database:
        text = text.replace('database = "sqlite:///var/outreach.db"', f'database = "{database}"')
    smtp = (
        f'\n[senders.mail-smtp]\nkind = "smtp"\naddress = "service@example.com"\n'
        f'host = "127.0.0.1"\nport = {port}\nsecurity = "none"\nconnections = 16\n'
    )
    return text + smtp


# --- measuring -------------------------------------------------------------------------------


def _command(folder: Path, *words: str) -> dict[str, object]:
    done = subprocess.run(
        _line(words), cwd=folder, env=_environment(), check=True, capture_output=True
    )
    return dict(json.loads(done.stdout)) if done.stdout.strip() else {}


def _timed(folder: Path, step: str, size: int, *words: str) -> tuple[Figure, dict[str, Any]]:
    if words == ("run", "bench-smtp"):
        _route_to_smtp(folder)
    started = time.monotonic()
    process = subprocess.Popen(
        _line(words), cwd=folder, env=_environment(), stdout=subprocess.PIPE, text=True
    )
    peak, stop = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, stop))
    watcher.start()
    before = os.times()
    out, _ = process.communicate()
    after = os.times()
    seconds = time.monotonic() - started
    stop.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"outreach {' '.join(words)} ended with {process.returncode}")
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return Figure(step, size, size, seconds, peak[0], cpu), json.loads(out)


def _route_to_smtp(folder: Path) -> None:
    path = folder / "config.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('sender = "mail-file"', 'sender = "mail-smtp"'), encoding="utf-8")
    # A changed route is a changed policy, not a changed text: the approval stands.


def _line(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "outreach", "--json", *words]


def _environment() -> dict[str, str]:
    environment = {**os.environ}
    environment.pop("OUTREACH_CLOCK", None)
    return environment


def _watch(pid: int, peak: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.1):
        peak[0] = max(peak[0], sum(_resident_mb(one) for one in _tree(pid)))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii")
        except OSError:
            continue
        found += [int(child) for child in children.split()]
    return found


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _smtp_sink(port: int) -> Iterator[None]:
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    sink = subprocess.Popen(["smtp-sink", *user, "-c", f"127.0.0.1:{port}", "1000"],
                            stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        sink.terminate()
        sink.wait()


if __name__ == "__main__":
    main()
