"""Files in, records out, on both databases: totals add up, and no opt-out is brought back."""

import csv
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from outreach import ingest
from outreach.core.consent import fold
from outreach.feeds import client_file
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.read_ahead import read_ahead
from outreach.project.config import Import
from outreach.store import clients, consent
from outreach.store.books import Counts
from outreach.store.database import Database
from outreach.store.tables import audit_entry, book, client, halt, holding

NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
AS_OF = datetime(2026, 9, 24, 15, 59, tzinfo=UTC)
RARE = "𠮷野"
HEADER = "客户号,姓名,手机号,电子邮箱,账户状态,总资产(万元),短信同意,退订标志\n"


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> ingest.Desk:
    return ingest.Desk(database, tmp_path / "rejects", "clerk", lambda: NOW)


def written(folder: Path, text: str, name: str = "clients.csv", codec: str = "gb18030") -> Path:
    path = folder / name
    path.write_bytes(text.encode(codec))
    return path


def take(desk: ingest.Desk, path: Path, as_of: datetime = AS_OF) -> ingest.Imported:
    return ingest.import_clients(desk, path, Import(), as_of=as_of)


def rejects(done: ingest.Imported) -> list[dict[str, str]]:
    assert done.rejects_file is not None
    with done.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_gb18030_file_comes_in_exactly_and_its_bad_rows_are_told(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        HEADER + f'="0012345",{RARE},13812345678,a@example.com,正常,1.5,是,否\n'
        "2,李四,1.3812E+10,,正常,0,否,否\n"
        "3,王五,010-12345678,x@y,休眠,0,否,否\n"
        "0012345,张三,,,正常,0,否,否\n"
        "5,=1+1,,,待定,0,否,否\n",
    )
    done = take(desk, path)

    assert (done.encoding, done.counts) == ("gb18030", Counts(added=2, rejected=3))
    assert done.warnings == 2
    with desk.database.reading() as conn:
        row = clients.find(conn, "0012345")
        other = clients.find(conn, "3")
    assert row is not None
    assert other is not None
    assert (row["name"], row["phone"], row["total_assets"]) == (RARE, "+8613812345678", 1_500_000)
    assert (row["phone_state"], row["phone_country"], row["kind"]) == ("ok", "CN", "person")
    assert (other["phone"], other["phone_state"], other["email_state"]) == (
        "010-12345678", "invalid", "invalid",
    )  # fmt: skip
    told = {(one["line"], one["column"]): one for one in rejects(done)}
    assert told["3", "手机号"]["value"] == "1.3812E+10"
    assert "line 2" in told["5", "客户号"]["wrong"]
    assert [told["4", "手机号"]["taken"], told["6", "账户状态"]["taken"]] == ["yes", "no"]


def test_the_rejects_file_is_its_owners_alone_and_runs_no_formula(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    done = take(desk, written(tmp_path, HEADER + "1,张三,,=cmd|' /C calc'!A0@x,正常,0,否,否\n"))

    assert rejects(done)[0]["value"].startswith("'=cmd")
    assert done.rejects_file is not None
    assert stat.S_IMODE(done.rejects_file.stat().st_mode) == 0o600


def test_a_second_import_updates_what_changed_and_touches_nothing_else(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    row = "{},张三,1381234567{},,正常,0,否,否\n"
    take(desk, written(tmp_path, HEADER + row.format(1, 1) + row.format(2, 2)))
    again = take(desk, tmp_path / "clients.csv")
    changed = take(
        desk, written(tmp_path, HEADER + row.format(1, 1) + row.format(2, 9) + row.format(3, 3))
    )

    assert again.counts == Counts(unchanged=2)
    assert changed.counts == Counts(added=1, updated=1, unchanged=1)


def test_columns_a_file_does_not_have_keep_what_they_hold(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    take(desk, written(tmp_path, HEADER + "1,张三,13812345678,a@example.com,冻结,3,否,否\n"))
    take(desk, written(tmp_path, "客户号,姓名,日均资产\n1,张三,88.5\n", "assets.csv", "utf-8"))

    with desk.database.reading() as conn:
        row = clients.find(conn, "1")
    assert row is not None
    assert (row["phone"], row["status"], row["total_assets"], row["average_daily_assets"]) == (
        "+8613812345678", "frozen", 3_000_000, 8_850,
    )  # fmt: skip


def test_totals_add_up_and_the_book_and_the_log_keep_them(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    done = take(desk, written(tmp_path, HEADER + "1,张三,,,正常,0,是,否\n2,,,,正常,0,否,否\n"))

    with desk.database.reading() as conn:
        (row,) = conn.execute(select(book)).mappings()
        kinds = conn.execute(select(audit_entry.c.kind).order_by(audit_entry.c.seq)).scalars().all()
    assert (row["read"], row["added"], row["rejected"]) == (2, 1, 1)
    assert (row["digest"], row["as_of"]) == (done.digest, AS_OF)
    assert row["finished_at"] is not None
    assert kinds == ["clients.chunk", "clients.imported"]


def test_a_large_file_read_by_a_second_process_comes_in_the_same(
    desk: ingest.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_file, "LARGE", 0)
    body = "".join(f"{number},{RARE},,,正常,0,是,否\n" for number in range(1, 8))
    done = take(replace(desk, chunk_rows=3), written(tmp_path, HEADER + body + "8,,,,正常,0,,\n"))

    assert done.counts == Counts(added=7, rejected=1)
    with desk.database.reading() as conn:
        row = clients.find(conn, "7")
    assert row is not None
    assert row["name"] == RARE


def _cut_off() -> Iterator[int]:
    yield 1
    raise FileProblem("clients.xlsx: the workbook is cut short")


def _dies() -> Iterator[int]:
    yield 1
    os._exit(9)


def test_what_the_second_process_finds_wrong_is_told_here() -> None:
    for source, says in ((_cut_off, "cut short"), (_dies, "ended unexpectedly")):
        items = read_ahead(source)
        assert next(items) == 1
        with pytest.raises(FileProblem, match=says):
            next(items)


def test_an_import_cut_short_can_be_run_again(
    desk: ingest.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = replace(desk, chunk_rows=2)
    body = "".join(f"{number},张三,,,正常,0,是,否\n" for number in range(1, 6))
    path = written(tmp_path, HEADER + body)
    real, calls = clients.upsert, []

    def failing(*args: object, **options: object) -> Counts:
        calls.append(args)
        if len(calls) == 2:
            raise OSError("the machine went down")
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(clients, "upsert", failing)
    with pytest.raises(OSError, match="went down"):
        take(desk, path)
    done = take(desk, path)

    assert done.counts.read == 5
    with desk.database.reading() as conn:
        assert conn.execute(select(func.count()).select_from(client)).scalar() == 5
        unfinished = select(func.count()).where(book.c.finished_at.is_(None))
        assert conn.execute(unfinished).scalar() == 1
        events = consent.events_of(conn, list(clients.ids_of(conn, list("12345")).values()))
    assert [len(one) for one in events.values()] == [1] * 5


def consent_of(desk: ingest.Desk, number: str) -> tuple[bool, bool]:
    """(granted, stopped) for marketing by SMS."""
    with desk.database.reading() as conn:
        client_id = clients.ids_of(conn, [number])[number]
        events = consent.events_of(conn, [client_id]).get(client_id, [])
    state = fold(events, "sms", "marketing", NOW)
    return state.granted_on is not None, state.stopped_on is not None


def test_a_re_import_never_brings_back_who_opted_out(desk: ingest.Desk, tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "1,张三,13812345678,,正常,0,是,否\n")
    take(desk, path, datetime(2026, 9, 1, tzinfo=UTC))
    assert consent_of(desk, "1") == (True, False)

    consents = written(
        tmp_path,
        "客户号,渠道,用途,动作,来源,凭证编号,发生时间\n"
        "1,短信,,退订,sms_mo,MO1,2026-09-10T10:00:00+08:00\n",
        "consents.csv",
    )
    assert ingest.import_consents(desk, consents).counts == Counts(added=1)
    take(desk, path)
    assert consent_of(desk, "1") == (True, True)

    start = written(
        tmp_path,
        "客户号,渠道,用途,动作,来源,凭证编号,发生时间\n1,sms,,grant,sms_mo,MO2,2026-09-26 09:00\n",
        "start.csv",
    )
    ingest.import_consents(desk, start)
    assert consent_of(desk, "1") == (True, False)


def test_consent_columns_add_events_only_when_they_say_something_new(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    yes = written(tmp_path, HEADER + "1,张三,,,正常,0,是,否\n", "yes.csv")
    no = written(tmp_path, HEADER + "1,张三,,,正常,0,否,是\n", "no.csv")
    for day, path in ((1, yes), (2, yes), (3, no), (4, no), (5, no)):
        take(desk, path, datetime(2026, 9, day, tzinfo=UTC))

    with desk.database.reading() as conn:
        events = consent.history(conn, clients.ids_of(conn, ["1"])["1"])
    assert [(one["action"], one["purpose"], one["source"]) for one in events] == [
        ("grant", "marketing", "batch_import"),
        ("withdraw", None, "batch_import"),
        ("expire", "marketing", "batch_import"),
    ]


def test_consents_come_in_once_and_faults_name_their_column(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    take(desk, written(tmp_path, HEADER + "1,张三,,,正常,0,,\n"))
    path = written(
        tmp_path,
        "客户号,渠道,用途,动作,来源,凭证编号,发生时间,有效期至\n"
        "1,sms,marketing,grant,app,A1,2026-03-01T10:00:00+08:00,2027-12-31\n"
        "1,sms,marketing,grant,app,A1,2026-03-01T10:00:00+08:00,2027-12-31\n"
        "9,sms,marketing,grant,app,A2,2026-03-01T10:00:00+08:00,\n"
        "1,pigeon,marketing,grant,app,A3,2026-03-01T10:00:00+08:00,\n"
        "1,sms,marketing,grant,app,A4,2030-03-01T10:00:00+08:00,\n",
        "consents.csv",
    )
    first, again = ingest.import_consents(desk, path), ingest.import_consents(desk, path)

    assert first.counts == Counts(added=1, unchanged=1, rejected=3)
    assert again.counts == Counts(unchanged=2, rejected=3)
    assert [one["column"] for one in rejects(first)] == ["客户号", "渠道", "发生时间"]


def test_holdings_are_a_snapshot_of_known_clients(desk: ingest.Desk, tmp_path: Path) -> None:
    take(desk, written(tmp_path, HEADER + "1,张三,,,正常,0,,\n2,李四,,,正常,0,,\n"))
    path = written(
        tmp_path,
        "客户号,证券代码,市场,数量\n"
        '2,="000016",深交所,"1,200"\n1,858,XSHE,100\n1,600000.SH,,50\n1,858,XSHE,200\n'
        "9,600000,沪,1\n1,600000,火星,1\n1,600000,沪,-5\n",
        "holdings.csv",
    )
    done = ingest.import_holdings(desk, path)

    assert done.counts == Counts(added=4, rejected=3)
    assert [one["column"] for one in rejects(done)] == ["客户号", "证券代码", "数量"]
    with desk.database.reading() as conn:
        ids = clients.ids_of(conn, ["1", "2"])
        rows = conn.execute(
            select(holding.c.market, holding.c.symbol, holding.c.client_id, holding.c.quantity)
            .where(holding.c.book_id == done.book_id)
            .order_by(holding.c.market, holding.c.symbol)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("XSHE", "000016", ids["2"], 1200),
        ("XSHE", "000858", ids["1"], 300),
        ("XSHG", "600000", ids["1"], 50),
    ]


HALTS = "market,symbol,name_zh,kind,halt_at,resume_at,resume_status,reason_text_raw,version\n"


def test_a_halt_is_told_once_and_a_correction_is_a_version(
    desk: ingest.Desk, tmp_path: Path
) -> None:
    one = "XSHE,300096,ST易联众,full_day,2026-09-24 开市,{},planned,撤销其他风险警示,{}\n"
    first = written(tmp_path, HALTS + one.format("2026-09-28 开市", ""), "a.csv")
    moved = written(tmp_path, HALTS + one.format("2026-09-29", ""), "b.csv")
    forged = written(tmp_path, HALTS + one.format("2026-10-09", "1"), "c.csv")
    results = [ingest.import_halts(desk, path) for path in (first, first, moved, forged)]

    assert [done.counts for done in results] == [
        Counts(added=1),
        Counts(unchanged=1),
        Counts(updated=1),
        Counts(rejected=1),
    ]
    with desk.database.reading() as conn:
        rows = conn.execute(select(halt).order_by(halt.c.version)).mappings().all()
    assert [(row["halt_id"], row["version"]) for row in rows] == [
        ("XSHE-300096-20260924-1", 1),
        ("XSHE-300096-20260924-1", 2),
    ]
    # The sample of the exchange: resumes on Monday the 28th at the opening, Shanghai time.
    assert rows[0]["resume_at"] == datetime(2026, 9, 28, 1, 30, tzinfo=UTC)


def test_halts_come_as_json_too(desk: ingest.Desk, tmp_path: Path) -> None:
    text = (
        '{"halts": [{"market": "XSHG", "symbol": "601456", "name_zh": "国联证券",'
        ' "halt_at": "2024-04-26T09:30:00+08:00", "resume_at": "2024-04-25", "version": 1},'
        ' {"market": "XSHG", "symbol": "601456", "name_zh": "国联证券", "halt_at": "2024-04-26"}]}'
    )
    done = ingest.import_halts(desk, written(tmp_path, text, "halts.json", "utf-8"))

    assert done.counts == Counts(added=1, rejected=1)
    assert rejects(done)[0]["column"] == "resume_at"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # One sentence each, with the file, what is wrong, and what to do.
        ("姓名,手机号\n张三,13812345678\n", "no column for client_no .such as 客户号"),
        ("客户号,姓名,手机号,联系电话\n1,张三,1,2\n", "columns 3 .* and 4 .* are both phone"),
        ("客户号,姓名\n", "no rows"),
    ],
)
def test_a_file_that_cannot_be_taken_changes_nothing(
    desk: ingest.Desk, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(FileProblem, match=says):
        take(desk, written(tmp_path, text))

    with desk.database.reading() as conn:
        assert conn.execute(select(func.count()).select_from(book)).scalar() == 0
    assert not desk.rejects.exists()
