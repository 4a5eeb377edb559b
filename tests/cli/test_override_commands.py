"""Overrides, comparisons and forecasts as they are typed, on both databases."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fired_project import SHANGHAI
from tests.journeys.house import House, shipped

FORECAST = """\
market,kind,from_on,to_on,opens,closes,break_from,break_to,name_zh,name_en,source_ref,published_on,status
CN_A,coverage,2027-01-01,2027-12-31,,,,,,,expected,,provisional
CN_A,closed,2027-01-01,,,,,,元旦,New Year's Day,expected,,provisional
"""
OFFICIAL = FORECAST.replace("provisional", "official")
WHY = ("--reason", "State Council extends the holiday", "--source", "SSE 2026-99")


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """The shipped project, ten days before the National Day closure."""
    made = shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)
    made.clock = "2026-09-21T10:00+08:00"
    return made


def propose(house: House, *words: str) -> int:
    given = words or ("CN_A", "2026-10-08", "--kind", "closed")
    return int(house.asked("calendar", "override", *given, *WHY, "--as", "li")["override"])


def test_an_approved_override_says_what_it_changes(house: House) -> None:
    number = propose(house)
    approved = house.asked("calendar", "approve-override", str(number), "--as", "wang")

    assert approved["state"] == "in_force"
    assert ("CN_A", "2026-10-08", "open 09:30-15:00", "closed") in [
        tuple(row.values()) for row in approved["sessions"]
    ]
    closure = next(row for row in approved["closures"] if row["market"] == "CN_A")
    assert (closure["before"], closure["after"]) == ("CN_A-2026-10-01", "CN_A-2026-10-01")
    assert closure["is"] == "2026-10-01 to 2026-10-08, reopens 2026-10-09"
    notice = next(row for row in approved["touched"] if row["campaign"] == "closure-notice")
    assert notice["expires_at"].startswith("2026-10-09T01:30")
    assert notice["run"] is None
    assert house.must("audit", "verify").code == 0


def test_the_run_that_told_the_old_dates_is_named(house: House) -> None:
    house.approve("closure-notice")
    house.type("run", "closure-notice")
    number = propose(house)

    said = house.must("calendar", "approve-override", str(number), "--as", "wang").out

    assert "Run 1 of closure-notice CN_A-2026-09-25" not in said
    late = propose(house, "CN_A", "2026-09-28", "--kind", "closed")
    said = house.must("calendar", "approve-override", str(late), "--as", "wang").out
    assert (
        "Run 1 of closure-notice CN_A-2026-09-25 told 2026-09-25 to 2026-09-27, reopens 2026-09-28;"
        " it is finished, so that has gone out." in said
    )
    assert "closure-notice CN_A-2026-09-25.2 corrects it." in said


SHIPPED = ("closure-notice", "dormant-reminder", "research-digest")


@pytest.mark.parametrize(
    ("on", "found"),
    [
        pytest.param(
            "2026-10-08",
            [
                ("dormant-reminder", "2026-10-08", "dropped", "10-08 10:00", ""),
                ("dormant-reminder", "2026-10-09", "added", "", "10-09 10:00"),
            ],
            id="the first session of the month is a day later",
        ),
        pytest.param(
            "2026-09-29",
            [
                ("closure-notice", "CN_A-2026-09-29", "added", "", "09-24 15:30"),
                ("closure-notice", "CN_A-2026-10-01", "moved", "09-29 15:30", "09-28 15:30"),
            ],
            id="two sessions before National Day are a day earlier",
        ),
        pytest.param(
            "2026-10-16",
            [
                ("closure-notice", "CN_A-2026-10-16", "added", "", "10-14 15:30"),
                ("research-digest", "2026-10-16", "dropped", "10-16 16:00", ""),
            ],
            id="a Friday without a digest",
        ),
    ],
)
def test_what_fires_otherwise_is_told_when_proposed_and_when_approved(
    house: House, on: str, found: list[tuple[str, ...]]
) -> None:
    words = ("CN_A", on, "--kind", "closed", *WHY, "--as", "li")
    proposed = house.asked("calendar", "override", *words)
    number = str(proposed["override"])
    approved = house.asked("calendar", "approve-override", number, "--as", "wang")

    assert firings(proposed) == found
    assert firings(approved) == found
    assert approved["closures"] == proposed["closures"]


def firings(effects: dict[str, Any]) -> list[tuple[str, ...]]:
    """The firings that change, on the clock of Shanghai."""
    return [
        (row["campaign"], row["occurrence"], row["change"], _at(row["before"]), _at(row["after"]))
        for row in effects["firings"]
        if row["campaign"] in SHIPPED
    ]


def _at(moment: str | None) -> str:
    if moment is None:
        return ""
    return f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%m-%d %H:%M}"


def test_nobody_approves_his_own_override(house: House) -> None:
    number = propose(house)

    refused = house.type("calendar", "approve-override", str(number), "--as", "LI")

    assert refused.code == 5
    assert "somebody else must approve it" in refused.err
    assert house.asked("calendar", "overrides")[0]["state"] == "proposed"
    rows = house.asked("calendar", "show", "2026", "CN_A")
    assert sum(row["session"] for row in rows) == 242


def test_an_override_in_force_ends_when_two_people_want_it(house: House) -> None:
    number = str(propose(house))
    house.must("calendar", "approve-override", number, "--as", "wang")

    asked = house.must("calendar", "withdraw-override", number, "--as", "li").out
    assert "It stays in force until somebody else approves its withdrawal." in asked
    assert house.type("calendar", "approve-override", number, "--as", "li").code == 5
    ended = house.asked("calendar", "approve-override", number, "--as", "wang")

    assert ended["state"] == "withdrawn"
    assert ended["sessions"][0]["after"] == "open 09:30-15:00"
    (row,) = house.asked("calendar", "overrides")
    assert (row["proposed_by"], row["approved_by"], row["withdrawn_by"]) == (
        "li",
        "wang, wang",
        "li",
    )


def test_a_proposal_is_taken_back_by_one(house: House) -> None:
    number = str(propose(house))

    assert house.asked("calendar", "withdraw-override", number, "--as", "li") == {
        "override": int(number), "state": "withdrawn", "sessions": [], "closures": [],
        "firings": [], "touched": [], "untrue": [],
    }  # fmt: skip
    assert propose(house) > int(number)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("CN_A", "2027-03-01", "--kind", "open"), 3, "not covered by the calendar of CN_A"),
        (("CN_A", "2026-10-08", "--kind", "open"), 3, "nothing would change"),
        (
            ("CN_A", "2026-10-08", "--kind", "late_open", "--opens", "15:30"),
            3,
            "open at 15:30 and close at 15:00",
        ),
        (("CN_A", "2026-10-08", "--kind", "half", "--closes", "noon"), 2, "as 12:00"),
        (("CN_A", "2026-10-08", "--kind", "half"), 3, "add --closes"),
        (
            ("CN_A", "2026-10-10", "--kind", "open"),
            3,
            "is a Saturday, on which CN_A does not trade",
        ),
        (("MARS", "2026-10-08", "--kind", "closed"), 2, "not a known market"),
    ],
)
def test_a_contradiction_is_one_clear_line(
    house: House, words: tuple[str, ...], code: int, line: str
) -> None:
    said = house.type("calendar", "override", *words, *WHY, "--as", "li")

    assert said.code == code
    assert line in said.err
    assert len(said.err.splitlines()) == 1
    assert house.asked("calendar", "overrides") == []


def test_a_day_has_one_override_at_a_time(house: House) -> None:
    number = propose(house)

    again = house.type(
        "calendar", "override", "CN_A", "2026-10-08", "--kind", "half", "--closes", "11:30",
        *WHY, "--as", "wang",
    )  # fmt: skip

    assert again.code == 3
    assert f"override {number} is proposed already; withdraw it first" in again.err


def test_the_library_agrees_with_the_shipped_year_and_differs_after_an_override(
    house: House,
) -> None:
    same = house.asked("calendar", "diff", "CN_A", "2026")
    assert (same["sessions"], same["library_sessions"], same["days"]) == (242, 242, [])
    house.must("calendar", "approve-override", str(propose(house)), "--as", "wang")

    differs = house.asked("calendar", "diff", "CN_A", "2026", code=1)

    (day,) = differs["days"]
    assert (day["on"], day["weekday"], day["stored"], day["library"]) == (
        "2026-10-08", "Thu", "closed", "open",
    )  # fmt: skip
    assert day["stored_name"] == "National Day"


def test_a_year_nobody_announced_is_not_compared(house: House) -> None:
    said = house.type("calendar", "diff", "CN_A", "2027")

    assert said.code == 3
    assert "outreach calendar import CN_A-2027.csv" in said.err


def test_a_forecast_plans_and_does_not_send(house: House) -> None:
    """Check 1 of the acceptance list: at the end of 2026 nothing is guessed and nothing is sent."""
    house.clock = "2026-12-31T10:00+08:00"
    house.approve("closure-notice")
    blocked = house.type("plan", "closure-notice")
    assert (blocked.code, "not covered" in blocked.err) == (3, True)

    house.must("calendar", "import", house.write("forecast.csv", FORECAST))
    planned = house.asked("plan", "closure-notice")
    refused = house.type("run", "closure-notice")

    assert planned["occurrence"] == "CN_A-2027-01-01"
    assert "provisional" in planned["blocked_for_sending"]
    assert refused.code == 5
    assert "import the official one before sending" in refused.err
    assert house.asked("runs") == []

    house.must("calendar", "import", house.write("official.csv", OFFICIAL))
    assert house.asked("plan", "closure-notice")["blocked_for_sending"] is None
    assert house.type("run", "closure-notice").code == 0
