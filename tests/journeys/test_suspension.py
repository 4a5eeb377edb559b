"""A halt from its first word to its end: saved exchange files in, alerts on disk, each to whom."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from outreach.store.database import Database
from outreach.store.tables import book
from tests.journeys.house import House, person, shipped

HOLDINGS = "客户号,证券代码,市场,持仓数量\n"
# The row of 300096 as the Shenzhen exchange published it, and its neighbours in the same form.
NAME = "ST易联众"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """Clients 1 and 2 hold 300096 before the halt, client 3 buys none, client 4 watches it."""
    made = shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)
    made.clock = "2026-09-24T08:00+08:00"
    made.clients(*(person(number, email="") for number in range(1, 7)))
    made.approve("suspension-alert")
    holdings(made, "2026-09-23T18:00+08:00", "000001,300096", "000002,300096", "000003,600519")
    return made


def holdings(house: House, as_of: str, *rows: str) -> None:
    house.clock = max(house.clock or "", as_of)
    text = HOLDINGS + "".join(
        f"{row},{'XSHG' if row.endswith('600519') else 'XSHE'},100\n" for row in rows
    )
    house.must("holdings", "import", house.write("in/holdings.csv", text), "--as-of", as_of)


def szse(house: House, as_of: str, *rows: dict[str, str]) -> None:
    """A saved page of the exchange's list, as its web service answers."""
    house.clock = max(house.clock or "", as_of)
    page = [{
        "metadata": {"name": "停复牌", "pageno": 1, "pagecount": 1, "recordcount": len(rows)},
        "data": [{"zqdm": "300096", "zqjc": NAME, **row} for row in rows],
        "error": None,
    }]  # fmt: skip
    file = house.write("in/szse.json", json.dumps(page, ensure_ascii=False))
    house.must("halts", "import", file, "--format", "szse", "--as-of", as_of)


HALT = {"tpkssj": "2026-09-24 开市", "fpkssj": "", "tpsj": "停牌", "tpyy": "重大事项"}
CORRECTED = {**HALT, "tpyy": "撤销其他风险警示"}
RESUMED = {
    "tpkssj": "",
    "fpkssj": "2026-09-28 开市",
    "tpsj": "取消停牌",
    "tpyy": "撤销其他风险警示",
}


def sent(house: House, run: int) -> dict[str, str]:
    """By phone, the SMS of a run on disk."""
    file = next(house.folder.glob(f"var/outbox/{run}/sms.jsonl"), None)
    if file is None:
        return {}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len({line["to"] for line in lines}) == len(lines)
    return {line["to"][-1]: line["body"] for line in lines}


def told(house: House, clock: str) -> tuple[int, dict[str, str]]:
    """Run the campaign at a moment; (its run, by client what was sent)."""
    house.clock = clock
    ran = house.asked("run", "suspension-alert")
    assert ran["state"] == "finished"
    return ran["run"], sent(house, ran["run"])


def test_a_file_its_correction_and_its_resumption_are_three_alerts_to_the_right_holders(
    house: House,
) -> None:
    szse(house, "2026-09-24T08:00+08:00", HALT)
    first, halted = told(house, "2026-09-24T08:05+08:00")
    assert halted.keys() == {"1", "2"}
    assert all("自9月24日(星期四)起停牌" in text and NAME in text for text in halted.values())
    assert told(house, "2026-09-24T08:06+08:00")[0] == first, "nothing new is nothing to tell"

    szse(house, "2026-09-24T12:00+08:00", CORRECTED)
    second, corrected = told(house, "2026-09-24T12:05+08:00")
    assert second != first
    assert corrected.keys() == {"1", "2"}
    assert all("更正" in text and "以本条为准" in text for text in corrected.values())

    # Off the exchange, client 1 gave the shares to client 5: both are told that trading is on.
    holdings(house, "2026-09-27T18:00+08:00", "000002,300096", "000003,600519", "000005,300096")
    szse(house, "2026-09-28T10:00+08:00", RESUMED)
    _, resumed = told(house, "2026-09-28T10:05+08:00")
    assert resumed.keys() == {"1", "2", "5"}
    assert all("已于9月28日(星期一)复牌" in text for text in resumed.values())

    keys = [(one["occurrence"], one["state"]) for one in house.asked("runs")]
    assert keys == [
        ("2026-09-28", "finished"), ("2026-09-24.2", "finished"), ("2026-09-24", "finished"),
    ]  # fmt: skip
    assert house.asked("audit", "verify")["ok"] is True


def test_the_decision_names_the_snapshot_that_says_who_held(house: House) -> None:
    szse(house, "2026-09-24T08:00+08:00", HALT)
    run, _ = told(house, "2026-09-24T08:05+08:00")
    szse(house, "2026-09-28T10:00+08:00", RESUMED)
    holdings(house, "2026-09-27T18:00+08:00", "000005,300096")
    told(house, "2026-09-28T10:05+08:00")

    first = house.asked("explain", "000001", "suspension-alert", "--run", str(run))
    assert [(one["symbol"], one["event"], one["why"]) for one in first["because"]] == [
        ("300096", "halted", "holds")
    ]
    assert first["because"][0]["as_of"].startswith("2026-09-23T10:00")
    later = house.asked("explain", "000001", "suspension-alert")
    assert later["because"][0]["event"] == "resumed"
    assert later["because"][0]["told_by_run"] == run
    assert "2026-09-23" in house.must("explain", "000001", "suspension-alert").out


def test_who_was_not_told_is_explained_by_the_snapshots(house: House) -> None:
    states = {2: "销户"}
    house.clients(*(person(n, email="", status=states.get(n, "正常")) for n in range(1, 7)))
    szse(house, "2026-09-24T08:00+08:00", HALT)
    run, halted = told(house, "2026-09-24T08:05+08:00")
    assert halted.keys() == {"1"}

    other = house.asked("explain", "000003", "suspension-alert", "--run", str(run))
    assert [(one["why"], one["symbols"]) for one in other["because"]] == [("not_holds", ["300096"])]
    assert other["because"][0]["as_of"].startswith("2026-09-23T10:00")
    closed = house.asked("explain", "000002", "suspension-alert", "--run", str(run))
    assert [(one["why"], one["symbol"]) for one in closed["because"]] == [("holds", "300096")]
    assert "不满足客群的其他条件" in closed["summary"]


def test_a_forged_snapshot_does_not_change_what_the_decision_rests_on(house: House) -> None:
    szse(house, "2026-09-24T08:00+08:00", HALT)
    told(house, "2026-09-24T08:05+08:00")
    database = Database(house.url)
    with database.begin() as tx:
        tx.execute(update(book).values(as_of=datetime(2026, 1, 2, tzinfo=UTC)))
    database.close()

    said = house.asked("explain", "000001", "suspension-alert")
    assert said["because"][0]["as_of"].startswith("2026-09-23T10:00")


def test_a_resumption_takes_the_place_of_the_alert_still_in_the_queue(house: House) -> None:
    house.edit("campaigns/suspension-alert.toml", "urgent = true", "urgent = false")
    house.approve("suspension-alert")
    szse(house, "2026-09-23T20:00+08:00", HALT)  # told at night: held until eight
    house.clock = "2026-09-23T22:00+08:00"
    queued = house.asked("run", "suspension-alert")
    assert queued["messages"] == {"held": 2}

    szse(house, "2026-09-24T07:30+08:00", {**HALT, "tpsj": "取消停牌", "tpkssj": "",
                                           "fpkssj": "2026-09-24 14:00"})  # fmt: skip
    run, planned = told(house, "2026-09-24T08:30+08:00")

    assert house.asked("runs", "show", str(queued["run"]))["state"] == "superseded"
    lines = house.asked("log", "--run", str(queued["run"]))
    assert {(line["state"], line["reason"]) for line in lines if line["channel"] == "sms"} == {
        ("suppressed", "superseded")
    }
    explained = house.asked("explain", "000001", "suspension-alert", "--run", str(queued["run"]))
    assert explained["summary"].endswith(f"由批次 {run} 取代。")
    assert {one["code"] for one in explained["messages"]} == {"superseded"}
    assert planned.keys() == {"1", "2"}
    assert sent(house, queued["run"]) == {}
    assert run > queued["run"]


def test_several_securities_are_one_message(house: House) -> None:
    holdings(house, "2026-09-23T19:00+08:00", "000001,300096", "000001,000016", "000002,300096")
    szse(house, "2026-09-24T08:00+08:00", HALT, {**HALT, "zqdm": "000016", "zqjc": "示例A"})
    _, texts = told(house, "2026-09-24T08:05+08:00")

    assert texts.keys() == {"1", "2"}
    assert "等2只证券" in texts["1"]
    assert "300096" in texts["2"]
    assert "只证券" not in texts["2"]


def test_a_watcher_is_told_without_holding(house: House) -> None:
    watched = house.write("in/watching.csv", "客户号,证券代码,市场\n000004,300096,XSHE\n")
    house.must("watching", "import", watched, "--as-of", "2026-09-23T18:00+08:00")
    szse(house, "2026-09-24T08:00+08:00", HALT)
    _, texts = told(house, "2026-09-24T08:05+08:00")

    assert texts.keys() == {"1", "2", "4"}


def test_without_holdings_nobody_is_guessed(tmp_path: Path, database_url: str) -> None:
    house = shipped(tmp_path / "bare", database_url if "postgresql" in database_url else None)
    house.clock = "2026-09-24T08:00+08:00"
    house.clients(person(1))
    house.approve("suspension-alert")
    szse(house, "2026-09-24T08:00+08:00", HALT)

    said = house.type("run", "suspension-alert")
    assert said.code == 3
    assert "outreach holdings import FILE" in said.err


def test_a_preview_says_that_what_is_told_does_not_concern_the_client(house: House) -> None:
    szse(house, "2026-09-24T08:00+08:00", HALT)
    concerned = house.must("preview", "suspension-alert", "--client", "000001")
    other = house.type("preview", "suspension-alert", "--client", "000003")

    assert NAME in concerned.out
    assert other.code == 3
    assert "000003: neither holds nor watches, by the snapshots, what is told now" in other.err
    assert "300096" in other.err
