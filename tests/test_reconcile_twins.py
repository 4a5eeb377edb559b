"""Messages a provider's list cannot tell apart: to one number, of one text, at nearly one time."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from outreach import receive
from outreach.channels import Asked
from outreach.core.model import Message, Outcome, accepted
from outreach.core.receipt import Receipt
from outreach.core.words import State
from outreach.receive import reconcile
from outreach.store.database import Database
from tests.small_run import SmallRun, client, definition, opened

PHONE = "+8613800000001"


class Lists:
    """A provider whose list holds these of its names for the messages to one number; of those that
    are nobody else's, one alone can only be the message."""

    lookup = True

    def __init__(self, *sids: str) -> None:
        self.sids = sids
        self.asked: list[Asked] = []

    def find(self, messages: Sequence[Asked]) -> Iterator[tuple[int, Receipt | None]]:
        self.asked = list(messages)
        alike = [one for one in messages if one.to == PHONE]
        for one in messages:
            free = [sid for sid in self.sids if sid not in one.held]
            sure = one in alike and len(alike) == 1 and len(free) == 1
            yield one.id, Receipt(State.DELIVERED, one.until, one.id, free[0]) if sure else None


@pytest.fixture
def twins(database: Database, tmp_path: Path) -> tuple[SmallRun, SmallRun]:
    """Two runs of one text to one client, both planned."""
    one = opened(database, tmp_path / "project", [client(1)])
    other = SmallRun(database, definition(tmp_path / "other"), occurrence="2026-09-27")
    one.plan()
    other.plan()
    return one, other


def taking(run: SmallRun, sid: str) -> None:
    def answer(_message: Message) -> Outcome:
        return accepted(sid)

    for gateway in run.gateways.values():
        gateway.answer = answer


def doubt(run: SmallRun) -> None:
    assert run.crash(after=0)
    assert run.sweep("a").in_doubt == 1


def asks(run: SmallRun, provider: Any, **more: Any) -> reconcile.Reconciled:
    def adapters(_sender: str) -> Any:
        return provider

    found = reconcile.questions(run.database, adapters, run.now, **more)
    done = reconcile.ask(run.database, adapters, found, run.now)
    while receive.apply(run.database, {}, run.clock).events:
        pass
    return done


def later(*some: SmallRun) -> None:
    for run in some:
        run.pass_time(minutes=20)


def test_what_another_message_was_accepted_as_is_not_taken_for_one_in_doubt(
    twins: tuple[SmallRun, SmallRun],
) -> None:
    one, other = twins
    taking(one, "SM1")
    one.drain()
    doubt(other)
    later(one, other)

    assert asks(other, Lists("SM1")).unknown == [2]
    assert asks(other, Lists("SM1", "SM2")).found == {"sms-file": 1}
    assert other.states() == {2: State.DELIVERED}


def test_what_a_receipt_has_told_of_another_message_is_not_taken_for_one_in_doubt(
    twins: tuple[SmallRun, SmallRun],
) -> None:
    """The first doubt was healed by the list before the second message came into doubt."""
    one, other = twins
    doubt(one)
    later(one, other)
    assert asks(one, Lists("SM1")).found == {"sms-file": 1}
    doubt(other)
    later(one, other)
    provider = Lists("SM1")

    assert asks(other, provider).unknown == [2]
    assert provider.asked[0].held == {"SM1"}
    assert (one.states(), other.states()) == ({1: State.DELIVERED}, {2: State.IN_DOUBT})


def test_of_two_in_doubt_neither_takes_the_one_entry_though_only_one_is_asked_about(
    twins: tuple[SmallRun, SmallRun],
) -> None:
    one, other = twins
    doubt(one)
    doubt(other)
    later(one, other)

    for more in ({"run_id": one.run_id}, {"besides": [2]}, {}):
        provider = Lists("SM1")
        assert asks(one, provider, **more).found == {"sms-file": 0}
        assert [asked.id for asked in provider.asked] == [1, 2]
    done = asks(one, Lists("SM1"), run_id=one.run_id)
    assert (done.asked, done.unknown) == ({"sms-file": 1}, [1])


def test_a_message_handed_over_long_before_is_not_looked_at(
    twins: tuple[SmallRun, SmallRun],
) -> None:
    one, other = twins
    taking(one, "SM1")
    one.drain()
    other.now += timedelta(days=1)
    doubt(other)
    later(other)
    provider = Lists("SM2")

    assert asks(other, provider).found == {"sms-file": 1}
    assert provider.asked[0].held == frozenset()
