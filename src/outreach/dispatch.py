"""Leg 2: claim a batch, look again, commit the intent, send, append what came of it.

No transaction is open while an adapter sends. A window whose intent is committed and whose outcome
is not is in doubt, and nobody sends it again by himself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import Connection, Row

from outreach.core.masking import masked_text
from outreach.core.model import Defer, Message, Outcome, Suppress
from outreach.core.page_plan import PAGE_COLUMNS, Sheet, choice_on
from outreach.core.render import content_digest
from outreach.core.run_values import RunValues
from outreach.core.unsubscribe import Unsubscribe
from outreach.core.words import Channel, Reason, State
from outreach.project.definition import redefine
from outreach.store import facts, runs, takeover, windows
from outreach.store.database import Database

Clock = Callable[[], datetime]
RETRIES_AT_ONCE = 200


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


class Text(NamedTuple):
    """What a run's messages are rendered and judged with."""

    sheet: Sheet
    links: Unsubscribe | None
    opened_at: datetime

    def kind(self, sender: str) -> str | None:
        """The kind a sender was of when the run was planned."""
        routes = (route for some in self.sheet.routes.values() for route in some)
        return next((kind for _, name, kind in routes if name == sender), None)


@dataclass
class Tally:
    """What one process sent, and why in a sentence a sender of the config gave up before the end:
    the others go on without it."""

    sent: int = 0
    down: dict[str, str] = field(default_factory=dict)
    _texts: dict[int, Text] = field(default_factory=dict)

    def renew(self, kept: int) -> None:
        """Begin again: senders that gave up may be back. Of the texts the newest `kept` stay."""
        self.sent = 0
        self.down.clear()
        for run_id in list(self._texts)[: -kept or None]:
            del self._texts[run_id]

    @property
    def stopped(self) -> str:
        """Why senders gave up, a sentence a line; empty when none did."""
        return "\n".join(dict.fromkeys(self.down.values()))

    def text(self, sending: Sending, run_id: int) -> Text:
        """The run's texts, thawed from the database once a process."""
        if run_id not in self._texts:
            with sending.database.reading() as conn:
                self._texts[run_id] = _thawed(conn, run_id, sending.key)
        return self._texts[run_id]


def _thawed(conn: Connection, run_id: int, key: bytes) -> Text:
    run = runs.load(conn, run_id)
    if run is None:
        raise KeyError(f"there is no run {run_id}")
    definition, values = redefine(runs.parts(conn, run)), RunValues.load(run["values"])
    sheet = definition.sheet(definition.facts(values), values.constants, values.year)
    return Text(sheet, definition.unsubscribe(key), run["opened_at"])


# --- the loop --------------------------------------------------------------------------------


def work(sending: Sending, run_id: int | None, tally: Tally) -> bool:
    """Work one due batch, or the due retries of one sender; False when there was nothing to do."""
    return work_batch(sending, run_id, tally) or work_retries(sending, run_id, tally)


def work_batch(
    sending: Sending, run_id: int | None, tally: Tally, batch_id: int | None = None
) -> bool:
    """Work the first due batch, or a certain one; False when it is not due or somebody has it."""
    if sending.stopping():
        return False
    with sending.database.begin() as tx:
        now, down = sending.clock(), tuple(tally.down)
        lease = windows.claim(tx, sending.owner, now, sending.lease, run_id, down, batch_id)
    if lease is not None:
        _work_batch(sending, lease, tally)
    return lease is not None


def work_retries(sending: Sending, run_id: int | None, tally: Tally) -> bool:
    """Work the due retries of one sender; False when there are none."""
    if sending.stopping():
        return False
    with sending.database.begin() as tx:
        now, down = sending.clock(), tuple(tally.down)
        due = windows.due_retries(
            tx, sending.owner, now, sending.lease, run_id, RETRIES_AT_ONCE, besides=down
        )
    if due is not None:
        _work_retries(sending, *due, tally)
    return due is not None


def drain(sending: Sending, run_id: int | None, tally: Tally) -> None:
    """Work until nothing is due that a sender which can send might take."""
    while work(sending, run_id, tally):
        pass


def _work_batch(sending: Sending, lease: windows.Lease, tally: Tally) -> None:
    """Send a batch window by window; each transaction settles one window and opens the next."""
    batch, database = lease.batch, sending.database
    text = tally.text(sending, batch.run_id)
    adapter = _adapter(sending, text, batch.sender, tally)
    if adapter is None:
        with database.begin() as tx:
            windows.give_back(tx, lease)
        return
    size = min(sending.window, adapter.window)
    settled: windows.Settlement | None = None
    first = batch.next_id
    while first <= batch.last_id:
        ids = range(first, min(first + size, batch.last_id + 1))
        ready = _ready(sending, text, batch, ids)
        with database.begin() as tx:
            now = sending.clock()
            window_id = windows.intend(tx, lease, ids[-1], now, sending.lease)
            _settle(tx, settled, now)
        settled = None
        if window_id is None:
            break
        settled = _send(sending, adapter, lease, window_id, ready, now + sending.lease, tally)
        if settled is None or batch.sender in tally.down or sending.stopping():
            break
        first = ids[-1] + 1
    with database.begin() as tx:
        windows.give_back(tx, lease)
        _settle(tx, settled, sending.clock())
    takeover.cancel_left(database, batch.run_id, sending.clock())


def _work_retries(
    sending: Sending, lease: windows.Lease, window_id: int, ids: list[int], tally: Tally
) -> None:
    text = tally.text(sending, lease.batch.run_id)
    adapter = _adapter(sending, text, lease.batch.sender, tally)
    if adapter is None:
        with sending.database.begin() as tx:
            windows.withdraw_intent(tx, lease, window_id)
        return
    ready = _ready(sending, text, None, ids)
    # The transaction that opened the window took the time a moment ago, so this is a little long.
    until = sending.clock() + sending.lease
    settled = _send(sending, adapter, lease, window_id, ready, until, tally)
    if settled is not None:
        with sending.database.begin() as tx:
            _settle(tx, settled, sending.clock())
    takeover.cancel_left(sending.database, lease.batch.run_id, sending.clock())


def _adapter(sending: Sending, text: Text, sender: str, tally: Tally) -> Adapter | None:
    """The channel of a sender, if it can send and is still what the policy judged the plan by."""
    planned, now = text.kind(sender), sending.kind(sender)
    if planned and now and planned != now:
        tally.down[sender] = (
            f"{sender}: the run was planned for a sender of kind {planned}, config.toml now says"
            f" {now}; set it back, or cancel the run and plan it anew"
        )
        return None
    try:
        return sending.adapter(sender)
    except sending.unavailable as error:
        tally.down[sender] = str(error)
        return None


def _settle(tx: Connection, settled: windows.Settlement | None, now: datetime) -> None:
    """Append what came of a window, also when somebody took us for gone meanwhile."""
    if settled is not None and not windows.settle(tx, settled, now):
        takeover.settle_late(tx, settled, now)


def _send(
    sending: Sending,
    adapter: Adapter,
    lease: windows.Lease,
    window_id: int,
    ready: "Ready",
    until: datetime,
    tally: Tally,
) -> windows.Settlement | None:
    """Hand a window over. None: nothing was handed over, and the intent was taken back."""
    sender, why = lease.batch.sender, ""
    given: dict[int, Outcome] = {}
    if sending.clock() >= until:  # this process stood still: others may have taken us for gone
        with sending.database.begin() as tx:
            windows.withdraw_intent(tx, lease, window_id)
        return None
    try:
        for message_id, outcome in adapter.send(ready.messages):
            given[message_id] = outcome
    except sending.unavailable as error:
        tally.down[sender] = why = str(error)
        if not given:
            with sending.database.begin() as tx:
                windows.withdraw_intent(tx, lease, window_id)
            return None
    except Exception as error:
        tally.down[sender] = why = f"{sender}: {type(error).__name__}: {masked_text(str(error))}"
    outcomes = {**ready.decided, **given}
    # Whatever an adapter left without an outcome may have gone out.
    doubt = Outcome(State.IN_DOUBT, "no_outcome", why)
    for message in ready.messages:
        outcomes.setdefault(message.id, doubt)
    tally.sent += len(ready.messages)
    sending.tick(tally.sent)
    return windows.Settlement(
        window_id,
        lease.batch.run_id,
        sender,
        lease.token,
        list(outcomes.items()),
        ready.waits,
        by_reference=not adapter.echo,
    )


# --- what goes into a window -----------------------------------------------------------------


class Ready(NamedTuple):
    """A window about to be sent: rendered messages, and those that will not go after all."""

    messages: list[Message]
    decided: dict[int, Outcome]
    waits: dict[int, datetime]


def _ready(sending: Sending, text: Text, batch: Row[Any] | None, ids: Sequence[int]) -> Ready:
    now = sending.clock()
    with sending.database.reading() as conn:
        rows = windows.messages(conn, ids)
        stopped, waits = _second_look(conn, text, batch, rows, now)
    going = [row for row in rows if row.id not in stopped]
    messages, changed = _render(text, going)
    return Ready(messages, stopped | changed, waits)


def _second_look(
    conn: Connection, text: Text, batch: Row[Any] | None, rows: Sequence[Row[Any]], now: datetime
) -> tuple[dict[int, Outcome], dict[int, datetime]]:
    """Ask the policy again when the plan is old or a ledger has moved since; who may not go now."""
    if batch is not None and now < batch.good_until and _as_planned(facts.marks(conn), batch):
        return {}, {}
    sheet = text.sheet
    if sheet.campaign.halts_max_age_hours is not None:
        as_of = facts.halts_as_of(conn, sheet.campaign.halt_markets)
        fresh = replace(sheet.campaign, halts_as_of=as_of)
        sheet = replace(sheet, campaign=fresh)
    ids = sorted({row.client_id for row in rows})
    columns = (*PAGE_COLUMNS, *sheet.preferences)
    clients = {row[0]: row for row in facts.clients(conn, ids, columns)}
    gathered = facts.gather(
        conn,
        ids,
        channels=sheet.channels,
        purpose=sheet.campaign.purpose,
        cap=sheet.campaign.cap,
        now=now,
        grants=any(gate.name == "consent" for gate in sheet.gates),
        sharing=(),
        besides_run=rows[0].run_id,
    )
    stopped: dict[int, Outcome] = {}
    waits: dict[int, datetime] = {}
    for row in rows:
        known = clients[row.client_id]
        candidate = sheet.candidate(known)
        choice = choice_on(sheet, known, candidate, Channel(row.channel), gathered, set(), now)
        verdict = choice.decision.verdict
        if not isinstance(verdict, Suppress) and choice.address != row.address:
            why = "the client's address changed after the plan"
            stopped[row.id] = Outcome(State.SUPPRESSED, Reason.ADDRESS_INVALID, why)
        elif isinstance(verdict, Suppress):
            state = State.EXPIRED if verdict.reason == Reason.STALE else State.SUPPRESSED
            stopped[row.id] = Outcome(state, verdict.reason, "second look")
        elif isinstance(verdict, Defer):
            stopped[row.id] = Outcome(State.READY, verdict.reason, "second look")
            waits[row.id] = verdict.until
    return stopped, waits


def _as_planned(marks: facts.Marks, batch: Row[Any]) -> bool:
    """Whether no consent, block or client file came in since the batch was decided on."""
    if batch.book_mark % 2:  # a file was being taken in: it may have changed any client since
        return False
    planned = (batch.consent_mark, batch.block_mark, batch.book_mark)
    return (marks.consent, marks.block, marks.book) == planned


def _render(text: Text, rows: Sequence[Row[Any]]) -> tuple[list[Message], dict[int, Outcome]]:
    """Render again from the frozen template; what is not exactly what was planned does not go."""
    messages: list[Message] = []
    changed: dict[int, Outcome] = {}
    ends = text.sheet.campaign.expires_at
    groups: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault((row.channel, row.locale), []).append(row)
    loads, url = orjson.loads, text.links.url if text.links else None
    for (channel, locale), members in groups.items():
        values = [tuple(loads(row.values)) for row in members]
        rendered = text.sheet.template.render(
            Channel(channel), locale, text.sheet.constants[locale], values
        )
        linked = url if channel == Channel.EMAIL else None
        for row, parts in zip(members, rendered, strict=True):
            if type(parts) is not tuple or content_digest(parts) != row.content_digest:
                changed[row.id] = Outcome(
                    State.FAILED, "content_changed", "the text is no longer what was planned"
                )
                continue
            link = linked(row.client_id) if linked else None
            messages.append(
                Message(row.id, row.run_id, row.address, locale, parts, text.opened_at, link, ends)
            )
    return messages, changed
