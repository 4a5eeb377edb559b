"""How a sender works, and what one process of it did."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from outreach.core.bounce.resting import USUAL, SoftRule
from outreach.core.model import Message, Outcome
from outreach.core.page_plan import Sheet
from outreach.core.rate import Limits
from outreach.core.run_values import RunValues
from outreach.core.unsubscribe import Unsubscribe
from outreach.project.definition import redefine
from outreach.store import runs
from outreach.store.database import Database

Clock = Callable[[], datetime]


class Adapter(Protocol):
    """What dispatch needs of a channel; the adapters are handed in."""

    @property
    def window(self) -> int: ...

    @property
    def echo(self) -> bool: ...

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]: ...


@dataclass(frozen=True)
class Sending:
    """How a sender works. `unavailable` is what an adapter raises when nothing was handed over."""

    database: Database
    adapter: Callable[[str], Adapter]  # by the name of the sender; opened when first needed
    unavailable: type[Exception]
    key: bytes  # of unsubscribe links
    owner: str
    clock: Clock
    window: int
    lease: timedelta
    tick: Callable[[int], None] = lambda done: None
    kind: Callable[[str], str | None] = lambda sender: None  # of a sender as it is configured now
    stopping: Callable[[], bool] = lambda: False  # asked before each window; what is left waits
    limits: Callable[[str], Limits] = Limits  # of a sender as it is configured now
    zone: tzinfo = UTC  # of the firm: whose days and hours the limits speak of
    shared_clock: bool = False  # permits go by PostgreSQL's clock, which all machines share
    elapsed: Callable[[], float] = time.monotonic  # seconds on a clock that nobody sets
    sleep: Callable[[float], None] = time.sleep
    content_errors: int = 20  # refusals of its text after which a run is paused
    soft: SoftRule = USUAL  # when an address rests that takes no mail for now


class Text(NamedTuple):
    """What a run's messages are rendered and judged with."""

    sheet: Sheet
    links: Unsubscribe | None
    opened_at: datetime

    def kind(self, sender: str) -> str | None:
        """The kind a sender was of when the run was planned."""
        routes = (route for some in self.sheet.routes.values() for route in some)
        return next((kind for _, name, kind in routes if name == sender), None)


class Turn(NamedTuple):
    """Permits in hand: so many, from a moment of `Sending.elapsed` on."""

    n: int
    at: float


@dataclass
class Tally:
    """What one process sent, and why senders gave up before the end, a sentence each: those in
    `down` are of no use to this process, those at rest to nobody. The others go on without them."""

    sent: int = 0
    down: dict[str, str] = field(default_factory=dict)
    resting: dict[str, str] = field(default_factory=dict)  # what the breaker says of senders
    alarms: list[str] = field(default_factory=list)  # what a person has to see
    # By the limit a batch comes under: permits whose moment has not come, and until when there are
    # none; meanwhile other senders are worked.
    turns: dict[str, Turn] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)  # windows in a row that had no wait
    first_days: dict[str, date] = field(default_factory=dict)
    turn: bool = False  # whether batches come before retries, which take turns
    prepared: set[str] = field(default_factory=set)  # limits that have their row
    _texts: dict[int, Text] = field(default_factory=dict)

    @property
    def stopped(self) -> str:
        """Why senders gave up, and what else a person has to see, a sentence a line."""
        return "\n".join(dict.fromkeys((*self.down.values(), *self.resting.values(), *self.alarms)))

    def text(self, sending: Sending, run_id: int) -> Text:
        """The run's texts, thawed from the database once a process."""
        if run_id not in self._texts:
            with sending.database.reading() as conn:
                self._texts[run_id] = _thawed(conn, run_id, sending.key)
        return self._texts[run_id]

    def renew(self, kept: int) -> None:
        """Begin again: senders that gave up may be back. Of the texts the newest `kept` stay."""
        self.sent = 0
        self.down.clear()
        self.resting.clear()
        self.alarms.clear()
        for run_id in list(self._texts)[: -kept or None]:
            del self._texts[run_id]

    def unripe(self, sending: Sending) -> tuple[str, ...]:
        """The limits whose moment has not come."""
        now = sending.elapsed()
        self.waits = {lane: at for lane, at in self.waits.items() if at > now}
        return tuple(self.waits)


def _thawed(conn: Connection, run_id: int, key: bytes) -> Text:
    run = runs.load(conn, run_id)
    if run is None:
        raise KeyError(f"there is no run {run_id}")
    definition, values = redefine(runs.parts(conn, run)), RunValues.load(run["values"])
    sheet = definition.sheet(definition.facts(values), values.constants, values.year)
    return Text(sheet, definition.unsubscribe(key), run["opened_at"])
