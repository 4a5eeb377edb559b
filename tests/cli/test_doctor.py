"""`outreach doctor`: each thing that can be wrong, and how the command ends."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import insert

from outreach import receive
from outreach.store import health, migrate
from outreach.store.database import Database
from outreach.store.tables import run_count
from tests.journeys.house import House, shipped

SMTP = """
[senders.mail-relay]
kind = "smtp"
address = "service@example.com"
host = "127.0.0.1"
port = {port}
username = "outreach"

[[routes]]
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    """The shipped project at the end of September. The server of the tests does not wait for its
    disk, which `doctor` would call an error."""
    monkeypatch.setattr(health, "DURABLE", tuple(set(health.DURABLE) - {"fsync"}))
    return shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)


def told(house: House, check: str, *words: str, code: int = 0) -> list[tuple[str, str]]:
    found = house.asked("doctor", *words, code=code)["checks"]
    return [(row["level"], row["finding"]) for row in found if row["check"] == check]


def test_a_fresh_project_has_warnings_and_no_error(house: House) -> None:
    document = house.asked("doctor")

    assert document["errors"] == 0
    assert told(house, "database") == [("ok", f"revision {migrate.REVISION}")]
    assert told(house, "calendars") == [("ok", "CN_A is official up to 2026-12-31")]
    assert ("warning", "closure-notice is not approved") in told(house, "campaigns")
    assert told(house, "holdings, halts") == [
        ("warning", "no holdings have been taken in"),
        ("warning", "no halts have been taken in"),
    ]
    assert told(house, "audit key") == [("warning", "checkpoints are not signed")]
    assert "0 errors" in house.must("doctor").out


@pytest.mark.parametrize(
    ("clock", "level", "code"),
    [
        ("2026-10-01T10:00+08:00", "ok", 0),
        ("2026-10-02T10:00+08:00", "warning", 0),
        ("2026-12-31T10:00+08:00", "warning", 0),
        ("2027-01-01T10:00+08:00", "error", 1),
    ],
)
def test_the_end_of_the_calendar_is_watched(
    house: House, clock: str, level: str, code: int
) -> None:
    house.clock = clock

    assert [found[0] for found in told(house, "calendars", code=code)] == [level]


def test_check_warns_of_the_end_of_the_calendar_and_goes_on(house: House) -> None:
    house.clock = "2026-11-22T10:00+08:00"
    (warning,) = house.asked("check")
    house.clock = "2026-09-28T10:00+08:00"

    assert (warning["key"], warning["severity"]) == ("firm.market", "warning")
    assert "ends on 2026-12-31, in 39 days" in warning["wrong"]
    assert house.asked("check") == []


def test_check_holds_typed_dates_against_overrides_and_leaves_the_sample_alone(
    house: House,
) -> None:
    house.clock = "2026-09-21T10:00+08:00"
    house.edit("campaigns/research-digest.toml", 'zh = "2026年9月第4期"', 'zh = "10月8日恢复交易"')
    given = ("--reason", "r", "--source", "s", "--as", "li")
    house.must("calendar", "override", "CN_A", "2026-10-08", "--kind", "closed", *given)
    assert house.asked("check") == []
    house.must("calendar", "approve-override", "1", "--as", "wang")

    (wrong,) = house.asked("check", code=1)

    assert wrong["key"] == "values.issue.zh"
    assert "is called a trading day, but CN_A is shut on 2026-10-08" in wrong["wrong"]


def test_holdings_and_halts_grow_old(house: House) -> None:
    house.halted("2026-09-28T15:00+08:00")
    house.clock = "2026-09-29T14:00+08:00"
    assert told(house, "holdings, halts")[1] == ("ok", "halts are 23 hours old")
    house.clock = "2026-09-29T16:00+08:00"
    assert told(house, "holdings, halts")[1:] == [
        ("warning", f"halts of {market} are 25 hours old") for market in ("BJSE", "XSHE", "XSHG")
    ]


def test_an_approved_campaign_is_no_longer_waited_for(house: House) -> None:
    house.approve("closure-notice")

    found = told(house, "campaigns")

    assert ("ok", "1 enabled campaigns are approved") in found
    assert ("warning", "closure-notice is not approved") not in found


def test_messages_in_doubt_are_named_by_their_run(house: House) -> None:
    database = Database(house.url)
    with database.begin() as tx:
        tx.execute(insert(run_count).values(run_id=7, kind="state", key="in_doubt", n=3))
        tx.execute(insert(run_count).values(run_id=8, kind="state", key="in_doubt", n=0))
    database.close()

    assert told(house, "in doubt") == [
        ("warning", "run 7: 3 messages may or may not have been sent")
    ]
    assert "outreach runs doubts 7" in house.type("doctor").out


def test_events_nobody_could_apply_and_replies_nobody_saw_are_found(house: House) -> None:
    database = Database(house.url)
    now = datetime.fromisoformat(house.clock or "").astimezone(UTC)
    old = now - timedelta(hours=2)
    spoken = orjson.dumps({"message": 99, "state": "delivered", "code": "", "detail": "",
                           "reference": "", "address": "", "at": old.isoformat()})  # fmt: skip
    asks = orjson.dumps({"from": "+8613800000001", "to": "95000", "text": "帮助", "channel": "sms",
                         "reference": "", "at": old.isoformat()})  # fmt: skip
    receive.take_in(
        database,
        [
            receive.Event("pulled:main", "status", spoken, old),
            receive.Event("pulled:main", "inbound", asks, old),
            receive.Event("gateway:gone", "status", b"{}", old),
        ],
    )
    receive.apply(database, {}, lambda: now)
    database.close()

    assert told(house, "heard back") == [
        ("warning", "1 event of pulled:main set aside (unknown_message): no message 99"),
        ("warning", f"1 event not applied yet, the oldest since {old:%Y-%m-%d %H:%M} UTC"),
        ("warning", "1 reply for a person to see to"),
    ]


def test_a_sender_without_its_secret_and_a_route_nobody_reaches_are_found(house: House) -> None:
    house.clock = None  # a pretended time is refused beside a real sender
    house.edit(
        "config.toml", '[[routes]]\nchannel = "email"', SMTP.format(port=1) + 'channel = "email"'
    )

    assert ("error", "mail-relay has no secret") in told(house, "senders", code=1)
    assert ("warning", "no route leads to mail-relay") in told(house, "routes", code=1)

    house.edit("config.toml", 'prefix = "+86"', "")
    assert ("warning", "route 2 (sms +852) is never reached") in told(house, "routes", code=1)


def test_the_mail_server_is_knocked_at_only_when_told_to(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.clock = None
    monkeypatch.setenv("OUTREACH_SECRET_MAIL_RELAY", "x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: Any = server.getsockname()[1]
        house.edit("config.toml", "[[routes]]\nchannel = \"email\"",
                   SMTP.format(port=port) + "channel = \"email\"")  # fmt: skip
        code = house.type("doctor").code
        answers = told(house, "senders", "--connect", code=code)
    silent = told(house, "senders", "--connect", code=1)

    assert ("ok", f"mail-relay: 127.0.0.1:{port} answers") in answers
    assert any(says.startswith(f"mail-relay: 127.0.0.1:{port} cannot be") for _, says in silent)
    assert ("ok", "mail-relay (smtp)") in told(house, "senders", code=code)


RELAYS = """
[senders.mail-relay]
kind = "smtp"
address = "service@example.com"
relays = [
  {{ host = "127.0.0.1", port = {first}, username = "outreach" }},
  {{ name = "second", host = "127.0.0.1", port = {second}, username = "firm" }},
]

[senders.app]
kind = "webhook"
url = "https://push.example.com/outreach"

[[routes]]
"""


def test_each_relay_is_knocked_at_and_each_login_and_push_service_needs_its_secret(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.clock = None
    monkeypatch.setenv("OUTREACH_SECRET_MAIL_RELAY", "x")
    with socket.create_server(("127.0.0.1", 0)) as first, socket.socket() as second:
        second.bind(("127.0.0.1", 0))  # not listening: whoever knocks is refused
        ports = [one.getsockname()[1] for one in (first, second)]
        relays = RELAYS.format(first=ports[0], second=ports[1])
        house.edit("config.toml", '[[routes]]\nchannel = "email"', relays + 'channel = "email"')
        found = told(house, "senders", "--connect", code=1)

    assert ("ok", f"mail-relay: 127.0.0.1:{ports[0]} answers") in found
    refused = f"mail-relay: 127.0.0.1:{ports[1]} cannot be reached: Connection refused"
    assert ("error", refused) in found
    assert ("error", "mail-relay-second has no secret") in found
    assert ("error", "app has no secret") in found
    assert ("error", "mail-relay has no secret") not in found


def test_a_database_that_was_never_set_up_ends_with_1(house: House) -> None:
    house.edit("config.toml", 'database = "', 'database = "sqlite:///var/other.db" # "')

    document = house.asked("doctor", code=1)

    assert document["checks"][0]["level"] == "error"
    assert document["checks"][0]["do"] == "outreach db upgrade"
    assert {row["check"] for row in document["checks"]} >= {"senders", "routes", "disk"}
    assert not (house.folder / "var" / "other.db").exists()


def test_a_broken_project_is_one_finding(house: House) -> None:
    house.write("campaigns/broken.toml", "name = ")

    document = house.asked("doctor", code=1)

    (found,) = [one for one in document["checks"] if one["check"] == "project"]
    assert (found["level"], found["do"]) == ("error", "outreach check")
