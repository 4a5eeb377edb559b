"""Limited senders at work, on both databases: permits, caps and hours, trouble shared by all."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from outreach import dispatch
from outreach.channels import ChannelUnavailable
from outreach.core.model import Message, Outcome, in_doubt, refused, throttled, unavailable
from outreach.core.rate import Ask, Limit, Limits, RampUp, Why, midnight
from outreach.store import breakers, left, windows
from outreach.store.database import Database
from outreach.store.tables import address_block, batch, consent_event
from outreach.verify import verify
from tests.small_run import NOW, SHANGHAI, SmallRun, client, definition, merged, opened
from tests.store.client_book import add

TEN = range(1, 11)


@pytest.fixture
def small(database: Database, tmp_path: Path) -> Iterator[SmallRun]:
    """A planned run of ten SMS in one batch, windows of three."""
    made = opened(database, tmp_path / "project", [client(n) for n in TEN])
    made.plan()
    yield made
    assert made.tally() == merged(made.counts())
    assert verify(database).ok


def limit(small: SmallRun, **limits: object) -> None:
    small.limits["sms-file"] = Limits("sms-file", Limit(**limits))  # type: ignore[arg-type]


def waiting(small: SmallRun) -> left.Waiting:
    with small.database.reading() as conn:
        return left.by_sender(conn, small.run_id, small.now)[0]


def moments(small: SmallRun) -> list[float]:
    """When each message is handed over, in seconds from now on."""
    found: list[float] = []

    def note(_message: Message) -> None:
        found.append((small.now - NOW).total_seconds())

    small.gateways["sms-file"].answer = note
    return found


# --- the rate --------------------------------------------------------------------------------


def test_messages_go_at_the_senders_rate(small: SmallRun) -> None:
    limit(small, per_second=2)
    handed = moments(small)

    small.drain()

    assert small.counts() == {"accepted": 10}
    assert handed == pytest.approx([n / 2 for n in range(10)], abs=0.3)


def test_outcomes_are_written_before_a_worker_sleeps(small: SmallRun) -> None:
    limit(small, per_second=1)
    known: list[int] = []
    small.gateways["sms-file"].before = lambda: known.append(small.counts().get("accepted", 0))

    small.drain()

    assert known == list(range(10))


def test_a_slow_sender_gives_its_batch_back_and_says_when_it_goes_on(small: SmallRun) -> None:
    limit(small, per_second=0.01)
    small.drain()

    found = waiting(small)
    assert (found.messages, found.why) == (9, Why.RATE)
    assert found.until is not None
    assert timedelta(seconds=90) < found.until - small.now <= timedelta(seconds=100)
    with small.database.reading() as conn:
        assert left.still_open(conn, small.run_id, small.now).paced_at == found.until
    small.now = found.until
    small.drain()
    assert small.counts() == {"accepted": 2, "ready": 8}


def test_other_senders_go_on_while_one_waits_its_turn(database: Database, tmp_path: Path) -> None:
    each = ("campaigns/notice.toml", 'owner = "operations"', 'deliver = "each"\nowner = "ops"')
    with database.begin() as tx:
        add(tx, [client(n) for n in TEN])
    small = SmallRun(database, definition(tmp_path, each))
    small.plan()
    limit(small, per_second=1)
    handed = moments(small)
    mails: list[float] = []
    small.gateways["mail-file"].answer = lambda _m: mails.append((small.now - NOW).total_seconds())

    small.drain()

    assert small.counts() == {"accepted": 20}
    assert max(mails) < 2
    assert handed == pytest.approx(range(10), abs=0.3)


def test_an_account_limits_all_of_its_senders_together(small: SmallRun) -> None:
    shared = Ask("account AC1", Limit(per_second=2))
    small.limits["sms-file"] = Limits("sms-file", Limit(per_second=50), shared)
    handed = moments(small)

    small.drain()

    assert handed[-1] == pytest.approx(4.5, abs=0.3)


# --- days and hours --------------------------------------------------------------------------


def test_what_the_days_cap_leaves_goes_today_and_the_rest_after_midnight(small: SmallRun) -> None:
    limit(small, per_day=4)
    small.drain()

    found = waiting(small)
    assert small.counts() == {"accepted": 4, "ready": 6}
    assert (found.why, found.until) == (Why.DAY, midnight(NOW, SHANGHAI))
    small.pass_time(hours=5)
    small.drain()
    assert small.counts()["accepted"] == 4


def test_a_ramp_up_begins_small(small: SmallRun) -> None:
    limit(small, per_day=100, ramp_up=RampUp(days=5, share=0.02))
    small.drain()

    assert small.counts() == {"accepted": 2, "ready": 8}


def test_a_sender_with_hours_of_its_own_keeps_to_them(small: SmallRun) -> None:
    limit(small, between=(time(16), time(20)))
    small.drain()

    found = waiting(small)
    assert (small.counts(), found.why) == ({"ready": 10}, Why.HOURS)
    assert found.until == NOW + timedelta(minutes=30)
    small.now = found.until
    small.drain()
    assert small.counts() == {"accepted": 10}


# --- less is wanted --------------------------------------------------------------------------


def test_one_429_holds_the_sender_for_every_worker(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]
    gateway.answer = lambda one: throttled("429", wait=30.0) if one.id == 2 else None

    small.drain("a")
    small.drain("b")

    assert small.handed() == {1: 1, 2: 1, 3: 1}
    assert waiting(small).why is Why.THROTTLED
    gateway.answer = lambda _one: None
    small.pass_time(seconds=29)
    small.drain("b")
    assert sum(small.handed().values()) == 3
    small.pass_time(seconds=5)
    small.drain("b")
    assert small.counts() == {"accepted": 10}


# --- the breaker -----------------------------------------------------------------------------


def test_a_line_that_is_down_stops_the_sender_for_every_worker(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]
    gateway.answer = lambda _one: unavailable("connect", "no route")

    tally = small.drain("a")
    small.drain("b")

    assert sum(small.handed().values()) == 6, "two windows of three, the second was one too many"
    assert tally.stopped == "sms-file: 6 errors of the line in a row: no route"
    with small.database.reading() as conn:
        assert left.troubles(conn, small.run_id, small.now) == [tally.stopped]
        assert left.still_open(conn, small.run_id, small.now).ready == 0


def test_after_its_rest_one_worker_tries_it_with_a_small_window(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]
    gateway.answer = lambda _one: in_doubt("timeout")
    small.drain("a")
    before = sum(small.handed().values())
    small.pass_time(minutes=1)

    def meanwhile() -> None:
        gateway.before = lambda: None
        small.drain("b")
        assert sum(small.handed().values()) == before, "another worker tries it already"

    gateway.before = meanwhile
    gateway.answer = lambda _one: None
    small.drain("a")

    assert small.counts()["accepted"] == 10 - before
    with small.database.reading() as conn:
        assert breakers.standing(conn) == {}


def test_a_trial_that_fails_makes_it_rest_for_longer(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]
    gateway.stopped = "the key is refused"
    small.drain()
    small.pass_time(minutes=1)
    small.drain()

    with small.database.reading() as conn:
        row = breakers.standing(conn)["sms-file"]
    assert (row["state"], row["why"]) == ("open", "the key is refused")
    assert row["open_until"] == small.now + timedelta(minutes=2)


def test_a_worker_that_dies_while_it_tries_a_sender_leaves_it_to_another(small: SmallRun) -> None:
    gateway = small.gateways["sms-file"]
    gateway.stopped = "down"
    small.drain()
    gateway.stopped = ""
    small.pass_time(minutes=1)
    assert small.crash(after=1)
    handed = small.handed()
    small.sweep("a")
    small.drain("b")
    assert small.handed() == handed, "the one who tried it may still be at it"

    small.pass_time(minutes=1)
    small.drain("b")

    assert small.counts() == {"in_doubt": 3, "accepted": 7}


def test_what_a_person_stopped_only_a_person_lets_go_on(small: SmallRun) -> None:
    with small.database.begin() as tx:
        breakers.stop(tx, "sms-file", "wrong sender number", "li.na", small.now)
    small.drain()
    small.pass_time(days=1)
    small.drain()
    assert small.counts() == {"ready": 10}
    assert waiting(small).why is Why.STOPPED

    with small.database.begin() as tx:
        assert breakers.let_go(tx, "sms-file", "li.na", small.now)
        assert not breakers.let_go(tx, "sms-file", "li.na", small.now)
    small.now = NOW
    small.drain()
    assert small.counts() == {"accepted": 10}


# --- the text is refused ---------------------------------------------------------------------


def test_a_text_that_is_refused_again_and_again_pauses_the_run_and_blames_nobody(
    small: SmallRun,
) -> None:
    small.gateways["sms-file"].answer = lambda _one: refused("30007", "filtered")

    tally = small.drain()

    assert small.state == "paused"
    assert small.counts() == {"failed": 6, "ready": 4}
    assert tally.stopped.startswith(f"run {small.run_id}: paused, for sms-file refuses its text")
    assert small.rows_of(address_block) == 0
    assert small.rows_of(consent_event) == 0
    small.move("sending", "paused")
    small.gateways["sms-file"].answer = lambda _one: None
    small.drain()
    assert small.counts() == {"failed": 6, "accepted": 4}


# --- two of one name ---------------------------------------------------------------------------


def test_two_workers_of_one_name_are_told_apart_by_their_tokens(small: SmallRun) -> None:
    def meanwhile() -> None:
        small.gateways["sms-file"].before = lambda: None
        small.drain("a")
        assert sum(small.handed().values()) == 0, "the batch is in the first one's hands"
        # Taken for gone under its name, the first goes on: what it holds is not its own any more.
        assert small.sweep("a").in_doubt == 3
        small.drain("a")

    small.gateways["sms-file"].before = meanwhile
    small.drain("a")

    assert small.handed() == dict.fromkeys(TEN, 1)
    assert small.counts() == {"accepted": 10}


# --- urgent before bulk ------------------------------------------------------------------------


def test_a_batch_that_is_not_urgent_is_given_back_when_an_urgent_one_comes(
    small: SmallRun,
) -> None:
    limit(small, per_second=1)
    order: list[int] = []

    def note(one: Message) -> None:
        order.append(one.id)
        if len(order) == 2:  # the second half of the batch turns out to be urgent
            with small.database.begin() as tx:
                row = dict(tx.execute(select(batch)).mappings().one())
                tx.execute(update(batch).values(last_id=6))
                again = {**row, "id": 99, "first_id": 7, "next_id": 7, "urgent": True}
                free = {"state": "ready", "owner": None, "token": None, "lease_until": None}
                tx.execute(batch.insert().values({**again, **free}))

    small.gateways["sms-file"].answer = note
    small.drain()

    assert order[:2] == [1, 2]
    assert order.index(7) < order.index(5)
    assert sorted(order) == list(TEN)


# --- machines that stand still, clocks that jump ---------------------------------------------


def test_a_process_that_stood_still_by_the_clock_nobody_sets_hands_nothing_over(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock may have been put back meanwhile, as after a machine was asleep."""
    intend, asleep = windows.intend, [0.0]

    def then_sleep(*given: Any, **more: Any) -> int | None:
        asleep[0] = 31.0
        return intend(*given, **more)

    monkeypatch.setattr(windows, "intend", then_sleep)
    sending = replace(small.sending(), elapsed=lambda: asleep[0])
    dispatch.work_batch(sending, small.run_id, dispatch.Tally())
    monkeypatch.undo()

    assert small.handed() == {}
    assert small.counts() == {"ready": 10}
    small.drain("b")
    assert small.counts() == {"accepted": 10}


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1), timedelta(hours=-1)])
def test_a_clock_that_jumps_while_a_window_is_sent_loses_and_doubles_nothing(
    small: SmallRun, jump: timedelta
) -> None:
    limit(small, per_second=5)

    def leap() -> None:
        small.gateways["sms-file"].before = lambda: None
        small.now += jump
        small.sweep()

    small.gateways["sms-file"].before = leap
    small.drain()
    small.now -= jump
    small.drain("b")
    small.pass_time(hours=3)
    small.sweep()
    small.drain("b")

    assert max(small.handed().values()) == 1
    assert sum(small.counts().values()) == 10
    assert small.counts().get("in_doubt", 0) == 0


# --- what is known is written ----------------------------------------------------------------


def test_what_is_known_of_a_slow_window_is_written_while_the_rest_is_on_its_way(
    small: SmallRun,
) -> None:
    small.window = 10
    small.gateways["sms-file"].window = 10
    seen: list[int] = []

    def slow(_message: Message) -> None:
        small.pass_time(seconds=20)
        seen.append(small.counts().get("accepted", 0))

    small.gateways["sms-file"].answer = slow
    small.drain()

    assert seen == list(range(10))
    assert small.counts() == {"accepted": 10}
    assert list(small.outcomes().values()) == [[("accepted", "")]] * 10


def test_a_crash_in_a_slow_window_leaves_only_what_was_not_written_in_doubt(
    small: SmallRun,
) -> None:
    small.window = 10
    small.gateways["sms-file"].window = 10
    given = []

    def slow(message: Message) -> Outcome | None:
        from tests.small_run import Crash

        small.pass_time(seconds=1)
        given.append(message.id)
        if len(given) == 7:
            raise Crash
        return unavailable("450") if len(given) == 2 else None

    small.gateways["sms-file"].answer = slow
    from tests.small_run import Crash

    with pytest.raises(Crash):
        small.drain("a")
    small.gateways["sms-file"].answer = lambda _one: None

    assert small.sweep("a").in_doubt == 4
    small.pass_time(minutes=2)
    small.drain("b")
    assert small.counts() == {"accepted": 6, "in_doubt": 4}


# --- batches that kill their senders ---------------------------------------------------------


def takeovers(small: SmallRun) -> int:
    with small.database.reading() as conn:
        return int(conn.execute(select(batch.c.takeovers)).scalar_one())


def test_a_batch_that_killed_five_senders_is_set_aside_until_a_person_has_looked(
    small: SmallRun,
) -> None:
    small.window = small.gateways["sms-file"].window = 1
    for n in range(5):
        assert small.crash(after=0, owner=f"victim-{n}")
        small.sweep(f"victim-{n}")
    assert takeovers(small) == 5

    small.drain("b")

    assert small.counts() == {"in_doubt": 5, "ready": 5}
    with small.database.reading() as conn:
        assert left.set_aside(conn, small.run_id) == [(1, 5)]
        still = left.still_open(conn, small.run_id, small.now)
    assert (still.ready, still.leased, still.stuck) == (0, 0, 1)
    with small.database.begin() as tx:
        assert left.take_up_again(tx, small.run_id, small.now, "li.na") == 1
    small.drain("b")
    assert small.counts() == {"in_doubt": 5, "accepted": 5}


def test_a_message_that_kills_its_sender_process_kills_five_and_no_more(small: SmallRun) -> None:
    small.window = small.gateways["sms-file"].window = 1
    small.gateways["sms-file"].answer = lambda _one: os.kill(os.getpid(), signal.SIGKILL)
    ends = []
    for n in range(7):
        child = os.fork()
        if not child:  # a sender process: it has connections of its own
            own = Database(small.database.url.render_as_string(hide_password=False))
            sending = replace(small.sending(f"victim-{n}"), database=own)
            dispatch.drain(sending, small.run_id, dispatch.Tally())
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        small.sweep(f"victim-{n}")

    assert ends == [-signal.SIGKILL] * 5 + [0, 0]
    assert small.counts() == {"in_doubt": 5, "ready": 5}


def test_a_batch_whose_windows_are_settled_in_between_is_not_blamed(small: SmallRun) -> None:
    with small.database.begin() as tx:
        tx.execute(update(batch).values(takeovers=4))
    assert small.crash(after=4)
    small.sweep("a")

    assert takeovers(small) == 1
    small.drain("b")
    assert small.counts() == {"accepted": 7, "in_doubt": 3}


def test_a_sender_that_is_gone_from_the_config_needs_no_breaker(small: SmallRun) -> None:
    def gone(sender: str) -> dispatch.Adapter:
        raise ChannelUnavailable(f"{sender}: config.toml has no such sender any more")

    dispatch.drain(replace(small.sending(), adapter=gone), small.run_id, dispatch.Tally())

    with small.database.reading() as conn:
        assert breakers.standing(conn) == {}
    assert isinstance(small.now, datetime)


# --- countries -------------------------------------------------------------------------------


def test_a_country_with_a_limit_of_its_own_does_not_slow_the_others_down(
    database: Database, tmp_path: Path
) -> None:
    limited = (
        "config.toml",
        "[senders.sms-file]\n",
        '[senders.sms-file]\ncountries = { "+852" = { per_second = 1 } }\n',
    )
    people = [
        client(n, **({"phone": f"+8529000000{n}", "phone_country": "HK"} if n % 2 else {}))
        for n in range(1, 9)
    ]
    with database.begin() as tx:
        add(tx, people)
    small = SmallRun(database, definition(tmp_path, limited))
    small.plan()
    small.limits["sms-file"] = Limits("sms-file", countries={"+852": Limit(per_second=1)})
    abroad: list[float] = []
    home: list[float] = []

    def note(one: Message) -> None:
        (abroad if one.to.startswith("+852") else home).append(small.elapsed)

    small.gateways["sms-file"].answer = note
    small.drain()

    assert small.counts() == {"accepted": 8}
    assert home == [0, 0, 0, 0]
    assert abroad == pytest.approx([0, 0.8, 1.8, 2.8], abs=0.2)
