"""A closure whose dates change after it was told: what is unsent stops, the rest is corrected."""

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.house import House, person, shipped
from tests.journeys.serving import fired

WHY = ("--reason", "super typhoon", "--source", "SSE 2026-99", "--as", "li")
TRUE = "10月1日(星期四)至10月8日(星期四)休市，10月9日(星期五)起照常开市"
CORRECTS = "更正，以本次为准："


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """The shipped project with three clients, one without a zone of his own that is open now."""
    made = shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)
    made.clock = "2026-09-29T15:30+08:00"
    made.edit("campaigns/closure-notice.toml", 'channels = ["sms", "email"]', 'channels = ["sms"]')
    made.clients(person(1), person(2), person(3, zone="America/New_York"))
    made.approve("closure-notice")
    return made


def close(house: House, day: str) -> dict[str, Any]:
    """An override of a day that two people want; what its approval said."""
    number = house.asked("calendar", "override", "CN_A", day, "--kind", "closed", *WHY)["override"]
    found: dict[str, Any] = house.asked("calendar", "approve-override", str(number), "--as", "wang")
    return found


def runs_of(house: House) -> list[tuple[str, str, int | None]]:
    """(occurrence, state, the run that took its place), oldest first."""
    rows = reversed(house.asked("runs"))
    return [(row["occurrence"], row["state"], row["superseded_by"]) for row in rows]


def test_what_was_not_sent_stops_with_the_approval_and_everybody_gets_the_true_dates(
    house: House,
) -> None:
    sent = house.asked("run", "closure-notice")
    assert sent["messages"] == {"accepted": 2, "held": 1}  # it is half past three in New York

    said = close(house, "2026-10-08")

    (told,) = said["untrue"]
    assert (told["run"], told["unsent"], told["correction"]) == (1, 1, "CN_A-2026-10-01.2")
    assert told["told"] == "2026-10-01 to 2026-10-07, reopens 2026-10-08"
    assert told["is"] == "2026-10-01 to 2026-10-08, reopens 2026-10-09"
    stopped = house.asked("runs", "show", "1")
    assert stopped["state"] == "superseded"
    assert stopped["messages"] == {"accepted": 2, "suppressed": 1}
    assert runs_of(house) == [("CN_A-2026-10-01", "superseded", None)]

    house.clock = "2026-09-29T20:15+08:00"  # 8:15 in New York
    corrected = house.asked("run", "closure-notice")

    assert (corrected["occurrence"], corrected["messages"]) == (
        "CN_A-2026-10-01.2", {"accepted": 3},
    )  # fmt: skip
    assert runs_of(house)[0] == ("CN_A-2026-10-01", "superseded", 2)
    new = [sms["body"] for sms in house.sms() if sms["to"].startswith("+86")][-3:]
    assert all(TRUE in body and CORRECTS in body for body in new)
    assert house.asked("run", "closure-notice")["run"] == 2  # it is true now
    assert len(house.sms()) == 5
    assert house.asked("audit", "verify")["ok"] is True


def test_when_all_was_sent_only_those_who_got_it_are_corrected(house: House) -> None:
    house.clients(person(3))
    house.must("run", "closure-notice")
    house.clients(person(4))  # a client since

    said = close(house, "2026-10-08")
    assert [row["ended"] for row in said["untrue"]] == [True]
    corrected = house.asked("run", "closure-notice")

    assert (corrected["audience"], corrected["messages"]) == (3, {"accepted": 3})
    assert runs_of(house) == [
        ("CN_A-2026-10-01", "finished", None), ("CN_A-2026-10-01.2", "finished", None),
    ]  # fmt: skip


def test_a_scheduler_sends_the_correction_by_itself_and_the_notice_no_second_time(
    house: House,
) -> None:
    house.must("run", "closure-notice")
    close(house, "2026-09-30")  # it begins a day earlier: the closure has another key

    first = fired(house, "2026-09-29 16:00", "closure-notice")
    again = fired(house, "2026-09-29 17:00", "closure-notice")

    assert first == [("closure-notice", "CN_A-2026-09-30.2", "opened")]
    assert again == []


def test_the_notice_of_a_closure_that_was_corrected_first_is_known(house: House) -> None:
    house.clock = "2026-09-24T15:30+08:00"
    fired(house, "2026-09-24 15:30", "closure-notice")
    house.must("run", "closure-notice", "--occurrence", "CN_A-2026-10-01")
    close(house, "2026-10-08")
    house.must("run", "closure-notice", "--occurrence", "CN_A-2026-10-01.2")

    due = fired(house, "2026-09-29 15:30", "closure-notice")

    assert ("closure-notice", "CN_A-2026-10-01", "known") in due
    assert [row[0] for row in runs_of(house)] == ["CN_A-2026-10-01", "CN_A-2026-10-01.2"]


def test_a_proposal_stops_nothing_and_says_what_it_would_stop(house: House) -> None:
    house.must("run", "closure-notice")

    said = house.must("calendar", "override", "CN_A", "2026-10-08", "--kind", "closed", *WHY)

    assert "what it has not sent would be stopped (1 messages planned so far)" in (
        said.out.replace("\n", " ")
    )
    assert runs_of(house) == [("CN_A-2026-10-01", "sending", None)]


def test_a_withdrawn_override_is_corrected_back(house: House) -> None:
    house.must("run", "closure-notice")
    number = str(close(house, "2026-10-08")["override"])
    house.must("run", "closure-notice")
    house.must("calendar", "withdraw-override", number, "--as", "li")

    ended = house.asked("calendar", "approve-override", number, "--as", "wang")
    house.must("run", "closure-notice")

    assert {row["correction"] for row in ended["untrue"]} == {"CN_A-2026-10-01.3"}
    assert [row[0] for row in runs_of(house)][-1] == "CN_A-2026-10-01.3"


def test_a_key_that_corrects_nothing_is_refused(house: House) -> None:
    said = house.type("run", "closure-notice", "--occurrence", "CN_A-2026-10-01.2")

    assert said.code == 3
    assert "'CN_A-2026-10-01.2' corrects nothing" in said.err


def test_without_an_approval_the_correction_waits(house: House) -> None:
    house.must("run", "closure-notice")
    close(house, "2026-10-08")
    house.must("approve", "closure-notice", "--as", "li.na", "--revoke")

    assert fired(house, "2026-09-29 16:00", "closure-notice") == [
        ("closure-notice", "CN_A-2026-10-01.2", "blocked"),
    ]


def test_the_schedule_lists_a_correction_for_those_it_is_for(house: House) -> None:
    house.clients(person(3))
    house.must("run", "closure-notice")
    house.clients(person(4))
    assert owed(house) == []
    close(house, "2026-10-08")
    house.must("approve", "closure-notice", "--as", "li.na", "--revoke")

    assert owed(house) == [("CN_A-2026-10-01.2", 3, ["not_approved"])]
    house.approve("closure-notice")
    house.must("run", "closure-notice")
    assert owed(house) == []


def owed(house: House) -> list[tuple[str, int, list[str]]]:
    return [
        (row["occurrence"], row["clients"], [one["code"] for one in row["blocked_by"]])
        for row in house.asked("schedule", "--days", "1")
        if row["campaign"] == "closure-notice" and "." in str(row["occurrence"])
    ]
