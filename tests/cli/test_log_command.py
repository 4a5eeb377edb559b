"""`outreach log`: the lines, the questions, the exports, and what goes on record."""

import csv
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from sqlalchemy import insert, select

from outreach import clock
from outreach.cli.door import BAD_DATA, USAGE, Door
from outreach.store.database import Database
from outreach.store.sendlog import Line
from outreach.store.tables import audit_entry, outcome, window
from tests.cli import sent_project
from tests.cli.sent_project import BOTH, NEW_YORK, NOBODY, STOPPED, outreach, refused


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", sent_project.CLOCK)
    monkeypatch.delenv("COLUMNS", raising=False)
    return sent_project.sent(tmp_path, database)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Door]:
    """The same project, made once for the tests that only read."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(sqlite_template, folder / "outreach.db")
    database = Database(f"sqlite:///{folder / 'outreach.db'}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTREACH_CLOCK", sent_project.CLOCK)
        patch.setattr(clock, "_started", time.monotonic())  # before any test of this process
        patch.delenv("COLUMNS", raising=False)
        yield sent_project.sent(folder, database)
    database.close()


def lines(door: Door, *words: str) -> list[dict[str, Any]]:
    result = outreach(door, "log", *words, as_json=True)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def test_each_candidate_and_channel_is_there_with_its_reason(door: Door) -> None:
    rows = lines(door)

    assert tuple(rows[0]) == Line._fields
    assert [(row["client"][-1], row["channel"], row["state"], row["reason"]) for row in rows] == [
        ("1", "sms", "accepted", ""),
        ("1", "email", "accepted", ""),
        ("2", "sms", "accepted", ""),
        ("2", "email", "suppressed", "address_missing"),
        ("3", "sms", "suppressed", "legal_hold"),
        ("3", "email", "suppressed", "legal_hold"),
        ("4", "sms", "held", "quiet_hours"),
        ("4", "email", "held", "quiet_hours"),
        ("5", "sms", "suppressed", "address_invalid"),
        ("5", "email", "suppressed", "address_missing"),
        ("6", "email", "accepted", ""),
        ("6", "sms", "suppressed", "duplicate_address"),
        ("7", "email", "accepted", ""),
        ("7", "sms", "suppressed", "channel_opt_out"),
    ]
    assert rows[6]["held_until"] == "2026-09-28T12:00:00+00:00"  # eight in the morning in New York
    assert rows[0]["address"] == "138****0001"
    assert rows[1]["address"] == "c***@example.com"


def test_people_see_a_few_lines_and_how_many_more_there_are(reader: Door) -> None:
    shown = outreach(reader, "log", "--limit", "3").stdout

    assert "Send log of run 1, closure-notice CN_A-2026-10-01" in shown
    assert "138****0001" in shown
    assert "2026-09-28 15:30" in shown  # on the firm's clock
    assert "3 lines shown, 11 more" in shown
    assert f"outreach explain {BOTH} closure-notice --run 1" in shown
    assert "14 lines, all there are." in outreach(reader, "log").stdout
    assert "1 line, all there are." in outreach(reader, "log", "--reason", "address_invalid").stdout
    assert "2026-09-28 20:00" in outreach(reader, "log", "--client", NEW_YORK).stdout
    assert "No line" in outreach(reader, "log", "--state", "failed").stdout


@pytest.mark.parametrize(
    ("words", "clients"),
    [
        (["--state", "held"], "44"),
        (["--reason", "channel_opt_out"], "7"),
        (["--client", NOBODY], "55"),
        (["--since", "2026-09-28T15:30"], "11223344556677"),
        (["--until", "2026-09-28T15:30"], ""),
        (["--since", "2026-09-28", "--until", "2026-09-28"], "11223344556677"),
        (["--since", "2026-09-29"], ""),
        (["--limit", "3"], "112"),
    ],
)
def test_what_is_asked_for(reader: Door, words: list[str], clients: str) -> None:
    assert "".join(row["client"][-1] for row in lines(reader, *words)) == clients


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--state", "sent"], USAGE, "there is no such state; there are ready, held"),
        (["--since", "28.9."], USAGE, "is no day or moment; write 2026-09-28"),
        (["--unmask"], USAGE, "--unmask and --why TEXT belong together"),
        (["--unmask", "--why", "  "], USAGE, "--unmask and --why TEXT belong together"),
        (["--why", "ticket"], USAGE, "--unmask and --why TEXT belong together"),
        (["--run", "9"], BAD_DATA, "there is no run 9"),
        (["--client", "999"], BAD_DATA, "999: the client book has no such client"),
        (["--campaign", "closure"], BAD_DATA, "closure: has never run"),
        (["--export", "log.pdf"], USAGE, "must end with one of .csv, .xlsx, .parquet"),
    ],
)
def test_what_cannot_be_asked(reader: Door, words: list[str], code: int, line: str) -> None:
    assert line in refused(outreach(reader, "log", *words), code)


def test_an_unmasked_look_is_on_record_before_it_is_shown(door: Door) -> None:
    row = lines(door, "--client", BOTH, "--unmask", "--why", "ticket 4711")[0]
    with door.database.reading() as conn:
        newest = conn.execute(select(audit_entry).order_by(audit_entry.c.seq.desc())).first()

    assert row["address"] == "+8613812340001"
    assert newest is not None
    assert (newest.kind, newest.actor) == ("log.unmasked", door.actor)
    assert orjson.loads(newest.detail) == {
        "why": "ticket 4711", "asked": {"client_no": BOTH}, "export": None,
    }  # fmt: skip


def test_a_refused_look_leaves_nothing_on_record(reader: Door, tmp_path: Path) -> None:
    (tmp_path / "log.csv").touch()
    words = ["--unmask", "--why", "ticket 4711"]
    refused(outreach(reader, "log", *words, "--run", "9"), BAD_DATA)
    refused(outreach(reader, "log", *words, "--export", str(tmp_path / "log.csv")), USAGE)
    refused(outreach(reader, "log", *words, "--export", str(tmp_path / "log.doc")), USAGE)
    with reader.database.reading() as conn:
        kinds = conn.execute(select(audit_entry.c.kind)).scalars().all()

    assert "log.unmasked" not in kinds


def test_what_a_server_said_is_masked_too(door: Door) -> None:
    with door.database.begin() as tx:
        found = tx.execute(select(window.c.id, window.c.run_id).limit(1)).one()
        held = lines(door, "--client", NEW_YORK)[1]["message"]
        values = {
            "run_id": found.run_id, "batch_id": None, "first_id": held, "last_id": held,
            "sender": "mail-file", "owner": "o", "token": "t", "intent_at": sent_project.AT,
            "lease_until": sent_project.AT, "settled_at": sent_project.AT,
        }  # fmt: skip
        number = tx.execute(insert(window).values(values).returning(window.c.id)).scalar_one()
        tx.execute(
            insert(outcome).values(
                window_id=number, message_id=held, state="failed", code="550", provider_ref="",
                detail="550 <client4@example.com> unknown, call +15551234567", digest=bytes(32),
                at=sent_project.AT,
            )
        )  # fmt: skip

    assert lines(door, "--state", "failed")[0]["detail"] == (
        "550 <c***@example.com> unknown, call +155****4567"
    )


# --- exports ---------------------------------------------------------------------------------


def test_a_csv_opens_in_excel_and_holds_every_line(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    result = outreach(door, "log", "--export", str(path), as_json=True)
    content = path.read_bytes()
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))

    assert json.loads(result.stdout) == {"file": str(path), "lines": 14, "masked": True}
    assert content.startswith(b"\xef\xbb\xbf")
    assert [row["client"] for row in rows][-1] == STOPPED
    assert rows[0]["at"].startswith("2026-09-28T07:30:")
    assert rows[0]["address"] == "138****0001"


def test_a_workbook_keeps_numbers_of_clients_whole(reader: Door, tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    words = ["--unmask", "--why", "audit", "--export", str(path)]
    result = outreach(reader, "log", *words)
    sheet = pd.read_excel(path, dtype=object, engine="calamine")

    assert "14 lines written" in result.stdout
    assert list(sheet.columns) == list(Line._fields)
    assert sheet["client"].iloc[0] == BOTH
    assert sheet["address"].iloc[0] == "+8613812340001"
    assert sheet["sms_parts"].iloc[0] == 2
    assert sheet["run"].iloc[0] == "1"


def test_a_parquet_file_keeps_moments_and_numbers(reader: Door, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    outreach(reader, "log", "--export", str(path))
    frame = pd.read_parquet(path)

    assert list(frame.columns) == list(Line._fields)
    assert str(frame["decided_at"].dtype) == "datetime64[us, UTC]"
    assert frame["message"].isna().sum() == 7
    assert (frame["run"] == 1).all()
