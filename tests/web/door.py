"""The HTTP door on a free port, asked over real connections."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from outreach.project.config import Config
from outreach.project.load import load_config
from outreach.store.database import Database
from outreach.store.tables import event_due, raw_event
from outreach.web.opening import Opened
from outreach.web.serving import listen

ROOT = Path(__file__).parents[2]
PUBLIC = "https://outreach.example.com"
TOKEN = "0123456789abcdef0123456789abcdef"
KEY = bytes(range(32))
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)  # Monday 15:30 in Shanghai
SENDERS = """
[senders.abroad]
kind = "twilio_sms"
address = "+15005550006"
account = "AC00000000000000000000000000000000"
receipts_url = "https://outreach.example.com/twilio/abroad/status"

[senders.mainland]
kind = "sms_gateway_http"
address = "95000"
profile = "aliyun"
account = "10001"
signatures = ["示例证券"]
"""
DEADLINE = 60.0  # seconds; far more than anything here takes


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Door:
    """A door that is open."""

    opened: Opened
    port: int
    said: list[tuple[str, dict[str, Any]]]
    database: Database
    clock: list[datetime] = field(default_factory=lambda: [NOW])

    def ask(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        """One request on a connection of its own; `_` in the name of a header stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answer.read(), found)
        finally:
            connection.close()

    def twilio(
        self, path: str, form: Mapping[str, str], *, public: str = PUBLIC, **headers: str
    ) -> Answer:
        """A webhook as Twilio posts it, signed for the public address."""
        signature = RequestValidator(TOKEN).compute_signature(public + path, dict(form))
        return self.ask(
            "POST", path, urlencode(form), X_Twilio_Signature=signature,
            Content_Type="application/x-www-form-urlencoded; charset=utf-8", **headers,
        )  # fmt: skip

    def events(self) -> list[tuple[str, str, Any]]:
        """What is on record, as it came."""
        query = select(raw_event.c.source, raw_event.c.kind, raw_event.c.content)
        with self.database.reading() as conn:
            rows = list(conn.execute(query.order_by(raw_event.c.id)))
        return [(row[0], row[1], json.loads(row[2])) for row in rows]

    def applied(self) -> None:
        """Wait until nothing that came in is due any more."""
        self.until(lambda: self._due() == 0)

    def _due(self) -> int:
        with self.database.reading() as conn:
            return int(conn.execute(select(func.count()).select_from(event_due)).scalar_one())

    def until(self, so: Any) -> None:
        end = time.monotonic() + DEADLINE
        while not so():
            assert time.monotonic() < end, self.said
            time.sleep(0.002)


def config_of(folder: Path, web: str = "", senders: str = SENDERS) -> Config:
    """The shipped config with senders that report, and a [web] table."""
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    path = folder / "config.toml"
    table = f'\n[web]\nport = 0\npublic_url = "{PUBLIC}"\n{web}\n'
    path.write_text(text + senders + table, encoding="utf-8")
    config = load_config(path)
    assert isinstance(config, Config), config
    return config


@contextmanager
def open_door(
    folder: Path, database: Database, web: str = "", senders: str = SENDERS
) -> Iterator[Door]:
    """Open the door of the shipped project with senders that report; closed at the end."""
    with door_of(config_of(folder, web, senders), folder, database, "abroad") as door:
        yield door


@contextmanager
def door_of(config: Config, folder: Path, database: Database, *signing: str) -> Iterator[Door]:
    """Open the door of a config; its senders `signing` have the token. It may fail at nothing."""
    assert config.web is not None
    (socket,), said, clock = listen("127.0.0.1", 0), [], [NOW]
    lock = threading.Lock()

    def say(event: str, **facts: Any) -> None:
        with lock:
            said.append((event, facts))

    opened = Opened(
        config, config.web, database, key=KEY, secrets=dict.fromkeys(signing, TOKEN), root=folder,
        clock=lambda: clock[0], say=say, sockets=[socket],
    )  # fmt: skip
    opened.start()
    try:
        yield Door(opened, socket.getsockname()[1], said, database, clock)
    finally:
        opened.close()
    assert [one for one in said if one[0] in ("web_failed", "events_not_applied")] == []
