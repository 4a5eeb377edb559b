"""An XLSX workbook written row by row: memory does not grow with it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from outreach.cli.export import Column, Row, cell_text

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

SHEET_ROWS: Final = 1_048_576  # of one sheet, its header among them: the limit of the format


class Book:
    """A workbook being written. Used as a context: it is complete when the context ends well."""

    def __init__(self, path: Path) -> None:
        from xlsxwriter import Workbook

        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        self._book = Workbook(str(path), options)
        self._book.use_zip64()
        self._header = self._book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8EEF5"})
        self._title = self._book.add_format({"bold": True, "font_size": 14})
        self._label = self._book.add_format({"font_color": "#555555", "valign": "top"})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        self._number = self._book.add_format({"num_format": "#,##0"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        from xlsxwriter.exceptions import XlsxWriterException

        if kind is not None:
            self._abandon()
            return
        try:
            self._book.close()
        except XlsxWriterException as problem:
            self._abandon()
            raise OSError(str(problem)) from problem
        except OSError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Let go of the rows written so far; the caller removes the folder they are in."""
        self._book.fileclosed = True  # or its finaliser would try to finish it
        for sheet in self._book.worksheets():
            with suppress(OSError):  # what is still in the buffer may find no room either
                sheet.row_data_fh.close()

    def table(self, name: str, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """A table over as many sheets as it needs, each with a frozen header and filters."""
        count, left = 0, iter(rows)
        for sheet_rows, number in _sheets(left):
            title = name if number == 1 else f"{name} {number}"
            sheet = self._begin(title, columns)
            written = self._fill(sheet, columns, sheet_rows)
            sheet.autofilter(0, 0, written, len(columns) - 1)
            count += written
        return count

    def _begin(self, name: str, columns: Sequence[Column]) -> "Worksheet":
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
            sheet.write_string(0, at, column.name, self._header)
        return sheet

    def _fill(self, sheet: "Worksheet", columns: Sequence[Column], rows: Iterable[Row]) -> int:
        numbers = [column.kind == "number" for column in columns]
        write_string, write_number, line = sheet.write_string, sheet.write_number, 0
        for line, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                if numbers[at] and value is not None:
                    write_number(line, at, value)
                elif (text := cell_text(value)) != "":
                    write_string(line, at, str(text))
        return line

    def facts(self, name: str, title: str, groups: Iterable[tuple[str, Iterable[Row]]]) -> None:
        """A sheet to read: a title, then headed groups of label, value and remark."""
        sheet = self._book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, 26)
        sheet.set_column(2, 2, 60)
        sheet.write_string(0, 0, cell_text(title), self._title)
        line = 1
        for heading, rows in groups:
            line += 1
            for at, text in enumerate((heading, "", "")):
                sheet.write_string(line, at, text, self._header)
            for row in rows:
                line += 1
                self._fact(sheet, line, row)

    def _fact(self, sheet: "Worksheet", line: int, row: Row) -> None:
        for at, value in enumerate(row):
            if value.__class__ is int:
                sheet.write_number(line, at, value, self._number)
            else:
                style = self._label if at == 0 else self._wrapped
                sheet.write_string(line, at, str(cell_text(value)), style)


def _sheets(rows: Iterator[Any]) -> Iterator[tuple[Iterable[Any], int]]:
    """The rows in sheets; one empty sheet when there are none."""
    number = 0
    while True:
        number += 1
        first = next(rows, None)
        if first is None:
            if number == 1:
                yield (), 1
            return
        yield chain((first,), islice(rows, SHEET_ROWS - 2)), number
