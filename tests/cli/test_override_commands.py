"""Overrides, comparisons and forecasts as they are typed, on both databases."""

from pathlib import Path

import pytest

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

    assert "Run 1 of closure-notice CN_A-2026-09-25 is" not in said
    late = propose(house, "CN_A", "2026-09-28", "--kind", "closed")
    said = house.must("calendar", "approve-override", str(late), "--as", "wang").out
    assert "Run 1 of closure-notice CN_A-2026-09-25 is finished with the dates as they were" in said


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
        "touched": [],
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
