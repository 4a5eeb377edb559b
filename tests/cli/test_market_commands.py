"""`outreach market`, and what `doctor` and `explain` say of market moves."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import insert
from typer.testing import CliRunner, Result

from outreach.cli import doctor, market
from outreach.cli.calendar import import_shipped
from outreach.cli.door import PROBLEMS, Door, Failure
from outreach.core.sources import Fallen, Got, said
from outreach.store.tables import client
from tests.store.client_book import row

ROOT = Path(__file__).parents[2]
LEVELS = "index,name_zh,name_en,at,level,prev_close\n"
RATIOS = "client_no,ratio,warn_line,close_line,as_of\n"


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped project with three clients, on the morning of 28 September 2026."""
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T11:10+08:00")
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    door = Door(tmp_path / "config.toml", json=True)
    import_shipped(door)
    with door.database.begin() as tx:
        tx.execute(insert(client), [row(number) for number in range(1, 4)])
    return tmp_path


def outreach(project: Path, *words: str, as_json: bool = True) -> Result:
    app = typer.Typer()
    app.add_typer(market.app, name="market")
    app.command()(doctor.doctor)
    return CliRunner().invoke(app, words, obj=Door(project / "config.toml", json=as_json))


def taken(project: Path, text: str) -> Any:
    path = project / "in.csv"
    path.write_text(text, encoding="utf-8")
    result = outreach(project, "market", "import", str(path))
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def findings(project: Path) -> list[str]:
    rows = json.loads(outreach(project, "doctor").stdout)["checks"]
    return [one["finding"] for one in rows if one["check"] == "market moves"]


def test_levels_and_ratios_are_told_apart_and_shown(project: Path) -> None:
    levels = taken(project, f"{LEVELS}CSI300,沪深300,CSI 300,2026-09-28 11:00,3880,4000\n")
    ratios = taken(project, f"{RATIOS}0000001,129%,150%,130%,\n0000002,1.45,1.5,1.3,\n")

    assert (levels["kind"], levels["added"]) == ("levels", 1)
    assert (ratios["kind"], ratios["alerts"]) == ("margins", {"below close": 1, "below warn": 2})
    shown = json.loads(outreach(project, "market", "show").stdout)
    assert shown["levels"] == [
        {
            "index": "CSI300", "name": "沪深300", "at": "2026-09-28 11:00:00",
            "level": "3880.00", "prev_close": "4000.00", "day_percent": "-3.00",
        }
    ]  # fmt: skip
    assert shown["margin"]["below_close"] == 1
    said_to_people = outreach(project, "market", "show", as_json=False).stdout
    assert "2 clients on margin" in said_to_people
    assert "129" not in said_to_people


def test_a_file_that_is_neither_says_which_columns_it_needs(project: Path) -> None:
    path = project / "in.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    result = outreach(project, "market", "import", str(path))

    assert "name its columns so" in str(result.exception)


def test_a_file_without_one_good_row_fails(project: Path) -> None:
    path = project / "in.csv"
    path.write_text(f"{RATIOS}9999999,129%,150%,130%,\n", encoding="utf-8")
    result = outreach(project, "market", "import", str(path))

    assert isinstance(result.exception, Failure)
    assert result.exception.code == PROBLEMS


def test_doctor_tells_of_indexes_nobody_reports_and_of_levels_that_stopped(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(project) == [
        "margin-notice: no margin ratio has come in yet",
        "market-move-notice: no level of CHINEXT has come in yet",
        "market-move-notice: no level of CSI300 has come in yet",
    ]
    rows = (f"{code},,,2026-09-28 10:30,3990,4000\n" for code in ("CSI300", "CHINEXT"))
    taken(project, LEVELS + "".join(rows))
    taken(project, f"{RATIOS}0000001,160%,150%,130%,\n")
    assert findings(project) == ["what market-move campaigns wait for comes in"]

    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T14:00+08:00")
    assert findings(project)[0] == (
        "market-move-notice: the newest level of CHINEXT is 210 minutes old while the market is"
        " open"
    )
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-10-03T11:00+08:00")  # a holiday
    assert findings(project) == ["margin-notice: the newest margin ratio is 4 days old"]


def test_a_source_says_whom_it_names() -> None:
    assert said(Fallen(3, "close", 500)).zh == "维持担保比例在文件 3 中新跌破平仓线"
    assert said(Got((1, 2))).en == "got run 1, 2, or may have"
