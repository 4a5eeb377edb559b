"""Calendar files: what is taken, and what a clerk is told when a file is refused whole."""

from datetime import date, time

import pytest

from outreach.feeds import calendar_file

HEADER = ",".join(calendar_file.COLUMNS)
COVERAGE = "CN_A,coverage,2027-01-01,2027-12-31,,,,,,,notice,2026-12-22,official"
NEW_YEAR = "CN_A,closed,2027-01-01,2027-01-03,,,,,元旦,New Year's Day,notice,2026-12-22,official"


def read(*lines: str) -> calendar_file.CalendarFile:
    return calendar_file.parse("CN_A-2027.csv", "\n".join([HEADER, *lines]).encode())


def test_a_span_names_each_of_its_days() -> None:
    found = read(COVERAGE, NEW_YEAR)

    assert not found.problems
    assert [day.on for day in found.days] == [date(2027, 1, n) for n in (1, 2, 3)]
    assert {day.name_zh for day in found.days} == {"元旦"}


def test_a_file_saved_by_a_chinese_spreadsheet_is_read() -> None:
    text = "\r\n".join([HEADER, COVERAGE, NEW_YEAR, ""])

    for encoding in ("gb18030", "utf-8-sig"):
        found = calendar_file.parse("x.csv", text.encode(encoding))
        assert not found.problems
        assert found.days[0].name_zh == "元旦"


def test_a_half_day_keeps_its_closing_time() -> None:
    found = read(
        COVERAGE.replace("CN_A", "HK"),
        "HK,half,2027-02-05,,,12:00,,,农历新年前夕,Lunar New Year's Eve,HKEX,,official",
    )

    assert not found.problems
    assert (found.days[0].kind, found.days[0].closes) == ("half", time(12))


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ([COVERAGE, NEW_YEAR.replace("CN_A", "SSE")], 3, "SSE is not a known market"),
        ([COVERAGE, NEW_YEAR.replace("closed", "shut")], 3, "shut is no kind"),
        ([COVERAGE, NEW_YEAR.replace("2027-01-01", "1.1.2027")], 3, "1.1.2027 is not a date"),
        ([COVERAGE, NEW_YEAR.replace("2027-01-03", "2026-12-31")], 3, "is before 2027-01-01"),
        ([COVERAGE, NEW_YEAR.replace("2027-01-03", "2027-03-01")], 3, "more than a month"),
        ([COVERAGE, NEW_YEAR.replace("notice", "")], 3, "source_ref: is empty"),
        ([COVERAGE, NEW_YEAR.replace("official", "sure")], 3, "write official or provisional"),
        ([COVERAGE, NEW_YEAR, NEW_YEAR], 4, "2027-01-01 is named twice"),
        ([COVERAGE, NEW_YEAR.replace("closed", "workday")], 3, "2027-01-01 is no weekend day"),
        ([COVERAGE, NEW_YEAR.replace("closed", "half")], 3, "closes: is empty"),
        ([COVERAGE, NEW_YEAR.replace("2027", "2028")], 1, "outside every coverage row"),
        ([NEW_YEAR], 1, "which days the notice covers"),
    ],
)
def test_a_fault_refuses_the_file_and_says_where(lines: list[str], line: int, words: str) -> None:
    found = read(*lines)

    assert not found.days
    assert not found.coverage
    assert found.problems[0].line == line
    assert words in str(found.problems[0])


def test_a_file_without_the_columns_is_told_them() -> None:
    found = calendar_file.parse("x.csv", b"date,name\n")

    assert "begin the file with market,kind" in str(found.problems[0])


def test_an_empty_file_is_refused() -> None:
    assert calendar_file.parse("x.csv", b"").problems


def test_every_shipped_row_cites_its_notice() -> None:
    shipped = calendar_file.shipped()

    assert all(day.source_ref and day.published_on for day in shipped.days)
    assert {span.to_on.year for span in shipped.coverage} == {2025, 2026}


# --- settlement rows ---------------------------------------------------------------------------


def test_settlement_days_need_no_coverage_and_keep_their_source() -> None:
    row = "SB,settlement,2026-02-13,2026-02-25,,,,,,,ChinaClear,2026-02-01,official"

    (said,) = calendar_file.parse("s.csv", f"{HEADER}\n{row}\n".encode()).settlements

    assert (said.market, said.trade_on, said.settles_on) == (
        "SB", date(2026, 2, 13), date(2026, 2, 25),
    )  # fmt: skip
    assert (said.source_ref, said.published_on) == ("ChinaClear", date(2026, 2, 1))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param(
            ["CN_A,settlement,2026-02-13,2026-02-12,,,,,,,x,,official"],
            "trades of 2026-02-13 cannot be paid on 2026-02-12",
            id="before the trade",
        ),
        pytest.param(
            ["CN_A,settlement,2026-02-13,,,,,,,,x,,official"], "to_on: is empty", id="no day"
        ),
        pytest.param(
            ["CN_A,settlement,2026-02-13,2026-02-24,,,,,,,,,official"],
            "source_ref: is empty",
            id="no source",
        ),
        pytest.param(
            ["CN_A,settlement,2026-02-13,2026-02-24,,,,,,,x,,official"] * 2,
            "2026-02-13 is named twice",
            id="twice",
        ),
    ],
)
def test_a_settlement_row_with_a_fault_is_refused(rows: list[str], words: str) -> None:
    text = "\n".join([HEADER, *rows])

    (problem,) = calendar_file.parse("s.csv", text.encode()).problems

    assert words in str(problem)
