"""A process that dies while an SMS gateway has its requests: the gateway's own list is the witness.

Whatever the gateway took stands as accepted or in doubt, and it is never asked twice.
"""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from outreach.core.words import State
from outreach.store.tables import message, outcome
from tests.channels.gateway import ACCOUNT, SECRET, Asked, Gateway, gateway
from tests.journeys.house import House, kill_all, person, until
from tests.project.small_project import change, make_project

CLIENTS = 60
WINDOW = 10
SENDER = """\
[senders.sms-file]
kind = "sms_gateway_http"
address = "95000"
profile = "direct"
account = "{account}"
base_url = "{url}"
signatures = ["示例证券"]
timeout = 2
"""


class Held:
    """A script that holds one request back, and from then on all, until it is let go."""

    def __init__(self, at: int, then: str | None) -> None:
        self._at, self._then = at, then
        self._given, self._lock = 0, threading.Lock()
        self.held, self.released = threading.Event(), threading.Event()

    def __call__(self, asked: Asked) -> Any:
        with self._lock:
            self._given += 1
            mine = self._given >= self._at and not self.released.is_set()
        if not mine:
            return None
        self.held.set()
        self.released.wait()
        return self._then


def sms_house(folder: Path, url: str, server: Gateway) -> House:
    make_project(folder)
    change(folder, "campaigns/notice.toml", 'channels = ["sms", "email"]', 'channels = ["sms"]')
    config = folder / "config.toml"
    text = config.read_text(encoding="utf-8").partition("[limits.contact_hours]")[0]
    head, _, rest = text.partition("[senders.sms-file]")
    rest = rest[rest.index("[senders.mail-file]") :]
    database = f'database = "{url}"\n\n' if "postgresql" in url else ""
    sender = SENDER.format(account=ACCOUNT, url=server.url)
    settings = f"[engine]\npage = 100\nwindow = {WINDOW}\nlease_seconds = 10\n"
    config.write_text(f"{database}{head}{sender}\n{rest}{settings}", encoding="utf-8")
    house = House(folder, clock=None)
    house.must("db", "upgrade")
    house.clients(*(person(n, email="") for n in range(1, CLIENTS + 1)))
    house.approve("notice")
    return house


def states(house: House) -> dict[str, str]:
    """The state of each message, by its number as the gateway knows it."""
    query = (
        select(message.c.address, outcome.c.state)
        .join(outcome, outcome.c.message_id == message.c.id)
        .order_by(outcome.c.window_id)
    )
    found: dict[str, str] = house.query(
        lambda conn: {row[0][-11:]: row[1] for row in conn.execute(query)}
    )
    return found


@pytest.mark.parametrize(
    ("moment", "then"),  # requests, of which each has a window; what comes of the one held back
    [(1, None), (4, None), (4, "taken_500"), (1, "taken_cut"), (4, "cut")],
)
def test_a_run_killed_while_a_gateway_has_its_requests_sends_nothing_twice(
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
    then: str | None,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OUTREACH_SECRET_SMS_FILE", SECRET)
    held = Held(moment, then)
    with gateway("direct", {}, held) as server:
        house = sms_house(tmp_path, database_url, server)
        process = house.start("run", "notice")
        assert until(held.held.is_set, process), process.communicate()
        kill_all(process)
        held.released.set()
        said = house.type("run", "notice")

        found = states(house)
        taken = Counter(one.number[-11:] for one in server.taken)
        accepted = {number for number, state in found.items() if state == State.ACCEPTED}
        doubted = {number for number, state in found.items() if state == State.IN_DOUBT}

        assert server.signed_wrong == []
        assert len(found) == CLIENTS == len(accepted) + len(doubted)
        assert max(taken.values()) == 1, "sent twice"
        assert accepted <= set(taken) <= accepted | doubted
        assert 0 < len(doubted) <= WINDOW
        assert said.code == 1
        assert len(house.asked("runs", "doubts", "1")["messages"]) == len(doubted)
