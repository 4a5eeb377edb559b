"""What a receipt says is what every command shows."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from outreach import clock, receive
from outreach.cli.door import Door
from outreach.core.receipt import Receipt
from outreach.core.words import State
from outreach.receive.events import pulled
from outreach.store.database import Database
from outreach.store.tables import message, run
from tests.cli.sent_project import BOTH, CLOCK, NO_EMAIL, outreach, sent

AT = datetime(2026, 9, 28, 7, 31, tzinfo=UTC)


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", CLOCK)
    made = sent(tmp_path, database)
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T15:40+08:00")
    return made


def hear(door: Door, client: int, state: State, code: str = "") -> None:
    with door.database.reading() as conn:
        rows = conn.execute(message.select().where(message.c.client_id == client)).all()
    for row in rows:
        sender = "sms-file" if row.channel == "sms" else "mail-file"
        said = Receipt(state, AT, row.id, code=code, detail="handset switched off")
        receive.take_in(door.database, [pulled(sender, said, AT)])
    done = receive.apply(door.database, {}, clock.now)
    assert done.receipts == len(rows) > 0


def shown(door: Door, *words: str) -> Any:
    done = outreach(door, *words, as_json=True)
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def test_the_log_and_its_filter_show_the_providers_code(door: Door) -> None:
    hear(door, 2, State.UNDELIVERED, "30003")
    (line,) = shown(door, "log", "--state", "undelivered")

    assert (line["client"], line["reason"]) == (NO_EMAIL, "30003")
    assert line["detail"] == "handset switched off"


def test_what_is_heard_of_a_finished_run_is_in_the_log_of_its_day(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    with door.database.begin() as tx:
        tx.execute(run.update().values(state="finished", finished_at=AT))
    assert shown(door, "log", "--since", "2026-09-30") == []

    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-30T09:00+08:00")
    hear(door, 2, State.DELIVERED)
    (line,) = shown(door, "log", "--since", "2026-09-30")
    assert (line["client"], line["state"]) == (NO_EMAIL, "delivered")
    assert shown(door, "log", "--since", "2026-10-01") == []


def test_explain_says_what_became_of_the_message(door: Door) -> None:
    hear(door, 2, State.UNDELIVERED, "30003")
    found = shown(door, "explain", NO_EMAIL, "closure-notice")

    assert found["outcome"] == "undelivered"
    assert [(one["state"], one["code"]) for one in found["messages"]] == [("undelivered", "30003")]
    door.json = False
    assert "30003" in outreach(door, "explain", NO_EMAIL, "closure-notice").output


def test_the_best_of_two_channels_is_the_outcome(door: Door) -> None:
    hear(door, 1, State.DELIVERED)

    assert shown(door, "explain", BOTH, "closure-notice")["outcome"] == "delivered"


def test_the_run_counts_what_was_delivered(door: Door) -> None:
    before = shown(door, "runs", "show", "1")["messages"]
    hear(door, 2, State.DELIVERED)
    after = shown(door, "runs", "show", "1")["messages"]

    assert after == {**before, "accepted": before["accepted"] - 1, "delivered": 1}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_an_export_holds_what_the_receipts_said(door: Door, suffix: str) -> None:
    hear(door, 1, State.DELIVERED)
    hear(door, 2, State.UNDELIVERED, "30003")
    path = door.root / f"log{suffix}"
    assert outreach(door, "log", "--export", str(path)).exit_code == 0

    lines = {(one["client"], one["channel"]): one for one in exported(path)}
    assert [lines[BOTH, channel]["state"] for channel in ("sms", "email")] == ["delivered"] * 2
    told = lines[NO_EMAIL, "sms"]
    assert (told["state"], told["reason"], told["detail"], told["sender"]) == (
        "undelivered", "30003", "handset switched off", "sms-file",
    )  # fmt: skip
    assert str(told["at"])[:16].replace("T", " ") == "2026-09-28 07:40"  # when we heard of it
    assert told["address"] == "138****0002"


def exported(path: Path) -> list[dict[Any, Any]]:
    if path.suffix == ".parquet":
        return list(pd.read_parquet(path).to_dict("records"))
    if path.suffix == ".xlsx":
        return list(pd.read_excel(path, dtype=object, engine="calamine").to_dict("records"))
    return list[dict[Any, Any]](csv.DictReader(path.read_text("utf-8-sig").splitlines()))


def test_a_report_counts_and_lists_what_the_receipts_said(door: Door) -> None:
    hear(door, 1, State.DELIVERED)
    hear(door, 2, State.UNDELIVERED, "30003")
    counted = shown(door, "runs", "show", "1")["messages"]
    door.json = False
    book, page = door.root / "report.xlsx", door.root / "report.html"
    for path in (book, page):
        assert outreach(door, "report", "1", "--out", str(path)).exit_code == 0

    sheets = pd.read_excel(book, sheet_name=None, engine="calamine", dtype=object)
    facts, lines = sheets.values()
    told = dict(zip(facts.iloc[:, 0], facts.iloc[:, 1], strict=True))
    assert {state: told[state] for state in counted} == counted
    assert (counted["delivered"], counted["undelivered"]) == (2, 1)
    listed = lines["state"].value_counts().to_dict()
    assert {state: listed[state] for state in counted} == counted
    assert list(lines.loc[lines["state"] == "undelivered", "reason"]) == ["30003"]
    said = page.read_text(encoding="utf-8")
    assert ("delivered" in said, "undelivered" in said) == (True, True)


def test_explain_tells_all_that_happened_to_the_message(door: Door) -> None:
    hear(door, 2, State.UNDELIVERED, "30003")
    hear(door, 2, State.DELIVERED)
    (one,) = shown(door, "explain", NO_EMAIL, "closure-notice")["messages"]

    assert one["sender"] == "sms-file"
    assert [(was["what"], was["state"], was["code"]) for was in one["history"]] == [
        ("intent", "", ""), ("outcome", "accepted", ""), ("receipt", "undelivered", "30003"),
        ("receipt", "delivered", ""),
    ]  # fmt: skip
    assert one["history"][2]["by"] == "pulled:sms-file"
    assert one["history"][2]["record"] == "receipt 1 by event 1"
    door.json = False
    page = outreach(door, "explain", NO_EMAIL, "closure-notice").output
    assert "What happened to them" in page
    assert ("30003" in page, "pulled:sms-file" in page) == (True, True)
