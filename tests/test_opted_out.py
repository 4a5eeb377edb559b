"""A provider that refuses a message since its client has told it to stop: a withdrawal."""

from datetime import timedelta
from pathlib import Path

import pytest

from outreach.core.model import About, Message, Outcome, refused
from outreach.core.words import State
from outreach.store import consent
from outreach.store.database import Database
from outreach.store.tables import audit_entry
from outreach.verify import verify
from tests.small_run import SmallRun, client, definition, opened

STOPPED = refused("21610", "the client has replied STOP", About.OPTED_OUT)
PHONE = "+8613800000001"


def refusing(small: SmallRun, number: str, outcome: Outcome) -> None:
    def answer(message: Message) -> Outcome | None:
        return outcome if message.to == number else None

    for gateway in small.gateways.values():
        gateway.answer = answer


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    """A run to six clients in windows of three; a seventh has the number of the first, and gets a
    mail."""
    book = [client(n) for n in range(1, 7)]
    made = opened(database, tmp_path / "project", [*book, client(7, phone=PHONE)])
    made.plan()
    return made


def said(small: SmallRun, client_id: int) -> list[tuple[str | None, str | None, str, str]]:
    with small.database.reading() as conn:
        events = consent.events_of(conn, [client_id]).get(client_id, [])
    return [(one.channel, one.purpose, one.action, one.source) for one in events]


def test_it_is_withdrawn_at_once_for_everybody_with_the_number_and_stops_what_is_queued(
    small: SmallRun, tmp_path: Path
) -> None:
    other = SmallRun(small.database, definition(tmp_path / "other"), occurrence="2026-09-27")
    other.plan()
    refusing(small, PHONE, STOPPED)
    small.drain()
    other.drain()

    withdrawn = [("sms", None, "withdraw", "sms_mo")]
    assert said(small, 1) == said(small, 7) == withdrawn
    assert said(small, 2) == []
    assert small.counts() == {"accepted": 6, "failed": 1}
    assert other.counts() == {"accepted": 6, "suppressed": 1}
    with small.database.reading() as conn:
        query = audit_entry.select().where(audit_entry.c.kind == "consent.refusals")
        (entry,) = conn.execute(query).all()
    assert (entry.covers_table, entry.covers_count) == ("consent_event", 2)
    assert verify(small.database).ok


def test_a_refusal_for_another_reason_touches_no_consent(small: SmallRun) -> None:
    refusing(small, PHONE, refused("21614", "no mobile number"))
    small.drain()

    assert said(small, 1) == said(small, 7) == []
    assert small.counts() == {"accepted": 6, "failed": 1}


def test_it_counts_also_where_its_sender_was_taken_for_gone_meanwhile(small: SmallRun) -> None:
    """The window was swept as in doubt; the late outcome ends the doubt and withdraws."""
    swept: list[int] = []

    def answer(message: Message) -> Outcome | None:
        if message.to != PHONE or swept:
            return None
        small.pass_time(minutes=10)
        swept.append(small.sweep().in_doubt)
        return STOPPED

    for gateway in small.gateways.values():
        gateway.answer = answer
    small.work()

    assert swept == [3]
    assert small.states()[1] == State.FAILED
    assert said(small, 1) == [("sms", None, "withdraw", "sms_mo")]
    small.now += timedelta(minutes=1)
    assert verify(small.database).ok
