"""What comes back of messages, on both databases: late, twice, out of order, about nobody's."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import orjson
import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import text

from outreach import receive
from outreach.core.doubt import Verdict
from outreach.core.model import accepted, refused, unavailable
from outreach.core.receipt import WAITS, Receipt, Reply
from outreach.core.words import STATES, State
from outreach.receive import Applied, Event
from outreach.store import doubts, raw_events, receipts, references, sendlog
from outreach.store.database import Database
from outreach.store.tables import event_due, frequency_use, raw_event, receipt, retry, sender_rate
from outreach.verify import verify
from tests.small_run import NOW, SmallRun, client, merged, opened

TEN = range(1, 11)
SENDER = "twilio:sms-file"


@pytest.fixture
def small(database: Database, tmp_path: Path) -> Iterator[SmallRun]:
    """Ten SMS in windows of three, planned and not sent yet. What is so afterwards: the counters
    are those of the facts, and the log stands."""
    made = opened(database, tmp_path / "project", [client(n) for n in TEN])
    made.plan()
    yield made
    assert made.tally() == merged(made.counts())
    found = verify(database)
    assert found.ok, found.first_bad


def said(
    state: str, message: int | None = None, *, code: str = "", source: str = SENDER, **more: Any
) -> Event:
    content = {"state": state, "message": message, "code": code, **more}
    return Event(source, "status", orjson.dumps(content), NOW)


def reader(event: Event) -> Sequence[Receipt]:
    content = orjson.loads(event.content)
    return [
        Receipt(
            STATES[content["state"]], event.received_at, content["message"],
            content.get("reference", ""), content.get("address", ""), content["code"], "as it said",
            slower=content.get("slower"),
        )
    ]  # fmt: skip


def hear(small: SmallRun, *events: Event) -> Applied:
    receive.take_in(small.database, events)
    return receive.apply(small.database, {"twilio": reader}, small.clock)


def of(small: SmallRun, message: int) -> State:
    return small.states()[message]


def asides(small: SmallRun) -> list[tuple[str, str]]:
    with small.database.reading() as conn:
        return [(one.reason, one.detail) for one in raw_events.asides(conn, small.now)]


# --- taking in -------------------------------------------------------------------------------


def test_what_is_handed_in_twice_is_stored_once(small: SmallRun) -> None:
    one, other = said("delivered", 1), said("delivered", 2)

    assert receive.take_in(small.database, [one, one, other]) == 2
    assert receive.take_in(small.database, [other]) == 0
    assert small.rows_of(raw_event) == small.rows_of(event_due) == 2


def test_the_same_words_from_another_source_are_another_event(small: SmallRun) -> None:
    events = [said("delivered", 1), said("delivered", 1, source="twilio:other")]

    assert receive.take_in(small.database, events) == 2


def test_nothing_due_is_nothing_applied(small: SmallRun) -> None:
    assert receive.apply(small.database, {}, small.clock) == Applied()


# --- less is wanted --------------------------------------------------------------------------


def waits(small: SmallRun) -> dict[str, float]:
    """Seconds each sender waits yet."""
    with small.database.reading() as conn:
        rows = conn.execute(sender_rate.select().where(sender_rate.c.not_before > small.now)).all()
    return {row.name: (row.not_before - small.now).total_seconds() for row in rows}


def test_a_receipt_that_asks_for_less_moves_the_senders_clock_for_all_workers(
    small: SmallRun,
) -> None:
    small.work()
    told = said("undelivered", 1, code="30001", slower=0.0)
    hear(small, told, said("undelivered", 2, code="30023", slower=30.0), said("delivered", 3))

    assert waits(small) == {"sms-file": 30.0}
    small.pass_time(seconds=60)
    hear(small, told, said("undelivered", 1, code="30001", slower=0.0, again=True))
    assert waits(small) == {}, "what was heard before says nothing of now"


def test_nothing_is_claimed_of_a_sender_of_which_a_receipt_wanted_less(small: SmallRun) -> None:
    small.work()
    later = SmallRun(small.database, small.made_from, occurrence="2026-09-27")
    later.plan()
    hear(small, said("undelivered", 1, code="30001", slower=0.0))

    assert not later.work()
    later.pass_time(seconds=6)
    assert later.work()


def test_a_receipt_that_comes_long_after_slows_nobody_down(small: SmallRun) -> None:
    small.work()
    receive.take_in(small.database, [said("undelivered", 1, code="30001", slower=0.0)])
    small.pass_time(minutes=11)
    receive.apply(small.database, {"twilio": reader}, small.clock)

    assert of(small, 1) is State.UNDELIVERED
    assert waits(small) == {}


# --- what a receipt does ---------------------------------------------------------------------


def test_receipts_move_the_counters_and_the_log_tells_the_providers_words(small: SmallRun) -> None:
    small.drain()
    done = hear(small, said("delivered", 1), said("undelivered", 2, code="30003"))

    assert done == Applied(events=2, receipts=2)
    assert small.counts() == {"accepted": 8, "delivered": 1, "undelivered": 1}
    with small.database.reading() as conn:
        lines = {one.message: one for one in sendlog.lines(conn, sendlog.Wanted(), small.now)}
    assert (lines[2].state, lines[2].reason, lines[2].detail) == (
        "undelivered", "30003", "as it said",
    )  # fmt: skip
    assert (lines[1].state, lines[1].at) == ("delivered", small.now)
    assert lines[3].state == "accepted"


@pytest.mark.parametrize(
    ("order", "state"),
    [
        (["accepted", "delivered"], "delivered"),
        (["delivered", "accepted"], "delivered"),
        (["undelivered", "delivered"], "delivered"),
        (["delivered", "undelivered"], "delivered"),
        (["undelivered", "accepted"], "undelivered"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_receipts_in_any_order_end_in_one_state(
    small: SmallRun, order: list[str], state: str, at_once: bool
) -> None:
    small.drain()
    if at_once:
        hear(small, *(said(one, 4) for one in order))
    else:
        for one in order:
            hear(small, said(one, 4))

    assert small.counts() == {"accepted": 9, state: 1}
    assert of(small, 4) == state


def test_a_receipt_that_says_nothing_new_adds_nothing(small: SmallRun) -> None:
    small.drain()
    hear(small, said("delivered", 1))
    again = hear(small, said("delivered", 1, nonce=2))

    assert again == Applied(events=1)
    assert small.rows_of(receipt) == 1
    assert small.rows_of(event_due) == 0


def test_a_second_code_of_the_same_state_is_kept(small: SmallRun) -> None:
    small.drain()
    hear(small, said("undelivered", 1, code="30003"), said("undelivered", 1, code="30005"))

    assert small.rows_of(receipt) == 2
    assert small.counts() == {"accepted": 9, "undelivered": 1}


def test_a_doubt_is_healed_and_no_longer_listed(small: SmallRun) -> None:
    assert small.crash(after=1)
    small.sweep("a")
    hear(small, said("accepted", 1), said("delivered", 2))

    assert small.counts() == {"in_doubt": 1, "accepted": 1, "delivered": 1, "ready": 7}
    with small.database.reading() as conn:
        assert [one.message for one in doubts.listed(conn, small.run_id)] == [3]


def test_a_receipt_in_the_middle_waits_for_the_outcome(small: SmallRun) -> None:
    early: list[Applied] = []

    def hear_early() -> None:
        small.gateways["sms-file"].before = lambda: None
        early.append(hear(small, said("delivered", 2)))

    small.gateways["sms-file"].before = hear_early
    small.drain()

    assert early == [Applied(events=1, waiting=1)]
    assert small.counts() == {"accepted": 10}
    small.pass_time(seconds=2)
    assert hear(small) == Applied(events=1, receipts=1)
    assert small.counts() == {"accepted": 9, "delivered": 1}


def test_a_message_that_waits_for_another_try_is_not_tried_again(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id == 5 else None
    small.drain()
    assert small.rows_of(retry) == 1
    hear(small, said("accepted", 5))
    small.gateways["sms-file"].answer = lambda _one: None
    small.pass_time(days=1)
    small.drain()

    assert small.rows_of(retry) == 0
    assert small.counts() == {"accepted": 10}
    assert small.handed()[5] == 1


def test_a_try_in_a_senders_hands_is_waited_for(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id == 5 else None
    small.drain()
    small.pass_time(minutes=2)
    small.gateways["sms-file"].answer = lambda _one: None
    early: list[Applied] = []
    small.gateways["sms-file"].before = lambda: early.append(hear(small, said("delivered", 5)))
    small.drain()

    assert early == [Applied(events=1, waiting=1)]
    small.pass_time(seconds=2)
    hear(small)
    assert small.counts() == {"accepted": 9, "delivered": 1}


def test_a_message_given_up_that_arrived_counts_under_its_cap_again(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: refused("30005") if one.id == 1 else None
    small.drain()
    before = small.rows_of(frequency_use)
    hear(small, said("delivered", 1))

    assert small.counts() == {"accepted": 9, "delivered": 1}
    assert small.rows_of(frequency_use) == before + 1


@pytest.mark.parametrize("superseded", [True, False])
def test_what_was_stopped_and_had_arrived_is_delivered(small: SmallRun, superseded: bool) -> None:
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id == 1 else None
    small.drain()
    if superseded:
        small.supersede()
    else:
        small.cancel()
    hear(small, said("delivered", 1))

    assert small.counts() == {"accepted": 9, "delivered": 1}


def test_late_words_of_a_slow_sender_after_a_receipt_count_once(small: SmallRun) -> None:
    def slow() -> None:
        small.gateways["sms-file"].before = lambda: None
        small.pass_time(seconds=61)
        small.sweep()
        hear(small, said("delivered", 1))

    small.gateways["sms-file"].before = slow
    small.drain()

    assert small.counts() == {"accepted": 9, "delivered": 1}


def test_a_resend_that_waits_is_called_off_by_a_receipt(small: SmallRun) -> None:
    assert small.crash(after=1)
    before = small.handed()
    small.sweep("a")
    with small.database.begin() as tx:
        made = doubts.propose(tx, small.run_id, Verdict.RESEND, [1, 2, 3], "?", "li", small.now)
    with small.database.begin() as tx:
        doubts.hold(tx, small.run_id)
        doubts.confirm(tx, made, "wang", small.now)
    hear(small, said("accepted", 1))
    small.drain()

    assert small.handed() - before == dict.fromkeys(range(2, 11), 1)
    assert small.counts() == {"accepted": 10}


def test_a_proposal_about_a_doubt_that_was_healed_settles_nothing(small: SmallRun) -> None:
    assert small.crash(after=1)
    small.sweep("a")
    with small.database.begin() as tx:
        made = doubts.propose(tx, small.run_id, Verdict.RESEND, [1, 2, 3], "?", "li", small.now)
    hear(small, said("delivered", 1))
    with small.database.begin() as tx:
        doubts.hold(tx, small.run_id)
        assert doubts.confirm(tx, made, "wang", small.now) == [2, 3]


def test_an_opt_out_stops_what_is_queued_already(small: SmallRun) -> None:
    stop = Event("gateway:other", "inbound", b"TD", small.now)

    def says_stop(event: Event) -> Sequence[Reply]:
        return [Reply("10690000", "+8613800000005", event.content.decode(), event.received_at)]

    receive.take_in(small.database, [stop])
    done = receive.apply(small.database, {"gateway": says_stop}, small.clock)
    small.drain()

    assert done.replies == 1
    assert small.counts() == {"accepted": 9, "suppressed": 1}
    assert small.outcomes()[5] == [("suppressed", "channel_opt_out")]


def test_a_receipt_waits_for_people_who_settle_the_same_doubt_now(small: SmallRun) -> None:
    assert small.crash(after=1)
    small.sweep("a")
    with small.database.begin() as tx:
        made = doubts.propose(tx, small.run_id, Verdict.RESEND, [1, 2, 3], "?", "li", small.now)
    receive.take_in(small.database, [said("delivered", 2)])
    with ThreadPoolExecutor(1) as other:
        with small.database.begin() as tx:  # held open until the other stands before it
            doubts.hold(tx, small.run_id)
            assert doubts.confirm(tx, made, "wang", small.now) == [1, 2, 3]
            applied = other.submit(receive.apply, small.database, {"twilio": reader}, small.clock)
            until_somebody_waits(small.database)
        assert applied.result(60) == Applied(events=1, receipts=1)

    assert of(small, 2) == "delivered"
    assert small.rows_of(retry) == 2


def test_the_same_events_applied_by_two_at_once_count_once(small: SmallRun) -> None:
    small.drain()
    receive.take_in(small.database, [said("delivered", n) for n in range(1, 9)])
    both = Barrier(2)

    def apply() -> Applied:
        def meet(event: Event) -> Sequence[Receipt]:
            if orjson.loads(event.content)["message"] == 1:
                both.wait(60)  # both have read what is due before either applies it
            return reader(event)

        return receive.apply(small.database, {"twilio": meet}, small.clock)

    with ThreadPoolExecutor(2) as others:
        done = [one.result(60) for one in [others.submit(apply), others.submit(apply)]]

    assert sum(one.receipts for one in done) == 8
    assert small.counts() == {"accepted": 2, "delivered": 8}


def test_the_same_thing_handed_in_by_two_at_once_is_stored_once(small: SmallRun) -> None:
    both = Barrier(2)
    events = [said("delivered", n) for n in range(1, 6)]

    def hand_in() -> int:
        both.wait(60)
        return receive.take_in(small.database, events)

    with ThreadPoolExecutor(2) as others:
        taken = [one.result(60) for one in [others.submit(hand_in), others.submit(hand_in)]]

    assert sorted(taken) == [0, 5]


def until_somebody_waits(database: Database) -> None:
    """Until another transaction of this database stands before a lock of ours. SQLite has one
    writer at a time, so there nobody need be waited for."""
    if database.sqlite:
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.read_engine.connect() as conn:
        watching = conn.execution_options(isolation_level="AUTOCOMMIT")
        while not watching.execute(waiting).scalar_one():
            pass


# --- what cannot be matched ------------------------------------------------------------------


def test_a_message_nobody_knows_is_set_aside(small: SmallRun) -> None:
    assert hear(small, said("delivered", 4_711)) == Applied(events=1, aside=1)
    assert asides(small) == [("unknown_message", "no message 4711")]
    assert small.rows_of(event_due) == 0


def test_a_message_that_was_never_handed_over_is_set_aside(small: SmallRun) -> None:
    hear(small, said("delivered", 9))

    assert asides(small) == [("never_sent", "message 9 was never handed over")]
    assert of(small, 9) == "ready"


def test_a_sender_cannot_speak_of_the_message_of_another(small: SmallRun) -> None:
    small.drain()
    hear(small, said("undelivered", 3, source="twilio:sms-other"))

    assert asides(small) == [("another_sender", "message 3 went by sms-file")]
    assert small.counts() == {"accepted": 10}


def test_a_reference_nobody_knows_is_waited_for_and_in_the_end_set_aside(small: SmallRun) -> None:
    small.drain()
    assert hear(small, said("delivered", reference="SM9")) == Applied(events=1, waiting=1)
    for wait in WAITS[:-1]:
        assert hear(small) == Applied()
        small.now += wait
        assert hear(small) == Applied(events=1, waiting=1)
    small.now += WAITS[-1]

    assert hear(small) == Applied(events=1, aside=1)
    assert asides(small) == [("unknown_reference", "no message has this reference")]


def test_a_reference_that_becomes_known_is_applied(small: SmallRun) -> None:
    small.drain()
    hear(small, said("delivered", reference="memory-1"))
    with small.database.begin() as tx:
        references.keep(tx, "sms-file", [("memory-1", 1), ("memory-1", 1), ("", 2)])
    small.pass_time(seconds=2)

    assert hear(small) == Applied(events=1, receipts=1)
    assert of(small, 1) == "delivered"


def test_a_reference_of_several_messages_needs_the_address(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: accepted("BIZ") if one.id < 3 else None
    small.drain()
    with small.database.begin() as tx:
        references.keep(tx, "sms-file", [("BIZ", 1), ("BIZ", 2)])
    hear(
        small,
        said("delivered", reference="BIZ", address="+8613800000002"),
        said("undelivered", reference="BIZ"),
    )

    assert of(small, 2) == "delivered"
    assert of(small, 1) == "accepted"
    assert asides(small) == [("several_messages", "the reference stands for several")]


def test_what_cannot_be_read_is_set_aside_and_the_rest_is_applied(small: SmallRun) -> None:
    small.drain()
    broken = Event(SENDER, "status", b"{", small.now)

    assert hear(small, broken, said("delivered", 1)) == Applied(2, 1, 0, 1)
    ((reason, detail),) = asides(small)
    assert (reason, detail[:15]) == ("unreadable", "JSONDecodeError")
    assert of(small, 1) == "delivered"


def test_what_nobody_here_reads_waits_for_whoever_does(small: SmallRun) -> None:
    small.drain()
    other = said("delivered", 1, source="gateway:sms-file")

    assert hear(small, other) == Applied()
    with small.database.reading() as conn:
        assert raw_events.waiting(conn) == (1, small.now)
    readers = {"gateway:sms-file": reader}
    assert receive.apply(small.database, readers, small.clock).receipts == 1


def test_the_first_receipt_since_a_moment_is_found_among_any_number(small: SmallRun) -> None:
    small.drain()
    begun, hour = small.now, timedelta(hours=1)
    for n in range(1, 8):
        hear(small, said("delivered", n))
        small.now += 24 * hour
    with small.database.reading() as conn:
        for day in range(7):
            assert receipts.runs_heard_of(conn, begun + day * 24 * hour) == [small.run_id]
        assert receipts.runs_heard_of(conn, begun + 7 * 24 * hour) == []


# --- many ------------------------------------------------------------------------------------


def test_the_number_of_statements_does_not_grow_with_the_events(
    database: Database, tmp_path: Path
) -> None:
    many = opened(database, tmp_path / "project", [client(n) for n in range(1, 201)], window=50)
    many.plan()
    many.drain()
    statements: list[str] = []
    note = lambda *given: statements.append(given[2])  # noqa: E731
    for engine in {database.write_engine, database.read_engine}:
        sql_event.listen(engine, "before_cursor_execute", note)
    used = []
    for some in (range(1, 4), range(10, 190)):
        statements.clear()
        assert hear(many, *(said("delivered", n) for n in some)).receipts == len(some)
        used.append(len(statements))

    assert used[1] <= used[0]
    assert used[1] < 40
    assert many.counts() == {"accepted": 17, "delivered": 183}
    assert many.tally() == merged(many.counts())
