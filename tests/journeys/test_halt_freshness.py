"""Whose data are fresh decides market by market, and only a whole file speaks for its market."""

import json
from pathlib import Path

import pytest

from tests.journeys.house import House, person, shipped

SAVED = Path(__file__).parents[1] / "feeds" / "halts" / "saved"
ROW = {"zqdm": "300096", "zqjc": "ST易联众", "tpkssj": "2026-09-24 开市", "fpkssj": "",
       "tpsj": "停牌", "tpyy": "重大事项"}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """One client holds 300096 since the day before its halt."""
    made = shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)
    made.clock = "2026-09-24T08:00+08:00"
    made.clients(person(1, email=""))
    made.approve("suspension-alert")
    file = made.write("in/holdings.csv", "客户号,证券代码,市场,持仓数量\n000001,300096,XSHE,100\n")
    made.must("holdings", "import", file, "--as-of", "2026-09-23T18:00+08:00")
    return made


def szse(house: House, as_of: str, rows: int) -> None:
    """A page of the exchange with the one halt in it, which speaks of so many."""
    about = {"pageno": 1, "pagecount": 1 + (rows - 1) // 10, "recordcount": rows}
    page = json.dumps([{"metadata": about, "data": [ROW]}], ensure_ascii=False)
    house.must("halts", "import", house.write("in/szse.json", page), "--as-of", as_of)


def test_an_alert_out_of_half_a_report_waits_for_the_whole_one(house: House) -> None:
    szse(house, "2026-09-24T08:00+08:00", rows=14)
    house.clock = "2026-09-24T08:10+08:00"
    planned = house.asked("run", "suspension-alert")
    # What American exchanges say makes nothing known of Shenzhen.
    house.clock = "2026-09-24T08:20+08:00"
    house.must("halts", "import", str(SAVED / "nasdaq.xml"), "--as-of", house.clock)
    house.clock = "2026-09-24T08:30+08:00"
    waits = house.asked("run", "suspension-alert", code=1)
    house.clock = "2026-09-24T08:40+08:00"
    szse(house, house.clock, rows=1)
    house.clock = "2026-09-24T08:55+08:00"
    sent = house.asked("run", "suspension-alert")

    assert (planned["messages"], planned["reasons"]) == ({"held": 1}, {"halt_feed_stale": 1})
    assert (waits["sent_now"], waits["reasons"]) == (0, {"halt_feed_stale": 1})
    assert (sent["state"], sent["messages"]) == ("finished", {"accepted": 1})
