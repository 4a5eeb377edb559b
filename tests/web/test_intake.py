"""Events share transactions on their way in; none is lost that was answered for."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from outreach.receive import Event
from outreach.store.database import DatabaseProblem
from outreach.web import intake as room
from outreach.web.intake import Intake, NotStored
from tests.web.door import NOW


def event(number: int) -> Event:
    return Event("twilio:a", "status", b"%d" % number, NOW)


class Store:
    """Takes events in, by script; notes what each transaction held."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.fails: list[Exception] = []
        self.poison: Event | None = None

    def __call__(self, events: Sequence[Event]) -> None:
        self.begun.set()
        self.gate.wait(20)
        if self.fails:
            raise self.fails.pop(0)
        if self.poison in events:
            raise ValueError("nobody can store this")
        self.batches.append(list(events))


def run(store: Store, work: Any, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    """Let `work(intake)` go on in a loop; what was said."""
    said: list[tuple[str, dict[str, Any]]] = []

    async def main() -> None:
        one = Intake(store, lambda: None, lambda name, **facts: said.append((name, facts)), **more)
        one.start(asyncio.get_running_loop())
        try:
            await work(one)
        finally:
            await asyncio.to_thread(one.close)

    asyncio.run(main())
    return said


async def put_all(one: Intake, numbers: Sequence[int]) -> list[BaseException | None]:
    return list(await asyncio.gather(*(one.put(event(n)) for n in numbers), return_exceptions=True))


def test_what_comes_while_one_transaction_commits_shares_the_next() -> None:
    store = Store()

    async def work(one: Intake) -> None:
        store.gate.clear()
        first = asyncio.create_task(one.put(event(0)))
        await asyncio.to_thread(store.begun.wait, 20)
        rest = [asyncio.create_task(one.put(event(n))) for n in range(1, 50)]
        await asyncio.sleep(0)
        store.gate.set()
        await asyncio.gather(first, *rest)

    run(store, work)
    assert [len(batch) for batch in store.batches] == [1, 49]


def test_nobody_is_answered_before_the_event_is_stored() -> None:
    store = Store()

    async def work(one: Intake) -> None:
        store.gate.clear()
        task = asyncio.create_task(one.put(event(0)))
        await asyncio.to_thread(store.begun.wait, 20)
        assert not task.done()
        store.gate.set()
        await task

    run(store, work)
    assert store.batches == [[event(0)]]


def test_one_event_nobody_can_store_keeps_no_other_out() -> None:
    store, answers = Store(), []
    store.poison = event(3)

    async def work(one: Intake) -> None:
        answers.extend(await put_all(one, range(6)))

    said = run(store, work)
    assert [type(one) for one in answers] == [type(None)] * 3 + [NotStored] + [type(None)] * 2
    assert sorted(e.content for batch in store.batches for e in batch) == [
        b"0", b"1", b"2", b"4", b"5",
    ]  # fmt: skip
    assert said[0] == ("web_cannot_store", {"error": "ValueError", "problem": ""})


def test_a_database_that_is_away_for_a_moment_costs_nobody_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "_AGAIN", 0)
    store, answers = Store(), []
    store.fails = [DatabaseProblem("away")] * 5

    async def work(one: Intake) -> None:
        answers.extend(await put_all(one, range(3)))

    assert run(store, work) == []
    assert answers == [None] * 3


def test_a_database_that_stays_away_is_said_once_and_so_is_its_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "_PATIENCE", -1)
    store = Store()
    answers: list[tuple[bool, bool]] = []
    store.fails = [DatabaseProblem("away")] * 2

    async def work(one: Intake) -> None:
        for number in range(3):
            (error,) = await put_all(one, [number])
            answers.append((isinstance(error, NotStored), one.troubled))

    said = run(store, work)
    assert answers == [(True, True), (True, True), (False, False)]
    assert [name for name, _ in said] == ["web_cannot_store", "web_stores_again"]


def test_more_than_may_wait_is_sent_away() -> None:
    store, answers = Store(), []

    async def work(one: Intake) -> None:
        store.gate.clear()
        waiting = [asyncio.create_task(one.put(event(n))) for n in range(3)]
        await asyncio.sleep(0)
        answers.extend(await put_all(one, [9]))
        store.gate.set()
        await asyncio.gather(*waiting)

    run(store, work, most_waiting=3)
    assert [type(one) for one in answers] == [NotStored]
