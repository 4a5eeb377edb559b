"""CSV as exporters really write it: the encoding it is in, and its rows with line numbers."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Final, NamedTuple

from outreach.feeds.file_problem import BadRow, FileProblem, Row

DELIMITERS: Final = (",", "\t", ";")
_BLOCK: Final = 1 << 20
_NO_ACCIDENT: Final = 60


class Text(NamedTuple):
    encoding: str  # as reported
    codec: str  # as Python reads it
    lines: int


def examine(path: Path) -> Text:
    """How the whole file decodes, in the order: byte order mark, strict UTF-8, strict GB18030.
    Raises FileProblem when it is none of them, or no text at all."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileProblem(f"{path}: the file is in UTF-16; save it as CSV UTF-8")
    marked = start.startswith(codecs.BOM_UTF8)
    utf8 = _scan(path, "utf-8-sig")
    if not utf8.broken_at:
        return Text("utf-8-sig" if marked else "utf-8", "utf-8-sig", utf8.lines)
    # GB18030 would read much broken UTF-8 as other hanzi; a page of good UTF-8 is no accident.
    if marked or utf8.wide >= _NO_ACCIDENT:
        raise FileProblem(
            f"{path}: the file is UTF-8 with a broken character on line {utf8.broken_at};"
            " export it again"
        )
    gb18030 = _scan(path, "gb18030")
    if gb18030.broken_at:
        raise FileProblem(
            f"{path}: the text is neither UTF-8 nor GB18030"
            f" (line {max(utf8.broken_at, gb18030.broken_at)});"
            " save it as CSV UTF-8 from the program it came from"
        )
    return Text("gb18030", "gb18030", gb18030.lines)


class _Scan(NamedTuple):
    broken_at: int  # line of the first byte that does not decode; 0 when all do
    wide: int  # bytes beyond one a character, before that byte
    lines: int


def _scan(path: Path, codec: str) -> _Scan:
    """Decode the file from end to end, a block at a time."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    line, wide = 1, 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            if b"\0" in block:
                raise FileProblem(
                    f"{path}: the file holds binary data (line {line} or after);"
                    " export it again as CSV, XLSX or Parquet"
                )
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                before = error.object[: error.start]
                wide += len(before) - len(before.decode(codec))
                return _Scan(line + before.count(b"\n"), wide, line)
            if not block:
                return _Scan(0, wide, line)
            wide += len(block) - len(text)
            line += block.count(b"\n")


def top(path: Path, codec: str, delimiter: str, count: int) -> list[Row | BadRow]:
    """The first records of a file."""
    return list(islice(_rows(path, codec, delimiter), count))


def blocks(path: Path, codec: str, delimiter: str, size: int) -> Iterator[list[Row | BadRow]]:
    """Every record with the line it starts on, about `size` at a time.

    A block in which every line has an even number of quotes holds one record a line and goes
    through the C reader whole; any other is read record by record."""
    with path.open(encoding=codec, errors="strict", newline="") as file:
        first = 1
        while lines := list(islice(file, size)):
            try:
                if any(line.count('"') & 1 for line in lines):
                    raise csv.Error
                records = list(csv.reader(lines, delimiter=delimiter, strict=True))
                block: list[Row | BadRow] = list(zip(count(first), records, strict=False))
                first += len(lines)
            except csv.Error:
                source = _Lines(file, lines, first)
                block = list(_records(source, delimiter, until=first + len(lines)))
                first = source.number + 1
            yield block


def _rows(path: Path, codec: str, delimiter: str) -> Iterator[Row | BadRow]:
    with path.open(encoding=codec, errors="strict", newline="") as file:
        yield from _records(_Lines(file, [], 1), delimiter)


def _records(lines: "_Lines", delimiter: str, until: int | None = None) -> Iterator[Row | BadRow]:
    """Records one by one, those that begin before line `until`. A quote that is never closed costs
    its own row only: the lines it swallowed are read again."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while until is None or lines.number + 1 < until or lines.given_back:
        lines.held.clear()
        first = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _unreadable(first, lines)
            # A reader that stopped inside a quote would go on inside it.
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        if len(lines.held) > 1:
            cells = [" ".join(cell.split()) if "\n" in cell else cell for cell in cells]
        yield first, cells


def _unreadable(first: int, lines: "_Lines") -> BadRow:
    text = lines.held[0].strip() if lines.held else ""
    lines.give_back()
    return BadRow(
        first,
        text[:60],
        "the row has a double quote that is not closed, or text after a closing quote",
        "write a quote inside a cell twice, and close every quoted cell",
    )


class _Lines:
    """The lines of a file, remembering those of the record being read."""

    def __init__(self, file: Iterator[str], ahead: list[str], first: int) -> None:
        self._file = file
        self.given_back: deque[str] = deque(ahead)
        self.held: list[str] = []
        self.number = first - 1  # of the line read last

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.given_back.popleft() if self.given_back else next(self._file)
        self.held.append(line)
        self.number += 1
        return line

    def give_back(self) -> None:
        """Put every line of the record but its first back, to be read as records of their own."""
        self.given_back.extendleft(reversed(self.held[1:]))
        self.number -= max(len(self.held) - 1, 0)
        self.held.clear()
