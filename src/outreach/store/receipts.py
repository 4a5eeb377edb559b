"""What providers say later of messages, written set-wise: a handful of statements for hundreds.

A receipt moves the counters of its run in the transaction that appends it. It counts only once the
outcome of its message is stored, so that nothing is counted from a state nobody has recorded.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, delete, select

from outreach.core import receipt as rules
from outreach.core.receipt import Heard, Receipt
from outreach.core.words import STATES, State
from outreach.store import references
from outreach.store.audit import Entry
from outreach.store.by_time import first_since
from outreach.store.covered import cover
from outreach.store.database import add_counts, allocate, append
from outreach.store.message_past import Past, past_of
from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import STOPPED, frequency_use, message, receipt, retry, run

COLUMNS: Final = tuple(column.name for column in receipt.columns)
HEARD_COLUMNS: Final = tuple(receipt.c[name] for name in Heard._fields)
_DID_NOT_GO: Final = (State.FAILED, State.SUPPRESSED, State.EXPIRED, State.CANCELLED)


class Saying(NamedTuple):
    """A receipt with the event it came by. `sender` may only speak of its own messages; None
    speaks of any."""

    event_id: int
    sender: str | None
    receipt: Receipt


Became = Literal["taken", "waits", "aside"]


class Result(NamedTuple):
    """What a receipt came to. One that says what is known already is taken, and adds nothing."""

    became: Became
    reason: str = ""  # why it waits or is set aside
    detail: str = ""


@dataclass
class Recorded:
    """What receipts came to, in the order given, and what the log must say of them."""

    results: list[Result]
    rows: int = 0
    entries: list[Entry] = field(default_factory=list)
    slower: dict[str, float] = field(default_factory=dict)  # senders that are to wait, seconds


def record(tx: Connection, said: Sequence[Saying], at: datetime) -> Recorded:
    """Append the receipts whose messages are known and have their outcomes; move the counters, call
    off tries that are not needed any more. Locks: windows, retries, counters, in this order. The
    entries go into the log at the end of the transaction."""
    if not said:
        return Recorded([])
    named = _named(tx, said)
    rows = _messages(tx, {number for one in named for number in one})
    past = past_of(tx, list(rows.values()))
    results: list[Result] = []
    good: dict[int, list[Saying]] = {}
    for one, numbers in zip(said, named, strict=True):
        number, result = _meant(one, [rows[n] for n in numbers if n in rows], past)
        results.append(result)
        if number is not None and result.became == "taken":
            good.setdefault(number, []).append(one)
    called_off, lost = _called_off(tx, good, past)
    for number in lost:  # a sender took them up this moment: they are told when it is done
        stolen = {id(one) for one in good.pop(number)}
        for index, one in enumerate(said):
            if id(one) in stolen:
                results[index] = Result("waits", "in_hand")
    change = _change(good, rows, past, called_off)
    return Recorded(results, len(change.news), _write(tx, change, at), _slower(change, at))


# --- which message is meant ------------------------------------------------------------------


def _named(conn: Connection, said: Sequence[Saying]) -> list[list[int]]:
    """The messages each receipt may mean: the one it numbers, those to its address among the ones
    its mark names, else those under its reference."""
    wanted: dict[str, set[str]] = defaultdict(set)
    marked: dict[tuple[int, int], set[str]] = defaultdict(set)
    for one in said:
        if one.receipt.message_id is not None:
            continue
        if one.receipt.among is not None:
            marked[one.receipt.among].add(one.receipt.address)
        elif one.sender is not None:
            wanted[one.sender].add(one.receipt.reference)
    found = references.meant(conn, wanted)
    near = {among: _to(conn, among, some) for among, some in marked.items()}
    return [_candidates(one.receipt, one.sender or "", found, near) for one in said]


def _candidates(
    said: Receipt,
    sender: str,
    found: Mapping[tuple[str, str], list[int]],
    near: Mapping[tuple[int, int], Mapping[str, list[int]]],
) -> list[int]:
    if said.message_id is not None:
        return [said.message_id]
    if said.among is not None:
        return near[said.among].get(said.address, [])
    return found.get((sender, said.reference), [])


def _to(conn: Connection, among: tuple[int, int], addresses: set[str]) -> dict[str, list[int]]:
    """The messages of a range, by address."""
    query = select(message.c.id, message.c.address).where(
        message.c.id.between(*among), one_of(conn, message.c.address, addresses)
    )
    found: dict[str, list[int]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.address].append(row.id)
    return found


def _messages(conn: Connection, ids: Iterable[int]) -> dict[int, Any]:
    columns = (message.c.id, message.c.run_id, message.c.client_id, message.c.batch_id)
    wanted = {number for number in ids if 0 < number < 2**63}
    query = (
        select(*columns, message.c.address, run.c.purpose, run.c.state.label("run_state"))
        .join(run, run.c.id == message.c.run_id)
        .where(one_of(conn, message.c.id, wanted))
    )
    return {row.id: row for row in conn.execute(query)}


def _meant(one: Saying, candidates: Sequence[Any], past: Past) -> tuple[int | None, Result]:
    """The message a receipt is for, and whether it can be taken now."""
    if not candidates:
        if one.receipt.among is not None:
            return None, Result("aside", "unknown_message", "no message of its mark went there")
        if one.receipt.message_id is None:  # its outcome may not be stored yet
            return None, Result("waits", "unknown_reference", "no message has this reference")
        return None, Result("aside", "unknown_message", f"no message {one.receipt.message_id}")
    if one.receipt.message_id is None and one.receipt.address:
        candidates = [row for row in candidates if row.address == one.receipt.address]
    if len(candidates) != 1:
        return None, Result("aside", "several_messages", "the reference stands for several")
    number = int(candidates[0].id)
    senders = past.senders.get(number, set())
    if number in past.in_hand:
        return number, Result("waits", "in_hand")
    if _unclear(candidates[0], past):
        return number, Result("waits", "in_hand")
    if not senders:
        words = f"message {number} was never handed over"
        return number, Result("aside", "never_sent", words)
    if one.sender is not None and one.sender not in senders:
        words = f"message {number} went by {', '.join(sorted(senders))}"
        return number, Result("aside", "another_sender", words)
    return number, Result("taken")


def _unclear(row: Any, past: Past) -> bool:
    """Its run was stopped in this very moment: what became of its other try is not known yet."""
    states = past.states.get(row.id)
    last = max(states)[1] if states else None
    return last == State.READY and row.id not in past.waiting and row.run_state not in STOPPED


# --- what changes ----------------------------------------------------------------------------


def _called_off(
    tx: Connection, good: Mapping[int, Sequence[Saying]], past: Past
) -> tuple[set[int], set[int]]:
    """Tries that are not needed, since the provider had the message; and those that a sender took
    up before we could call them off."""
    wanted = past.waiting & good.keys()
    if not wanted:
        return set(), set()
    waits = (one_of(tx, retry.c.message_id, wanted), retry.c.window_id.is_(None))
    gone = set(tx.execute(delete(retry).where(*waits).returning(retry.c.message_id)).scalars())
    return gone, wanted - gone


class _News(NamedTuple):
    """A receipt that is about to be written."""

    message_id: int
    run_id: int
    saying: Saying


@dataclass
class _Change:
    """What is new, and what moves with it."""

    news: list[_News] = field(default_factory=list)
    counts: dict[int, Counter[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    went: list[Any] = field(default_factory=list)  # messages that were thought not to have gone


def _change(
    good: Mapping[int, Sequence[Saying]],
    rows: Mapping[int, Any],
    past: Past,
    called_off: set[int],
) -> _Change:
    """The receipts that say something new, and how the counters of their runs move."""
    change = _Change()
    for number, sayings in good.items():
        row, known = rows[number], past.heard[number]
        before = _counted(row, past, called_off)
        for one in sayings:
            if (what := (str(one.receipt.state), plain(one.receipt.code, 48))) not in known:
                known.add(what)
                change.news.append(_News(number, row.run_id, one))
        after = rules.best(state for state, _ in known)
        if after is not None and after != before:
            change.counts[row.run_id]["state", before] -= 1
            change.counts[row.run_id]["state", after] += 1
        if before in _DID_NOT_GO:
            change.went.append(row)
    return change


def _slower(change: _Change, at: datetime) -> dict[str, float]:
    """The senders of which less is wanted, as receipts of this moment say."""
    found: dict[str, float] = {}
    for one in change.news:
        sender, said = one.saying.sender, one.saying.receipt
        if sender and said.slower is not None and at - said.said_at <= rules.STALE:
            found[sender] = max(said.slower, found.get(sender, 0.0))
    return found


def _counted(row: Any, past: Past, called_off: set[int]) -> State:
    """The state a message is counted in now."""
    if said := rules.best(state for state, _ in past.heard[row.id]):
        return said
    states = past.states[row.id]
    if any(state == State.ACCEPTED for _, state in states):
        return State.ACCEPTED
    last = STATES[max(states)[1]]
    if last is not State.READY or row.id in called_off:
        return last
    return State.SUPPRESSED if row.run_state == "superseded" else State.CANCELLED


def _write(tx: Connection, change: _Change, at: datetime) -> list[Entry]:
    if not change.news:
        return []
    _take_places(tx, change.went, at)
    for run_id, moved in sorted(change.counts.items()):
        add_counts(tx, run_id, moved)
    first = allocate(tx, "receipt", len(change.news))
    written = [
        (number, one.saying.event_id, one.message_id, one.run_id, str(said.state),
         plain(said.code, 48), plain(said.detail, 400), plain(said.reference, 200), said.said_at,
         at)
        for number, one in enumerate(change.news, start=first)
        for said in (one.saying.receipt,)
    ]  # fmt: skip
    append(tx, receipt, COLUMNS, written)
    tally = Counter(str(one.saying.receipt.state) for one in change.news)
    subject = f"receipts {first} to {written[-1][0]}"
    covered = cover(receipt, COLUMNS, written)
    return [Entry(at, "receipts.recorded", "outreach", subject, tally, covered)]


def _take_places(tx: Connection, rows: Sequence[Any], at: datetime) -> None:
    """A message that was thought not to have gone counts towards the caps again."""
    uses = [
        {"message_id": row.id, "client_id": row.client_id, "purpose": row.purpose, "at": at}
        for row in sorted(rows, key=lambda row: int(row.id))
    ]
    if not uses:
        return
    if tx.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as upsert
    else:
        from sqlalchemy.dialects.postgresql import insert as upsert  # type: ignore[assignment]
    tx.execute(upsert(frequency_use).on_conflict_do_nothing(), uses)


# --- looking ---------------------------------------------------------------------------------


def runs_heard_of(conn: Connection, since: datetime) -> list[int]:
    """The runs of which something was heard since a moment, perhaps of a few more."""
    first = first_since(conn, receipt, "at", since)
    heard = select(receipt.c.run_id).where(receipt.c.id >= (first or 0)).distinct()
    return list(conn.execute(heard.order_by(receipt.c.run_id)).scalars())
