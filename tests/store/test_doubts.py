"""Doubts settled by people, on both databases: no fact is changed, no count is lost, and nothing
goes a second time that nobody let go."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach.core.doubt import Proposal, Verdict, no_resend, refusal
from outreach.core.model import refused, unavailable
from outreach.core.words import State
from outreach.store import audit, doubts, runs, sendlog
from outreach.store.database import Database
from outreach.store.tables import audit_entry, doubt_step, retry
from outreach.verify import verify
from tests.small_run import SmallRun, client, merged, opened

TEN = range(1, 11)
DOUBTED = [1, 2, 3]


@pytest.fixture
def small(database: Database, tmp_path: Path) -> Iterator[SmallRun]:
    """Ten SMS in windows of three; the sender died in the first, and another did the rest."""
    made = opened(database, tmp_path / "project", [client(n) for n in TEN])
    made.plan()
    assert made.crash(after=1)
    assert made.sweep("a").in_doubt == 3
    made.drain("b")
    assert made.counts() == {"accepted": 7, "in_doubt": 3}
    yield made
    assert made.tally() == merged(made.counts())
    found = verify(database)
    assert found.ok, found.first_bad


def proposed(small: SmallRun, verdict: Verdict, *messages: int) -> Proposal:
    with small.database.begin() as tx:
        return doubts.propose(
            tx, small.run_id, verdict, messages or DOUBTED, "asked the gateway", "li", small.now
        )


def confirmed(small: SmallRun, made: Proposal) -> list[int]:
    with small.database.begin() as tx:
        doubts.hold(tx, small.run_id)
        return doubts.confirm(tx, made, "wang", small.now)


def in_doubt(small: SmallRun) -> list[int]:
    with small.database.reading() as conn:
        return [one.message for one in doubts.listed(conn, small.run_id)]


def test_a_doubt_is_listed_with_what_is_needed_to_look_it_up(small: SmallRun) -> None:
    with small.database.reading() as conn:
        first, *rest = doubts.listed(conn, small.run_id)

    assert (first.message, first.channel, first.sender) == (1, "sms", "sms-file")
    assert (first.campaign, first.address) == ("notice", "+8613800000001")
    assert (first.code, first.said) == ("sender_gone", "a left no outcome")
    assert first.handed_at == first.since == small.now
    assert [one.message for one in rest] == [2, 3]


def test_a_proposal_alone_changes_nothing(small: SmallRun) -> None:
    proposed(small, Verdict.RESEND)
    small.pass_time(days=1)
    small.drain("b")

    assert small.counts() == {"accepted": 7, "in_doubt": 3}
    assert in_doubt(small) == DOUBTED
    assert small.rows_of(retry) == 0
    assert max(small.handed().values()) == 1


@pytest.mark.parametrize(
    ("verdict", "states", "last"),
    [
        (Verdict.WENT, {"accepted": 10}, ("accepted", "settled_by_person")),
        (Verdict.ABANDON, {"accepted": 7, "failed": 3}, ("failed", "abandoned")),
        (Verdict.RESEND, {"accepted": 7, "ready": 3}, ("ready", "resend_approved")),
    ],
)
def test_each_verdict_stands_beside_the_doubt_and_is_counted(
    small: SmallRun, verdict: Verdict, states: dict[str, int], last: tuple[str, str]
) -> None:
    assert confirmed(small, proposed(small, verdict)) == DOUBTED

    assert small.counts() == states
    assert small.tally() == merged(small.counts())
    assert in_doubt(small) == []
    assert all(small.outcomes()[n] == [("in_doubt", "sender_gone"), last] for n in DOUBTED)


def test_the_log_tells_the_verdict_and_who_gave_it(small: SmallRun) -> None:
    confirmed(small, proposed(small, Verdict.ABANDON, 2))

    with small.database.reading() as conn:
        lines = list(sendlog.lines(conn, sendlog.Wanted(reason="abandoned"), small.now))
    (line,) = lines
    assert (line.message, line.state) == (2, "failed")
    assert line.detail == "asked the gateway (li, confirmed by wang)"


def test_what_may_go_again_goes_once_more_and_no_oftener(small: SmallRun) -> None:
    before = small.handed()
    confirmed(small, proposed(small, Verdict.RESEND, 1, 2))
    small.drain("b")
    small.pass_time(days=1)
    small.drain("b")

    assert small.counts() == {"accepted": 9, "in_doubt": 1}
    again = small.handed() - before
    assert again == {1: 1, 2: 1}


def test_another_try_may_fail_wait_or_end_in_doubt_again(small: SmallRun) -> None:
    confirmed(small, proposed(small, Verdict.RESEND))
    answers = {1: unavailable("450"), 2: refused("550")}
    small.gateways["sms-file"].answer = lambda one: answers.get(one.id)
    small.drain("b")
    assert small.counts() == {"accepted": 8, "failed": 1, "ready": 1}

    small.pass_time(hours=1)
    assert small.crash(after=0, owner="c")
    small.sweep("c")

    assert small.counts() == {"accepted": 8, "failed": 1, "in_doubt": 1}
    assert in_doubt(small) == [1]
    assert confirmed(small, proposed(small, Verdict.WENT, 1)) == [1]
    assert small.counts() == {"accepted": 9, "failed": 1}


def test_a_message_no_longer_in_doubt_is_left_alone(small: SmallRun) -> None:
    early, late = proposed(small, Verdict.WENT, 1, 2), proposed(small, Verdict.RESEND, 2, 3)

    assert confirmed(small, early) == [1, 2]
    assert confirmed(small, late) == [3]

    assert small.counts() == {"accepted": 9, "ready": 1}
    assert small.outcomes()[2][-1] == ("accepted", "settled_by_person")


def test_a_proposal_about_nothing_left_settles_nothing(small: SmallRun) -> None:
    twice = [proposed(small, Verdict.RESEND) for _ in range(2)]

    assert [confirmed(small, one) for one in twice] == [DOUBTED, []]
    assert small.counts() == {"accepted": 7, "ready": 3}


def test_two_who_confirm_at_the_same_moment_settle_once(small: SmallRun) -> None:
    made = proposed(small, Verdict.RESEND)
    with ThreadPoolExecutor(2) as both:
        settled = list(both.map(lambda _: confirmed(small, made), range(2)))

    assert sorted(settled) == [[], DOUBTED]
    assert small.counts() == {"accepted": 7, "ready": 3}
    assert small.rows_of(retry) == 3


def test_what_a_slow_sender_says_after_people_settled_it_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path / "project", [client(n) for n in TEN])
    small.plan()

    def slow() -> None:
        small.gateways["sms-file"].before = lambda: None
        small.pass_time(seconds=61)
        small.sweep()
        assert confirmed(small, proposed(small, Verdict.ABANDON, 1, 2)) == [1, 2]

    small.gateways["sms-file"].before = slow
    small.drain()

    assert small.counts() == {"accepted": 8, "failed": 2}
    assert small.tally() == merged(small.counts())
    assert [state for state, _ in small.outcomes()[3]] == ["in_doubt", "accepted"]


def test_a_slow_sender_that_says_it_went_calls_the_second_copy_off(
    database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path / "project", [client(n) for n in TEN])
    small.plan()
    gateway = small.gateways["sms-file"]

    def slow() -> None:
        gateway.before = lambda: None
        small.pass_time(seconds=61)
        small.sweep()
        assert confirmed(small, proposed(small, Verdict.RESEND, 1, 2)) == [1, 2]

    gateway.before = slow
    answers = {2: refused("550")}
    gateway.answer = lambda one: answers.pop(one.id, None)
    small.drain()

    assert small.counts() == {"accepted": 10}
    assert small.tally() == merged(small.counts())
    assert small.handed() == {**dict.fromkeys(TEN, 1), 2: 2}
    assert verify(database).ok


def test_what_may_go_again_of_a_run_cancelled_since_is_cancelled(small: SmallRun) -> None:
    confirmed(small, proposed(small, Verdict.RESEND))
    small.cancel()
    small.drain("b")

    assert small.counts() == {"accepted": 7, "cancelled": 3}


# --- the steps -------------------------------------------------------------------------------


def test_the_steps_and_the_outcomes_are_in_the_audit_log(small: SmallRun) -> None:
    confirmed(small, proposed(small, Verdict.WENT))

    with small.database.reading() as conn:
        kinds = conn.execute(select(audit_entry.c.kind, audit_entry.c.actor)).all()
        stored = doubts.proposals(conn, small.run_id)
    about = [tuple(row) for row in kinds if "doubt" in row.kind or "person" in row.kind]
    assert about == [
        ("doubt.proposed", "li"), ("window.settled_by_person", "wang"), ("doubt.confirmed", "wang")
    ]  # fmt: skip
    (only,) = stored
    assert (only.standing, only.messages) == ("confirmed", (1, 2, 3))
    assert [step.actor for step in only.steps] == ["li", "wang"]


def test_a_step_and_its_entry_stand_or_fall_together(
    small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = proposed(small, Verdict.RESEND)

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(OSError, match="full"):
        confirmed(small, made)
    monkeypatch.undo()

    assert small.counts() == {"accepted": 7, "in_doubt": 3}
    assert (small.rows_of(doubt_step), small.rows_of(retry)) == (1, 0)


def test_a_withdrawn_proposal_is_not_confirmed(small: SmallRun) -> None:
    made = proposed(small, Verdict.WENT)
    with small.database.begin() as tx:
        doubts.hold(tx, small.run_id)
        doubts.withdraw(tx, made, "li", small.now)
    with small.database.reading() as conn:
        (stored,) = doubts.proposals(conn, small.run_id)

    assert stored.standing == "withdrawn"
    assert refusal(stored, "confirm", "wang") is not None
    assert in_doubt(small) == DOUBTED


@pytest.mark.parametrize(
    ("actor", "action", "allowed"),
    [
        ("wang", "confirm", True),
        ("li", "confirm", False),
        (" LI ", "confirm", False),
        ("li", "withdraw", True),
        ("wang", "withdraw", True),
    ],
)
def test_nobody_confirms_his_own_proposal(
    small: SmallRun, actor: str, action: str, allowed: bool
) -> None:
    made = proposed(small, Verdict.WENT)

    assert (refusal(made, action, actor) is None) == allowed  # type: ignore[arg-type]
    over = replace(made, steps=(*made.steps, made.steps[0]._replace(action="confirm")))
    assert refusal(over, action, "wang") is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["planning", "sending", "paused", "cancelled", "superseded"])
def test_only_a_run_that_has_not_ended_sends_again(state: str) -> None:
    ended = state in ("cancelled", "superseded")

    assert (no_resend(state, runs.OPEN) is not None) == ended


def test_every_verdict_is_a_state_of_messages() -> None:
    from outreach.core.doubt import outcome_of

    states = {outcome_of(one, "").state for one in Verdict}
    assert states == {State.ACCEPTED, State.READY, State.FAILED}
