"""A brokerage in a folder, worked through its command line as people type it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from sqlalchemy import select

from outreach import clock as clock_room
from outreach.cli import main
from outreach.cli.door import Door
from outreach.store.database import Database
from outreach.store.tables import batch, message, outcome, window

ROOT = Path(__file__).parents[2]
MONDAY = "2026-09-28T15:30+08:00"  # three days before the National Day closure
HEADER = "客户号,姓名,手机号,电子邮箱,账户状态,时区,语言,持仓市值(元),开户日期,测评到期日,短信同意"
HALTS = "halt_id,market,symbol,name_zh,kind,halt_at,resume_at,resume_status,source\n"
DEADLINE = 120.0  # seconds; far more than anything here takes


def _closed_by(stack: ExitStack) -> Callable[[Door], Database]:
    """A process lets go of its database when it ends; here the command does."""
    opened = Door.open_database

    def open_database(door: Door) -> Database:
        database = opened(door)
        stack.callback(database.close)
        return database

    return open_database


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def person(number: int, **cells: str) -> str:
    """A row of a client file: a client with a phone and an e-mail address."""
    row = {
        "no": f"{number:06}", "name": f"客户{number}", "phone": f"1380000{number:04}",
        "email": f"c{number}@example.com", "status": "正常", "zone": "Asia/Shanghai",
        "language": "zh", "holdings": "1000", "opened": "2020-01-02", "assessed": "", "sms": "",
    }  # fmt: skip
    return ",".join({**row, **cells}.values())


@dataclass
class House:
    """The folder of a project; every command starts afresh from it."""

    folder: Path
    clock: str | None = MONDAY
    held_after: int | None = None  # e-mails after which each process started here waits
    besides: dict[str, str] = field(default_factory=dict)  # in the environment of processes
    haste: str = ""  # seconds between signs of life, until silence, between sweeps: of workers

    def type(self, *words: str, as_json: bool = False) -> Said:
        """Type a command; no traceback may ever reach the reader."""
        given = ["outreach", "--config", str(self.folder / "config.toml")]
        out, err, code = StringIO(), StringIO(), 0
        with ExitStack() as stack:
            stack.enter_context(patch.object(sys, "argv", [*given, *["--json"][:as_json], *words]))
            stack.enter_context(patch.object(sys, "stdout", out))
            stack.enter_context(patch.object(sys, "stderr", err))
            stack.enter_context(patch.dict(os.environ))
            stack.enter_context(patch.object(clock_room, "_started", time.monotonic()))
            os.environ.pop(clock_room.VARIABLE, None)
            if self.clock:
                os.environ[clock_room.VARIABLE] = self.clock
            stack.enter_context(patch.object(Door, "open_database", _closed_by(stack)))
            try:
                main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        said = Said(code, out.getvalue(), err.getvalue())
        assert "Traceback" not in said.err, said.err
        return said

    def must(self, *words: str) -> Said:
        """Type a command that has to succeed."""
        said = self.type(*words)
        assert said.code == 0, said
        return said

    def asked(self, *words: str, code: int = 0) -> Any:
        """The JSON document of a command."""
        said = self.type(*words, as_json=True)
        assert said.code == code, said
        return said.document

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def clients(self, *rows: str) -> None:
        """Take a client file in."""
        file = self.write("in/clients.csv", "\n".join([HEADER, *rows]) + "\n")
        self.must("clients", "import", file)

    def halted(self, as_of: str) -> None:
        """Take in that 600519 is halted since Monday morning, and that client 1 holds it."""
        row = "XSHG-600519-1,XSHG,600519,示例股份,continuous,2026-09-28T09:30:00+08:00,,none,test\n"
        self.must("halts", "import", self.write("in/halts.csv", HALTS + row), "--as-of", as_of)

    def approve(self, campaign: str) -> None:
        self.must("approve", campaign, "--as", "li.na")

    # --- what is so --------------------------------------------------------------------------

    @property
    def url(self) -> str:
        config = (self.folder / "config.toml").read_text(encoding="utf-8")
        url = next(
            (line.split('"')[1] for line in config.splitlines() if line.startswith("database")),
            "sqlite:///var/outreach.db",
        )
        return url.replace("sqlite:///var", f"sqlite:///{self.folder}/var")

    def query(self, look: Callable[[Any], Any]) -> Any:
        database = Database(self.url)
        try:
            with database.reading() as conn:
                return look(conn)
        finally:
            database.close()

    def on_disk(self) -> Counter[int]:
        """How often each message stands in the outbox folder."""
        found: Counter[int] = Counter()
        for eml in self.folder.glob("var/outbox/*/email/*/*.eml"):
            found[int(eml.stem)] += 1
        for lines in self.folder.glob("var/outbox/*/sms.jsonl"):
            for line in lines.read_text(encoding="utf-8").splitlines():
                found[int(json.loads(line)["message"])] += 1
        return found

    def sms(self) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for path in sorted(self.folder.glob("var/outbox/*/sms.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]

    def outcomes(self) -> dict[int, str]:
        """The last outcome of each message that has one."""
        query = select(outcome.c.message_id, outcome.c.state).order_by(outcome.c.window_id)
        found: dict[int, str] = self.query(
            lambda conn: {row[0]: row[1] for row in conn.execute(query)}
        )
        return found

    def planned(self) -> int:
        return len(self.query(lambda conn: conn.execute(select(message.c.id)).all()))

    def owners(self) -> set[str]:
        query = select(batch.c.owner).where(batch.c.owner.is_not(None))
        again = select(window.c.owner)
        found: set[str] = self.query(
            lambda conn: {*conn.execute(query).scalars(), *conn.execute(again).scalars()}
        )
        return found

    @property
    def gate(self) -> Path:
        """The file that holds processes back while it is there (`held_after`)."""
        return self.folder / "held"

    # --- processes ---------------------------------------------------------------------------

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command in a process (and process group) of its own."""
        environment = {k: v for k, v in os.environ.items() if k != clock_room.VARIABLE}
        environment |= self.besides
        if self.clock:
            environment[clock_room.VARIABLE] = self.clock
        if self.held_after is not None:
            self.gate.touch()
            environment |= {"HELD_AFTER": str(self.held_after), "HELD_GATE": str(self.gate)}
        if self.haste:
            environment["HASTE"] = self.haste
        if self.haste or self.held_after is not None:
            environment["PYTHONPATH"] = str(Path(__file__).parent / "held")
        command = ["-m", "outreach", "--config", str(self.folder / "config.toml"), *words]
        return subprocess.Popen(
            [sys.executable, *command], env=environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def until(so: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> bool:
    """Wait for something to be so; False when the process ended first."""
    end = time.monotonic() + DEADLINE
    while not so():
        if process is not None and process.poll() is not None:
            return so()
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)
    return True


def kill_all(process: subprocess.Popen[str]) -> None:
    """kill -9 of a process and its children, all at the same moment."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def shipped(folder: Path, url: str | None = None) -> House:
    """The project as it is shipped, its database made, its calendars in."""
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "config.toml", folder / "config.toml")
    house = House(folder)
    if url:
        house.edit("config.toml", '"sqlite:///var/outreach.db"', f'"{url}"')
    house.must("db", "upgrade")
    return house


def senders_of(process: subprocess.Popen[str]) -> Sequence[int]:
    """The sender processes that a run has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in children.read_text().split()] if children.exists() else []
