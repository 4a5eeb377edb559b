"""What a push service reports: signed with the secret of its sender, and what each status means."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outreach.core.push_report import receipts
from outreach.core.receipt import Receipt
from outreach.core.standard_webhooks import signed
from outreach.core.words import State
from outreach.store.database import Database
from tests.web.door import NOW, TOKEN, Answer, Door, config_of, door_of

APP = """
[senders.app]
kind = "webhook"
url = "https://push.example.com/outreach"
"""
PATH = "/push/app/status"
DELIVERED = {"type": "outreach.receipt", "data": {"message": 4, "status": "delivered"}}


@pytest.fixture
def door(tmp_path: Path, sqlite: Database) -> Iterator[Door]:
    with door_of(config_of(tmp_path, senders=APP), tmp_path, sqlite, "app") as opened:
        yield opened


def report(door: Door, document: object, path: str = PATH, secret: str = TOKEN) -> Answer:
    body = json.dumps(document).encode()
    return door.ask("POST", path, body, **signed(secret, "r1", body, NOW))


def test_a_signed_report_is_stored_as_it_came(door: Door) -> None:
    assert report(door, DELIVERED).status == 204
    assert door.events() == [("push:app", "status", DELIVERED)]


def test_what_is_not_signed_by_the_service_leaves_no_trace(door: Door) -> None:
    assert report(door, DELIVERED, secret="another").status == 403
    assert report(door, DELIVERED, path="/push/unknown/status").status == 403
    assert door.ask("POST", PATH, json.dumps(DELIVERED)).status == 403
    door.clock[0] = NOW + timedelta(minutes=6)
    assert report(door, DELIVERED).status == 403
    assert door.events() == []


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"message": 4, "status": "sent"}, [(State.ACCEPTED, NOW, 4, "")]),
        ({"message": 4, "status": "opened"}, [(State.DELIVERED, NOW, 4, "")]),
        (
            {"message": 4, "status": "failed", "code": "gone", "at": "2026-09-28T15:29+08:00"},
            [(State.UNDELIVERED, NOW - timedelta(minutes=1), 4, "gone")],
        ),
        (
            [{"message": 4, "status": "sent"}, {"message": 5, "status": "delivered"}],
            [(State.ACCEPTED, NOW, 4, ""), (State.DELIVERED, NOW, 5, "")],
        ),
        ({"message": 4, "status": "melted"}, []),
        ({"message": "4", "status": "sent"}, []),
        ({"message": True, "status": "sent"}, []),
        ({"message": 2**70, "status": "sent"}, []),
        ({"message": 4, "status": "sent", "at": "yesterday"}, [(State.ACCEPTED, NOW, 4, "")]),
        ({"message": 4, "status": ["sent"]}, []),
        ("delivered", []),
        (None, []),
    ],
)
def test_what_a_report_says(data: Any, found: list[tuple[State, datetime, int, str]]) -> None:
    said = receipts(json.dumps({"type": "outreach.receipt", "data": data}).encode(), NOW)

    assert said == [
        Receipt(state, at.astimezone(UTC), message_id=message, code=code)
        for state, at, message, code in found
    ]


def test_another_type_of_event_says_nothing() -> None:
    assert receipts(b'{"type": "app.opened", "data": {"message": 4, "status": "sent"}}', NOW) == []
    assert receipts(b"[]", NOW) == []
