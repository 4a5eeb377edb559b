"""The outbox at work, on both databases: claimed once, fenced, settled once, never sent twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, update

from outreach import dispatch
from outreach.core.model import Message, Outcome, refused, unavailable
from outreach.core.words import State
from outreach.plan import job
from outreach.store import audit, retries, runs, takeover, windows
from outreach.store.database import Database, add_counts, append
from outreach.store.tables import (
    approval,
    batch,
    decision,
    frequency_use,
    message,
    retry,
    run,
    run_count,
    window,
)
from outreach.verify import verify
from tests.small_run import LEASE, NOW, SmallRun, client, definition, merged, opened

TEN = range(1, 11)


@pytest.fixture
def small(database: Database, tmp_path: Path) -> Iterator[SmallRun]:
    """A planned run of ten SMS in one batch, windows of three."""
    made = opened(database, tmp_path / "project", [client(n) for n in TEN])
    made.plan()
    yield made
    assert made.tally() == merged(made.counts())
    found = verify(database)
    assert found.ok, found.first_bad


def claimed(small: SmallRun, owner: str = "a") -> windows.Lease:
    with small.database.begin() as tx:
        lease = windows.claim(tx, owner, small.now, LEASE, small.run_id)
    assert lease is not None
    return lease


def intended(small: SmallRun, lease: windows.Lease, last: int) -> int | None:
    with small.database.begin() as tx:
        return windows.intend(tx, lease, last, small.now, LEASE)


def settled(small: SmallRun, lease: windows.Lease, number: int, **outcomes: Outcome) -> bool:
    done = windows.Settlement(
        number, small.run_id, "sms-file", lease.token,
        [(int(name[1:]), outcome) for name, outcome in outcomes.items()],
    )  # fmt: skip
    with small.database.begin() as tx:
        return windows.settle(tx, done, small.now)


ACCEPTED = Outcome(State.ACCEPTED, provider_ref="r", digest=b"\1" * 32)


# --- opening and planning --------------------------------------------------------------------


def test_a_run_is_opened_once(small: SmallRun) -> None:
    again = SmallRun(small.database, small.made_from, now=small.now + timedelta(minutes=5))

    assert (again.run_id, again.fresh) == (small.run_id, False)
    assert small.rows_of(run) == 1


def test_a_second_planner_adds_nothing(small: SmallRun) -> None:
    small.plan()

    assert (small.rows_of(decision), small.rows_of(message)) == (10, 10)


def test_a_page_is_whole_or_not_there(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = opened(database, tmp_path, [client(n) for n in TEN])

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(OSError, match="full"):
        small.plan()
    monkeypatch.undo()

    for table in (decision, message, batch, run_count):
        assert small.rows_of(table) == 0, table.name
    with database.reading() as conn:
        found = runs.load(conn, small.run_id)
    assert found is not None
    assert (found["cursor"], found["audience"], found["state"]) == (0, 0, "planning")
    small.plan()
    assert small.counts() == {"ready": 10}


def test_planning_goes_on_where_it_was_cut_short(database: Database, tmp_path: Path) -> None:
    small = opened(database, tmp_path, [client(n) for n in TEN], page=4)
    small.plan_page()
    assert small.counts() == {"ready": 4}

    small.plan()

    assert small.counts() == {"ready": 10}
    assert small.rows_of(decision) == 10
    assert small.state == "sending"


def test_two_planners_whose_pages_overlap_plan_nobody_twice(
    database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path, [client(n) for n in TEN], page=4)
    with database.begin() as tx:
        assert runs.advance(tx, small.run_id, 0, 4, 4)
    with database.begin() as tx:
        # Another process read the cursor before, and its pages are longer.
        assert not runs.advance(tx, small.run_id, 0, 6, 6)


def test_a_client_served_on_an_earlier_page_is_known_after_a_restart(
    database: Database, tmp_path: Path
) -> None:
    same = [client(n, phone="+8613800009999", email=None, email_state="missing") for n in (1, 2, 3)]
    small = opened(database, tmp_path, same, page=1)
    small.plan_page()
    small.plan_page()
    small.plan()

    assert small.counts() == {"ready": 1}


def test_a_ledger_that_moves_between_look_and_write_is_asked_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = opened(database, tmp_path, [client(n) for n in TEN])
    look = job.decide
    moved: list[bool] = []

    def then_withdraw(*given: Any) -> object:
        found = look(*given)
        if not moved:
            moved.append(True)
            withdraw(small, 3)
        return found

    monkeypatch.setattr("outreach.plan.run.decide", then_withdraw)
    small.plan()

    with database.reading() as conn:
        rows = conn.execute(select(message.c.client_id, message.c.channel)).all()
    assert (3, "sms") not in rows
    assert (3, "email") in rows


def withdraw(small: SmallRun, *clients: int, channel: str | None = "sms") -> None:
    from outreach.store import consent
    from outreach.store.audit import Entry, append

    events = [
        consent.NewEvent(one, channel, None, "withdraw", "sms_mo", small.now) for one in clients
    ]
    with small.database.begin() as tx:
        covered = consent.add(tx, events, recorded_at=small.now, actor="test")
        append(tx, [Entry(small.now, "consent.withdrawn", "test", "client", {}, covered)])


# --- claiming --------------------------------------------------------------------------------


def test_a_batch_has_one_owner(small: SmallRun) -> None:
    first = claimed(small, "a")
    with small.database.begin() as tx:
        assert windows.claim(tx, "b", small.now, LEASE, small.run_id) is None
    assert first.owner == "a"


def test_two_claimants_at_the_same_moment_do_not_share_a_batch(small: SmallRun) -> None:
    if small.database.sqlite:  # has one writer at a time, so there is no such moment
        return
    with small.database.begin() as one, small.database.begin() as two:
        assert windows.claim(one, "a", small.now, LEASE, small.run_id) is not None
        assert windows.claim(two, "b", small.now, LEASE, small.run_id) is None


def test_a_batch_is_claimed_only_when_its_hour_has_come(small: SmallRun) -> None:
    with small.database.begin() as tx:
        tx.execute(update(batch).values(not_before=NOW + timedelta(minutes=1)))
        assert windows.claim(tx, "a", small.now, LEASE, small.run_id) is None
    small.pass_time(minutes=1)
    assert claimed(small).batch.first_id == 1


def test_urgent_batches_go_first(small: SmallRun) -> None:
    with small.database.begin() as tx:
        copy = dict(tx.execute(select(batch)).mappings().one())
        later = {**copy, "id": 99, "urgent": True, "first_id": 11, "last_id": 10, "next_id": 11}
        tx.execute(insert(batch).values(later))
    assert claimed(small).batch.id == 99


@pytest.mark.parametrize("state", ["paused", "cancelled", "finished"])
def test_nothing_is_claimed_of_a_run_that_may_not_be_worked(small: SmallRun, state: str) -> None:
    assert small.move(state, "sending")
    with small.database.begin() as tx:
        assert windows.claim(tx, "a", small.now, LEASE, small.run_id) is None


# --- the intent ------------------------------------------------------------------------------


def test_an_intent_moves_the_cursor_and_lengthens_the_lease(small: SmallRun) -> None:
    lease = claimed(small)
    small.pass_time(seconds=50)

    assert intended(small, lease, 3) is not None
    with small.database.reading() as conn:
        row = conn.execute(select(batch)).one()
    assert (row.next_id, row.lease_until) == (4, small.now + LEASE)


def test_an_intent_needs_the_token(small: SmallRun) -> None:
    lease = claimed(small)

    assert intended(small, lease._replace(token="another"), 3) is None
    assert small.rows_of(window) == 0


def test_an_intent_needs_a_lease_that_runs(small: SmallRun) -> None:
    lease = claimed(small)
    small.pass_time(seconds=60)

    assert intended(small, lease, 3) is None


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_an_intent_needs_a_run_that_may_be_worked(small: SmallRun, state: str) -> None:
    lease = claimed(small)
    small.move(state, "sending")

    assert intended(small, lease, 3) is None


def test_the_same_messages_are_intended_once(small: SmallRun) -> None:
    lease = claimed(small)

    assert intended(small, lease, 3) is not None
    assert intended(small, lease, 3) is None


# --- settling --------------------------------------------------------------------------------


def test_a_window_is_settled_once(small: SmallRun) -> None:
    lease = claimed(small)
    number = intended(small, lease, 2)
    assert number is not None

    assert settled(small, lease, number, m1=ACCEPTED, m2=refused("550"))
    assert not settled(small, lease, number, m1=ACCEPTED, m2=ACCEPTED)
    assert small.counts() == {"accepted": 1, "failed": 1, "ready": 8}


def test_a_window_is_settled_by_its_owner_only(small: SmallRun) -> None:
    lease = claimed(small)
    number = intended(small, lease, 1)
    assert number is not None

    assert not settled(small, lease._replace(token="another"), number, m1=ACCEPTED)
    assert settled(small, lease, number, m1=ACCEPTED)


def test_the_strangest_answer_of_a_provider_can_be_recorded(small: SmallRun) -> None:
    lease = claimed(small)
    number = intended(small, lease, 1)
    assert number is not None
    strange = Outcome(State.FAILED, "c" * 80, "a\0b\ud800" + "x" * 900, "\0" * 300)

    assert settled(small, lease, number, m1=strange)
    assert small.outcomes()[1] == [("failed", "c" * 48)]


def test_what_a_slow_sender_says_after_the_sweep_ends_the_doubt(small: SmallRun) -> None:
    def slow() -> None:
        small.gateways["sms-file"].before = lambda: None
        small.pass_time(seconds=61)
        assert small.sweep().in_doubt == 3

    small.gateways["sms-file"].before = slow
    small.drain()

    assert small.handed() == dict.fromkeys(TEN, 1)
    assert small.counts() == {"accepted": 10}
    assert [state for state, _ in small.outcomes()[1]] == ["in_doubt", "accepted"]


def test_late_words_that_are_not_certain_leave_the_doubt(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]

    def slow() -> None:
        gateway.before = lambda: None
        small.pass_time(seconds=61)
        small.sweep()

    gateway.before = slow
    gateway.answer = lambda one: unavailable("421") if one.id == 2 else None
    small.drain()

    assert small.counts() == {"accepted": 9, "in_doubt": 1}
    assert small.rows_of(retry) == 0


def test_a_process_that_stood_still_since_its_intent_sends_nothing(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    intend, clock, slept = windows.intend, small.clock, list[bool]()

    def then_sleep(*given: Any, **more: Any) -> int | None:
        slept.append(False)
        return intend(*given, **more)

    def wake() -> datetime:
        if slept == [False]:  # asked for the first time since the intent was committed
            slept[0] = True
            small.pass_time(minutes=5)
            small.sweep()
        return clock()

    monkeypatch.setattr(windows, "intend", then_sleep)
    monkeypatch.setattr(small, "clock", wake)
    small.work("asleep")
    monkeypatch.undo()

    assert small.handed() == {}
    assert small.counts() == {"in_doubt": 3, "ready": 7}
    small.drain("b")
    assert small.handed() == dict.fromkeys(range(4, 11), 1)


# --- what was certainly not taken ------------------------------------------------------------


def next_try(small: SmallRun, number: int = 5) -> datetime | None:
    with small.database.reading() as conn:
        query = select(retry.c.not_before).where(retry.c.message_id == number)
        return conn.execute(query).scalar_one_or_none()


def until_given_up(small: SmallRun, number: int = 5) -> list[datetime]:
    """Drain at each moment of the next try, and never before it; the moments."""
    tried = []
    small.drain()
    while (moment := next_try(small, number)) is not None:
        handed = small.handed()[number]
        small.now = moment - timedelta(seconds=1)
        small.drain()
        assert small.handed()[number] == handed, "before its time"
        small.now = moment
        small.drain()
        tried.append(moment)
    return tried


def test_a_message_not_taken_is_tried_until_its_run_is_over_and_then_has_expired(
    small: SmallRun,
) -> None:
    with small.database.reading() as conn:
        ends = conn.execute(select(run.c.expires_at)).scalar_one()
    small.gateways["sms-file"].answer = lambda one: unavailable("450") if one.id == 5 else None

    tried = until_given_up(small)

    assert tried[-1] == ends - timedelta(minutes=1)
    assert small.handed()[5] > 10  # not at every look: nights are quiet hours
    assert small.counts() == {"accepted": 9, "expired": 1}
    assert small.outcomes()[5][-1] == ("expired", "450")
    assert small.rows_of(retry) == 0
    small.pass_time(days=1)
    small.drain()
    assert small.rows_of(retry) == 0


def test_a_message_taken_at_the_second_try_is_accepted(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id < 4 else None
    small.drain()
    assert merged(small.counts()) == {"accepted": 7, "open": 3}
    small.gateways["sms-file"].answer = lambda one: None

    small.pass_time(seconds=66)  # a minute, and up to a tenth of it by the message's number
    small.drain()

    assert small.counts() == {"accepted": 10}
    assert small.handed() == {**dict.fromkeys(TEN, 1), 1: 2, 2: 2, 3: 2}


def test_a_try_cut_short_by_a_crash_is_in_doubt_and_not_tried_again(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id < 3 else None
    small.drain()
    small.gateways["sms-file"].answer = lambda one: None
    small.pass_time(seconds=66)
    assert small.crash(after=1)

    assert small.sweep("a").in_doubt == 2
    small.pass_time(days=1)
    small.drain("b")

    assert small.counts() == {"accepted": 8, "in_doubt": 2}
    assert small.rows_of(retry) == 0


def test_retry_now_makes_waiting_messages_due_and_leaves_the_rest(small: SmallRun) -> None:
    answers = {1: unavailable("421"), 2: refused("550")}
    small.gateways["sms-file"].answer = lambda one: answers.get(one.id)
    small.drain()
    small.gateways["sms-file"].answer = lambda one: None
    with small.database.begin() as tx:
        assert retries.retry_now(tx, small.run_id, small.now, "test") == 1

    small.drain()

    assert small.counts() == {"accepted": 9, "failed": 1}
    assert small.handed() == {**dict.fromkeys(TEN, 1), 1: 2}


# --- a channel that cannot send --------------------------------------------------------------


def test_a_channel_that_cannot_send_takes_its_intent_back(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]
    gateway.stopped = "mail.example.com: refused the password"
    tally = small.drain()

    assert tally.stopped == "mail.example.com: refused the password"
    assert small.rows_of(window) == 0
    assert small.counts() == {"ready": 10}
    gateway.stopped = ""
    small.pass_time(seconds=59)
    small.drain()
    assert small.handed() == {}, "it rests for a minute, for every worker"
    small.pass_time(seconds=1)
    small.drain()
    assert small.handed() == dict.fromkeys(TEN, 1)


def test_an_intent_of_somebody_else_is_not_taken_back(small: SmallRun) -> None:
    lease = claimed(small)
    number = intended(small, lease, 3)
    assert number is not None
    with small.database.begin() as tx:
        windows.withdraw_intent(tx, lease._replace(token="another"), number)
    assert small.rows_of(window) == 1


def test_an_intent_whose_batch_was_taken_over_is_not_taken_back(small: SmallRun) -> None:
    lease = claimed(small)
    number = intended(small, lease, 3)
    assert number is not None
    with small.database.begin() as tx:
        tx.execute(update(batch).values(token="the next owner's"))
        windows.withdraw_intent(tx, lease, number)
    with small.database.reading() as conn:
        assert conn.execute(select(batch.c.next_id)).scalar_one() == 4
    assert small.rows_of(window) == 1


def test_one_channel_that_cannot_send_does_not_stop_the_other(
    database: Database, tmp_path: Path
) -> None:
    each = ("campaigns/notice.toml", 'owner = "operations"', 'deliver = "each"\nowner = "ops"')
    with database.begin() as tx:
        from tests.store.client_book import add

        add(tx, [client(n) for n in TEN])
    small = SmallRun(database, definition(tmp_path, each))
    small.plan()
    small.gateways["sms-file"].stopped = "the SMS gateway is down"

    tally = small.drain()

    assert tally.stopped == "the SMS gateway is down"
    assert small.counts() == {"accepted": 10, "ready": 10}
    assert len(small.gateways["mail-file"].sent) == 10


def test_a_bug_in_an_adapter_stops_it_after_one_window(small: SmallRun) -> None:
    def bug(_message: Message) -> Outcome:
        raise ZeroDivisionError("a bug with +8613812341234")

    small.gateways["sms-file"].answer = bug
    tally = small.drain()

    assert tally.stopped == "sms-file: ZeroDivisionError: a bug with 138****1234"
    assert small.counts() == {"in_doubt": 3, "ready": 7}


def test_a_sender_that_left_the_config_leaves_its_batches(small: SmallRun) -> None:
    from outreach.channels import ChannelUnavailable

    def gone(sender: str) -> dispatch.Adapter:
        raise ChannelUnavailable(f"{sender}: config.toml has no such sender any more")

    tally = dispatch.Tally()
    dispatch.drain(replace(small.sending(), adapter=gone), small.run_id, tally)

    assert tally.stopped == "sms-file: config.toml has no such sender any more"
    assert small.counts() == {"ready": 10}
    small.drain("b")
    assert small.counts() == {"accepted": 10}


def test_a_sender_of_another_kind_than_planned_does_not_send(small: SmallRun) -> None:
    """The policy judged `file`; it might have forbidden Twilio to carry this to China."""
    tally = dispatch.Tally()
    dispatch.drain(replace(small.sending(), kind=lambda _: "twilio_sms"), small.run_id, tally)

    assert tally.stopped.startswith("sms-file: the run was planned for a sender of kind file")
    assert small.counts() == {"ready": 10}
    dispatch.drain(
        replace(small.sending("b"), kind=lambda _: "file"), small.run_id, tally := dispatch.Tally()
    )
    assert (tally.stopped, small.counts()) == ("", {"accepted": 10})


# --- after a crash ---------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 3, 4, 9])
def test_after_a_crash_a_window_is_in_doubt_and_the_rest_goes_on(
    small: SmallRun, after: int
) -> None:
    assert small.crash(after)
    swept = small.sweep("a")
    small.drain("b")

    assert swept.in_doubt <= small.window
    assert small.counts() == {"accepted": 10 - swept.in_doubt, "in_doubt": swept.in_doubt}
    assert max(small.handed().values()) == 1
    small.pass_time(days=2)
    small.sweep("a")
    small.drain("b")
    assert max(small.handed().values()) == 1


def test_a_living_owner_keeps_what_is_his_until_his_lease_runs_out(small: SmallRun) -> None:
    lease = claimed(small)
    intended(small, lease, 3)
    small.pass_time(seconds=59)
    assert small.sweep("somebody else") == (0, 0)

    small.pass_time(seconds=1)
    assert small.sweep() == (1, 3)
    assert small.counts() == {"in_doubt": 3, "ready": 7}


@pytest.mark.parametrize("held", [False, True])
def test_what_was_planned_before_the_clock_was_put_back_may_go_and_is_asked_anew(
    small: SmallRun, held: bool
) -> None:
    with small.database.begin() as tx:
        tx.execute(update(batch).values(held=held))
        if held:  # by the policy: it keeps its moment
            add_counts(tx, small.run_id, {("state", "held"): 10, ("state", "ready"): -10})
    small.now -= timedelta(days=1)
    small.sweep()

    with small.database.reading() as conn:
        row = conn.execute(select(batch)).one()
    assert (row.not_before <= small.now) is not held
    assert (row.good_until <= small.now) is not held


def test_a_sweep_repeated_finds_nothing(small: SmallRun) -> None:
    small.crash(2)
    assert small.sweep("a") == (1, 3)
    assert small.sweep("a") == (0, 0)


# --- cancelling ------------------------------------------------------------------------------


def test_cancelling_counts_what_was_ready_held_and_waiting(small: SmallRun) -> None:
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id == 1 else None
    lease = claimed(small)
    number = intended(small, lease, 2)
    assert number is not None
    settled(small, lease, number, m1=unavailable("421"), m2=ACCEPTED)
    with small.database.begin() as tx:
        windows.give_back(tx, lease)

    assert small.cancel() == 9
    assert small.counts() == {"accepted": 1, "cancelled": 9}
    assert small.cancel() == 0


def test_after_an_outage_any_number_of_waiting_messages_is_cancelled(database: Database) -> None:
    waiting = range(1, 70_001)  # more than a statement takes parameters
    columns = ("message_id", "run_id", "sender", "attempts", "not_before")
    with database.begin() as tx:
        append(tx, retry, columns, [(n, 1, "sms", 1, NOW) for n in waiting])

        assert takeover.cancel_rest(tx, 1, NOW, "li.m") == 70_000


def test_cancelling_counts_held_messages(database: Database, tmp_path: Path) -> None:
    night = NOW + timedelta(hours=7)
    small = opened(database, tmp_path, [client(n) for n in TEN], now=night)
    small.plan()
    assert small.counts() == {"held": 10}

    assert small.cancel() == 10
    assert small.counts() == {"cancelled": 10}


def test_what_a_sender_held_when_the_run_was_cancelled_is_cancelled_too(small: SmallRun) -> None:
    def cancel() -> None:
        small.gateways["sms-file"].before = lambda: None
        assert small.cancel() == 0

    small.gateways["sms-file"].before = cancel
    small.drain()

    assert small.counts() == {"accepted": 3, "cancelled": 7}


def test_what_a_dead_sender_held_when_the_run_was_cancelled_is_cancelled_by_the_sweep(
    small: SmallRun,
) -> None:
    small.crash(1)
    small.cancel()
    small.sweep("a")

    assert small.counts() == {"in_doubt": 3, "cancelled": 7}


def test_a_superseded_run_suppresses_what_it_has_not_sent(small: SmallRun) -> None:
    def supersede() -> None:
        small.gateways["sms-file"].before = lambda: None
        assert small.supersede(by=7)

    small.gateways["sms-file"].before = supersede
    small.drain()

    assert small.counts() == {"accepted": 3, "suppressed": 7}
    assert small.tally() == {"accepted": 3, "suppressed": 7}
    assert small.state == "superseded"


def test_a_run_that_has_ended_is_not_superseded(small: SmallRun) -> None:
    small.cancel()

    assert not small.supersede(by=7)
    assert small.counts() == {"cancelled": 10}


def test_a_message_that_never_went_gives_its_place_under_the_cap_back(small: SmallRun) -> None:
    with small.database.begin() as tx:
        uses = [
            {"message_id": n, "client_id": n, "purpose": "service", "at": small.now} for n in TEN
        ]
        tx.execute(insert(frequency_use), uses)
    answers = {1: refused("550"), 2: unavailable("421")}
    small.gateways["sms-file"].answer = lambda one: answers.get(one.id)
    tally = dispatch.Tally()
    lease = claimed(small)
    number = intended(small, lease, 4)
    assert number is not None
    settled(
        small, lease, number, m1=refused("550"), m2=unavailable("421"), m3=ACCEPTED, m4=ACCEPTED
    )
    with small.database.begin() as tx:
        windows.give_back(tx, lease)
    assert tally.stopped == ""
    assert small.rows_of(frequency_use) == 9

    small.cancel()

    with small.database.reading() as conn:
        left = conn.execute(select(frequency_use.c.message_id)).scalars().all()
    assert sorted(left) == [3, 4]


def test_a_message_given_up_gives_its_place_under_the_cap_back(small: SmallRun) -> None:
    with small.database.begin() as tx:
        row = {"message_id": 5, "client_id": 5, "purpose": "service", "at": small.now}
        tx.execute(insert(frequency_use), [row])
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id == 5 else None
    until_given_up(small)

    assert sum(small.counts().values()) - small.counts()["accepted"] == 1
    assert small.rows_of(frequency_use) == 0


# --- approvals -------------------------------------------------------------------------------


def test_an_approval_stands_until_it_is_revoked(database: Database) -> None:
    def act(action: str, digest: str = "d" * 64) -> None:
        with database.begin() as tx:
            runs.approve(tx, "notice", digest, "li.na", NOW, action=action, note="")

    def stands(digest: str = "d" * 64) -> bool:
        with database.reading() as conn:
            return runs.standing_approval(conn, "notice", digest) is not None

    assert not stands()
    act("approve")
    assert stands()
    assert not stands("e" * 64)
    act("revoke")
    assert not stands()
    act("approve")
    assert stands()
    with database.reading() as conn:
        assert len(conn.execute(select(approval)).all()) == 3


def test_what_is_still_open_tells_now_from_later(small: SmallRun) -> None:
    def left() -> tuple[int, int, datetime | None]:
        with small.database.reading() as conn:
            found = takeover.still_open(conn, small.run_id, small.now)
        assert (found.paced_at, found.stuck) == (None, 0)
        return found[:3]

    assert left() == (1, 0, None)
    lease = claimed(small)
    assert left() == (0, 1, None)
    with small.database.begin() as tx:
        windows.give_back(tx, lease)
    small.gateways["sms-file"].answer = lambda one: unavailable("421") if one.id == 1 else None
    small.drain()
    ready, leased, again = left()
    assert (ready, leased) == (0, 0)
    assert again is not None
    assert timedelta(0) <= again - small.now - timedelta(minutes=1) <= timedelta(seconds=6)
    small.now = again
    assert left() == (1, 0, None)


def test_the_tries_of_others_are_not_read_to_settle_a_window_of_a_batch(small: SmallRun) -> None:
    """There may be hundreds of thousands of them."""
    asked: list[str] = []
    event.listen(
        small.database.write_engine,
        "before_cursor_execute",
        lambda conn, cursor, statement, *rest: asked.append(statement),
    )
    small.drain()
    assert small.tally() == {"accepted": 10}
    tried = [one for one in asked if "FROM retry" in one]
    assert any("UPDATE" in one and "settled_at" in one for one in asked)
    assert not [one for one in tried if "retry.window_id = " in one]
