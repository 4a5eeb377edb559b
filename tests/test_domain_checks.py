"""The acceptance checks about calendars, halts and quiet hours, each on the dates it was found on.

Through the doors that people use, so that a check holds for what is shipped and not for a part.
"""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.house import House, person, shipped

OFFICIAL_2027 = """\
market,kind,from_on,to_on,opens,closes,break_from,break_to,name_zh,name_en,source_ref,published_on,status
CN_A,coverage,2027-01-01,2027-12-31,,,,,,,made for this test,2026-12-22,official
CN_A,closed,2027-01-01,2027-01-03,,,,,元旦,New Year's Day,made for this test,2026-12-22,official
"""
SAVED = Path(__file__).parent / "feeds" / "halts" / "saved"
NOTICE = "campaigns/closure-notice.toml"
NOTICE_SMS = "templates/closure-notice/sms.zh-CN.text.j2"


@pytest.fixture
def house(tmp_path: Path, sqlite_template: Path) -> House:
    """The shipped project as `outreach db upgrade` leaves it, with one client."""
    (tmp_path / "house/var").mkdir(parents=True)
    shutil.copy(sqlite_template, tmp_path / "house/var/outreach.db")
    made = shipped(tmp_path / "house")
    made.clients(person(1))
    return made


def year(house: House, market: str) -> dict[date, Any]:
    """Every day of 2026 as `outreach calendar show` tells it."""
    rows = house.asked("calendar", "show", "2026", market)
    return {date.fromisoformat(row["on"]): row for row in rows}


# --- 1: beyond the calendar ----------------------------------------------------------------------


def test_1_behind_the_last_announced_day_nothing_is_guessed_and_nothing_is_sent(
    house: House,
) -> None:
    house.clock = "2026-12-31T10:00+08:00"
    house.approve("closure-notice")

    for command in ("plan", "run"):
        said = house.type(command, "closure-notice")
        assert said.code == 3
        assert "2027-01-01 is not covered: the official calendar of CN_A ends on" in said.err
    (waits,) = [one for one in house.asked("schedule") if one["campaign"] == "closure-notice"]
    assert waits["waits_for"] == "calendar"
    assert [one["code"] for one in waits["blocked_by"]] == ["calendar"]
    assert house.on_disk() == {}
    assert house.asked("runs") == []

    house.must("calendar", "import", house.write("in/2027.csv", OFFICIAL_2027))

    assert house.asked("plan", "closure-notice")["occurrence"] == "CN_A-2027-01-01"
    assert house.asked("run", "closure-notice")["messages"] == {"accepted": 2}
    (sms,) = house.sms()
    assert "2027年1月1日(星期五)至2027年1月3日(星期日)休市，2027年1月4日(星期一)起" in sms["body"]


# --- 2: make-up working days ---------------------------------------------------------------------


def test_2_on_a_weekend_worked_for_a_holiday_people_work_and_the_market_is_shut(
    house: House,
) -> None:
    days = year(house, "CN_A").items()

    worked = [on for on, day in days if day["working_day"] and not day["session"]]
    assert [f"{on:%m-%d %a}" for on in worked] == [
        "01-04 Sun", "02-14 Sat", "02-28 Sat", "05-09 Sat", "09-20 Sun", "10-10 Sat",
    ]  # fmt: skip


def test_2_the_last_session_before_spring_festival_is_13_february_and_it_reopens_on_the_24th(
    house: House,
) -> None:
    house.edit(NOTICE, "sessions = 2", "sessions = 1")
    house.clock = "2026-02-01T10:00+08:00"
    house.approve("closure-notice")

    fires = {
        one["occurrence"]: one["fires_at"]
        for one in house.asked("schedule")
        if one["campaign"] == "closure-notice"
    }
    house.clock = "2026-02-13T15:30+08:00"
    house.must("run", "closure-notice")

    assert fires["CN_A-2026-02-15"].startswith("2026-02-13T07:30")  # 15:30 in Shanghai
    (sms,) = house.sms()
    assert "2月15日(星期日)至2月23日(星期一)休市，2月24日(星期二)起照常开市" in sms["body"]
    assert "2月14日(星期六)、2月28日(星期六)为周末休市" in sms["body"]


# --- 3: Stock Connect ----------------------------------------------------------------------------


def test_3_southbound_trades_on_236_days_of_2026_and_in_the_morning_only_on_christmas_eve(
    house: House,
) -> None:
    south, mainland = year(house, "SB"), year(house, "CN_A")

    assert sum(day["session"] for day in south.values()) == 236
    good_friday, eve = date(2026, 4, 3), date(2026, 12, 24)
    assert (south[good_friday]["session"], mainland[good_friday]["session"]) == (False, True)
    assert (south[eve]["opens"], south[eve]["closes"]) == ("09:30", "12:00")
    assert mainland[eve]["closes"] == "15:00"
    # The other weekdays on which only the southbound side is shut, from the exchanges' notice.
    only_south = [on for on, day in south.items() if mainland[on]["session"] and not day["session"]]
    assert [f"{on:%m-%d}" for on in only_south] == [
        "04-03", "04-07", "05-25", "07-01", "10-19", "12-25",
    ]  # fmt: skip


# --- 4: texts that are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        # A futures firm's notice for the new year of 2026 called that Monday a Tuesday.
        ("{{ reopen }}起照常开市", "2026年1月5日(星期二)起照常开市", "is another day of the week"),
        # 10 October 2026 is a Saturday on which people work.
        ("{{ reopen }}起照常开市", "2026年10月10日起照常开市", "is called a trading day, but"),
        ("{{ reopen }}起照常开市", "{{ close_to }}起照常开市", "is called a trading day, but"),
        (
            "{{ close_from }}至{{ close_to }}休市",
            "2026年10月1日至10月8日休市",
            "is called closed, but",
        ),
    ],
)
def test_4_a_notice_with_a_wrong_date_fails_the_check_and_is_not_approved(
    house: House, right: str, wrong: str, says: str
) -> None:
    house.must("check")
    house.approve("closure-notice")
    house.edit(NOTICE_SMS, right, wrong)

    checked = house.type("check")
    refused = house.type("approve", "closure-notice", "--as", "li.na")

    assert (checked.code, refused.code) == (1, 1)
    assert says in checked.out + checked.err
    assert says in refused.err
    assert refused.err.splitlines()[-1] == "closure-notice: not approved; correct this first"
    assert house.type("run", "closure-notice").code == 5
    assert house.on_disk() == {}


# --- 12: quiet hours -----------------------------------------------------------------------------


def sent_at(house: House, moments: list[str]) -> list[bool]:
    """Whether a service notice opened at each of these moments goes out at once. Each is a run of
    its own, because each is another day."""
    found = []
    for moment in moments:
        house.clock = moment
        found.append(house.asked("run", "notice-of-the-day")["messages"] == {"accepted": 1})
    return found


@pytest.fixture
def daily(house: House) -> House:
    """A service notice by SMS whose occurrence is the day, for one client in New York."""
    text = (house.folder / "campaigns/risk-notice.toml").read_text(encoding="utf-8")
    text = text.replace('channels = ["email", "sms"]', 'channels = ["sms"]')
    text = text.replace('purpose = "regulatory"', 'purpose = "service"')
    house.write("campaigns/notice-of-the-day.toml", text)
    house.clock = "2026-03-01T12:00+08:00"
    house.clients(person(1, zone="America/New_York"))
    house.approve("notice-of-the-day")
    return house


def test_12_the_hours_are_the_clients_own_also_round_the_changes_of_the_clock(
    daily: House,
) -> None:
    # New York goes forward in the night to 8 March and back in the night to 1 November 2026.
    assert sent_at(
        daily,
        [
            "2026-03-06T20:59-05:00", "2026-03-08T07:59-04:00", "2026-03-09T08:00-04:00",
            "2026-10-30T21:00-04:00", "2026-11-01T07:59-05:00", "2026-11-02T08:00-05:00",
        ],
    ) == [True, False, True, False, False, True]  # fmt: skip


def test_12_eight_oclock_is_eight_on_the_morning_after_the_clocks_went_forward(
    daily: House,
) -> None:
    daily.clock = "2026-03-07T21:00-05:00"
    night = daily.asked("run", "notice-of-the-day")

    assert night["messages"] == {"held": 1}
    assert night["next_at"].startswith("2026-03-08T12:00")  # 8:00 in summer time, not 9:00


def test_12_where_the_zone_is_unknown_the_hours_must_be_open_everywhere(daily: House) -> None:
    everywhere = '["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]'
    daily.edit("config.toml", '["Asia/Shanghai"]', everywhere)
    daily.clients(person(1, zone=""))

    # 11:00 in New York is 8:00 in Los Angeles.
    assert sent_at(
        daily,
        [
            "2026-06-01T10:59-04:00", "2026-06-02T11:00-04:00", "2026-06-03T20:59-04:00",
            "2026-06-04T21:00-04:00",
        ],
    ) == [False, True, True, False]  # fmt: skip


def test_12_what_was_held_is_judged_again_by_the_consent_of_the_morning(daily: House) -> None:
    daily.clock = "2026-03-07T21:00-05:00"
    assert daily.asked("run", "notice-of-the-day")["messages"] == {"held": 1}
    daily.clock = "2026-03-07T22:00-05:00"
    daily.must("consent", "withdraw", "000001", "--channel", "sms", "--source", "sms_mo")

    daily.clock = "2026-03-08T08:00-04:00"
    ran = daily.asked("runs", "retry", str(daily.asked("runs")[0]["id"]))

    assert ran["messages"] == {"suppressed": 1}
    assert daily.on_disk() == {}
    (line,) = daily.asked("log", "--client", "000001", "--state", "suppressed")
    assert line["reason"] == "channel_opt_out"


# --- 13: two exchanges, one fact -----------------------------------------------------------------

# Halted on Thursday 24 September; the 25th to the 27th are shut for the Mid-Autumn Festival. The
# one names the last halted day, the other the moment of trading again.
SHANGHAI = (
    '{"result":[{"productCode":"600096","productName":"云天化","controlType":"TR",'
    '"startStopDate":"20260924","endStopDate":"20260924","stopTime":"WH","type":"LSTP",'
    '"stopReason":"刊登重要公告","endStopReason":""}]}'
)
SHENZHEN = (
    '[{"metadata":{},"data":[{"zqdm":"300096","zqjc":"ST易联众","tpkssj":"2026-09-24 开市",'
    '"fpkssj":"2026-09-28 开市","tpsj":"1天","tpyy":"撤销其他风险警示"}]}]'
)


def test_13_an_inclusive_and_an_exclusive_end_come_to_the_same_interval(house: House) -> None:
    house.clock = "2026-09-24T08:00+08:00"
    for name, text in (("sse.json", SHANGHAI), ("szse.json", SHENZHEN)):
        house.must("halts", "import", house.write(f"in/{name}", text))

    told = house.asked("halts", "show", "--on", "2026-09-24")

    assert {one["symbol"] for one in told} == {"600096", "300096"}
    same = {(one["kind"], one["halted"], one["resumes"], one["resume_status"]) for one in told}
    assert same == {("full_day", "2026-09-24 09:30", "2026-09-28 09:30", "planned")}


# --- 14: one halt, two feeds ---------------------------------------------------------------------


def test_14_the_same_halt_from_nasdaq_and_nyse_is_one_alert_and_its_correction_another(
    house: House,
) -> None:
    house.clock = "2026-08-08T08:00-04:00"
    first = house.asked("halts", "import", str(SAVED / "nasdaq.xml"))
    house.clock = "2026-08-08T08:01-04:00"  # each command begins its clock anew
    second = house.asked("halts", "import", str(SAVED / "nyse.csv"))
    house.clock = "2026-08-08T08:02-04:00"
    text = (SAVED / "nasdaq.xml").read_text(encoding="utf-8").replace("T1<", "H10<")
    corrected = house.asked("halts", "import", house.write("in/later.xml", text))

    # TNONW and BKSY.W are on, SMPL has resumed; NYSE tells of them too, and of BAC-L besides.
    assert first["alerts"] == {"halted": 2, "resumed": 1}
    assert second["alerts"] == {"resumed": 1}
    assert corrected["alerts"] == {"corrected": 1}
    assert house.asked("halts", "import", str(SAVED / "nyse.csv"))["alerts"] == {}


def test_14_five_pauses_of_a_day_for_volatility_text_nobody(house: House) -> None:
    holding(house, "300096,XSHE")
    pauses = [
        ("2026-09-24 09:31", "2026-09-24 09:41"), ("2026-09-24 09:52", "2026-09-24 10:02"),
        ("2026-09-24 10:15", "2026-09-24 10:25"), ("2026-09-24 13:05", "2026-09-24 13:15"),
        ("2026-09-24 14:10", "2026-09-24 14:20"),
    ]  # fmt: skip
    for begins, ends in pauses:
        halted(house, f"{ends.replace(' ', 'T')}+08:00", begins, ends, "盘中临时停牌")
    said = house.type("run", "suspension-alert")

    assert said.code == 3
    assert "no halt waits to be told" in said.err
    assert house.on_disk() == {}
    assert len(house.asked("halts", "alerts")) == 5


# --- 15: a resumption overtakes ------------------------------------------------------------------


def test_15_a_resumption_that_overtakes_the_alert_goes_in_its_place(house: House) -> None:
    house.edit("campaigns/suspension-alert.toml", "urgent = true", "urgent = false")
    house.edit("campaigns/suspension-alert.toml", "urgent_why =", "# urgent_why =")
    holding(house, "300096,XSHE")
    halted(house, "2026-09-23T21:30+08:00", "2026-09-24 开市", "", "停牌")
    queued = house.asked("run", "suspension-alert")
    assert set(queued["messages"]) == {"held"}, "at half past nine at night it waits for eight"

    house.clock = "2026-09-24T07:30+08:00"
    halted(house, "2026-09-24T07:30+08:00", "", "2026-09-24 10:30", "取消停牌")
    house.clock = "2026-09-24T08:30+08:00"
    told = house.asked("run", "suspension-alert")

    (before,) = {
        (line["state"], line["reason"])
        for line in house.asked("log", "--run", str(queued["run"]), "--state", "suppressed")
    }
    assert before == ("suppressed", "superseded")
    assert house.asked("runs", "show", str(queued["run"]))["superseded_by"] == told["run"]
    assert told["messages"] == {"accepted": 2}
    (sms,) = house.sms()
    assert "复牌" in sms["body"]


def holding(house: House, security: str) -> None:
    """Client 1 holds it since the evening before, and the campaign is approved."""
    house.clock = "2026-09-23T18:30+08:00"
    text = f"客户号,证券代码,市场,持仓数量\n000001,{security},100\n"
    house.must("holdings", "import", house.write("in/holdings.csv", text))
    house.approve("suspension-alert")


def halted(house: House, as_of: str, begins: str, ends: str, kind: str) -> None:
    """A saved answer of the Shenzhen exchange with one row."""
    house.clock = max(house.clock or "", as_of)
    row = {"zqdm": "300096", "zqjc": "ST易联众", "tpkssj": begins, "fpkssj": ends, "tpsj": kind,
           "tpyy": kind if kind == "盘中临时停牌" else "重大事项"}  # fmt: skip
    page = [{"metadata": {"pageno": 1, "pagecount": 1, "recordcount": 1}, "data": [row]}]
    file = house.write("in/szse.json", json.dumps(page, ensure_ascii=False))
    house.must("halts", "import", file, "--as-of", as_of)
