"""Planning, sending, crashing, sweeping and stopping a run in any order breaks none of the laws."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from sqlalchemy import create_engine, make_url, select, text

from outreach import dispatch, receive
from outreach.core.doubt import Verdict, no_resend
from outreach.core.model import Message, Outcome, refused, unavailable
from outreach.core.receipt import HEARD, Receipt, best
from outreach.core.words import STATES, State
from outreach.store import doubts, retries, runs
from outreach.store.database import Database
from outreach.store.tables import event_aside, event_due, raw_event, receipt, retry
from outreach.verify import verify
from tests.small_run import client, merged, opened

CLIENTS = 9


class AnyOrder(RuleBasedStateMachine):
    """One run of nine messages, pages of four and windows of two, and two senders."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outreach-any-"))
        self.fresh = fresh(self.url, self.folder)
        self.database = Database(self.fresh.__enter__())
        self.small = opened(
            self.database, self.folder / "project", [client(n) for n in range(1, CLIENTS + 1)],
            page=4, window=2,
        )  # fmt: skip
        # What the channel said last of each message: only `ready` allows another try.
        self.said: dict[int, str] = {}
        self.twice: list[int] = []
        self.small.gateways["sms-file"].answer = self.answer
        self.answers: list[Outcome | None] = []
        self.small.plan_page()

    def answer(self, message: Message) -> Outcome | None:
        if self.said.get(message.id, "ready") != "ready":
            self.twice.append(message.id)  # raised here it would be a fault of the channel
        given = self.answers.pop() if self.answers else None
        self.said[message.id] = str(given.state) if given else "accepted"
        return given

    def teardown(self) -> None:
        try:
            self.everything_ends()
            found = verify(self.database)
            assert found.ok, found.first_bad
        finally:
            self.database.close()
            self.fresh.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    def everything_ends(self) -> None:
        """Whatever happened, a channel that takes everything leaves nothing open: nothing is
        lost."""
        while self.small.state == "planning":
            self.small.plan_page()
        for _ in range(3):
            self.small.pass_time(minutes=20)
            self.small.sweep("dead")
            self.small.drain("a")
        assert "open" not in merged(self.small.counts())
        assert self.small.rows_of(retry) == 0
        self.counters_equal_the_states_that_the_facts_say()
        self.nothing_is_sent_twice()

    # --- what may happen ---------------------------------------------------------------------

    @rule()
    def plan_a_page(self) -> None:
        self.small.plan_page()

    @rule(
        owner=st.sampled_from("ab"),
        answers=st.lists(
            st.sampled_from([None, unavailable("421"), refused("550"), None]), max_size=4
        ),
    )
    def send(self, owner: str, answers: list[Outcome | None]) -> None:
        self.answers = list(answers)
        self.small.work(owner)
        self.answers = []

    @rule(after=st.integers(0, 4))
    def crash(self, after: int) -> None:
        gateway, left = self.small.gateways["sms-file"], [after]

        def until_then(message: Message) -> Outcome | None:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            self.answer(message)
            # The process ends before anybody hears the answer, unless its window was over.
            return None

        gateway.answer = until_then
        try:
            self.small.work("dead")
        except KeyboardInterrupt:
            pass
        finally:
            gateway.answer = self.answer

    @rule()
    def sweep_after_the_dead(self) -> None:
        self.small.sweep("dead")

    @rule(resend=st.booleans())
    def be_slow_and_settle_late(self, resend: bool) -> None:
        gateway = self.small.gateways["sms-file"]

        def slow() -> None:
            gateway.before = lambda: None
            self.small.pass_time(seconds=61)
            self.small.sweep()
            if resend:  # people do not know that the sender is only slow
                self.people_settle_doubts(Verdict.RESEND, CLIENTS)

        gateway.before = slow
        self.small.work("slow")
        gateway.before = lambda: None

    @rule(resend=st.booleans())
    def be_swept_between_two_messages_of_a_window(self, resend: bool) -> None:
        gateway, first = self.small.gateways["sms-file"], [True]

        def slow(message: Message) -> Outcome | None:
            given = self.answer(message)
            if first:
                first.clear()
                self.small.pass_time(seconds=61)
                self.small.sweep()
                if resend:
                    self.people_settle_doubts(Verdict.RESEND, CLIENTS)
                self.said[message.id] = "accepted"  # which the sender is about to tell
            return given

        gateway.answer, tally = slow, dispatch.Tally()
        self.small.work("slow", tally)
        gateway.answer = self.answer
        assert tally.stopped == "", "its sender has no fault"

    @rule(after=st.integers(0, 2))
    def be_slow_and_overtaken_by_one_with_smaller_windows(self, after: int) -> None:
        gateway = self.small.gateways["sms-file"]

        def slow() -> None:
            gateway.before = lambda: None
            self.small.pass_time(seconds=61)
            self.small.sweep()
            self.small.window = 1
            self.crash(after)
            self.small.window = 2

        gateway.before = slow
        self.small.work("slow")
        gateway.before = lambda: None

    @rule()
    def channel_is_down(self) -> None:
        gateway = self.small.gateways["sms-file"]
        gateway.stopped = "the gateway is down"
        self.small.work("a")
        gateway.stopped = ""

    @rule(minutes=st.sampled_from([1, 6, 20]))
    def time_passes(self, minutes: int) -> None:
        self.small.pass_time(minutes=minutes)

    @precondition(lambda self: self.small.state in ("planning", "sending"))
    @rule()
    def pause_and_resume(self) -> None:
        before, handed = self.small.state, self.small.handed()
        self.small.move("paused", before)
        self.small.plan_page()
        assert not self.small.work("a")
        assert self.small.handed() == handed
        self.small.move(before, "paused")

    @precondition(lambda self: self.small.state in ("planning", "sending"))
    @rule()
    def pause_while_a_window_is_being_sent(self) -> None:
        gateway, before = self.small.gateways["sms-file"], self.small.state
        windows = [0]

        def pause() -> None:
            windows[0] += 1
            self.small.move("paused", before)

        gateway.before = pause
        self.small.work("a")
        gateway.before = lambda: None
        assert windows[0] <= 1
        self.small.move(before, "paused")

    @rule()
    def retry_now(self) -> None:
        with self.database.begin() as tx:
            retries.retry_now(tx, self.small.run_id, self.small.now, "test")

    @rule(verdict=st.sampled_from(Verdict), only=st.integers(1, CLIENTS))
    def people_settle_doubts(self, verdict: Verdict, only: int) -> None:
        with self.database.begin() as tx:
            state = doubts.hold(tx, self.small.run_id)
            if verdict is Verdict.RESEND and no_resend(str(state), runs.OPEN):
                return
            doubted = [one.message for one in doubts.listed(tx, self.small.run_id)]
            about = [one for one in doubted if one <= only]
            if not about:
                return
            made = doubts.propose(
                tx, self.small.run_id, verdict, about, "looked", "li", self.small.now
            )
        with self.database.begin() as tx:
            doubts.hold(tx, self.small.run_id)
            assert doubts.confirm(tx, made, "wang", self.small.now) == about
        said = {Verdict.WENT: "accepted", Verdict.RESEND: "ready"}
        if verdict in said:  # they know what the channel could not say
            self.said.update(dict.fromkeys(about, said[verdict]))

    def likely(self, pick: int) -> int:
        """A message, more likely one whose receipt changes much: in doubt, or to be tried again."""
        with self.database.reading() as conn:
            waiting = list(conn.execute(select(retry.c.message_id)).scalars())
        doubted = [n for n, state in self.small.states().items() if state is State.IN_DOUBT]
        numbers = [*sorted(waiting) * 6, *sorted(doubted) * 3, *range(1, CLIENTS + 2)]
        return int(numbers[pick % len(numbers)])

    @rule(
        pick=st.integers(0, 99),
        state=st.sampled_from(HEARD),
        sender=st.sampled_from(["sms-file", "sms-file", "sms-file", "another"]),
    )
    def a_receipt_comes(self, pick: int, state: State, sender: str) -> None:
        self.hear(self.likely(pick), state, sender)

    def hear(self, number: int, state: State, sender: str = "sms-file") -> None:
        content = orjson.dumps({"message": number, "state": state.value})
        event = receive.Event(f"twilio:{sender}", "status", content, self.small.now)
        receive.take_in(self.database, [event])
        self.apply_what_came()

    @rule(pick=st.integers(0, 99), state=st.sampled_from(HEARD))
    def a_receipt_comes_while_a_window_is_being_sent(self, pick: int, state: State) -> None:
        gateway = self.small.gateways["sms-file"]

        def hear() -> None:
            gateway.before = lambda: None
            self.a_receipt_comes(pick, state, "sms-file")

        gateway.before = hear
        self.small.work("a")
        gateway.before = lambda: None

    @rule(state=st.sampled_from(HEARD))
    def a_receipt_overtakes_the_outcome_of_its_message(self, state: State) -> None:
        gateway, overtaken = self.small.gateways["sms-file"], set[int]()

        def then_hear(message: Message) -> Outcome | None:
            given = self.answer(message)
            if not overtaken:
                overtaken.add(message.id)
                self.hear(message.id, state)
            return given

        gateway.answer = then_hear
        self.small.work("a")
        gateway.answer = self.answer
        self.small.pass_time(seconds=3)
        self.apply_what_came()
        assert overtaken <= self.heard().keys()

    @rule(state=st.sampled_from(HEARD))
    def the_provider_has_what_it_said_it_did_not_take(self, state: State) -> None:
        self.answers = [unavailable("450")] * CLIENTS
        self.small.work("a")
        self.answers = []
        with self.database.reading() as conn:
            waiting = list(conn.execute(select(retry.c.message_id)).scalars())
        for number in sorted(waiting)[:1]:
            self.hear(number, state)
            self.small.pass_time(minutes=20)
            self.small.work("b")

    @rule()
    def apply_what_came(self) -> None:
        while receive.apply(self.database, {"twilio": spoken}, self.small.clock).events:
            pass
        # Whatever the channel said before: its provider has it, so it must not go again.
        self.said.update(dict.fromkeys(self.heard(), "accepted"))

    def heard(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        with self.database.reading() as conn:
            for number, state in conn.execute(select(receipt.c.message_id, receipt.c.state)):
                found.setdefault(number, set()).add(state)
        return found

    @rule(weight=st.integers(0, 9))
    def cancel(self, weight: int) -> None:
        if weight == 7:  # seldom, because little happens afterwards
            self.small.cancel()

    # --- what is always so -------------------------------------------------------------------

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert self.twice == []

    @invariant()
    def counters_equal_the_states_that_the_facts_say(self) -> None:
        assert self.small.tally() == merged(self.small.counts())

    @invariant()
    def what_was_accepted_was_handed_over_and_nobody_else_is_said_to_be(self) -> None:
        states = self.small.states()
        for message_id, state in states.items():
            if state is State.ACCEPTED:
                assert self.said[message_id] == "accepted"
            if state in (State.CANCELLED, State.HELD):
                assert self.said.get(message_id, "ready") == "ready"

    @invariant()
    def what_a_receipt_said_is_the_state_whatever_else_happened(self) -> None:
        states, outcomes = self.small.states(), self.small.outcomes()
        for number, said in self.heard().items():
            assert states[number] == best(said)
            assert number in outcomes, "nobody can have heard of what was in no window"

    @invariant()
    def an_event_waits_or_is_applied_and_nothing_else(self) -> None:
        counts = {table: self.small.rows_of(table) for table in (event_due, event_aside, raw_event)}
        assert counts[event_due] + counts[event_aside] <= counts[raw_event]

    @invariant()
    def what_is_listed_as_in_doubt_is_what_the_facts_leave_in_doubt(self) -> None:
        with self.database.reading() as conn:
            found = {one.message for one in doubts.listed(conn, self.small.run_id)}
        states = self.small.states().items()
        assert found == {number for number, state in states if state is State.IN_DOUBT}

    @invariant()
    def nothing_of_a_cancelled_run_waits_once_it_is_swept(self) -> None:
        if self.small.state == "cancelled":
            self.small.sweep("dead")
            assert "open" not in merged(self.small.counts())


def spoken(event: receive.Event) -> list[Receipt]:
    content = orjson.loads(event.content)
    return [Receipt(STATES[content["state"]], event.received_at, content["message"])]


@contextmanager
def fresh(url: str, folder: Path) -> Iterator[str]:
    """An empty copy of the database that the test was given: each example begins anew."""
    if url.startswith("sqlite"):
        target = folder / "outreach.db"
        shutil.copy(url.removeprefix("sqlite:///"), target)
        yield f"sqlite:///{target}"
        return
    name = f"any_{uuid4().hex}"
    known = make_url(url)
    admin = create_engine(known.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {known.database} STRATEGY FILE_COPY"))
    yield known.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


# What chance seldom brings about, from the first moment on.
STORIES: list[list[tuple[str, dict[str, Any]]]] = [
    [("be_slow_and_overtaken_by_one_with_smaller_windows", {"after": 0})],
    [("be_slow_and_overtaken_by_one_with_smaller_windows", {"after": 1})],
    [("be_slow_and_settle_late", {"resend": False})],
    [("be_slow_and_settle_late", {"resend": True}), ("send", {"owner": "b", "answers": []})],
    [("be_swept_between_two_messages_of_a_window", {"resend": False})],
    [("be_swept_between_two_messages_of_a_window", {"resend": True}), ("retry_now", {})],
    [("pause_while_a_window_is_being_sent", {})],
    [("crash", {"after": 1}), ("sweep_after_the_dead", {}), ("time_passes", {"minutes": 20})],
    [("the_provider_has_what_it_said_it_did_not_take", {"state": State.DELIVERED})],
    [("channel_is_down", {}), ("pause_and_resume", {}), ("time_passes", {"minutes": 20})],
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: " and ".join(one[0] for one in story))
def test_a_story_ends_well(database_url: str, story: list[tuple[str, dict[str, Any]]]) -> None:
    class Machine(AnyOrder):
        url = database_url

    one = Machine()
    try:
        for name, more in story:
            getattr(one, name)(**more)
            for law in one.invariants:
                law.function(one)
    finally:
        one.teardown()


@pytest.mark.parametrize("part", [1, 2])
def test_no_order_of_events_sends_twice_or_loses_count(database_url: str, part: int) -> None:
    sqlite = database_url.startswith("sqlite")

    class Machine(AnyOrder):
        url = database_url

    run_machine(
        Machine,
        settings=settings(
            max_examples=15 if sqlite else 4,
            stateful_step_count=25,
            deadline=None,
            derandomize=part == 1,
            suppress_health_check=list(HealthCheck),
        ),
    )
