"""Tables in files: read back as they were, unable to run, and whole or not there."""

import csv
import errno
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest

from outreach.cli import workbook
from outreach.cli.door import BAD_DATA, USAGE, Failure
from outreach.cli.export import Column, write_table

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
COLUMNS = (
    Column("id", "id"), Column("text"), Column("n", "number"), Column("at", "moment"),
)  # fmt: skip
FORMULA, PHONE = '=HYPERLINK("http://x.example","y")', "+852****5678"
ROWS: list[tuple[Any, ...]] = [
    (7, FORMULA, 3, AT),
    (12345678901234567, PHONE, None, None),
    (None, "张三\n第二行", 0, AT),
    (9, "-12", -1, AT),
]
FORMATS = pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])


def read_back(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))[1:]
    sheet = pd.read_excel(path, dtype=object, engine="calamine", header=0)
    return [["" if pd.isna(cell) else str(cell) for cell in row] for row in sheet.values.tolist()]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_spreadsheet_gets_text_that_cannot_run(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"

    assert write_table(path, "table", COLUMNS, ROWS) == 4
    assert read_back(path) == [
        ["7", f"'{FORMULA}", "3", "2026-09-28T07:30:00+00:00"],
        ["12345678901234567", PHONE, "", ""],
        ["", "张三\n第二行", "0", "2026-09-28T07:30:00+00:00"],
        ["9", "-12", "-1", "2026-09-28T07:30:00+00:00"],
    ]


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    write_table(path, "table", COLUMNS, [*ROWS, (1, "https://x.example", 1, AT)])
    with ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:D6"/>' in sheet


def test_parquet_keeps_values_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, "table", COLUMNS, ROWS)
    frame = pd.read_parquet(path)

    assert list(frame["text"]) == [FORMULA, PHONE, "张三\n第二行", "-12"]
    assert frame["id"].iloc[1] == 12345678901234567
    assert frame["at"].iloc[0] == AT


@FORMATS
def test_a_table_without_rows_has_its_header(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"

    assert write_table(path, "table", COLUMNS, []) == 0
    if suffix == ".csv":
        frame = pd.read_csv(path)
    elif suffix == ".xlsx":
        frame = pd.read_excel(path, engine="calamine")
    else:
        frame = pd.read_parquet(path)
    assert list(frame.columns) == ["id", "text", "n", "at"]
    assert len(frame) == 0


@pytest.mark.parametrize(("rows", "sheets"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_a_sheet_holds_so_many_rows_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, sheets: int
) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 5)  # its header among them
    path = tmp_path / "table.xlsx"
    write_table(path, "log", COLUMNS, [(n, "", n, AT) for n in range(rows)])
    found = pd.read_excel(path, sheet_name=None, engine="calamine")

    assert list(found) == ["log", "log 2", "log 3"][:sheets]
    assert [n for sheet in found.values() for n in sheet["n"]] == list(range(rows))


# --- whole or not there ----------------------------------------------------------------------


@FORMATS
def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    path.write_text("kept")
    with pytest.raises(Failure) as refused:
        write_table(path, "table", COLUMNS, ROWS)

    assert refused.value.code == USAGE
    assert "--force" in refused.value.lines[0]
    assert path.read_text() == "kept"
    write_table(path, "table", COLUMNS, ROWS, force=True)
    assert path.read_bytes() != b"kept"


@FORMATS
def test_what_breaks_off_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    def broken() -> Iterator[tuple[Any, ...]]:
        yield ROWS[0]
        raise RuntimeError("the database went away")

    path = tmp_path / f"table{suffix}"
    path.write_text("kept")
    with pytest.raises(RuntimeError):
        write_table(path, "table", COLUMNS, broken(), force=True)

    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]


@FORMATS
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    def full() -> Iterator[tuple[Any, ...]]:
        yield ROWS[0]
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / f"table{suffix}"
    with pytest.raises(Failure) as refused:
        write_table(path, "table", COLUMNS, full())

    assert refused.value.code == BAD_DATA
    assert refused.value.lines == [
        f"{path}: cannot be written: the disk is full; free some space, then run again"
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_when_the_workbook_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "table.xlsx"
    monkeypatch.setattr("xlsxwriter.workbook.ZipFile", no_room)
    with pytest.raises(Failure) as refused:
        write_table(path, "table", COLUMNS, ROWS)

    assert "the disk is full" in refused.value.lines[0]
    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_table(path, "table", COLUMNS, ROWS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure) as refused:
        write_table(tmp_path / "no" / "table.csv", "table", COLUMNS, ROWS)

    assert "there is no folder" in refused.value.lines[0]
