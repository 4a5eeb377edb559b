"""Spreadsheets and Parquet files as text: numbers keep every digit, dates become ISO dates."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from outreach.core.cell_text import value_text
from outreach.feeds.file_problem import BadRow, FileProblem, Row


def best_sheet(
    path: Path, known: Callable[[Iterable[Row | BadRow]], int]
) -> Callable[[int], Iterator[list[Row | BadRow]]]:
    """The rows of the sheet whose top has the most known headers (the first of equals)."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        sheets = [book.get_sheet_by_index(index) for index in range(len(book.sheet_names))]
    except python_calamine.PasswordError as error:
        raise FileProblem(
            f"{path}: the workbook is protected by a password; save it without one"
        ) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise FileProblem(
            f"{path}: the workbook is cut short or damaged; export or copy it again"
        ) from error
    sheets = [sheet for sheet in sheets if sheet.total_height]
    if not sheets:
        raise FileProblem(f"{path}: the workbook has no rows; export it again")
    chosen = max(sheets, key=lambda sheet: known(_top(sheet)))
    return lambda size: _sheet_blocks(chosen, size)


def _sheet_blocks(sheet: Any, size: int) -> Iterator[list[Row | BadRow]]:
    rows: Iterator[Row | BadRow] = _sheet_rows(sheet)
    while block := list(islice(rows, size)):
        yield block


def _top(sheet: Any) -> Iterator[Row | BadRow]:
    for row in _sheet_rows(sheet):
        if row[0] > 30:
            return
        yield row


def _sheet_rows(sheet: Any) -> Iterator[Row]:
    for line, cells in enumerate(sheet.iter_rows(), start=1):
        yield line, [cell if type(cell) is str else value_text(cell) for cell in cells]


def parquet_headers(path: Path) -> tuple[tuple[str, ...], int]:
    """The column names of a Parquet file, and how many rows it has."""
    file = _parquet(path)
    return tuple(str(name).strip() for name in file.schema_arrow.names), file.metadata.num_rows


def parquet_columns(path: Path, rows: int) -> Iterator[list[Sequence[str]]]:
    """The file's columns as text, `rows` at a time."""
    from pyarrow import ArrowException

    file = _parquet(path)
    try:
        for batch in file.iter_batches(batch_size=rows, use_threads=False):
            if batch.num_rows:
                yield [_column_text(column) for column in batch.columns]
    except (ArrowException, OSError) as error:
        raise FileProblem(
            f"{path}: the Parquet file is damaged; export or copy it again"
        ) from error


def _parquet(path: Path) -> Any:
    import pyarrow.parquet
    from pyarrow import ArrowException

    try:
        # Without pre-buffering, memory holds one batch and not a whole row group.
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False)
    except (ArrowException, OSError) as error:
        raise FileProblem(
            f"{path}: the Parquet file is cut short or damaged; export or copy it again"
        ) from error


def _column_text(column: Any) -> Sequence[str]:
    return [value if type(value) is str else value_text(value) for value in column.to_pylist()]
