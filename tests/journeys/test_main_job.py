"""The main job as people type it, on both databases: import, plan, approve, run, ask, verify."""

from pathlib import Path

import pytest

from tests.journeys.house import MONDAY, House, person, shipped

NIGHT = "2026-09-28T22:15+08:00"
MORNING = "2026-09-29T08:00:30+08:00"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """The shipped project with six clients."""
    made = shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)
    made.clients(
        person(1),
        person(2, email=""),
        person(3, language="en"),
        person(4, status="销户"),
        person(5, phone="", email=""),
        person(6, phone="13800000001"),
    )
    return made


def test_the_whole_way_of_a_closure_notice(house: House) -> None:
    planned = house.asked("plan", "closure-notice")
    refused = house.type("run", "closure-notice")
    assert refused.code == 5
    assert "nobody has approved this text" in refused.err
    house.approve("closure-notice")

    ran = house.asked("run", "closure-notice")

    assert (planned["audience"], planned["allow"], planned["suppress"]) == (5, 4, 1)
    for key in ("audience", "allow", "defer", "suppress", "reasons", "channels", "sms_parts"):
        assert ran[key] == planned[key], key
    assert ran["channels"] == {"sms": 3, "email": 3}
    assert (ran["state"], ran["messages"]) == ("finished", {"accepted": 6})
    assert set(house.on_disk().values()) == {1}

    again = house.asked("run", "closure-notice")
    assert (again["run"], again["messages"]) == (ran["run"], {"accepted": 6})
    assert sum(house.on_disk().values()) == 6

    lines = house.asked("log", "--run", str(ran["run"]))
    assert sum(line["state"] == "accepted" for line in lines) == 6
    told = house.asked("explain", "000005", "closure-notice")
    assert any(gate["reason"] == "address_missing" for gate in told["gates"])
    assert house.asked("audit", "verify")["ok"] is True
    assert house.asked("runs")[0]["state"] == "finished"


def test_one_message_goes_to_an_address_that_two_clients_have(house: House) -> None:
    house.approve("closure-notice")
    house.must("run", "closure-notice")

    numbers = [line["to"] for line in house.sms()]
    assert len(numbers) == len(set(numbers)) == 3


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ("Operations", "somebody else must approve it"),
        (" operations ", "somebody else must approve it"),
        (" ", "names nobody"),
    ],
)
def test_the_author_and_nobody_may_not_approve(house: House, user: str, says: str) -> None:
    house.edit("campaigns/closure-notice.toml", '"operations"', '" operations"')
    said = house.type("approve", "closure-notice", "--as", user)

    assert (said.code, says in said.err) == (5, True), said


def test_a_text_edited_after_its_approval_needs_a_new_one(house: House) -> None:
    house.approve("closure-notice")
    with (house.folder / "templates/closure-notice/sms.en.text.j2").open("a") as file:
        file.write(" ")
    house.edit("templates/closure-notice/sms.en.text.j2", "{{ hotline }}", "{{ hotline }}!")

    assert house.type("run", "closure-notice").code == 5
    house.approve("closure-notice")
    house.must("run", "closure-notice")


def test_a_revoked_approval_stands_no_more(house: House) -> None:
    house.approve("closure-notice")
    house.must("approve", "closure-notice", "--as", "wang.l", "--revoke")

    assert house.type("run", "closure-notice").code == 5


# --- between plan and send -------------------------------------------------------------------


@pytest.fixture
def held(house: House) -> House:
    """The closure notice planned at night: everything is held until the morning."""
    house.approve("closure-notice")
    house.clock = NIGHT
    ran = house.asked("run", "closure-notice")
    assert ran["messages"] == {"held": 6}
    assert ran["next_at"].startswith("2026-09-29T00:00:00")
    assert ran["reasons"] == {"quiet_hours": 4, "address_missing": 1}
    assert house.on_disk() == {}
    return house


def test_held_messages_go_out_when_the_hours_open(held: House) -> None:
    held.clock = "2026-09-29T07:59+08:00"
    assert held.asked("run", "closure-notice")["messages"] == {"held": 6}
    held.clock = MORNING
    ran = held.asked("run", "closure-notice")

    assert (ran["state"], ran["messages"]) == ("finished", {"accepted": 6})


def test_an_opt_out_after_the_plan_stops_the_message(held: House) -> None:
    held.clock = "2026-09-28T23:00+08:00"
    held.must("consent", "withdraw", "000001", "--channel", "sms", "--source", "sms_mo")
    held.clock = MORNING
    ran = held.asked("run", "closure-notice")

    assert ran["messages"] == {"accepted": 5, "suppressed": 1}
    stopped = held.asked("log", "--client", "000001", "--state", "suppressed")
    assert [line["reason"] for line in stopped] == ["channel_opt_out"]
    assert "+8613800000001" not in [line["to"] for line in held.sms()]
    assert held.asked("audit", "verify")["ok"] is True


def test_an_address_changed_after_the_plan_is_not_written_to(held: House) -> None:
    held.clock = "2026-09-28T23:00+08:00"
    held.clients(person(2, email="", phone="13811112222"))
    held.clock = MORNING
    ran = held.asked("run", "closure-notice")

    assert ran["messages"] == {"accepted": 5, "suppressed": 1}
    reason = held.asked("log", "--client", "000002", "--state", "suppressed")[0]["reason"]
    assert reason == "address_invalid"


def test_an_account_closed_after_the_plan_gets_nothing(held: House) -> None:
    held.clock = "2026-09-28T23:00+08:00"
    held.clients(person(3, status="销户"))
    held.clock = MORNING
    ran = held.asked("run", "closure-notice")

    assert ran["messages"] == {"accepted": 4, "suppressed": 2}
    stopped = held.asked("log", "--client", "000003", "--state", "suppressed")
    assert {line["reason"] for line in stopped} == {"client_closed"}


def test_what_came_too_late_expires(held: House) -> None:
    held.clock = "2026-10-09T10:00+08:00"
    run = str(held.asked("runs")[0]["id"])
    said = held.type("runs", "retry", run, as_json=True)

    assert said.document["messages"] == {"expired": 6}
    assert held.on_disk() == {}


def test_a_cancelled_run_sends_nothing_more(held: House) -> None:
    run = str(held.asked("runs")[0]["id"])
    assert held.asked("runs", "cancel", run, "--yes")["messages"] == {"cancelled": 6}
    assert held.type("runs", "cancel", run, "--yes").code == 0  # finishes what was cut short
    held.clock = MORNING
    ran = held.asked("run", "closure-notice")

    assert (ran["state"], ran["messages"]) == ("cancelled", {"cancelled": 6})
    assert held.on_disk() == {}


def test_a_paused_run_waits_until_it_is_resumed(held: House) -> None:
    run = str(held.asked("runs")[0]["id"])
    held.must("runs", "pause", run)
    held.clock = MORNING
    waits = held.type("run", "closure-notice", as_json=True)
    assert waits.document["state"] == "paused"
    assert held.on_disk() == {}

    resumed = held.asked("runs", "resume", run)

    assert (resumed["state"], resumed["messages"]) == ("finished", {"accepted": 6})


# --- limits ----------------------------------------------------------------------------------


def test_a_cap_is_exact_over_two_campaigns(house: House) -> None:
    house.edit("config.toml", "education = { messages = 3, days = 7 }",
               "education = { messages = 1, days = 7 }")  # fmt: skip
    first = house.folder / "campaigns/new-investor-welcome.toml"
    second = house.folder / "campaigns/second-welcome.toml"
    second.write_text(first.read_text(encoding="utf-8"), encoding="utf-8")
    house.clients(person(7, opened="2026-09-20"), person(8, opened="2026-09-21"))
    house.approve("new-investor-welcome")
    house.approve("second-welcome")

    assert house.asked("run", "new-investor-welcome")["messages"] == {"accepted": 2}
    capped = house.asked("run", "second-welcome")

    assert (capped["messages"], capped["reasons"]) == ({}, {"frequency_cap": 2})
    house.clock = "2026-10-05T15:29+08:00"
    assert house.asked("plan", "second-welcome")["reasons"] == {"frequency_cap": 2}
    house.clock = "2026-10-05T15:31+08:00"
    assert house.asked("plan", "second-welcome")["reasons"] == {}


def test_halt_data_too_old_hold_the_alert_until_fresh_ones_come(house: House) -> None:
    holding = "客户号,证券代码,市场,数量\n000001,600519,上交所,100\n"
    house.must("holdings", "import", house.write("in/holdings.csv", holding))
    house.halted("2026-09-27T10:00+08:00")
    house.approve("suspension-alert")
    ran = house.asked("run", "suspension-alert")
    assert ran["reasons"] == {"halt_feed_stale": 1}
    assert ran["messages"] == {"held": 2}

    house.clock = "2026-09-28T15:50+08:00"
    house.halted("2026-09-28T15:40+08:00")
    ran = house.asked("run", "suspension-alert")

    assert (ran["state"], ran["messages"]) == ("finished", {"accepted": 2})


def test_a_calendar_that_ends_blocks_the_campaign(house: House) -> None:
    house.clock = "2026-12-30T10:00+08:00"
    for command in ("plan", "run"):
        said = house.type(command, "closure-notice")
        assert said.code == 3
        assert len(said.err.strip().splitlines()) == 1
        assert "2026-12-31" in said.err


def test_twilio_is_not_asked_to_carry_securities_notices_to_the_mainland(house: House) -> None:
    sender = (
        "[senders.sms-abroad]\nkind = \"twilio_sms\"\naddress = \"+15005550006\"\n"
        "account = \"AC00000000000000000000000000000000\"\nbase_url = \"http://127.0.0.1:9\"\n"
        "receipts_url = \"https://outreach.example.com/twilio/status\"\n\n"
        "# --- Routes: the first"
    )  # fmt: skip
    house.edit("config.toml", "# --- Routes: the first", sender)
    house.edit("config.toml", 'prefix = "+86" # Twilio may not carry notices about securities to'
               ' mainland China: use another sender\nsender = "sms-file"',
               'prefix = "+86"\nsender = "sms-abroad"')  # fmt: skip
    house.edit("config.toml", "service = { opens = 08:00:00, closes = 21:00:00 }\n", "")
    house.edit("campaigns/risk-notice.toml", 'channels = ["email", "sms"]', 'channels = ["sms"]')
    house.edit("campaigns/risk-notice.toml", "as_of = 2026-09-28", "as_of = 2026-09-28 # sms")
    house.clock = None
    house.approve("risk-notice")

    ran = house.asked("run", "risk-notice")

    assert ran["reasons"]["provider_forbids_content_in_country"] == 4
    assert ran["messages"] == {}
    assert house.asked("log", "--run", str(ran["run"]), "--state", "accepted") == []


def test_a_pretended_clock_never_meets_a_real_sender(house: House) -> None:
    house.edit("config.toml", '[senders.mail-file]\nkind = "file"\nchannel = "email"',
               '[senders.mail-file]\nkind = "smtp"\nhost = "127.0.0.1"')  # fmt: skip
    said = house.type("run", "risk-notice")

    assert said.code == 3
    assert "OUTREACH_CLOCK is set" in said.err


def test_every_moment_of_the_day_is_the_same_day_for_one_occurrence(house: House) -> None:
    house.approve("risk-notice")
    first = house.asked("run", "risk-notice")
    house.clock = "2026-09-28T20:00+08:00"
    second = house.asked("run", "risk-notice")

    assert (first["run"], first["occurrence"]) == (second["run"], second["occurrence"])
    assert sum(house.on_disk().values()) == sum(first["channels"].values())
    assert house.clock != MONDAY
