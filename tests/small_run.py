"""A small run on a real database, sent through memory channels: to plan, stop, crash and repair."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from outreach import dispatch, plan
from outreach.channels import ChannelUnavailable
from outreach.channels.memory import MemoryChannel
from outreach.core.bounce.resting import USUAL, SoftRule
from outreach.core.message_state import Happened, Standing, derive
from outreach.core.model import Message, Outcome
from outreach.core.rate import Limits
from outreach.core.receipt import Heard
from outreach.core.words import Channel, State
from outreach.project.definition import Definition, define
from outreach.project.load import load_project
from outreach.store import runs, takeover
from outreach.store.database import Database
from outreach.store.receipts import HEARD_COLUMNS
from outreach.store.tables import batch, message, outcome, receipt, retry
from tests.project.small_project import change, make_project
from tests.store.client_book import add, row

NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)  # Monday 15:30 in Shanghai
KEY = bytes(range(32))
SHANGHAI = ZoneInfo("Asia/Shanghai")
LEASE = timedelta(seconds=60)
OPEN = frozenset({State.READY, State.HELD, State.SENDING})
Answer = Callable[[Message], Outcome | None]


class Crash(BaseException):
    """The process ends here: nothing after it runs."""


class PageDone(Exception):
    """Planning stops after one page, as if the process had ended."""


class Gateway(MemoryChannel):
    """A channel that notes what it was handed and answers by script; the usual answer is yes."""

    def __init__(self, channel: Channel, window: int) -> None:
        super().__init__(channel)
        self.window = window
        self.answer: Answer = lambda _message: None
        self.script = lambda one: self.answer(one)
        self.before: Callable[[], None] = lambda: None

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        self.before()
        yield from super().send(messages)

    @property
    def handed(self) -> Counter[int]:
        return Counter(one.id for one in self.sent)


def client(id_: int, **facts: Any) -> dict[str, Any]:
    """A client who has a phone and an e-mail address and may be written to."""
    reachable = {
        "status": "normal", "zone": "Asia/Shanghai", "country": "CN",
        "phone": f"+861380000{id_:04}", "phone_state": "ok", "phone_country": "CN",
        "email": f"c{id_}@example.com", "email_state": "ok",
    }  # fmt: skip
    return row(id_, **{**reachable, **facts})


def definition(
    folder: Path, *changes: tuple[str, str, str], campaign: str = "notice"
) -> Definition:
    """The definition of a campaign of the small project, some of its texts changed before."""
    path = make_project(folder)
    for name, old, new in changes:
        change(folder, name, old, new)
    project, problems = load_project(path)
    assert project is not None, problems
    return define(project, campaign)


@dataclass
class SmallRun:
    """One run and its senders; `now` is the clock of all of them."""

    database: Database
    made_from: Definition
    now: datetime = NOW
    page: int = 100
    window: int = 3
    occurrence: str | None = None
    run_id: int = 0
    gateways: dict[str, Gateway] = field(default_factory=dict)
    limits: dict[str, Limits] = field(default_factory=dict)
    soft: SoftRule = USUAL
    elapsed: float = 0.0  # on the clock that nobody sets

    def __post_init__(self) -> None:
        for name, sender in self.made_from.config.senders.items():
            self.gateways.setdefault(name, Gateway(sender.channel, self.window))
        with self.database.reading() as conn:
            due = plan.prepare(conn, self.made_from, self.occurrence, self.now)
        assert isinstance(due, plan.Due), due
        due = due._replace(values=replace(due.values, approved=True))
        self.run_id, self.fresh = plan.open_run(self.database, due, "test", self.now)

    def clock(self) -> datetime:
        return self.now

    # --- what may happen ---------------------------------------------------------------------

    def plan(self) -> None:
        """Plan all pages that are left."""
        plan.work(self.database, self.run_id, KEY, self.clock, self.page, lambda done: None)

    def plan_page(self) -> None:
        """Plan one page, and end as if the process had been killed after it."""

        def stop(_done: int) -> None:
            raise PageDone

        with suppress(PageDone):
            plan.work(self.database, self.run_id, KEY, self.clock, self.page, stop)

    def sending(self, owner: str = "a") -> dispatch.Sending:
        return dispatch.Sending(
            self.database, self.gateways.__getitem__, ChannelUnavailable, KEY, owner, self.clock,
            self.window, LEASE, elapsed=lambda: self.elapsed,
            sleep=lambda seconds: self.pass_time(seconds=max(seconds, 0.001)),
            limits=lambda sender: self.limits.get(sender, Limits(sender)), zone=SHANGHAI,
            content_errors=4, soft=self.soft,
        )  # fmt: skip

    def work(self, owner: str = "a", tally: dispatch.Tally | None = None) -> bool:
        """Work one batch, or the retries that are due."""
        return dispatch.work(self.sending(owner), self.run_id, tally or dispatch.Tally())

    def drain(self, owner: str = "a") -> dispatch.Tally:
        tally = dispatch.Tally()
        dispatch.drain(self.sending(owner), self.run_id, tally)
        return tally

    def crash(self, after: int, owner: str = "a") -> bool:
        """Work until `after` messages were handed over, and end there; False if it never came."""
        left = [after]

        def answer(_message: Message) -> Outcome | None:
            if left[0] == 0:
                raise Crash
            left[0] -= 1
            return None

        usual = {name: one.answer for name, one in self.gateways.items()}
        for gateway in self.gateways.values():
            gateway.answer = answer
        try:
            self.work(owner)
        except Crash:
            # What was handed over when the process ended may have gone out.
            return True
        finally:
            for name, gateway in self.gateways.items():
                gateway.answer = usual[name]
        return False

    def sweep(self, *gone: str) -> takeover.Swept:
        return takeover.sweep(self.database, self.now, gone, self.run_id)

    def move(self, to: str, *since: str) -> bool:
        with self.database.begin() as tx:
            return runs.move(tx, self.run_id, to, self.now, "test", since=since)

    def cancel(self) -> int:
        self.move("cancelled", "planning", "sending", "paused")
        with self.database.begin() as tx:
            return takeover.cancel_rest(tx, self.run_id, self.now, "test")

    def supersede(self, by: int = 99) -> bool:
        with self.database.begin() as tx:
            return runs.supersede(tx, self.run_id, by, self.now, "test")

    def pass_time(self, **length: float) -> None:
        self.now += timedelta(**length)
        self.elapsed += timedelta(**length).total_seconds()

    # --- what is so --------------------------------------------------------------------------

    @property
    def state(self) -> str:
        with self.database.reading() as conn:
            found = runs.load(conn, self.run_id)
        assert found is not None
        return str(found["state"])

    def counts(self) -> dict[str, int]:
        """The run's counters of message states."""
        with self.database.reading() as conn:
            return runs.counts(conn, self.run_id).get("state", {})

    def states(self) -> dict[int, State]:
        """The state of each message, derived from its facts here and now."""
        with self.database.reading() as conn:
            rows = conn.execute(
                select(message.c.id, batch.c.next_id, batch.c.state, batch.c.not_before)
                .join(batch, batch.c.id == message.c.batch_id)
                .where(message.c.run_id == self.run_id)
            ).all()
            happened: dict[int, list[Happened]] = {}
            for one in conn.execute(select(outcome)):
                got = Happened(one.window_id, one.state, one.code, one.detail, "", b"", one.at)
                happened.setdefault(one.message_id, []).append(got)
            retries = {one.message_id: one for one in conn.execute(select(retry))}
            heard: dict[int, list[Heard]] = {}
            for number, *said in conn.execute(select(receipt.c.message_id, *HEARD_COLUMNS)):
                heard.setdefault(number, []).append(Heard(*said))
        superseded = self.state == "superseded"
        found = {}
        for id_, next_id, batch_state, not_before in rows:
            again = retries.get(id_)
            standing = Standing(
                id_ < next_id, batch_state, not_before,
                again.not_before if again else None, bool(again and again.window_id),
                superseded=superseded,
            )  # fmt: skip
            found[id_] = derive(happened.get(id_, ()), standing, self.now, heard.get(id_, ()))
        return found

    def tally(self) -> dict[str, int]:
        """The derived states counted, those that still wait or are being sent as one."""
        return merged(Counter(str(state) for state in self.states().values()))

    def outcomes(self) -> dict[int, list[tuple[str, str]]]:
        """(state, code) of each outcome of each message, in order."""
        found: dict[int, list[tuple[str, str]]] = {}
        with self.database.reading() as conn:
            rows = conn.execute(select(outcome).order_by(outcome.c.window_id)).all()
        for one in rows:
            found.setdefault(one.message_id, []).append((one.state, one.code))
        return found

    def handed(self) -> Counter[int]:
        """How often each message was handed to a channel."""
        return sum((one.handed for one in self.gateways.values()), Counter())

    def rows_of(self, table: Any) -> int:
        with self.database.reading() as conn:
            return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def merged(counts: dict[str, int] | Counter[str]) -> dict[str, int]:
    """Counters with the open states as one, since the clock alone moves messages among them."""
    waiting = sum(n for state, n in counts.items() if state in OPEN)
    rest = {state: n for state, n in counts.items() if n and state not in OPEN}
    return {**rest, **({"open": waiting} if waiting else {})}


def opened(
    database: Database, folder: Path, clients: Iterable[dict[str, Any]], **more: Any
) -> SmallRun:
    """A run of the notice, one SMS a client who has a phone, opened and not planned yet."""
    with database.begin() as tx:
        add(tx, list(clients))
    return SmallRun(database, definition(folder), **more)
