"""The send log: what became of each candidate, told from facts alone, on both databases."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, delete, event, insert, update

from outreach.core.model import Outcome, accepted, refused, unavailable
from outreach.core.words import State
from outreach.store import retry_windows, runs, sendlog, takeover, windows
from outreach.store.database import Database
from outreach.store.sendlog import Line, Wanted
from outreach.store.tables import batch, client, decision, message, run
from outreach.store.windows import Lease, Settlement
from tests.store import client_book

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LEASE = timedelta(minutes=2)
RUN = 3


def route(channel: str, *hits: tuple[str, str, str, str | None]) -> list[Any]:
    return [[channel, *[None] * 11], [list(hit) for hit in hits]]


def decided(client_id: int, verdict: str, reason: str | None, *routes: Any) -> dict[str, Any]:
    facts = orjson.dumps([int(AT.timestamp()), [client_id], list(routes)])
    return {
        "run_id": RUN, "client_id": client_id, "verdict": verdict, "reason": reason,
        "until_at": None, "facts": facts,
    }  # fmt: skip


def add_run(tx: Connection, run_id: int = RUN, **changes: Any) -> None:
    digests = {f"{kind}_digest": "d" for kind in ("campaign", "segment", "template", "policy")}
    row = {
        "id": run_id, "campaign": "closure-notice", "occurrence": f"CN_A-{run_id}",
        "purpose": "service", "state": "sending", "values": b"{}", "opened_at": AT,
        "opened_by": "wang.l", "cursor": 0, "audience": 0, **digests, **changes,
    }  # fmt: skip
    tx.execute(insert(run).values(row))


def add_batch(
    tx: Connection,
    number: int,
    channel: str,
    messages: Mapping[int, int],
    *,
    not_before: datetime = AT,
) -> None:
    """A batch of messages, given as {message: client}."""
    ids = sorted(messages)
    marks = {column.name: 0 for column in batch.c if column.name.endswith("_mark")}
    row = {
        "id": number, "run_id": RUN, "sender": f"{channel}-file", "channel": channel,
        "first_id": ids[0], "last_id": ids[-1], "next_id": ids[0], "not_before": not_before,
        "good_until": AT + HOUR, "held": not_before > AT, "urgent": False, "state": "ready",
        "takeovers": 0, **marks,
    }  # fmt: skip
    tx.execute(insert(batch).values(row))
    for id_ in ids:
        tx.execute(
            insert(message).values(
                id=id_, run_id=RUN, client_id=messages[id_], channel=channel, batch_id=number,
                address=f"+861381234{id_:04d}", locale="zh-CN", values=b"[]", sms_parts=1,
                content_digest=bytes(32),
            )
        )  # fmt: skip


@pytest.fixture
def book(database: Database) -> Database:
    """Run 3 with four clients, each allowed by SMS, whose messages 1 to 4 are one batch."""
    with database.begin() as tx:
        client_book.add(tx, [client_book.row(n) for n in range(1, 5)])
        add_run(tx)
        for n in range(1, 5):
            tx.execute(insert(decision).values(decided(n, "allow", None, route("sms"))))
        add_batch(tx, 1, "sms", {n: n for n in range(1, 5)})
    return database


def claim(tx: Connection, now: datetime = AT) -> Lease:
    lease = windows.claim(tx, "host:1:1", now, LEASE, RUN)
    assert lease is not None
    return lease


def intend(tx: Connection, lease: Lease, last: int, now: datetime = AT) -> int:
    window_id = windows.intend(tx, lease, last, now, LEASE)
    assert window_id is not None
    return window_id


def settle(
    tx: Connection, lease: Lease, window_id: int, outcomes: Mapping[int, Outcome], **waits: Any
) -> None:
    done = Settlement(
        window_id, RUN, lease.batch.sender, lease.token, list(outcomes.items()), **waits
    )
    assert windows.settle(tx, done, AT + MINUTE)


def read(database: Database, now: datetime = AT + MINUTE, **wanted: Any) -> list[Line]:
    with database.reading() as conn:
        return list(sendlog.lines(conn, Wanted(**wanted), now))


def states(lines: Sequence[Line]) -> list[tuple[str, str]]:
    return [(line.state, line.reason) for line in lines]


# --- states ----------------------------------------------------------------------------------


def test_what_each_attempt_came_to(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        outcomes = {
            1: accepted("ref-1", b"d" * 32), 2: refused("550", "no such box"),
            3: Outcome(State.SUPPRESSED, "channel_opt_out", "second look"),
            4: unavailable("throttled"),
        }  # fmt: skip
        settle(tx, lease, intend(tx, lease, 4), outcomes)
    lines = read(book)

    assert states(lines) == [
        ("accepted", ""), ("failed", "550"), ("suppressed", "channel_opt_out"),
        ("held", "throttled"),
    ]  # fmt: skip
    assert lines[0].provider_ref == "ref-1"
    assert lines[0].at == AT + MINUTE
    # Its next try, not its batch's hour; said to be throttled, it is back in seconds.
    held_until = lines[3].held_until
    assert held_until is not None
    assert AT + MINUTE < held_until <= AT + MINUTE + timedelta(seconds=6)


def test_an_open_window_is_being_sent_until_its_lease_runs_out(book: Database) -> None:
    with book.begin() as tx:
        intend(tx, claim(tx), 2)

    assert states(read(book)) == [("sending", ""), ("sending", ""), ("ready", ""), ("ready", "")]
    after = states(read(book, AT + LEASE))
    assert after == [("in_doubt", "sender_gone")] * 2 + [("ready", "")] * 2


def test_the_log_says_the_same_before_and_after_the_sweep(book: Database) -> None:
    with book.begin() as tx:
        intend(tx, claim(tx), 2)
    before = states(read(book, AT + LEASE))
    takeover.sweep(book, AT + LEASE, [], RUN)

    assert states(read(book, AT + LEASE)) == before


def test_a_retry_is_told_by_its_last_try(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        first = {n: unavailable("throttled") for n in range(1, 5)}
        settle(tx, lease, intend(tx, lease, 4), first)
        due = retry_windows.next_retries(tx, "host:1:1", AT + HOUR, RUN)
        assert due is not None
        again = retry_windows.due_retries(tx, due, AT + HOUR, LEASE, 2)
        assert again is not None
        lease, window_id, ids = again
    assert (
        states(read(book, AT + HOUR))
        == [("sending", "throttled")] * 2 + [("ready", "throttled")] * 2
    )
    with book.begin() as tx:
        settle(tx, lease, window_id, {ids[0]: accepted("ref"), ids[1]: refused("21610")})

    assert states(read(book, AT + HOUR)) == [
        ("accepted", ""), ("failed", "21610"), ("ready", "throttled"), ("ready", "throttled"),
    ]  # fmt: skip


def test_what_the_second_look_defers_is_held_until_then(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        later = Outcome(State.READY, "quiet_hours", "second look")
        outcomes = {1: later, **{n: accepted() for n in (2, 3, 4)}}
        settle(tx, lease, intend(tx, lease, 4), outcomes, waits={1: AT + HOUR})
    line = read(book)[0]

    assert (line.state, line.reason, line.held_until) == ("held", "quiet_hours", AT + HOUR)


def test_a_cancelled_run_has_nothing_waiting(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        settle(tx, lease, intend(tx, lease, 2), {1: accepted(), 2: unavailable("throttled")})
        assert runs.move(tx, RUN, "cancelled", AT, "li.m", since=["sending"])
        takeover.cancel_rest(tx, RUN, AT, "li.m")
        windows.give_back(tx, lease)  # the sender learns of it only now

    assert states(read(book)) == [("accepted", "")] + [("cancelled", "cancelled")] * 3


def test_a_superseded_run_says_so_of_what_it_did_not_send(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        settle(tx, lease, intend(tx, lease, 2), {1: accepted(), 2: unavailable("throttled")})
        assert runs.supersede(tx, RUN, 7, AT, "outreach")
        windows.give_back(tx, lease)

    assert states(read(book)) == [("accepted", "")] + [("suppressed", "superseded")] * 3


def test_what_settles_after_the_run_was_cancelled_waits_for_nobody(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        opened = intend(tx, lease, 4)
    with book.begin() as tx:
        assert runs.move(tx, RUN, "cancelled", AT, "li.m", since=["sending"])
        takeover.cancel_rest(tx, RUN, AT, "li.m")
    with book.begin() as tx:
        outcomes = {n: accepted() for n in (1, 2, 3)} | {4: unavailable("throttled")}
        settle(tx, lease, opened, outcomes)

    assert states(read(book)) == [("accepted", "")] * 3 + [("cancelled", "cancelled")]


def test_a_withdrawn_intent_leaves_no_trace(book: Database) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        windows.withdraw_intent(tx, lease, intend(tx, lease, 4))

    assert states(read(book)) == [("ready", "")] * 4


# --- decisions -------------------------------------------------------------------------------


def test_each_channel_has_a_line_of_its_own(database: Database) -> None:
    missing = ("address", "suppress", "address_missing", None)
    quiet = ("quiet_hours", "defer", "quiet_hours", (AT + HOUR).isoformat())
    with database.begin() as tx:
        client_book.add(tx, [client_book.row(n) for n in (1, 2, 3, 4)])
        add_run(tx)
        rows = [
            decided(1, "allow", None, route("sms"), route("email", missing)),
            decided(2, "suppress", "legal_hold", route("sms", ("legal_hold", "suppress",
                    "legal_hold", None), quiet), route("email", missing)),
            decided(3, "allow", None, route("sms", quiet), route("email")),
            decided(4, "allow", None, route("sms", quiet), route("email")),
        ]  # fmt: skip
        tx.execute(insert(decision), rows)
        add_batch(tx, 1, "sms", {1: 1})
        add_batch(tx, 2, "email", {2: 3, 3: 4})
        # Client 4 is written to on both channels, SMS later: the decision as a whole is `allow`.
        add_batch(tx, 3, "sms", {4: 4}, not_before=AT + HOUR)
    lines = read(database)
    told = [(one.client[-1], one.channel, one.decision, one.state, one.reason) for one in lines]

    assert told == [
        ("1", "sms", "allow", "ready", ""),
        ("1", "email", "allow", "suppressed", "address_missing"),
        ("2", "sms", "suppress", "suppressed", "legal_hold"),
        ("2", "email", "suppress", "suppressed", "address_missing"),
        ("3", "email", "allow", "ready", ""),
        ("4", "email", "allow", "ready", ""),
        ("4", "sms", "allow", "held", "quiet_hours"),
    ]
    assert lines[-1].held_until == AT + HOUR
    assert {one.decided_at for one in lines} == {AT}


def test_a_client_who_left_the_book_keeps_his_lines(book: Database) -> None:
    with book.begin() as tx:
        tx.execute(delete(client).where(client.c.id == 2))

    assert [line.client for line in read(book)] == ["0000001", "#2", "0000003", "0000004"]
    assert [line.message for line in read(book, client_no="#2")] == [2]


def test_a_page_ends_where_the_next_begins(book: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(book)
    for page in (1, 2, 3, 4, 5):
        monkeypatch.setattr(sendlog, "PAGE", page)
        assert read(book) == whole


def test_a_longer_page_asks_no_more_queries(book: Database) -> None:
    asked: list[str] = []
    engine = book.read_engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    read(book, client_no="0000001")
    one = len(asked)
    asked.clear()

    assert len(read(book)) == 4
    assert len(asked) == one - 1  # the look-up of the client's number


# --- what is asked for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "messages"),
    [
        pytest.param({"client_no": "0000003"}, [3], id="a client"),
        pytest.param({"client_no": "9999999"}, [], id="no such client"),
        pytest.param({"campaign": "closure-notice"}, [1, 2, 3, 4], id="a campaign"),
        pytest.param({"campaign": "risk-notice"}, [], id="another campaign"),
        pytest.param({"run_id": 4}, [], id="another run"),
        pytest.param({"state": "accepted"}, [1], id="a state"),
        pytest.param({"reason": "550"}, [2], id="a reason"),
        pytest.param({"since": AT + MINUTE}, [1, 2], id="since the outcomes"),
        pytest.param({"until": AT + MINUTE}, [3, 4], id="decided, and nothing yet"),
        pytest.param({"since": AT + HOUR}, [], id="later"),
        pytest.param({"until": AT}, [], id="until is not included"),
    ],
)
def test_what_is_asked_for(book: Database, wanted: dict[str, Any], messages: list[int]) -> None:
    with book.begin() as tx:
        lease = claim(tx)
        settle(tx, lease, intend(tx, lease, 2), {1: accepted(), 2: refused("550")})

    assert [line.message for line in read(book, **wanted)] == messages


def test_newer_runs_come_first_and_finished_ones_stay(book: Database) -> None:
    with book.begin() as tx:
        add_run(tx, 7)
        row = decided(1, "suppress", "legal_hold", route("sms"))
        tx.execute(insert(decision).values({**row, "run_id": 7}))
        done = update(run).where(run.c.id == RUN)
        tx.execute(done.values(state="finished", finished_at=AT + MINUTE))

    assert [line.run for line in read(book)] == [7, 3, 3, 3, 3]
    assert states(read(book, run_id=7)) == [("suppressed", "legal_hold")]
    assert [line.run for line in read(book, since=AT)] == [7, 3, 3, 3, 3]
