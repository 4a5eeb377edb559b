"""`outreach calendar`: what a clerk types, what is stored, and how each refusal ends."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from outreach.cli import calendar, database
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.core.trading_calendar import CalendarCoverageError

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src" / "outreach" / "data" / "calendars"


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path) -> Path:
    """A project folder with an empty database at the newest revision."""
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    return tmp_path


def outreach(project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(calendar.app, list(words), obj=door)


def refusal(result: Result) -> Failure:
    assert isinstance(result.exception, Failure), result.exception
    return result.exception


def test_without_a_file_the_shipped_calendars_are_imported_once(project: Path) -> None:
    first = json.loads(outreach(project, "import", as_json=True).stdout)
    again = json.loads(outreach(project, "import", as_json=True).stdout)

    assert (first["added"], again["added"], again["unchanged"]) == (89, 0, 89)
    assert (first["settlements"], again["settlements"]) == (3, 0)
    assert [span["to_on"] for span in first["coverage"]] == [
        "2025-12-31",
        "2026-12-31",
        "2026-12-31",
    ]


def test_a_year_is_shown_month_by_month_with_its_closures(project: Path) -> None:
    outreach(project, "import")

    shown = outreach(project, "show", "2026", "CN_A").stdout

    assert "CN_A: 242 sessions from 2026-01-01 to 2026-12-31" in shown
    assert " 9 10 11 12 13 14w15*" in shown
    assert "2026-09-20 2026-10-10" in shown


def test_a_year_as_json_has_a_row_for_every_day(project: Path) -> None:
    outreach(project, "import")

    rows = json.loads(outreach(project, "show", "2026", as_json=True).stdout)

    assert len(rows) == 365
    assert sum(row["session"] for row in rows) == 242
    assert rows[3]["kind"] == "workday"
    assert (rows[4]["opens"], rows[4]["closes"]) == ("09:30", "15:00")


def test_a_year_that_is_not_covered_ends_with_what_to_import(project: Path) -> None:
    outreach(project, "import")

    result = outreach(project, "show", "2027", "CN_A")

    assert isinstance(result.exception, CalendarCoverageError)
    assert "outreach calendar import CN_A-2027.csv" in str(result.exception)


def test_hong_kong_comes_from_the_library_and_later_years_are_forecasts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T15:30+08:00")
    library = ("--from", "exchange_calendars", "--market", "HK", "--years", "2026-2028")

    imported = json.loads(outreach(project, "import", *library, as_json=True).stdout)

    assert [span["status"] for span in imported["coverage"]] == [
        "official",
        "official",
        "provisional",
    ]
    assert outreach(project, "show", "2028", "HK").exit_code != 0
    assert outreach(project, "show", "2028", "HK", "--provisional").exit_code == 0


def test_southbound_is_there_at_once_and_the_library_changes_nothing_of_hong_kong(
    project: Path,
) -> None:
    outreach(project, "import")
    library = ("--from", "exchange_calendars", "--market", "HK", "--years", "2026")
    again = json.loads(outreach(project, "import", *library, as_json=True).stdout)

    rows = json.loads(outreach(project, "show", "2026", "SB", as_json=True).stdout)

    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 17)
    assert sum(row["session"] for row in rows) == 236


def test_a_file_that_contradicts_the_notice_is_refused_unless_told_to_replace(
    project: Path,
) -> None:
    outreach(project, "import")
    text = (SHIPPED / "CN_A-2026.csv").read_text(encoding="utf-8")
    changed = project / "changed.csv"
    changed.write_text(text.replace("2026-10-07", "2026-10-06"), encoding="utf-8")

    failure = refusal(outreach(project, "import", str(changed)))

    assert failure.code == PROBLEMS
    assert failure.lines[0].startswith("CN_A 2026-10-07: stored as closed (National Day;")
    assert "--replace" in failure.lines[-1]
    replaced = outreach(project, "import", str(changed), "--replace", as_json=True)
    assert json.loads(replaced.stdout)["removed"] == 1


def test_another_settlement_day_is_refused_unless_told_to_replace(project: Path) -> None:
    outreach(project, "import")
    text = (SHIPPED / "settlement-2026.csv").read_text(encoding="utf-8")
    changed = project / "changed.csv"
    changed.write_text(text.replace("2026-02-25", "2026-02-14"), encoding="utf-8")

    failure = refusal(outreach(project, "import", str(changed)))

    assert failure.code == PROBLEMS
    assert failure.lines[0].startswith("SB 2026-02-13: stored as paid on 2026-02-25 (ChinaClear")
    replaced = json.loads(
        outreach(project, "import", str(changed), "--replace", as_json=True).stdout
    )
    assert (replaced["settlements"], replaced["coverage"]) == (1, [])


def test_a_year_tells_the_three_kinds_of_day_apart(project: Path) -> None:
    outreach(project, "import")

    rows = json.loads(outreach(project, "show", "2026", as_json=True).stdout)
    days = {row["on"]: (row["session"], row["working_day"], row["settles_on"]) for row in rows}

    assert days["2026-02-13"] == (True, True, "2026-02-24")
    assert days["2026-02-14"] == (False, True, None)
    assert days["2026-02-16"] == (False, False, None)
    assert days["2026-09-28"] == (True, True, None)


def test_a_database_that_is_set_up_has_the_shipped_calendars_and_keeps_corrections(
    project: Path,
) -> None:
    def upgrade() -> Result:
        door = Door(project / "config.toml", json=True)
        return CliRunner().invoke(database.app, ["upgrade"], obj=door)

    assert upgrade().exit_code == 0
    text = (SHIPPED / "CN_A-2026.csv").read_text(encoding="utf-8")
    changed = project / "changed.csv"
    changed.write_text(text.replace("2026-10-07", "2026-10-08"), encoding="utf-8")
    outreach(project, "import", str(changed), "--replace")
    assert upgrade().exit_code == 0

    rows = json.loads(outreach(project, "show", "2026", as_json=True).stdout)
    assert sum(row["session"] for row in rows) == 241


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["import", "x.csv", "--from", "exchange_calendars"], USAGE, "not both"),
        (["import", "--market", "HK"], USAGE, "go with --from"),
        (["import", "--from", "exchange_calendars", "--market", "HK"], USAGE, "write a year"),
        (
            ["import", "--from", "exchange_calendars", "--market", "HK", "--years", "2027-2026"],
            USAGE,
            "the earlier first",
        ),
        (
            ["import", "--from", "exchange_calendars", "--market", "CN_A", "--years", "2026"],
            BAD_DATA,
            "HK, US, UK do",
        ),
        (["import", "/nowhere/x.csv"], BAD_DATA, "cannot be read"),
        (["show", "2026", "MARS"], USAGE, "not a known market"),
    ],
)
def test_each_refusal_has_its_exit_code_and_sentence(
    project: Path, words: list[str], code: int, line: str
) -> None:
    failure = refusal(outreach(project, *words))

    assert failure.code == code
    assert line in failure.lines[0]
