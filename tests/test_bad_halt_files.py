"""What is wrong with a halt file costs no more than it must, is said in a line, and the file is
kept as it came."""

import csv
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from sqlalchemy import select

from outreach import ingest
from outreach.core.market import Coverage
from outreach.feeds import calendar_file
from outreach.store import calendars
from outreach.store.database import Database
from outreach.store.tables import halt, halt_alert

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
US: Final = Coverage("US", date(2026, 1, 1), date(2026, 12, 31), "official", "NYSE hours")


class Case(NamedTuple):
    file: str
    text: str
    says: tuple[str, ...]  # the lines of the rejects file: line, column, what is wrong
    taken: tuple[str, ...]  # the securities whose rows are good


SZSE = '{"zqdm":"%s","zqjc":"示例","tpkssj":"%s","fpkssj":"%s","tpsj":"停牌","tpyy":"重大事项"}'
GOOD = SZSE % ("300096", "2026-09-24 开市", "2026-09-28 开市")
NASDAQ = (
    "<item><ndaq:IssueSymbol>%s</ndaq:IssueSymbol><ndaq:Market>NASDAQ</ndaq:Market>"
    "<ndaq:HaltDate>%s</ndaq:HaltDate><ndaq:HaltTime>%s</ndaq:HaltTime>"
    "<ndaq:ReasonCode>%s</ndaq:ReasonCode></item>"
)
RSS = '<rss xmlns:ndaq="http://www.nasdaqtrader.com/"><channel>%s</channel></rss>'
OURS = "market,symbol,name_zh,halt_at,resume_at\n"


def szse(*rows: str, total: int | None = None, end: str = "]}]") -> str:
    about = f'"pageno":1,"pagecount":2,"recordcount":{total or len(rows)}'
    return f'[{{"metadata":{{{about}}},"data":[{",".join(rows)}{end}'


CASES = {
    "a truncated page": Case(
        "a.json", szse(GOOD, total=14), ("0 recordcount page 1 of 2: 1 of 14 rows",),
        ("XSHE:300096",),
    ),
    "half a JSON": Case(
        "a.json", szse(GOOD, GOOD[:40], end=""), ("0  the file breaks off after 1 whole rows",),
        ("XSHE:300096",),
    ),
    "an unknown reason code, which is kept as it is": Case(
        "a.xml", RSS % (NASDAQ % ("SMPL", "08/07/2026", "09:57:48", "X99")), (), ("XNAS:SMPL",),
    ),
    "a clock in the hour that comes twice": Case(
        "a.xml",
        RSS % (NASDAQ % ("NITE", "11/01/2026", "01:30:00", "T1")
               + NASDAQ % ("SMPL", "10/30/2026", "15:00:00", "T1")),
        ("1 HaltTime the clock is put back, so this time comes twice that day"
         " (America/New_York)",),
        ("XNAS:SMPL",),
    ),
    "a resumption on a make-up Saturday": Case(
        "a.json", szse(GOOD, SZSE % ("000016", "2026-09-24 开市", "2026-10-10 开市")),
        ("2 fpkssj 2026-10-10 (Saturday) is no session of XSHE, also when staff work that day"
         " (调休)",),
        ("XSHE:300096",),
    ),
    "one code in two markets, which is two securities": Case(
        "a.csv", OURS + "深,000001,平安银行,2026-09-24,\n沪,000001,上证指数,2026-09-24,\n", (),
        ("XSHE:000001", "XSHG:000001"),
    ),
    "a code that contradicts the market beside it": Case(
        "a.csv", OURS + "沪,000001.SZ,平安银行,2026-09-24,\n深,000016.SZ,示例,2026-09-24,\n",
        ("2 symbol the code ends in .SZ, and the market beside it is 沪",), ("XSHE:000016",),
    ),
    "a day beyond the calendar": Case(
        "a.json", szse(GOOD, SZSE % ("000016", "2026-09-24 开市", "2027-03-01 开市")),
        ("2 fpkssj 2027-03-01 is not covered: the official calendar of CN_A ends on 2026-12-31",),
        ("XSHE:300096",),
    ),
}  # fmt: skip


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> ingest.Desk:
    shipped = calendar_file.shipped()
    with database.begin() as tx:
        calendars.save(tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=NOW)
        calendars.save(tx, [US], [], entered_by="clerk", entered_at=NOW)
    return ingest.Desk(database, tmp_path / "rejects", "clerk", lambda: NOW)


def told(done: ingest.Imported) -> list[str]:
    if done.rejects_file is None:
        return []
    with done.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [f"{row['line']} {row['column']} {row['wrong']}" for row in rows]


def rows(desk: ingest.Desk, *columns: Any) -> list[tuple[Any, ...]]:
    with desk.database.reading() as conn:
        return [tuple(row) for row in conn.execute(select(*columns).order_by(*columns))]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_good_rows_are_taken_bad_ones_told_and_the_file_kept(
    desk: ingest.Desk, tmp_path: Path, case: Case
) -> None:
    path = tmp_path / case.file
    path.write_text(case.text, encoding="utf-8")
    done = ingest.import_halts(desk, path, as_of=NOW, keep=tmp_path / "kept")

    assert told(done) == list(case.says)
    assert tuple(f"{m}:{s}" for m, s in rows(desk, halt.c.market, halt.c.symbol)) == case.taken
    assert done.kept is not None
    assert done.kept.read_bytes() == path.read_bytes()
    assert done.kept.stem == sha256(path.read_bytes()).hexdigest() == done.digest


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "Halt Date,Halt Time,Symbol\n2026-08-07,09:30,A\n", "there is no column for"),
        ("a.csv", "SuspendDate,ResumptionDate\n2026-09-24,\n", "there is no column for symbol"),
        ("a.json", '{"pageHelp":{},"sqlId":"TFPXX","result":[{"code":1}]}', "no rows with product"),
        ("a.json", '[{"zqdm": "3000', "is no valid JSON"),
        ("a.csv", "", "the file is empty"),
    ],
)
def test_a_file_without_a_row_that_can_be_read_is_put_aside_and_kept_all_the_same(
    desk: ingest.Desk, tmp_path: Path, name: str, text: str, says: str
) -> None:
    inbox, kept = tmp_path / "inbox", tmp_path / "kept"
    inbox.mkdir()
    (inbox / name).write_text(text, encoding="utf-8")
    (put,) = ingest.import_inbox(desk, inbox, keep=kept)

    assert put.imported is None
    with pytest.raises(ValueError, match=says):
        raise ValueError(put.why)
    assert put.file.with_name(f"{name}.txt").read_text(encoding="utf-8").strip() == put.why
    assert [one.read_text(encoding="utf-8") for one in kept.iterdir()] == [text]
    assert rows(desk, halt_alert.c.halt_id) == []
