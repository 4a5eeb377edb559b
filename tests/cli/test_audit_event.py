"""`outreach audit event`: what came in, and what was made of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from outreach import clock, receive
from outreach.cli import audit
from outreach.cli.door import BAD_DATA, USAGE, Door
from outreach.core.receipt import Receipt, Reply
from outreach.core.words import State
from outreach.receive import Event
from outreach.receive.events import pulled
from outreach.store.database import Database
from outreach.store.tables import audit_entry, message
from tests.cli.sent_project import CLOCK, refused, sent

AT = datetime(2026, 9, 28, 7, 31, tzinfo=UTC)
PHONE = "+8613812340002"


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    """Three events about client 2: a receipt, a question, and one nobody can read."""
    monkeypatch.setenv("OUTREACH_CLOCK", CLOCK)
    made = sent(tmp_path, database)
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T15:40+08:00")
    with database.reading() as conn:
        query = select(message.c.id).where(message.c.client_id == 2)
        number = conn.execute(query).scalar_one()
    came = [
        pulled("sms-file", Receipt(State.DELIVERED, AT, number, address=PHONE), AT),
        pulled("sms-file", Reply("95000", PHONE, "谁发的？", AT), AT),
        Event("pulled:sms-file", "status", b'{"path":"/gateway/sms-file/s3cret/status"}', AT),
    ]
    for one in came:
        receive.take_in(database, [one])
        receive.apply(database, {}, clock.now)
    return made


def asked(door: Door, *words: str, as_json: bool = True) -> Result:
    door.json = as_json
    return CliRunner().invoke(audit.app, ["event", *words], obj=door)


def shown(door: Door, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asked(door, *words).stdout)
    return found


def test_an_event_says_what_was_made_of_it(door: Door) -> None:
    receipt, reply, broken = (shown(door, str(number)) for number in (1, 2, 3))

    assert (receipt["source"], receipt["waits"], receipt["aside"]) == ("pulled:sms-file", False, "")
    assert (receipt["receipts"], len(receipt["messages"]), receipt["replies"]) == ([1], 1, [])
    assert (reply["receipts"], reply["replies"], reply["waits"]) == ([], [1], False)
    assert broken["aside"].startswith("unreadable: ")
    assert (broken["receipts"], broken["replies"]) == ([], [])


def test_what_came_in_is_masked_unless_that_goes_on_record(door: Door) -> None:
    assert PHONE not in shown(door, "1")["content"]
    assert "138****0002" in shown(door, "1")["content"]
    assert PHONE in shown(door, "1", "--unmask", "--why", "complaint 4711")["content"]
    with door.database.reading() as conn:
        query = select(audit_entry.c.subject, audit_entry.c.detail)
        (entry,) = conn.execute(query.where(audit_entry.c.kind == "log.unmasked")).all()
    assert entry.subject == "event 1"
    assert json.loads(entry.detail)["why"] == "complaint 4711"


def test_the_secret_of_a_gateway_is_never_shown(door: Door) -> None:
    words = ("--unmask", "--why", "complaint 4711")

    assert "/gateway/sms-file/.../status" in shown(door, "3", *words)["content"]


def test_people_read_it_as_lines(door: Door) -> None:
    page = asked(door, "1", as_json=False).stdout

    assert "received at     2026-09-28 15:3" in page
    assert 'outreach audit entries --about "event 1"' in page


def test_what_is_refused(door: Door) -> None:
    assert "there is no event 9" in refused(asked(door, "9"), BAD_DATA)
    assert "belong together" in refused(asked(door, "1", "--unmask"), USAGE)
