"""Halt files into both databases: versions, alerts and the log of them in one transaction."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from outreach import ingest
from outreach.feeds import calendar_file
from outreach.store import calendars, facts, halts
from outreach.store.audit import entries
from outreach.store.books import Counts
from outreach.store.database import Database
from outreach.store.tables import halt, halt_alert

SHANGHAI = ZoneInfo("Asia/Shanghai")
SAVED = Path(__file__).parent / "feeds" / "halts" / "saved"
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
ROW = '{"zqdm":"300096","zqjc":"ST易联众","tpkssj":"%s","fpkssj":"%s","tpsj":"%s","tpyy":"%s"}'
SSE_ROW = (
    '{"productCode":"600100","productName":"示例科技","controlType":"TR","type":"LSTP",'
    '"startStopDate":"20260924","endStopDate":"20260924","stopTime":"WH","stopReason":"重大事项"}'
)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> ingest.Desk:
    shipped = calendar_file.shipped()
    with database.begin() as tx:
        calendars.save(tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=NOW)
    return ingest.Desk(database, tmp_path / "rejects", "clerk", lambda: NOW)


def szse(desk: ingest.Desk, as_of: str, *row: str) -> ingest.Imported:
    """Take an answer of the Shenzhen exchange with one row."""
    path = desk.rejects.parent / "answer.json"
    path.write_text(f'[{{"metadata":{{}},"data":[{ROW % row}]}}]', encoding="utf-8")
    moment = datetime.fromisoformat(f"2026-{as_of}+08:00")
    return ingest.import_halts(desk, path, as_of=moment, keep=desk.rejects.parent / "kept")


def test_a_file_its_correction_and_its_resumption_are_three_alerts(desk: ingest.Desk) -> None:
    begun, term = "2026-09-24 开市", "停牌"
    done = [
        szse(desk, "09-24T08:00", begun, "", term, "重大事项"),
        szse(desk, "09-24T08:00", begun, "", term, "重大事项"),
        szse(desk, "09-24T12:00", begun, "", term, "撤销其他风险警示"),
        szse(desk, "09-28T10:00", "", "2026-09-28 开市", "取消停牌", "撤销其他风险警示"),
    ]

    assert [one.counts for one in done] == [
        Counts(added=1), Counts(unchanged=1), Counts(updated=1), Counts(updated=1),
    ]  # fmt: skip
    assert [dict(one.alerts) for one in done] == [
        {"halted": 1}, {}, {"corrected": 1}, {"resumed": 1},
    ]  # fmt: skip
    with desk.database.reading() as conn:
        alerts = conn.execute(select(halt_alert).order_by(halt_alert.c.version)).mappings().all()
        newest = conn.execute(select(halt).order_by(halt.c.version.desc())).mappings().first()
        kinds = [entry.kind for entry in entries(conn)]
        on_before = halts.in_force(conn, datetime(2026, 9, 28, 1, 29, tzinfo=UTC))
        on_after = halts.in_force(conn, datetime(2026, 9, 28, 1, 30, tzinfo=UTC))
    assert [(one["version"], one["event"]) for one in alerts] == [
        (1, "halted"), (2, "corrected"), (3, "resumed"),
    ]  # fmt: skip
    assert newest is not None
    assert newest["resume_at"] == datetime(2026, 9, 28, 1, 30, tzinfo=UTC)
    assert newest["resume_status"] == "confirmed"
    assert kinds.count("halts.alerts") == kinds.count("halts.chunk") - 1 == 3
    assert (len(on_before), len(on_after)) == (1, 0)


def test_a_quarrel_with_a_calendar_costs_its_row_and_keeps_the_file(desk: ingest.Desk) -> None:
    done = szse(desk, "09-24T08:00", "2026-09-24 开市", "2026-10-10 开市", "停牌", "重大事项")

    assert done.counts == Counts(rejected=1)
    assert done.rejects_file is not None
    told = done.rejects_file.read_text(encoding="utf-8-sig")
    assert "2026-10-10 (Saturday) is no session of XSHE" in told
    assert done.kept is not None
    assert done.kept.is_file()
    with desk.database.reading() as conn:
        assert conn.execute(select(halt_alert)).all() == []


def test_inclusive_and_exclusive_ends_are_the_same_interval(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    path = tmp_path / "sse.json"
    path.write_text(f'{{"pageHelp":{{"total":1}},"result":[{SSE_ROW}]}}', encoding="utf-8")
    ingest.import_halts(desk, path, as_of=NOW.replace(day=24))
    szse(desk, "09-24T15:30", "2026-09-24 开市", "2026-09-28 开市", "1天", "重大事项")
    with desk.database.reading() as conn:
        rows = conn.execute(select(halt.c.halt_at, halt.c.resume_at, halt.c.kind)).all()

    assert len(rows) == 2
    assert len(set(rows)) == 1


def test_what_a_source_gives_besides_comes_back_and_is_answered_for(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    path = tmp_path / "ours.csv"
    head = "market,symbol,name_zh,halt_at,isin,resume_quote_at,last_halted_on,source_updated_at"
    row = (
        "XSHE,300096,ST易联众,2026-09-24,CNE0000018R8,2026-09-28 09:15,2026-09-24,2026-09-23 18:00"
    )
    path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    ingest.import_halts(desk, path, as_of=NOW.replace(day=24))

    with desk.database.reading() as conn:
        (one,) = halts.in_force(conn, NOW.replace(day=25))
        (known,) = halts.known(conn, {("XSHE", "300096")})
        kinds = [entry.kind for entry in entries(conn)]
    assert one == known.halt
    assert (one.isin, one.last_halted_on) == ("CNE0000018R8", date(2026, 9, 24))
    assert one.resume_quote_at == datetime(2026, 9, 28, 1, 15, tzinfo=UTC)
    assert one.source_updated_at == datetime(2026, 9, 23, 10, tzinfo=UTC)
    assert len(one.source_row_sha256 or "") == 64
    assert "halts.sources" in kinds


def fresh(desk: ingest.Desk, *markets: str) -> str:
    """As of when the data of these markets speak, on the clock of Shanghai."""
    with desk.database.reading() as conn:
        as_of = facts.halts_as_of(conn, markets)
    return f"{as_of.astimezone(SHANGHAI):%m-%d %H:%M}" if as_of else "unknown"


def taken(desk: ingest.Desk, file: str, as_of: str, **how: Any) -> ingest.Imported:
    moment = datetime.fromisoformat(f"2026-{as_of}+08:00")
    return ingest.import_halts(desk, SAVED / file, as_of=moment, **how)


def test_a_feed_makes_its_own_markets_fresh_and_no_other(desk: ingest.Desk) -> None:
    assert fresh(desk, "XSHE") == "unknown"
    taken(desk, "nasdaq.xml", "09-28T15:00")
    assert (fresh(desk, "XSHG", "XSHE"), fresh(desk, "XNAS", "ARCX")) == ("unknown", "09-28 15:00")
    taken(desk, "szse.json", "09-28T14:00")
    assert (fresh(desk, "XSHE"), fresh(desk, "XSHG")) == ("09-28 14:00", "unknown")
    # Of two markets the data are as old as those of the older, and unknown while one is.
    assert fresh(desk, "XSHE", "XSHG") == "unknown"
    taken(desk, "sse.jsonp", "09-28T13:00")
    assert fresh(desk, "XSHE", "XSHG") == "09-28 13:00"
    assert fresh(desk, "XSHE", "XSHG", "BJSE") == "unknown"
    assert fresh(desk) == "unknown"


def test_an_old_file_that_comes_late_makes_nothing_look_fresh(desk: ingest.Desk) -> None:
    taken(desk, "szse.json", "09-28T14:00")
    taken(desk, "szse.json", "09-24T14:00")
    assert fresh(desk, "XSHE") == "09-28 14:00"


def test_a_file_from_the_future_is_as_old_as_its_import(desk: ingest.Desk) -> None:
    taken(desk, "szse.json", "12-28T14:00")
    assert fresh(desk, "XSHE") == f"{NOW.astimezone(SHANGHAI):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("file", "was", "becomes"),
    [
        ("szse.json", '"pagecount":1,"recordcount":4', '"pagecount":2,"recordcount":14'),
        ("szse.json", "]", ""),
        ("sse.jsonp", '"total":5', '"total":50'),
        ("nasdaq.xml", "<ndaq:numItems>4", "<ndaq:numItems>5"),
        ("nasdaq.xml", "</rss>", ""),
        # The last row of a download that broke off: neither its cells nor its line are complete.
        ("nyse.csv", "BAC PRL", "BAC PRL\n2026-08-07,11:00"),
    ],
)
def test_a_file_that_is_not_whole_gives_its_rows_and_leaves_its_market_as_it_was(
    desk: ingest.Desk, tmp_path: Path, file: str, was: str, becomes: str
) -> None:
    text = (SAVED / file).read_text(encoding="utf-8")
    assert was in text
    head, _, rest = text.rpartition(was)
    cut = tmp_path / file
    cut.write_text(head + becomes + ("" if file == "nyse.csv" else rest), encoding="utf-8")
    done = ingest.import_halts(desk, cut, as_of=NOW)

    assert done.counts.added
    assert done.markets == ()
    assert done.rejects_file is not None
    assert {fresh(desk, one) for one in ("XSHG", "XSHE", "XNAS", "XNYS")} == {"unknown"}


@pytest.mark.parametrize(
    ("market", "ours", "speaks_for"),
    [
        ("XSHE", ("XSHG", "XSHE", "BJSE"), ("BJSE", "XSHE", "XSHG")),
        ("XSHE", (), ("XSHE",)),
        ("XNAS", ("XSHG", "XSHE", "BJSE"), ("XNAS",)),
    ],
)
def test_a_list_of_our_own_speaks_for_the_markets_of_its_rows_and_those_it_covers_with_them(
    desk: ingest.Desk,
    tmp_path: Path,
    market: str,
    ours: tuple[str, ...],
    speaks_for: tuple[str, ...],
) -> None:
    path = tmp_path / "ours.csv"
    symbol = "SMPL" if market == "XNAS" else "300096"
    text = f"market,symbol,name_zh,halt_at\n{market},{symbol},示例,2026-09-24\n"
    path.write_text(text, encoding="utf-8")
    assert ingest.import_halts(desk, path, as_of=NOW, ours=ours).markets == speaks_for
    assert fresh(desk, *speaks_for) != "unknown"


def test_a_failure_leaves_neither_halt_nor_alert(
    desk: ingest.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_any: object) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr("outreach.ingest.book.audit.append", failing)
    with pytest.raises(RuntimeError):
        szse(desk, "09-24T08:00", "2026-09-24 开市", "", "停牌", "重大事项")

    with desk.database.reading() as conn:
        assert conn.execute(select(halt)).all() == []
        assert conn.execute(select(halt_alert)).all() == []
