"""A table file as it is read: CSV, XLSX or Parquet, in chunks of text columns with line numbers."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from outreach.core.cell_text import half_width, is_total
from outreach.feeds import csv_rows, json_rows, sheet_rows
from outreach.feeds.file_problem import BadRow, FileProblem, Row

CHUNK_ROWS: Final = 10_000
_HEADER_WITHIN: Final = 30  # rows a title block may take above the header

# What may be a total; the words themselves are looked at in is_total.
_TOTAL: Final = re.compile(
    r"[\s\"'=]*(?:$|[合总小共總]|(?:sub|grand)?\s*total)", re.IGNORECASE
).match

Recognise = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table, column by column. `lines[i]` is where row i stands in the file."""

    lines: list[int]
    columns: list[Sequence[str]]
    bad: list[BadRow]


@dataclass(frozen=True, slots=True)
class TableFile:
    """An opened table: its header and how it was read. `encoding` is what was found, not guessed:
    utf-8, utf-8-sig (with byte order mark), gb18030, xlsx, xls or parquet."""

    path: Path
    encoding: str
    digest: str
    headers: tuple[str, ...]
    header_line: int
    about: int  # rows, as far as can be told without reading it
    _blocks: Callable[[int], Iterator[list[Row | BadRow]]] = field(repr=False, compare=False)
    _columns: Callable[[int], Iterator[Chunk]] | None = field(
        default=None, repr=False, compare=False
    )

    def chunks(self, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """The rows beneath the header; blank rows and rows of totals are left out."""
        if self._columns is not None:
            yield from self._columns(rows)
            return
        for block in self._blocks(rows):
            chunk = self._chunk(block)
            if chunk.lines or chunk.bad:
                yield chunk

    def _chunk(self, block: list[Row | BadRow]) -> Chunk:
        width = len(self.headers)
        good: list[Row] = []
        bad: list[BadRow] = []
        for row in block:
            if len(row) == 2 and len(row[1]) == width and row[1][0] and not _TOTAL(row[1][0]):
                good.append(row)  # nearly every row
            elif kept := self._looked_at(row):
                (bad if isinstance(kept, BadRow) else good).append(kept)  # type: ignore[arg-type]
        if good and good[0][0] <= self.header_line:
            good = [row for row in good if row[0] > self.header_line]
        columns: list[Sequence[str]] = list(zip(*[row[1] for row in good], strict=True))
        return Chunk([row[0] for row in good], columns or [()] * width, bad)

    def _looked_at(self, row: Row | BadRow) -> Row | BadRow | None:
        """A row that is not plainly a row of cells; None when it is blank, a total or a title."""
        if row[0] <= self.header_line:
            return None
        if isinstance(row, BadRow):
            return row
        line, cells = row
        if not any(cell.strip() for cell in cells) or is_total(cells):
            return None
        width = len(self.headers)
        return row if len(cells) == width else _fitted(line, cells, width)


def open_table(path: Path, recognise: Recognise) -> TableFile:
    """Open a table file; `recognise` tells a known header cell, which finds the header row beneath
    merged titles. Raises FileProblem naming the file and the way out."""
    if not path.is_file():
        raise FileProblem(f"{path}: there is no such file; check the path")
    if path.stat().st_size == 0:
        raise FileProblem(f"{path}: the file is empty; export it again")
    try:
        with path.open("rb") as file:
            magic = file.read(512)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror}); check its rights") from error
    if magic.startswith(b"PAR1"):
        return _open_parquet(path, digest)
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        kind = "xlsx" if magic.startswith(b"PK") else "xls"
        sheet = sheet_rows.best_sheet(path, lambda rows: _find_header(rows, recognise)[2])
        top = next(sheet(_HEADER_WITHIN))
        return _opened(path, kind, digest, top, sheet, recognise, about=0)
    if magic.lstrip()[:1] == b"<":
        raise FileProblem(
            f"{path}: this is a web page or XML, whatever its name says;"
            " open it in a spreadsheet and save it as XLSX or CSV"
        )
    if magic.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"[", b"{"):
        headers, records = json_rows.read(path)
        block: list[Row | BadRow] = list(records)
        return TableFile(path, "json", digest, headers, 0, len(block), lambda _size: iter([block]))
    text = csv_rows.examine(path)
    found = max(
        csv_rows.DELIMITERS,
        key=lambda mark: _score(csv_rows.top(path, text.codec, mark, _HEADER_WITHIN), recognise),
    )
    return _opened(
        path,
        text.encoding,
        digest,
        csv_rows.top(path, text.codec, found, _HEADER_WITHIN),
        lambda size: csv_rows.blocks(path, text.codec, found, size),
        recognise,
        about=text.lines - 1,
    )


def _opened(
    path: Path,
    encoding: str,
    digest: str,
    top: Sequence[Row | BadRow],
    blocks: Callable[[int], Iterator[list[Row | BadRow]]],
    recognise: Recognise,
    *,
    about: int,
) -> TableFile:
    line, headers, _known = _find_header(top, recognise)
    if not headers:
        raise FileProblem(f"{path}: the file has no rows; export it again")
    return TableFile(path, encoding, digest, headers, line, about, blocks)


def _find_header(
    rows: Iterable[Row | BadRow], recognise: Recognise
) -> tuple[int, tuple[str, ...], int]:
    """Line and cells of the row with the most known header cells; the first filled row when no
    cell is known, so that the missing column can be named."""
    best: tuple[int, tuple[str, ...], int] = (0, (), -1)
    for row in rows:
        if isinstance(row, BadRow) or not any(cell.strip() for cell in row[1]):
            continue
        known = sum(1 for cell in row[1] if recognise(cell))
        if known > best[2]:
            best = (row[0], tuple(half_width(cell.strip()) for cell in row[1]), known)
    line, headers, known = best
    while headers and not headers[-1]:
        headers = headers[:-1]
    return line, headers, known


def _score(rows: Sequence[Row | BadRow], recognise: Recognise) -> tuple[int, int]:
    _line, headers, known = _find_header(rows, recognise)
    return known, len(headers)


def _fitted(line: int, cells: list[str], width: int) -> Row | BadRow:
    """Exporters drop trailing empty cells, and add empty ones; anything else is a shifted row."""
    if len(cells) < width:
        return line, cells + [""] * (width - len(cells))
    if any(cell.strip() for cell in cells[width:]):
        return BadRow(
            line,
            f"{len(cells)} cells",
            f"the row has more cells than the header's {width}",
            "put the cell that holds a separator in double quotes",
        )
    return line, cells[:width]


def _open_parquet(path: Path, digest: str) -> TableFile:
    headers, count = sheet_rows.parquet_headers(path)

    def columns(rows: int) -> Iterator[Chunk]:
        first = 1
        for batch in sheet_rows.parquet_columns(path, rows):
            lines = list(range(first, first + len(batch[0])))
            first += len(lines)
            if any(_TOTAL(cell) for cell in batch[0]):
                lines, batch = _without_totals(lines, batch)
            if lines:
                yield Chunk(lines, batch, [])

    return TableFile(path, "parquet", digest, headers, 0, count, lambda _size: iter(()), columns)


def _without_totals(
    lines: list[int], columns: list[Sequence[str]]
) -> tuple[list[int], list[Sequence[str]]]:
    keep = [
        place
        for place, cells in enumerate(zip(*columns, strict=True))
        if any(cell.strip() for cell in cells) and not is_total(cells)
    ]
    return [lines[at] for at in keep], [[column[at] for at in keep] for column in columns]
