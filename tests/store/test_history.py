"""All that happened to a message, in its order, whoever did it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from outreach import receive
from outreach.core.doubt import Verdict
from outreach.core.model import Message, Outcome
from outreach.core.receipt import Receipt
from outreach.core.words import State
from outreach.receive.events import pulled
from outreach.store import doubts
from outreach.store.database import Database
from outreach.store.history import history
from outreach.store.tables import message
from tests.small_run import SmallRun, client, opened


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    """A planned run to four clients, all in one window."""
    made = opened(database, tmp_path / "project", [client(n) for n in range(1, 5)], window=10)
    made.plan()
    return made


def past(small: SmallRun, number: int) -> list[tuple[str, str, str, str]]:
    """What, state, code and by whom, of a client's message."""
    query = select(message).where(message.c.client_id == number)
    with small.database.reading() as conn:
        found = history(conn, conn.execute(query).one())
    assert sorted(one.at for one in found) == [one.at for one in found]
    return [(one.what, one.state, one.code, one.by) for one in found]


def answers(small: SmallRun, **of: Outcome) -> None:
    """What the gateway says of a client's message; of others the usual yes."""

    def answer(one: Message) -> Outcome | None:
        return of.get(f"c{int(one.to[-4:])}")

    small.gateways["sms-file"].answer = answer


DOUBT = Outcome(State.IN_DOUBT, "timeout", "no answer")
LATER = Outcome(State.READY, "busy", "try later")


def test_before_anything_happened_there_is_nothing(small: SmallRun) -> None:
    assert past(small, 1) == []


def test_each_try_is_told_with_its_sender_and_not_those_of_others(small: SmallRun) -> None:
    answers(small, c2=LATER, c3=LATER)
    small.drain()
    answers(small, c3=LATER)
    small.pass_time(minutes=10)
    small.drain()

    once = [("intent", "", "", "sms-file"), ("outcome", "accepted", "", "sms-file")]
    again = [("intent", "", "", "sms-file"), ("outcome", "ready", "busy", "sms-file")]
    assert past(small, 1) == once
    assert past(small, 2) == [*again, *once]
    assert past(small, 3) == [*again, *again]


def test_a_message_that_is_in_hand_has_an_intent_alone(small: SmallRun) -> None:
    small.crash(after=2)
    assert past(small, 4) == [("intent", "", "", "sms-file")]
    small.pass_time(minutes=5)
    small.sweep("a")
    assert past(small, 4)[1:] == [("outcome", "in_doubt", "sender_gone", "sms-file")]


def test_receipts_are_told_as_they_came_and_where_from(small: SmallRun) -> None:
    small.drain()
    with small.database.reading() as conn:
        number = conn.execute(select(message.c.id).where(message.c.client_id == 1)).scalar_one()
    for state, code in ((State.UNDELIVERED, "30008"), (State.DELIVERED, "")):
        small.pass_time(seconds=5)
        said = pulled("sms-file", Receipt(state, small.now, number, code=code), small.now)
        receive.take_in(small.database, [said])
        receive.apply(small.database, {}, small.clock)

    assert past(small, 1)[2:] == [
        ("receipt", "undelivered", "30008", "pulled:sms-file"),
        ("receipt", "delivered", "", "pulled:sms-file"),
    ]
    assert len(past(small, 2)) == 2


def test_what_people_settle_is_told_with_their_names(small: SmallRun) -> None:
    answers(small, c1=DOUBT, c2=DOUBT, c3=DOUBT)
    small.drain()
    settle(small, 1, Verdict.RESEND)
    settle(small, 2, Verdict.WENT)
    settle(small, 3, Verdict.WENT, confirmed=False)
    answers(small)
    small.pass_time(minutes=5)  # after so many doubts the sender rests
    small.drain()

    begun = [("intent", "", "", "sms-file"), ("outcome", "in_doubt", "timeout", "sms-file")]
    assert past(small, 1) == [
        *begun,
        ("proposed", "resend", "", "li.na"),
        ("confirmed", "resend", "", "wang.wei"),
        ("outcome", "ready", "resend_approved", "wang.wei"),
        ("intent", "", "", "sms-file"),
        ("outcome", "accepted", "", "sms-file"),
    ]
    assert past(small, 2)[2:] == [
        ("proposed", "went", "", "li.na"),
        ("confirmed", "went", "", "wang.wei"),
        ("outcome", "accepted", "settled_by_person", "wang.wei"),
    ]
    assert past(small, 3)[2:] == [
        ("proposed", "went", "", "li.na"),
        ("withdrawn", "went", "", "li.na"),
    ]
    assert len(past(small, 4)) == 2


def settle(small: SmallRun, number: int, verdict: Verdict, *, confirmed: bool = True) -> None:
    query = select(message.c.id).where(message.c.client_id == number)
    small.pass_time(seconds=1)
    with small.database.begin() as tx:
        (one,) = tx.execute(query).scalars()
        made = doubts.propose(tx, small.run_id, verdict, [one], "looked", "li.na", small.now)
    small.pass_time(seconds=1)
    with small.database.begin() as tx:
        if confirmed:
            doubts.confirm(tx, made, "wang.wei", small.now)
        else:
            doubts.withdraw(tx, made, "li.na", small.now)
    small.pass_time(seconds=1)
