"""Files as they really come: encodings, wrapping, title rows, totals, and files that are broken."""

from datetime import date
from pathlib import Path

import pytest

from outreach.core.cell_text import clean
from outreach.core.client_columns import client_index
from outreach.core.headers import header_key
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.table_file import TableFile, open_table

INDEX = client_index()
RARE = "𠮷野𪚥"  # both need four bytes in GB18030 and are beyond the basic plane


def known(cell: str) -> bool:
    return header_key(cell)[0] in INDEX


def opened(path: Path) -> TableFile:
    return open_table(path, known)


def rows_of(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    found: list[tuple[int, tuple[str, ...]]] = []
    for chunk in opened(path).chunks():
        rows = zip(*(map(clean, column) for column in chunk.columns), strict=True)
        found += zip(chunk.lines, rows, strict=True)
    return found


def written(folder: Path, content: bytes, name: str = "clients.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("codec", "reported"),
    [
        pytest.param("gb18030", "gb18030", id="GB18030 with a four-byte hanzi"),
        pytest.param("utf-8", "utf-8", id="UTF-8"),
        pytest.param("utf-8-sig", "utf-8-sig", id="UTF-8 with its mark"),
    ],
)
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_every_encoding_and_separator_reads_the_same(
    tmp_path: Path, codec: str, reported: str, mark: str
) -> None:
    text = f'客户号{mark}姓名\n="0012345"{mark}{RARE}\n'
    path = written(tmp_path, text.encode(codec))

    assert opened(path).encoding == reported
    assert rows_of(path) == [(2, ("0012345", RARE))]


def test_titles_above_and_totals_below_are_not_clients(tmp_path: Path) -> None:
    text = "客户资料表,,\n导出日期:2026-09-28,,\n客户号,姓名,总资产\n1,张三,5\n\n合计:,,5\n"

    assert rows_of(written(tmp_path, text.encode())) == [(4, ("1", "张三", "5"))]


def test_a_line_number_counts_lines_even_after_a_cell_of_two_lines(tmp_path: Path) -> None:
    text = '客户号,姓名,营业部\n1,张三,"上海\n静安"\n2,李四,北京\n'

    assert rows_of(written(tmp_path, text.encode())) == [
        (2, ("1", "张三", "上海 静安")),
        (4, ("2", "李四", "北京")),
    ]


def test_a_quote_left_open_costs_one_row(tmp_path: Path) -> None:
    text = '客户号,姓名\n1,"张三\n2,李四\n3,王五\n'
    (chunk,) = opened(written(tmp_path, text.encode())).chunks()

    assert [(bad.line, bad.value) for bad in chunk.bad] == [(2, '1,"张三')]
    assert chunk.lines == [3, 4]


def test_a_shifted_row_is_refused_and_a_short_one_filled(tmp_path: Path) -> None:
    text = "客户号,姓名,营业部\n1,张三,上海,静安\n2,李四\n"
    (chunk,) = opened(written(tmp_path, text.encode())).chunks()

    assert [bad.line for bad in chunk.bad] == [2]
    assert [list(column) for column in chunk.columns] == [["2"], ["李四"], [""]]


def test_a_workbook_keeps_digits_dates_and_line_numbers(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "clients.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("说明").write(0, 0, "说明")
    sheet = book.add_worksheet("客户")
    sheet.merge_range(0, 0, 0, 3, "客户资料表")
    sheet.write_row(1, 0, ["客户号", "手机号", "开户日期", "资金账号"])
    sheet.write_string(2, 0, "0012345")
    sheet.write_number(2, 1, 13812345678)
    sheet.write_datetime(2, 2, date(2026, 11, 20), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_number(2, 3, 1234567890123456789)
    sheet.write_row(3, 0, ["合计"])
    book.close()

    assert opened(path).encoding == "xlsx"
    assert rows_of(path) == [(3, ("0012345", "13812345678", "2026-11-20", "1.23456789012346E+18"))]


def test_parquet_comes_as_text(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "clients.parquet"
    table = pa.table(
        {
            "client_no": ["0012345", "2", None, "合计"],
            "name": [RARE, None, None, None],
            "opened_on": [date(2026, 11, 20), None, None, None],
            "total_assets": [1234567.5, 3.0, None, 1234570.5],
        }
    )
    pq.write_table(table, path)

    assert opened(path).encoding == "parquet"
    assert rows_of(path) == [
        (1, ("0012345", RARE, "2026-11-20", "1234567.5")),
        (2, ("2", "", "", "3")),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "empty", id="an empty file"),
        pytest.param(b"\xef\xbb\xbf\n\n", "no rows", id="only a mark and blank lines"),
        pytest.param(b"PK\x03\x04" + b"x" * 900, "cut short", id="a truncated workbook"),
        pytest.param(b"PAR1" + b"x" * 900, "cut short", id="a truncated Parquet file"),
        pytest.param("客户号,姓名\n".encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(b"<html><table>", "web page", id="a web page saved as .xls"),
        pytest.param(
            "客户号,姓名\n1,张三\n".encode() + b"2,\xff\n", "line 3", id="neither encoding"
        ),
        pytest.param(
            ("name\n" + "上海张三\n" * 30).encode() + b"\xe5\xbc\n",
            "line 32",
            id="one broken character in good UTF-8",
        ),
        pytest.param(b"\xef\xbb\xbfa,b\n1,\xd5\xc5\n", "line 2", id="a mark that lies"),
        pytest.param(b"a,b\n1,\0\n", "binary", id="binary data"),
    ],
)
def test_a_broken_file_is_named_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = written(tmp_path, content)

    with pytest.raises(FileProblem, match=says) as problem:
        list(opened(path).chunks())

    assert str(path) in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="0012345"', "0012345"),
        ("\t0012345", "0012345"),
        ("'0012345", "0012345"),
        ("　张 三　", "张 三"),
        ("NULL", ""),
        ("--", ""),
        ("\u200b\ufeff张三", "张三"),
    ],
)
def test_spreadsheet_wrapping_comes_off(cell: str, text: str) -> None:
    assert clean(cell) == text
