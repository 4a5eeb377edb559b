"""What may change and does not follow from the log: each way of tampering is found, and named."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from outreach.core.doubt import Verdict
from outreach.core.model import Message, Outcome
from outreach.core.receipt import Receipt
from outreach.core.words import State
from outreach.receive import apply, take_in
from outreach.receive.events import pulled
from outreach.store import audit, blocks, doubts
from outreach.store.blocks import Block
from outreach.store.database import Database
from outreach.store.tables import (
    address_block,
    batch,
    message,
    provider_reference,
    run,
    run_count,
    window,
)
from outreach.verify import Bad, verify
from tests.small_run import NOW, SmallRun, client, opened


def by_number(one: Message) -> Outcome | None:
    """What the gateway says of each client's message."""
    number = int(one.to[-4:])
    if number == 2:
        return Outcome(State.FAILED, "21211", "not a number")
    if number == 3:
        return Outcome(State.IN_DOUBT, "timeout", "no answer")
    return None


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    """A run that ended: taken, failed, in doubt, delivered and undelivered, and two blocks."""
    made = opened(database, tmp_path / "project", [client(n) for n in range(1, 8)])
    made.plan()
    made.gateways["sms-file"].answer = by_number
    made.drain()
    for number, states in ((4, [State.UNDELIVERED, State.DELIVERED]), (5, [State.UNDELIVERED])):
        for state in states:
            hear(made, number, state)
    with database.begin() as tx:
        audit.append(tx, blocks.block(tx, [blocked(1), blocked(2, days=3)], "outreach", NOW))
    return made


def blocked(number: int, days: int | None = None) -> Block:
    until = NOW + timedelta(days=days) if days else None
    return Block("email", f"c{number}@example.com", "hard_bounce", "5.1.1", "bounce 1", until)


def hear(small: SmallRun, number: int, state: State) -> None:
    query = select(message.c.id).where(message.c.client_id == number)
    with small.database.reading() as conn:
        message_id = conn.execute(query).scalar_one()
    take_in(small.database, [pulled("sms-file", Receipt(state, NOW, message_id), NOW)])
    apply(small.database, {}, small.clock)


def bad(small: SmallRun, *statements: Any) -> Bad | None:
    """What `audit verify` finds once somebody wrote to the database by hand."""
    with small.database.begin() as tx:
        for statement in statements:
            assert tx.execute(statement).rowcount != 0
    return verify(small.database).first_bad


def counter(kind: str, key: str) -> Any:
    where = (run_count.c.kind == kind, run_count.c.key == key)
    return update(run_count).where(*where).values(n=run_count.c.n + 1)


# --- what stands -----------------------------------------------------------------------------


def test_a_run_with_all_that_can_happen_stands(small: SmallRun) -> None:
    assert small.counts() == {
        "accepted": 3, "delivered": 1, "failed": 1, "in_doubt": 1, "undelivered": 1,
    }  # fmt: skip
    assert verify(small.database).first_bad is None


def test_a_doubt_that_people_settle_stands(small: SmallRun) -> None:
    with small.database.reading() as conn:
        (doubt,) = doubts.listed(conn, small.run_id)
    with small.database.begin() as tx:
        made = doubts.propose(
            tx, small.run_id, Verdict.RESEND, [doubt.message], "not listed", "li.na", NOW
        )
    with small.database.begin() as tx:
        doubts.confirm(tx, made, "wang.wei", NOW)
    assert verify(small.database).first_bad is None
    small.gateways["sms-file"].answer = lambda _message: None
    small.drain()
    assert small.counts()["accepted"] == 4
    assert verify(small.database).first_bad is None


def test_a_run_stopped_in_the_middle_stands(database: Database, tmp_path: Path) -> None:
    made = opened(database, tmp_path / "project", [client(n) for n in range(1, 8)], window=2)
    made.plan()
    made.crash(after=3)
    assert verify(database).first_bad is None
    made.cancel()
    assert verify(database).first_bad is None
    made.pass_time(minutes=5)
    made.sweep("a")
    assert verify(database).first_bad is None


def test_a_block_that_ended_by_itself_may_be_gone(small: SmallRun) -> None:
    later = NOW + timedelta(days=4)
    with small.database.begin() as tx:
        audit.append(tx, blocks.block(tx, [blocked(2)], "outreach", later))
    assert verify(small.database).first_bad is None
    over = delete(address_block).where(address_block.c.address == "c1@example.com")
    assert bad(small, over) == Bad("the block it made", "step 1 on a blocked address", MISSING)


def test_a_block_that_was_lifted_is_gone(small: SmallRun) -> None:
    with small.database.begin() as tx:
        audit.append(tx, blocks.lift(tx, "email", "c1@example.com", None, "called", "li.m", NOW))
    assert verify(small.database).first_bad is None


# --- what does not ---------------------------------------------------------------------------

MISSING = "it is missing"
UNLOGGED = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "key", "told"),
    [
        ("decision", "allow", ("decision allow", "8", "7")),
        ("channel", "sms", ("channel sms", "8", "7")),
        ("state", "accepted", ("state accepted", "4", "3")),
        ("state", "delivered", ("state delivered", "2", "1")),
        ("state", "in_doubt", ("state in_doubt", "2", "1")),
    ],
)
def test_a_changed_counter_is_named(
    small: SmallRun, kind: str, key: str, told: tuple[str, str, str]
) -> None:
    name, says, facts = told
    why = f"it says {says}, the facts say {facts}"
    assert bad(small, counter(kind, key)) == Bad(f"counter {name} of run 1", "run 1", why)


@pytest.mark.parametrize(
    ("statement", "what", "where", "why"),
    [
        pytest.param(
            update(run).values(state="cancelled"),
            "state of run 1", "run 1", "it is cancelled, the log left it sending", id="state",
        ),
        pytest.param(
            update(run).values(audience=9),
            "counter audience of run 1", "run 1", "it says 9, the facts say 7", id="audience",
        ),
        pytest.param(
            update(address_block).where(address_block.c.id == 2).values(until_at=None),
            "block 2", "step 2 on a blocked address", "it is not as the step made it", id="longer",
        ),
        pytest.param(
            delete(address_block).where(address_block.c.id == 2),
            "the block it made", "step 2 on a blocked address", MISSING, id="let go",
        ),
        pytest.param(
            insert(address_block).values(
                id=9, channel="email", address="c6@example.com", reason="hard_bounce",
                since_at=UNLOGGED, source="x",
            ),
            "block 9", "table address_block", "no step on record made it", id="blocked",
        ),
        pytest.param(
            update(batch).values(sender="another"),
            "batch 1", "window 1", "it names another, its window sms-file", id="batch",
        ),
        pytest.param(
            insert(provider_reference).values(sender="sms-file", reference="SM9", message_id=3),
            "reference of sms-file for message 3", "message 3",
            "no outcome of the message names it", id="reference",
        ),
    ],
)  # fmt: skip
def test_what_somebody_changed_is_named(
    small: SmallRun, statement: Any, what: str, where: str, why: str
) -> None:
    assert bad(small, statement) == Bad(what, where, why)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda: delete(window).where(window.c.id == 1), MISSING, id="deleted"),
        pytest.param(
            lambda: update(window).where(window.c.id == 1).values(sender="another"),
            "it names another and run 1, the log sms-file and run 1", id="another sender",
        ),
        pytest.param(
            lambda: update(window).where(window.c.id == 1).values(run_id=5),
            "it names sms-file and run 5, the log sms-file and run 1", id="another run",
        ),
    ],
)  # fmt: skip
def test_a_changed_window_is_named_where_the_log_speaks_of_it(
    small: SmallRun, change: Callable[[], Any], why: str
) -> None:
    found = bad(small, change())
    assert found is not None
    assert (found.what, found.why) == ("window 1", why)
    assert found.where.endswith("(window.settled, run 1)")
