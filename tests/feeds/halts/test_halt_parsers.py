"""Saved files of every halt feed become statements, with each feed's own idea of an end."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from outreach.core.halts import Statement
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import CANONICAL, PARSERS, Parsed, recognised
from tests.feeds.halts.halt_files import AS_OF, FOLDER, parsed, saved, written

SHANGHAI, EASTERN = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
HEADER = '[{"metadata":{"recordcount":1},"data":['


def of(done: Parsed, symbol: str) -> Statement:
    (found,) = [said for said in done.statements if said.symbol == symbol]
    return found


def shown(at: datetime | None, zone: ZoneInfo = SHANGHAI) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M:%S}".removesuffix(":00") if at else ""


@pytest.mark.parametrize(
    ("file", "symbol", "market", "kind", "halts", "resumes"),
    [
        # 25 to 27 September 2026 are shut: one halted day spans four calendar days.
        ("szse.json", "300096", "XSHE", "full_day", "09-24 09:30", "09-28 09:30"),
        ("szse.json", "000016", "XSHE", "continuous", "09-04 09:30", ""),
        ("szse.json", "301999", "XSHE", "volatility", "09-24 10:02", "09-24 10:12"),
        ("szse.json", "002999", "XSHE", "continuous", "", "09-22 09:30"),
        ("sse.jsonp", "601456", "XSHG", "full_day", "09-24 09:30", "09-28 09:30"),
        ("sse.jsonp", "600100", "XSHG", "continuous", "09-10 09:30", ""),
        ("sse.jsonp", "600200", "XSHG", "intraday", "09-22 09:30", "09-22 13:00"),
        ("sse.jsonp", "600300", "XSHG", "intraday", "09-30 13:00", "10-08 09:30"),
        ("eastmoney.csv", "601456", "XSHG", "continuous", "04-26 09:30", "05-15 09:30"),
        ("eastmoney.csv", "000001", "XSHE", "full_day", "09-24 09:30", "09-28 09:30"),
        ("eastmoney.csv", "000016", "XSHE", "continuous", "09-04 09:30", ""),
        ("jydb.csv", "300096", "XSHE", "full_day", "09-24 09:30", "09-28 09:30"),
        ("jydb.csv", "000016", "XSHE", "continuous", "09-04 09:30", ""),
        ("jydb.csv", "600200", "XSHG", "intraday", "09-22 09:30", "09-22 13:00"),
        ("jydb.csv", "600300", "XSHG", "intraday", "09-22 13:00", "09-23 09:30"),
    ],
)
def test_a_mainland_halt_begins_and_ends(
    file: str, symbol: str, market: str, kind: str, halts: str, resumes: str
) -> None:
    said = of(parsed(saved(file)), symbol)

    assert (said.market, said.kind) == (market, kind)
    assert (shown(said.halt_at), shown(said.resume_at)) == (halts, resumes)


@pytest.mark.parametrize(
    ("file", "symbol", "market", "kind", "halts", "resumes"),
    [
        ("nasdaq.xml", "TNONW", "XNAS", "intraday", "08-07 19:50", ""),
        # The quotation time is given, the trade time is not: nobody trades yet.
        ("nasdaq.xml", "BKSY.W", "XNYS", "intraday", "08-07 16:05:26", ""),
        ("nasdaq.xml", "SMPL", "XNAS", "volatility", "08-07 09:57:48", "08-07 10:02:48"),
        ("nyse.csv", "TNONW", "XNAS", "intraday", "08-07 19:50", ""),
        ("nyse.csv", "BKSY.W", "XNYS", "continuous", "08-07 16:05:26", ""),
        ("nyse.csv", "SMPL", "XNAS", "volatility", "08-07 09:57:48", "08-07 10:02:48"),
        ("nyse.csv", "BAC-L", "XNYS", "intraday", "08-07 11:00", "08-07 11:30"),
    ],
)
def test_an_american_halt_is_on_eastern_wall_clock(
    file: str, symbol: str, market: str, kind: str, halts: str, resumes: str
) -> None:
    said = of(parsed(saved(file)), symbol)

    assert (said.market, said.kind) == (market, kind)
    assert (shown(said.halt_at, EASTERN), shown(said.resume_at, EASTERN)) == (halts, resumes)


def test_what_a_feed_gives_besides_is_kept() -> None:
    quoted = of(parsed(saved("nasdaq.xml")), "BKSY.W")
    changed = of(parsed(saved("jydb.csv")), "300096")

    assert shown(quoted.resume_quote_at, EASTERN) == "08-10 09:00"
    assert shown(changed.source_updated_at) == "09-23 18:00"
    assert of(parsed(saved("sse.jsonp")), "601456").last_halted_on == date(2026, 9, 24)
    assert of(parsed(saved("sse.jsonp")), "600100").last_halted_on is None


@pytest.mark.parametrize("file", ["szse.json", "sse.jsonp", "nasdaq.xml", "nyse.csv", "jydb.csv"])
def test_each_statement_bears_the_digest_of_its_own_row(file: str) -> None:
    done, again = parsed(saved(file)), parsed(saved(file))
    digests = [said.source_row_sha256 for said in done.statements]

    assert all(digest and len(digest) == 64 for digest in digests)
    assert len(set(digests)) == len(digests)
    assert digests == [said.source_row_sha256 for said in again.statements]


@pytest.mark.parametrize("cell", ["", "yesterday", "2026-09-23 25:00"])
def test_no_halt_is_left_out_for_the_moment_it_was_last_changed(tmp_path: Path, cell: str) -> None:
    text = (FOLDER / "jydb.csv").read_text(encoding="utf-8").replace("2026-09-23 18:00:00", cell)
    said = of(parsed(written(tmp_path, "a.csv", text)), "300096")

    assert said.source_updated_at is None


def test_our_own_form_may_give_the_last_halted_day_instead_of_an_end(tmp_path: Path) -> None:
    text = (
        "market,symbol,name_zh,halt_at,last_halted_on\n深,300096,ST易联众,2026-09-24,2026-09-24\n"
    )
    said = of(parsed(written(tmp_path, "a.csv", text)), "300096")

    # 25 to 27 September 2026 are shut.
    assert (shown(said.resume_at), said.resume_status) == ("09-28 09:30", "planned")


def test_a_table_of_days_tells_halts_until_their_resumption() -> None:
    said = [
        (one.symbol, one.kind, shown(one.halt_at), shown(one.resume_at))
        for one in parsed(saved("tushare.csv")).statements
    ]
    assert said == [
        ("300096", "continuous", "09-24 09:30", "09-28 09:30"),
        ("300096", "continuous", "", "09-28 09:30"),
        # Nothing is said of the 23rd: that is no resumption, and no end is known.
        ("000016", "continuous", "09-22 09:30", ""),
        ("000016", "continuous", "09-24 09:30", ""),
        ("600200", "intraday", "09-22 09:30", "09-22 10:00"),
    ]


def test_a_bad_row_of_a_table_of_days_is_told_by_its_line_and_column() -> None:
    problems = parsed(saved("tushare.csv")).problems
    assert [(one.line, one.column, one.wrong[:32]) for one in problems] == [
        (7, "trade_date", "2026-09-20 (Sunday) is no sessio"),
        (8, "ts_code", "the market is not known"),
        (9, "resume_at", "trading would resume before it h"),
        (10, "suspend_timing", "this is no span of time"),
        (11, "suspend_type", "the type is not known"),
    ]


def test_a_quoted_name_loses_its_quotes_and_keeps_its_comma() -> None:
    assert of(parsed(saved("nyse.csv")), "TNONW").name_en == "Tenon Medical, Inc. Warrant"


def test_a_link_round_a_name_is_taken_off() -> None:
    assert of(parsed(saved("szse.json")), "300096").name_zh == "ST易联众"


def test_a_code_that_is_not_known_is_kept_raw_and_nothing_is_guessed() -> None:
    said = of(parsed(saved("nasdaq.xml")), "BKSY.W")

    assert (said.reason_code_raw, said.reason_text_raw, said.reason_family) == ("X99", None, None)
    assert of(parsed(saved("nyse.csv")), "BAC-L").reason_family is None
    assert of(parsed(saved("nyse.csv")), "BAC-L").reason_text_raw == "Something New"


def test_reasons_have_the_families_of_the_exchanges() -> None:
    assert of(parsed(saved("szse.json")), "300096").reason_family == "撤销/实施退市风险警示"
    assert of(parsed(saved("eastmoney.csv")), "601456").reason_family == "重大资产重组"


def test_an_end_is_a_plan_until_its_moment_has_passed() -> None:
    after = AS_OF.replace(day=28)
    assert of(parsed(saved("szse.json")), "300096").resume_status == "planned"
    assert of(parsed(saved("szse.json"), as_of=after), "300096").resume_status == "confirmed"


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("nasdaq.xml", 4, "this time comes twice that day"),
        ("nyse.csv", 6, "the market is not known"),
        # 10 October 2026 is a Saturday on which staff work and the market is shut.
        ("eastmoney.csv", 5, r"2026-10-10 \(Saturday\) is no session"),
        ("jydb.csv", 6, "market"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_the_rest_is_taken(
    file: str, line: int, says: str
) -> None:
    done = parsed(saved(file))

    (problem,) = [one for one in done.problems if one.rejected]
    assert problem.line == line
    assert problem.fix
    with pytest.raises(ValueError, match=says):
        raise ValueError(problem.wrong)
    assert len(done.statements) == done.rows - 1


def test_a_clock_time_that_is_skipped_does_not_exist(tmp_path: Path) -> None:
    text = (FOLDER / "nasdaq.xml").read_text(encoding="utf-8").replace("11/01/2026", "03/08/2026")
    done = parsed(written(tmp_path, "a.xml", text.replace("01:30:00", "02:30:00")))

    assert "does not exist" in done.problems[0].wrong


@pytest.mark.parametrize(
    "sign", ["2026-10-10 开市", "2026-10-10", "2026-10-10 09:30", "2026-09-20 开市"]
)
def test_a_resumption_on_a_make_up_day_is_refused_however_it_is_written(
    tmp_path: Path, sign: str
) -> None:
    row = (
        '{"zqdm":"300096","zqjc":"ST易联众","tpkssj":"2026-09-04 开市","fpkssj":"%s",'
        '"tpsj":"停牌","tpyy":"重大事项"}'
    )
    done = parsed(written(tmp_path, "a.json", HEADER + row % sign + "]}]"))

    assert done.statements == []
    assert "is no session of XSHE, also when staff work that day (调休)" in done.problems[0].wrong


def test_other_business_than_trading_is_left_out_and_said() -> None:
    done = parsed(saved("sse.jsonp"))

    assert [one.wrong for one in done.problems] == [
        "1 rows are not about trading and were left out"
    ]
    assert len(done.statements) == done.rows == 4


@pytest.mark.parametrize("file", ["szse.json", "sse.jsonp", "nasdaq.xml"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_half_a_file_gives_its_whole_rows_and_says_where_it_breaks_off(
    tmp_path: Path, file: str, share: float
) -> None:
    whole, content = parsed(saved(file)), (FOLDER / file).read_bytes()
    path = tmp_path / file
    path.write_bytes(content[: int(len(content) * share)])
    done = parsed(type(saved(file))(path, path.read_bytes()), form=recognised(content))

    assert "breaks off after" in done.problems[0].wrong
    assert done.statements
    assert done.statements == whole.statements[: len(done.statements)]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        # A control character in a name could end a header of an e-mail, or a row of a database.
        ("示例\\u0000\\r\\n股份", "示例 股份"),
        ("示例\ufffd", None),
        ("长" * 301, None),
    ],
)
def test_a_text_is_on_one_line_or_costs_its_row(
    tmp_path: Path, name: str, kept: str | None
) -> None:
    row = (
        '{"zqdm":"300096","zqjc":"%s","tpkssj":"2026-09-04 开市","fpkssj":"","tpsj":"停牌",'
        '"tpyy":"重大事项"}'
    )
    done = parsed(written(tmp_path, "a.json", HEADER + row % name + "]}]"))

    assert [said.name_zh for said in done.statements] == ([kept] if kept else [])
    assert len(done.problems) == (0 if kept else 1)


def test_a_row_that_two_pages_share_is_one_row(tmp_path: Path) -> None:
    row = (
        '{"productCode":"600100","productName":"示例科技","startStopDate":"20260910",'
        '"endStopDate":"","stopTime":"","type":"LXTP","stopReason":"重大事项"}'
    )
    text = f'{{"pageHelp":{{"total":1}},"result":[{row},{row}]}}'

    assert parsed(written(tmp_path, "a.json", text)).rows == 1


def test_a_page_that_is_not_the_whole_report_is_said_so(tmp_path: Path) -> None:
    text = (
        (FOLDER / "szse.json")
        .read_text(encoding="utf-8")
        .replace('"pagecount":1,"recordcount":4', '"pagecount":2,"recordcount":14')
    )
    done = parsed(written(tmp_path, "page.json", text))

    assert [(p.wrong, p.rejected) for p in done.problems] == [("page 1 of 2: 4 of 14 rows", False)]
    assert len(done.statements) == 4


@pytest.mark.parametrize(
    ("name", "form", "text", "says"),
    [
        ("a.json", "szse", "", "the file is empty"),
        ("a.json", "szse", '{"zqdm": ', "holds no whole record"),
        ("a.json", "szse", "[]", "there are no rows with zqdm"),
        ("a.json", "sse", '{"result": [{"a": 1}]}', "there are no rows with productCode"),
        ("a.xml", "nasdaq", "<rss><channel>", "holds no whole item"),
        ("a.xml", "nasdaq", "<html/>", "this is no RSS feed"),
        ("a.csv", "nyse", "Symbol,Name\nA,B\n", "there is no column for"),
        ("a.csv", "jydb", "InnerCode,SuspendDate\n1,2\n", "there is no column for symbol"),
    ],
)
def test_a_file_that_says_nothing_is_one_sentence(
    tmp_path: Path, name: str, form: str, text: str, says: str
) -> None:
    with pytest.raises(FileProblem, match=says):
        parsed(written(tmp_path, name, text), form)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_an_entity_is_expanded(
    tmp_path: Path, codec: str
) -> None:
    text = f'<?xml version="1.0" encoding="{codec}"?><!DOCTYPE r [<!ENTITY a "b">]><rss>&a;</rss>'
    with pytest.raises(FileProblem, match="declares a document type"):
        parsed(written(tmp_path, "a.xml", text, codec), "nasdaq")


@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("szse.json", "szse"), ("sse.jsonp", "sse"), ("nasdaq.xml", "nasdaq"),
        ("nyse.csv", "nyse"), ("eastmoney.csv", "eastmoney"), ("jydb.csv", "jydb"),
        ("tushare.csv", "tushare"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_a_form_is_recognised_by_its_content(file: str, form: str, codec: str) -> None:
    content = (FOLDER / file).read_text(encoding="utf-8").encode(codec)

    assert recognised(content) == form
    assert form in PARSERS


def test_what_bears_no_marks_is_our_own_form() -> None:
    ours = Path(__file__).parents[3] / "samples" / "halts.csv"
    assert recognised(ours.read_bytes()) == CANONICAL


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("sse", '{"pageHelp":{"total":0,"pageNo":1,"pageCount":0},"result":[]}'),
        ("szse", '[{"metadata":{"recordcount":0,"tabkey":"tab1"},"data":[],"error":null}]'),
        ("nyse", "Halt Date,Halt Time,Symbol,Name,Exchange,Reason,Resume Date,NYSE Resume Time\n"),
        ("nasdaq", '<rss xmlns:ndaq="http://www.nasdaqtrader.com/"><channel/></rss>'),
    ],
)
def test_a_quiet_day_is_a_file_without_rows(tmp_path: Path, form: str, text: str) -> None:
    done = parsed(written(tmp_path, "quiet", text), form)

    assert (done.rows, done.statements, done.problems) == (0, [], [])
