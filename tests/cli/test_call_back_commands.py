"""`outreach call-backs` as it is typed: masked lists, refusals, and the share in words."""

import csv
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from outreach.cli.call_back_results import FLAGS
from outreach.cli.call_backs import app
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.core.call_back import QUESTIONS
from outreach.feeds import calendar_file
from outreach.store import books, calendars
from outreach.store.books import Counts
from outreach.store.database import Database
from outreach.store.tables import audit_entry, call_back_result
from tests.store.client_book import add, row

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
WELL = [flag.split("/")[0] for flag in FLAGS]


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """30 September 2026, a client book of the 1st: two new accounts and twenty old ones."""
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-30T15:30+08:00")
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    database = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}")
    shipped = calendar_file.shipped()
    opened = [date(2026, 8, 28), date(2026, 9, 20), *[date(2020, 1, 6)] * 20]
    facts = {"name": "张三丰", "phone": "+8613812345678", "phone_state": "ok"}
    plain = {**facts, "branch": "静安", "reactivated_on": None}
    with database.begin() as tx:
        calendars.save(tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=AT)
        book = books.open_book(
            tx, "clients", file="c.csv", digest="d" * 64, encoding="utf-8", as_of=AT,
            imported_at=AT,
        )  # fmt: skip
        books.finish(tx, book, Counts(), None, AT)
        add(tx, [row(n, **plain, opened_on=day) for n, day in enumerate(opened, start=1)])
    database.close()
    return tmp_path


def typed(project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(app, list(words), obj=door)


def asked(project: Path, *words: str) -> Any:
    done = typed(project, *words, as_json=True)
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def refused(done: Result, code: int) -> str:
    assert isinstance(done.exception, Failure), done.output
    assert done.exception.code == code
    return " ".join(done.exception.lines)


def test_the_list_is_masked_and_the_overdue_stand_first(project: Path) -> None:
    rows = asked(project, "due")

    assert rows == [
        {"deadline": "2026-09-27", "overdue": "yes", "rule": "new_account", "since": "2026-08-28",
         "what": "", "client": "0000001", "name": "张**", "phone": "138****5678",
         "branch": "静安", "adviser": None, "tries": 0, "last_on": None, "last_result": None},
        {"deadline": "2026-10-20", "overdue": "no", "rule": "new_account", "since": "2026-09-20",
         "what": "", "client": "0000002", "name": "张**", "phone": "138****5678",
         "branch": "静安", "adviser": None, "tries": 0, "last_on": None, "last_result": None},
    ]  # fmt: skip
    shown = typed(project, "due").stdout
    assert "张三丰" not in shown
    assert "13812345678" not in shown
    assert "2 are due, 1 of them overdue" in shown
    assert "No file of permissions and abnormal accounts has come in yet." in shown
    assert [one["client"] for one in asked(project, "due", "--until", "2026-10-01")] == ["0000001"]


def test_names_are_shown_for_a_reason_that_goes_on_record(project: Path) -> None:
    file = project / "due.csv"
    assert "belong together" in refused(typed(project, "due", "--unmask"), USAGE)

    done = typed(project, "due", "--export", str(file), "--unmask", "--why", "calls of the day")

    assert done.exit_code == 0
    with file.open(encoding="utf-8-sig", newline="") as lines:
        found = list(csv.DictReader(lines))
    # An apostrophe keeps a spreadsheet from taking the number for a formula.
    assert [(one["name"], one["phone"].lstrip("'")) for one in found] == [
        ("张三丰", "+8613812345678")
    ] * 2
    database = Database(f"sqlite:///{project / 'var' / 'outreach.db'}")
    with database.reading() as conn:
        entry = conn.execute(
            select(audit_entry.c.detail).where(audit_entry.c.kind == "call_back.unmasked")
        ).scalar_one()
    database.close()
    assert json.loads(entry)["why"] == "calls of the day"


def test_a_call_is_recorded_with_every_answer_and_done(project: Path) -> None:
    words = ("record", "0000001", "--rule", "new_account", "--by", "zhou.q", "--result")
    assert "no answer to own_will" in refused(
        typed(project, *words, "reached", "--identity"), USAGE
    )
    assert "leave the answers out" in refused(typed(project, *words, "refused", *WELL), USAGE)
    assert "not_reached" in refused(
        typed(project, *words, "reached", "--not-identity", *WELL[1:]), USAGE
    )

    answers = [one if one != "--no-staff-trading" else "--staff-trading" for one in WELL]
    done = typed(project, *words, "reached", *answers, "--reference", "REC-7")

    assert done.exit_code == 0, done.exception
    assert [one["client"] for one in asked(project, "due")] == ["0000002"]
    (concern,) = asked(project, "concerns")
    assert (concern["client"], concern["no_to"], concern["reference"]) == (
        "0000001", "no_staff_trading", "REC-7",
    )  # fmt: skip
    (told,) = asked(project, "show", "0000001")
    assert told["answers"] == dict.fromkeys(QUESTIONS, True) | {"no_staff_trading": False}


def test_the_flags_stand_in_the_order_of_the_questions() -> None:
    assert [flag.split("/")[0][2:].replace("-", "_") for flag in FLAGS] == list(QUESTIONS)
    assert list(QUESTIONS) == [
        column.name for column in call_back_result.columns if column.name in QUESTIONS
    ]


def test_what_cannot_be_is_refused_with_what_to_write(project: Path) -> None:
    call = ("--rule", "abnormal", "--result", "not_reached", "--by", "zhou.q")

    assert "no client has this number" in refused(typed(project, "record", "9", *call), PROBLEMS)
    assert "no abnormal call-back was due" in refused(
        typed(project, "record", "0000001", *call), PROBLEMS
    )
    assert "no such client" in refused(typed(project, "due", "--client", "9"), BAD_DATA)
    assert "write 2026-10-09" in refused(typed(project, "due", "--until", "soon"), USAGE)
    assert "write 12% or 0.12" in refused(typed(project, "draw", "--share", "0"), USAGE)
    assert "current year" in refused(
        typed(project, "draw", "--share", "12%", "--year", "2025"), USAGE
    )
    assert "yet to come" in refused(typed(project, "coverage", "--year", "2027"), USAGE)


def test_the_tenth_is_told_in_words_with_what_was_left_out(project: Path) -> None:
    first = asked(project, "coverage")
    assert (first["base_from"], first["clients"], first["required"]) == ("client_book", 20, 2)
    assert first["left_out"] == {"dormant": 0, "suspended": 0, "closed": 0, "opened_later": 2}

    assert typed(project, "base").exit_code == 0
    assert "taken already" in refused(typed(project, "base"), PROBLEMS)
    assert typed(project, "draw", "--share", "10%", "--seed", "a", "--dry-run").exit_code == 0
    drawn = asked(project, "draw", "--share", "10%", "--seed", "a")
    assert (drawn["id"], drawn["seed"], drawn["drawn"]) == (1, "a", 2)
    (one, other) = [row["client"] for row in asked(project, "due") if row["rule"] == "yearly"]
    done = typed(
        project, "record", one, "--rule", "yearly", "--result", "reached", "--by", "zhou.q", *WELL
    )
    assert done.exit_code == 0, done.exception

    said = typed(project, "coverage").stdout
    for words in (
        "The base of 2025-12-31, kept from the client book as of 2026-09-01",
        "20 clients are counted. Left out: 0 dormant, 0 suspended (frozen), 0 closed or deceased,",
        "Called back in 2026: 1 of them, 5.00%. A tenth is 2; 1 are left to call, 1 of those drawn",
    ):
        assert words in said
    assert asked(project, "coverage")["branches"] == [{"branch": "静安", "clients": 20, "done": 1}]
    assert asked(project, "draws")[0]["actor"] == drawn["actor"]
    assert other != one
