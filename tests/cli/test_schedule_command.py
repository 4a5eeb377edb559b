"""`outreach schedule`: what will fire, for whom, and what stands in its way, in 2026."""

import json
import re
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from outreach.cli import campaigns, halts, schedule
from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.core.market import CalendarDay, Coverage, Status
from outreach.feeds import calendar_file
from outreach.store import calendars
from outreach.store.database import Database
from tests.core.icalendar_reader import read
from tests.project.small_project import change
from tests.store.client_book import add, row

ROOT = Path(__file__).parents[2]
WELCOME = "campaigns/new-investor-welcome.toml"
CLOSURE = "campaigns/closure-notice.toml"

app = typer.Typer()
app.command()(schedule.schedule)
app.command()(campaigns.approve)


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped project on 14 September 2026 with its calendars and three clients."""
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-14T09:30+08:00")
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    shipped = calendar_file.shipped()
    store(tmp_path, shipped.coverage, shipped.days)
    database = database_of(tmp_path)
    with database.begin() as tx:
        opened = [date(2026, 9, 10), date(2026, 9, 12), date(2020, 1, 1)]
        add(tx, [row(n, opened_on=day) for n, day in enumerate(opened, start=1)])
    database.close()
    return tmp_path


def database_of(project: Path) -> Database:
    return Database(f"sqlite:///{project / 'var' / 'outreach.db'}")


def store(project: Path, coverage: tuple[Coverage, ...], days: tuple[CalendarDay, ...]) -> None:
    database = database_of(project)
    with database.begin() as tx:
        at = datetime.fromisoformat("2026-01-01T00:00Z")
        calendars.save(tx, coverage, days, entered_by="clerk", entered_at=at)
    database.close()


def outreach(project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(app, list(words), obj=door)


def rows(project: Path, campaign: str, *words: str) -> list[dict[str, Any]]:
    done = outreach(project, "schedule", *words, as_json=True)
    assert done.exit_code == 0, done.exception
    return [one for one in json.loads(done.stdout) if one["campaign"] == campaign]


def codes(one: dict[str, Any]) -> list[str]:
    return [each["code"] for each in one["blocked_by"]]


def test_the_shipped_campaigns_fire_as_their_files_say(project: Path) -> None:
    found = json.loads(outreach(project, "schedule", "--days", "30", as_json=True).stdout)
    fires = {
        (one["campaign"], one["fires_at"][:16], one["occurrence"])
        for one in found
        if one["fires_at"] and not one["campaign"].startswith("new-investor-")
    }

    assert fires == {
        ("research-digest", "2026-09-18T08:00", "2026-09-18"),
        ("closure-notice", "2026-09-23T07:30", "CN_A-2026-09-25"),
        ("closure-notice", "2026-09-29T07:30", "CN_A-2026-10-01"),
        ("dormant-reminder", "2026-10-08T02:00", "2026-10-08"),
        ("research-digest", "2026-10-09T08:00", "2026-10-09"),
    }
    waiting = {one["campaign"]: one["waits_for"] for one in found if not one["fires_at"]}
    assert waiting == {
        **dict.fromkeys(
            ("incident-aftercare", "incident-notice", "margin-notice", "market-move-notice",
             "suspension-alert"),
            "market_event",
        ),
        **dict.fromkeys(("risk-notice", "satisfaction-survey"), "hand"),
    }  # fmt: skip


def test_a_halt_campaign_waits_for_the_markets_nobody_told_of(project: Path) -> None:
    szse = Path(__file__).parents[1] / "feeds" / "halts" / "saved" / "szse.json"
    before = rows(project, "suspension-alert")
    door = Door(project / "config.toml", json=True)
    done = CliRunner().invoke(halts.app, ["import", str(szse)], obj=door)
    (after,) = rows(project, "suspension-alert")

    assert done.exit_code == 0, done.exception
    assert "halt_feed_stale" in codes(before[0])
    said = after["blocked_by"][-1]
    assert said["code"] == "halt_feed_stale"
    assert said["sentence"].startswith("XSHG、BJSE的提醒将暂缓")


def test_a_firing_counts_the_segment_as_it_is_now(project: Path) -> None:
    assert {one["clients"] for one in rows(project, "closure-notice")} == {3}
    assert rows(project, "new-investor-welcome")[0]["clients"] == 2


def test_after_a_client_event_each_day_counts_those_whose_day_it_is(project: Path) -> None:
    event = 'on = "client_event"\nevent = "opened_on"\ndays = 7'
    change(project, WELCOME, 'on = "daily"', event)

    found = {one["day"]: one["clients"] for one in rows(project, "new-investor-welcome")}
    assert {day: n for day, n in found.items() if n} == {"2026-09-17": 1, "2026-09-19": 1}
    assert len(found) == 60


def test_approval_lifts_what_blocked_and_a_change_of_the_hour_brings_it_back(
    project: Path,
) -> None:
    assert codes(rows(project, "closure-notice")[0]) == ["not_approved"]

    outreach(project, "approve", "closure-notice", "--as", "supervisor")
    assert codes(rows(project, "closure-notice")[0]) == []

    change(project, CLOSURE, "at = 15:30:00", "at = 16:30:00")
    assert codes(rows(project, "closure-notice")[0]) == ["not_approved"]


def test_a_campaign_that_is_off_is_listed_and_said_to_be(project: Path) -> None:
    change(project, CLOSURE, 'owner = "operations"', 'owner = "operations"\nenabled = false')

    assert "disabled" in codes(rows(project, "closure-notice")[0])


def test_behind_the_last_official_day_the_calendar_blocks(project: Path) -> None:
    last = rows(project, "closure-notice", "--days", "120")[-1]

    assert last["fires_at"] is None
    assert "calendar" in codes(last)
    assert "2027-01-01" in last["blocked_by"][-1]["sentence"]


def test_provisional_days_are_listed_and_marked(project: Path) -> None:
    """With a forecast of 2027, the close of New Year 2027 comes into sight, and never goes out."""
    status: Status = "provisional"
    source = "a forecast"
    days = tuple(
        CalendarDay("CN_A", date(2027, 1, day), "closed", "元旦", "New Year", source, status=status)
        for day in (1, 2, 3)
    )
    span = Coverage("CN_A", date(2027, 1, 1), date(2027, 12, 31), status, source)
    store(project, (span,), days)

    found = [one for one in rows(project, "closure-notice", "--days", "150") if one["fires_at"]]
    assert [(one["occurrence"], "provisional" in codes(one)) for one in found] == [
        ("CN_A-2026-09-25", False),
        ("CN_A-2026-10-01", False),
        ("CN_A-2027-01-01", True),
    ]


def test_a_faulty_campaign_is_named_with_what_to_write(project: Path) -> None:
    change(project, CLOSURE, 'kind = "closure"\nmarket = "CN_A"\nwithin_days = 14', 'kind = "day"')

    found = rows(project, "closure-notice")
    assert [codes(one) for one in found] == [["faulty"]]
    assert 'write occurrence.kind = "closure"' in found[0]["blocked_by"][0]["sentence"]


def test_a_moment_that_has_passed_and_a_time_without_a_firing_are_said(project: Path) -> None:
    change(project, WELCOME, 'on = "daily"', 'on = "once"\nday = 2026-09-13')

    assert codes(rows(project, "new-investor-welcome")[0])[-1] == "over"
    quiet = rows(project, "closure-notice", "--days", "5")[0]
    assert (quiet["fires_at"], quiet["waits_for"]) == (None, "time")


def test_the_table_shows_the_first_few_of_a_daily_campaign_unless_all_are_asked_for(
    project: Path,
) -> None:
    few, every = outreach(project, "schedule"), outreach(project, "schedule", "--all")

    assert len(re.findall(r"new-investor-welcome +2026", few.stdout)) == 5
    assert "new-investor-welcome: 55 more" in few.stdout
    assert len(re.findall(r"new-investor-welcome +2026", every.stdout)) == 60
    assert "2026-09-29 15:30   closure-notice" in few.stdout
    assert "outreach approve" in few.stdout


def test_the_calendar_file_has_every_firing_under_a_name_that_stays(project: Path) -> None:
    file = project / "schedule.ics"
    outreach(project, "schedule", "--ics", str(file))
    first = {one["UID"]: one for one in read(file.read_bytes())[1]}
    change(project, CLOSURE, "at = 15:30:00", "at = 16:30:00")
    outreach(project, "schedule", "--ics", str(file))
    later = {one["UID"]: one for one in read(file.read_bytes())[1]}

    daily = sum(name.startswith("new-investor-") for name in first)
    assert (daily, len(first) - daily) == (5 * 60, 10)
    assert first.keys() == later.keys()
    moved = "closure-notice.CN_A-2026-10-01@www.example.com"
    assert (first[moved]["DTSTART"], later[moved]["DTSTART"]) == (
        "20260929T073000Z",
        "20260929T083000Z",
    )
    assert first[moved]["SUMMARY"] == "节假日休市通知"
    assert first[moved]["STATUS"] == "TENTATIVE"
    assert "clients: 3" in first[moved]["DESCRIPTION"]
    assert not list(project.glob(".schedule*"))


def test_a_calendar_file_that_cannot_be_written_ends_with_a_sentence(project: Path) -> None:
    done = outreach(project, "schedule", "--ics", str(project / "none" / "x.ics"))

    assert isinstance(done.exception, Failure)
    assert done.exception.code == BAD_DATA
    assert "cannot be written: No such file or directory" in done.exception.lines[0]
