"""From a file in the inbox to a notice on disk: one for a slide, and only to whom it concerns."""

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from outreach import plan
from outreach.project.load import load_project
from outreach.store.database import Database
from outreach.store.tables import run
from tests.fired_project import at
from tests.journeys.house import House, person, shipped

LEVELS = "指数代码,指数名称,英文名称,行情时间,最新点位,昨收\n"
RATIOS = "客户号,维持担保比例,警戒线,平仓线,截至时间\n"
MOVE = "market-move-notice"
MARGIN = "margin-notice"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """The shipped project with four clients and approved notices, on Monday morning."""
    made = shipped(tmp_path / "house")
    made.clock = "2026-09-28T10:31+08:00"
    made.clients(person(1), person(2), person(3, language="en"), person(4, holdings="0"))
    for campaign in (MOVE, MARGIN):
        made.approve(campaign)
    return made


def level(moment: str, now: float, before: float = 4000, code: str = "CSI300") -> str:
    return f"{code},沪深300指数,CSI 300 Index,2026-{moment},{now},{before}\n"


def drop(house: House, moment: str, name: str, text: str, code: int = 0) -> list[dict[str, Any]]:
    """Put a file into the inbox and have it taken, at a moment."""
    house.clock = f"2026-{moment}+08:00"
    house.write(f"var/inbox/halts/{name}", text)
    taken: list[dict[str, Any]] = house.asked("halts", "inbox", code=code)
    return taken


def fire(house: House, moment: str) -> list[tuple[str | None, str]]:
    """A round of a scheduler at a moment: open what is to be opened, then send it."""
    house.clock = f"2026-{moment}+08:00"
    project, problems = load_project(house.folder / "config.toml")
    assert project is not None, problems
    database = Database(house.url)
    try:
        fired = plan.fire_due(database, project, at(f"2026-{moment}"), "scheduler")
    finally:
        database.close()
    for one in fired:
        if one.outcome == "opened":
            house.must("run", one.campaign, "--occurrence", str(one.key))
    return [(one.key, one.outcome) for one in fired if one.campaign in (MOVE, MARGIN)]


def mails(house: House) -> dict[str, str]:
    """By address, the text of the newest mail to it."""
    found = {}
    for path in sorted(house.folder.glob("var/outbox/*/email/*/*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        assert body is not None
        found[str(mail["To"])] = body.get_content()
    return found


def test_one_slide_is_one_notice_and_a_new_fall_another(house: House) -> None:
    first = drop(house, "09-28T10:31", "a.csv", LEVELS + level("09-28 10:30", 3880))
    assert (first[0]["kind"], first[0]["added"]) == ("levels", 1)
    assert fire(house, "09-28T10:31") == [("2026-09-28-CSI300-falls-3-day", "opened")]
    sent = mails(house)
    # Client 4 holds nothing and does not trade on margin.
    assert len(sent) == 3
    assert "沪深300指数" in sent["c1@example.com"]
    assert "当日下跌3.00%" in sent["c1@example.com"]
    assert "9月28日(星期一)10:30" in sent["c1@example.com"]
    assert "fell 3.00% on the day" in sent["c3@example.com"]
    assert "Monday 28 September, 10:30" in sent["c3@example.com"]

    # The same slide goes on, and rows come late and twice.
    rows = [level("09-28 10:35", 3850), level("09-28 10:29", 3875), level("09-28 10:30", 3880)]
    drop(house, "09-28T10:40", "b.csv", LEVELS + "".join(rows))
    assert fire(house, "09-28T10:40") == []
    drop(house, "09-28T14:31", "c.csv", LEVELS + level("09-28 14:30", 3990))
    drop(house, "09-28T14:51", "d.csv", LEVELS + level("09-28 14:50", 3860))
    assert fire(house, "09-28T14:51") == []  # it came back, but the cool-down is not over
    assert sum(house.on_disk().values()) == 3

    drop(house, "09-29T13:31", "e.csv", LEVELS + level("09-29 13:30", 3770, 3900))
    assert fire(house, "09-29T13:31") == [("2026-09-29-CSI300-falls-3-day", "opened")]
    assert sum(house.on_disk().values()) == 6
    assert house.asked("audit", "verify")["ok"] is True


def test_nothing_is_told_by_old_levels_and_that_is_on_record(house: House) -> None:
    drop(house, "09-28T11:31", "a.csv", LEVELS + level("09-28 10:30", 3880))
    assert fire(house, "09-28T11:31") == [("2026-09-28-CSI300-falls-3-day", "blocked")]
    said = house.type("run", MOVE)
    assert said.code != 0
    assert "the newest data of CSI300 are of 2026-09-28 10:30, older than the 60" in said.err
    assert house.on_disk() == {}

    # A newer level, and the notice of the slide is of use again.
    drop(house, "09-28T11:35", "b.csv", LEVELS + level("09-28 11:30", 3890))
    assert fire(house, "09-28T11:36") == [("2026-09-28-CSI300-falls-3-day", "opened")]


def test_what_was_never_told_in_time_is_missed_once(house: House) -> None:
    drop(house, "09-28T16:00", "a.csv", LEVELS + level("09-28 10:30", 3880))
    assert fire(house, "09-28T16:00") == [("2026-09-28-CSI300-falls-3-day", "missed")]
    assert fire(house, "09-28T16:01") == []
    (missed,) = house.asked("runs")
    assert (missed["state"], missed["occurrence"]) == ("missed", "2026-09-28-CSI300-falls-3-day")
    assert house.on_disk() == {}


def test_a_key_can_be_run_by_hand_and_only_one_that_happened(house: House) -> None:
    drop(house, "09-28T10:31", "a.csv", LEVELS + level("09-28 10:30", 3880))
    for key, wrong in (
        ("2026-09-28-CSI300-falls-3-day-2", "tells of nothing that has happened"),
        ("2026-09-28", "is no occurrence of this campaign"),
    ):
        said = house.type("run", MOVE, "--occurrence", key)
        assert said.code != 0
        assert wrong in said.err
    assert house.asked("run", MOVE)["messages"] == {"accepted": 3}
    assert fire(house, "09-28T10:32") == []


def ratios(moment: str, *numbers: tuple[int, float]) -> str:
    rows = (f"{number:06},{ratio}%,150%,130%,2026-{moment}\n" for number, ratio in numbers)
    return RATIOS + "".join(rows)


def test_a_margin_notice_goes_to_those_newly_below_and_tells_the_ratio_by_mail_only(
    house: House,
) -> None:
    (taken,) = drop(
        house, "09-28T15:31", "a.csv",
        ratios("09-28 15:00", (1, 128.45), (2, 131.07), (3, 129.99), (4, 180)),
    )  # fmt: skip
    assert taken["alerts"] == {"below close": 2, "below warn": 3}
    ((key, outcome),) = fire(house, "09-28T15:31")
    assert (key, outcome) == (f"2026-09-28-margin-close-{taken['book']}", "opened")
    sent = mails(house)
    assert sorted(sent) == ["c1@example.com", "c3@example.com"]
    assert "维持担保比例：128.45%" in sent["c1@example.com"]
    assert "平仓线：130.00%" in sent["c1@example.com"]
    assert "Maintenance ratio: 129.99%" in sent["c3@example.com"]
    texts = [one["body"] for one in house.sms()]
    assert len(texts) == 2
    for text in texts:
        assert "128" not in text
        assert "129" not in text
        assert "%" not in text
        assert "http" not in text

    # The next file: 1 is still below, 3 was back by too little, 2 is new, 4 never was.
    drop(house, "09-29T15:31", "b.csv", ratios("09-29 11:00", (1, 120), (2, 131), (3, 132)))
    assert fire(house, "09-29T15:31") == []
    (taken,) = drop(
        house, "09-29T15:40", "c.csv", ratios("09-29 15:00", (1, 121), (2, 129.5), (3, 129))
    )
    ((_, outcome),) = fire(house, "09-29T15:41")
    assert outcome == "opened"
    assert sum(house.on_disk().values()) == 6
    assert "129.50%" in mails(house)["c2@example.com"]
    assert house.asked("audit", "verify")["ok"] is True


def test_the_plan_of_a_margin_notice_shows_no_ratio(house: House) -> None:
    drop(house, "09-28T15:31", "a.csv", ratios("09-28 15:00", (1, 128.45)))
    said = house.must("plan", MARGIN)
    assert "128" not in said.out
    assert "***%" in said.out


def test_a_text_can_be_looked_at_before_anything_has_happened(house: House) -> None:
    shown = house.asked("preview", MOVE, "--client", "000001", "--channel", "email")
    assert shown["made_up"]
    assert "CSI300当日下跌3.00%" in shown["parts"]["subject"]
    drop(house, "09-28T10:29", "a.csv", LEVELS + level("09-28 10:28", 3990))
    said = house.must("preview", MOVE, "--client", "000003", "--channel", "sms").out
    assert "its figures are made up" in said
    assert "CSI 300 Index stood at 3,880.00" in " ".join(said.split())
    drop(house, "09-28T15:31", "b.csv", ratios("09-28 15:00", (1, 180.5)))
    mail = house.asked("preview", MARGIN, "--client", "000001", "--channel", "email")
    assert "维持担保比例：180.50%" in mail["parts"]["text"]
    assert house.on_disk() == {}
    assert house.query(lambda conn: conn.execute(select(run.c.id)).all()) == []


def test_a_ratio_in_an_sms_is_refused_by_check_and_can_not_be_printed(house: House) -> None:
    sms = house.folder / "templates/margin-notice/sms.zh-CN.text.j2"
    sms.write_text("您的维持担保比例为{{ margin_ratio }}，请登录查看。\n", encoding="utf-8")
    said = house.type("check")
    assert said.code != 0
    assert "sms.zh-CN.text.j2:1: `margin_ratio` is personal and must not stand in an SMS" in (
        said.out + said.err
    )
    project, _ = load_project(house.folder / "config.toml")
    assert project is not None
    drop(house, "09-28T15:31", "a.csv", ratios("09-28 15:00", (1, 128.45)))
    with pytest.raises(KeyError, match="margin_ratio"):
        house.type("plan", MARGIN)


def test_a_broken_file_is_put_aside_and_the_next_one_taken(house: House) -> None:
    half = '[{"index":"CSI300","at":"2026-09-28 10:30","level":3880,"prev_close":40'
    house.write("var/inbox/halts/half.json", half)
    put = drop(house, "09-28T10:31", "z.csv", LEVELS + level("09-28 10:30", 3880), code=1)
    assert sorted("broken" in one for one in put) == [False, True]
    kept = [one.read_text(encoding="utf-8") for one in house.folder.glob("var/feeds/market/*")]
    assert half in kept
    assert len(kept) == 2


def test_schedule_and_plan_tell_where_each_condition_stands(house: House) -> None:
    def states() -> dict[str, str]:
        found = house.asked("schedule")
        rows = [one for one in found if one["campaign"] in (MOVE, MARGIN)]
        return {each["condition"]: each["state"] for one in rows for each in one["conditions"]}

    assert states() == {
        "CSI300-falls-3-day": "no_data", "CSI300-falls-8-5-sessions": "no_data",
        "CHINEXT-falls-5-day": "no_data", "margin-close": "no_data",
    }  # fmt: skip
    drop(house, "09-28T10:29", "a.csv", LEVELS + level("09-28 10:29", 3990))
    assert states()["CSI300-falls-3-day"] == "armed"
    drop(house, "09-28T10:31", "b.csv", LEVELS + level("09-28 10:30", 3880))
    assert states()["CSI300-falls-3-day"] == "waiting"
    fire(house, "09-28T10:31")
    planned = house.asked("plan", MOVE)
    assert [one["state"] for one in planned["conditions"]] == ["told", "no_data", "no_data"]
    said = house.must("schedule").out
    assert "CSI300 单日下跌 3%：已于 2026-09-28 10:30 触发" in "".join(said.split("\n"))
    drop(house, "09-28T10:41", "c.csv", LEVELS + level("09-28 10:40", 3960))
    (one, *_) = house.asked("plan", MOVE)["conditions"]
    assert (one["state"], one["until"]) == ("cooling", "2026-09-29T02:30:00+00:00")
    drop(house, "09-28T15:31", "d.csv", ratios("09-28 15:00", (1, 128.45), (2, 140)))
    assert states()["margin-close"] == "armed"
    (row,) = [one for one in house.asked("schedule") if one["campaign"] == MARGIN]
    assert row["conditions"][0]["clients_below"] == 1
