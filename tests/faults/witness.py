"""A mail server that remembers what it took, whoever asks: the witness outside.

It can hold still at a certain mail, so that something may die in that very moment, and answer as
servers do on their bad days.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from outreach.core.words import State
from outreach.store.tables import message, outcome
from tests.channels.mta import CUT, Mta, Running
from tests.journeys.house import House, person
from tests.project.small_project import change, make_project

# What the server says to the n-th mail that it was given whole; None: the usual yes.
Script = Callable[[int], str | None]
WINDOW = 10
SENDER = """\
[senders.mail-file]
kind = "smtp"
address = "service@example.com"
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
timeout = {timeout}
"""


def yes(_number: int) -> str | None:
    return None


@dataclass
class Witness:
    """Counts the mails it took, by recipient."""

    script: Script = yes
    hold_at: int | None = None  # the number of the mail at which it stops to answer
    seen: Counter[str] = field(default_factory=Counter)
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    _given: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, verb: str, argument: str, _number: int) -> str | None:
        if verb != "END":
            return None
        with self._lock:
            self._given += 1
            number = self._given
            said = self.script(number)
            if said is None or said == CUT or said.startswith("2") or not said[:1].isdigit():
                self.seen[argument] += 1
        if self.hold_at is not None and number >= self.hold_at:
            self.held.set()
            self.released.wait()
        return said

    @property
    def given(self) -> int:
        """Mails it was given whole, taken or not."""
        return self._given

    def go_on(self) -> None:
        """Answer again, what waits and what comes."""
        self.hold_at = None
        self.released.set()


@contextmanager
def watched(witness: Witness) -> Iterator[Witness]:
    """The witness on a port of the loopback address."""
    server = Running(
        lambda _: Mta("PIPELINING", "8BITMIME", answer=witness.answer, taken=[])
    )  # fmt: skip
    witness.port = server.port
    try:
        yield witness
    finally:
        server.hang_up()
        witness.go_on()
        server.stop()


def mail_house(
    folder: Path, url: str, port: int, clients: int, engine: str = "", timeout: float = 30
) -> House:
    """A house that writes an e-mail to each client, through the witness, at any hour."""
    make_project(folder)
    change(folder, "campaigns/notice.toml", 'channels = ["sms", "email"]', 'channels = ["email"]')
    config = folder / "config.toml"
    head, _, rest = config.read_text(encoding="utf-8").partition("[senders.mail-file]")
    routes = rest[rest.index("[[routes]]") : rest.index("[limits.contact_hours]")]
    database = f'database = "{url}"\n\n' if "postgresql" in url else ""
    sender = SENDER.format(port=port, timeout=timeout)
    settings = f"[engine]\npage = 100\nwindow = {WINDOW}\nlease_seconds = 10\n{engine}"
    config.write_text(f"{database}{head}{sender}\n{routes}{settings}", encoding="utf-8")
    house = House(folder, clock=None)
    house.must("db", "upgrade")
    house.clients(*(person(n, phone="") for n in range(1, clients + 1)))
    house.approve("notice")
    return house


def accounted(house: House, witness: Witness, clients: int, doubtful: int) -> Counter[str]:
    """Nothing lost and nothing twice by what the witness saw, and every doubt flagged: how many
    messages are in each state."""
    found = house.query(
        lambda conn: {
            row.address: row.state
            for row in conn.execute(
                select(message.c.address, outcome.c.state)
                .join(outcome, outcome.c.message_id == message.c.id)
                .order_by(outcome.c.window_id)
            )
        }
    )
    states = Counter(found.values())
    taken = {address for address, state in found.items() if state == State.ACCEPTED}
    doubted = {address for address, state in found.items() if state == State.IN_DOUBT}

    assert house.planned() == len(found) == clients
    assert max(witness.seen.values(), default=0) <= 1, "sent twice"
    assert taken <= set(witness.seen), "called accepted, and nobody has it"
    assert set(witness.seen) <= taken | doubted, "the witness has it, and we do not know"
    assert states[State.IN_DOUBT] <= doubtful
    assert house.asked("runs", "show", "1")["messages"] == {k: n for k, n in states.items() if n}
    told = house.asked("runs", "doubts", "1")
    assert len(told["messages"]) == states[State.IN_DOUBT]
    assert house.asked("audit", "verify")["ok"] is True
    return states
