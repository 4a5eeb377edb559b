"""Tables into files: CSV, XLSX and Parquet, streamed, and whole or not there at all.

In CSV and XLSX no cell can run as a formula (`core.spreadsheet`). Parquet is read by programs, not
by spreadsheets, so its values stay exactly as they are.
"""

import csv
import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, NamedTuple

from outreach.cli.door import BAD_DATA, USAGE, Failure
from outreach.core.spreadsheet import inert

Row = Sequence[Any]
CHUNK: Final = 20_000  # rows of a Parquet row group
FORMATS: Final = (".csv", ".xlsx", ".parquet")


class Column(NamedTuple):
    """A column of a table in a file. Numbers that are names (`id`) are text to a spreadsheet."""

    name: str
    kind: Literal["text", "id", "number", "moment"] = "text"
    width: int = 14  # characters


def write_table(
    path: Path, sheet: str, columns: Sequence[Column], rows: Iterable[Row], *, force: bool = False
) -> int:
    """Write a table in the form its suffix names; return how many rows. Moments are ISO 8601 UTC.

    Raises Failure(2) for another suffix, or a file that is there without `force`; Failure(3) when
    it cannot be written, and then nothing of it is left.
    """
    refuse(path, FORMATS, force=force)
    with whole_file(path, force=force) as draft:
        if path.suffix.lower() == ".csv":
            return _write_csv(draft, columns, rows)
        if path.suffix.lower() == ".parquet":
            return _write_parquet(draft, columns, rows)
        from outreach.cli.workbook import Book

        with Book(draft) as book:
            return book.table(sheet, columns, rows)


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[Path]:
    """A name to write to; the file gets its own name when it is complete, else it is gone.

    It is written in a folder beside it that nobody else may enter, so that it can be renamed, and
    is readable by its owner alone: it holds clients' data.
    """
    _refuse_existing(path, force=force)
    try:
        with TemporaryDirectory(prefix=".outreach-", dir=path.parent) as folder:
            draft = Path(folder) / f"draft{path.suffix.lower()}"
            yield draft
            draft.chmod(0o600)
            _refuse_existing(path, force=force)
            draft.replace(path)
    except OSError as error:
        raise Failure(BAD_DATA, f"{path}: cannot be written: {_why(error)}") from None


def refuse(path: Path, formats: Sequence[str], *, force: bool) -> None:
    """Raise Failure before any work is done for a file that could not be written in the end."""
    if path.suffix.lower() not in formats:
        raise Failure(USAGE, f"{path}: the name must end with one of {', '.join(formats)}")
    if not path.parent.is_dir():
        raise Failure(USAGE, f"{path}: there is no folder {path.parent}")
    _refuse_existing(path, force=force)


def _refuse_existing(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Failure(USAGE, f"{path}: is there already; --force replaces it")


def _why(error: OSError) -> str:
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        return "the disk is full; free some space, then run again"
    return error.strerror or str(error)


def _write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    # With a byte order mark Excel reads UTF-8; without, it shows Chinese as noise.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow([column.name for column in columns])
        count = 0
        for row in rows:
            out.writerow([cell_text(value) for value in row])
            count += 1
    return count


def cell_text(value: Any) -> Any:
    """A value as CSV and XLSX show it."""
    if value.__class__ is str:
        return inert(value)
    if value.__class__ is datetime:
        return value.isoformat()
    return "" if value is None else value


def _write_parquet(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        "text": pa.string(), "id": pa.int64(), "number": pa.int64(),
        "moment": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    schema = pa.schema([(column.name, kinds[column.kind]) for column in columns])
    count, left = 0, iter(rows)
    with parquet.ParquetWriter(path, schema, compression="zstd") as out:
        while chunk := list(islice(left, CHUNK)):
            count += len(chunk)
            arrays = [
                pa.array(values, type=field.type)
                for values, field in zip(zip(*chunk, strict=True), schema, strict=True)
            ]
            out.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return count
