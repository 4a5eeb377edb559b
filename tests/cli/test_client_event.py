"""A run that is for the clients of a day says which event that was, wherever it is looked at."""

from datetime import date
from pathlib import Path

import pytest

from outreach.core.campaign import AfterClientEvent, Campaign
from outreach.core.client_event import client_event
from outreach.project.load import load_project
from tests.journeys.house import ROOT, House, person, shipped

SAID = "开户日期 2026-09-21，即 2026-09-28 前 7 天"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A client who opened an account a week ago."""
    made = shipped(tmp_path / "house")
    made.clients(person(1, opened="2026-09-21"), person(2, opened="2026-09-20"))
    made.approve("new-investor-risk-types")
    return made


def test_every_view_of_a_run_names_the_event_and_its_day(house: House) -> None:
    ran = house.asked("run", "new-investor-risk-types")
    run = str(ran["run"])

    assert (ran["audience"], ran["event"]) == (1, SAID)
    assert house.asked("runs", "show", run)["event"] == SAID
    assert SAID in house.must("runs", "show", run).out
    assert house.asked("explain", "000001", "new-investor-risk-types")["event"] == SAID
    assert SAID in house.must("explain", "000001", "new-investor-risk-types").out
    assert SAID in " ".join(house.must("log", "--run", run).out.split())
    page = house.folder / "report.html"
    house.must("report", run, "--out", str(page))
    assert SAID in page.read_text(encoding="utf-8")


def test_the_schedule_names_it_too(house: House) -> None:
    calendar = house.folder / "schedule.ics"
    rows = house.asked("schedule", "--days", "3", "--ics", str(calendar))

    told = [row["event"] for row in rows if row["campaign"] == "new-investor-risk-types"]
    assert told[:2] == [SAID, "开户日期 2026-09-22，即 2026-09-29 前 7 天"]
    written = calendar.read_text(encoding="utf-8").replace("\n ", "")
    assert "开户日期 2026-09-22" in written
    assert {row["event"] for row in rows if row["campaign"] == "closure-notice"} == {None}


def campaign(event: str, days: int) -> Campaign:
    project, _ = load_project(ROOT / "config.toml")
    assert project is not None
    schedule = {"on": "client_event", "event": event, "days": days, "at": "10:00:00"}
    shipped_one = project.campaigns["new-investor-welcome"]
    after = AfterClientEvent.model_validate(schedule)
    return shipped_one.model_copy(update={"schedule": after})


@pytest.mark.parametrize(
    ("event", "days", "en"),
    [
        ("opened_on", 0, "account opening date 2026-09-28, the day itself"),
        ("opened_on", 1, "account opening date 2026-09-27, 1 day before 2026-09-28"),
        (
            "document_expires_on", -30,
            "expiry of the identity document 2026-10-28, 30 days after 2026-09-28",
        ),
    ],
)  # fmt: skip
def test_the_sentence_says_how_the_days_lie(event: str, days: int, en: str) -> None:
    found = client_event(campaign(event, days), date(2026, 9, 28))

    assert found is not None
    assert found.sentence.en == en


def test_a_run_of_another_kind_has_none() -> None:
    project, _ = load_project(ROOT / "config.toml")
    assert project is not None

    assert client_event(project.campaigns["closure-notice"], date(2026, 9, 28)) is None
    assert client_event(project.campaigns["new-investor-welcome"], None) is None
