"""Market files of our own form: index levels and margin ratios, and which of the two a file is."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from outreach.core.cell_problem import CellProblem
from outreach.core.headers import Matched, alias_index, header_key, match_headers
from outreach.core.market_rows import (
    LEVEL_ALIASES,
    LEVEL_REQUIRED,
    RATIO_ALIASES,
    RATIO_REQUIRED,
)
from outreach.feeds.file_problem import BadRow, FileProblem, Row
from outreach.feeds.halts import json_records
from outreach.feeds.halts.saved import Saved
from outreach.feeds.known_columns import open_known
from outreach.feeds.table_file import TableFile, open_table

MarketKind = Literal["levels", "margins"]

_INDEXES: Final = {"levels": alias_index(LEVEL_ALIASES), "margins": alias_index(RATIO_ALIASES)}
_REQUIRED: Final = {"levels": LEVEL_REQUIRED, "margins": RATIO_REQUIRED}
# Fields that make a file one of its kind: that many of them, and it is no other.
_TELLING: Final[tuple[tuple[MarketKind, frozenset[str], int], ...]] = (
    ("margins", frozenset({"ratio", "warn_line", "close_line"}), 2),
    ("levels", frozenset({"level", "prev_close"}), 2),
    ("levels", frozenset({"prev_close"}), 1),
)
_TOP: Final = 20_000  # bytes in which the header stands
_CELLS: Final = re.compile(r'[,\t;|\r\n"{}\[\]:]+')
_SHEETS: Final = (b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0")


def recognised(saved: Saved) -> MarketKind | None:
    """Which market file it is by its header; None for any other file."""
    sheet = saved.content.startswith(_SHEETS)
    headers: Sequence[str] = _headers_of_sheet(saved) if sheet else _cells(saved)
    keys = {header_key(cell)[0] for cell in headers if cell and len(cell) <= 40}
    for kind, fields, needed in _TELLING:
        known = {_INDEXES[kind].get(key) for key in keys}
        if len(fields & known) >= needed:
            return kind
    return None


def _cells(saved: Saved) -> list[str]:
    """The head of a text file cut where cells and keys end; nothing of a web page."""
    head = saved.content[:_TOP]
    text = head.decode("utf-8-sig", "replace")
    if text.count("\ufffd") > 1:
        text = head.decode("gb18030", "replace")
    return [] if text.lstrip().startswith("<") else _CELLS.split(text)


def _headers_of_sheet(saved: Saved) -> tuple[str, ...]:
    known = {**_INDEXES["levels"], **_INDEXES["margins"]}
    try:
        return open_table(saved.path, lambda cell: header_key(cell)[0] in known).headers
    except FileProblem:
        return ()


class Opened(NamedTuple):
    """A market file, what its columns are, and what is wrong with the whole of it, if anything."""

    table: TableFile
    matched: Matched
    cut: CellProblem | None = None


def open_market(saved: Saved, kind: MarketKind) -> Opened:
    """The file with its columns; of a JSON file that was cut off, the records that are whole.
    Raises FileProblem when it lacks a column, or has no rows."""
    try:
        return Opened(*open_known(saved.path, _INDEXES[kind], _REQUIRED[kind]))
    except FileProblem:
        if (whole := _whole_records(saved, kind)) is None:
            raise
        return whole


def _whole_records(saved: Saved, kind: MarketKind) -> Opened | None:
    """None for a file that is no JSON, or has not one whole record with the columns it needs."""
    first = _REQUIRED[kind][0]
    names = (name for name in _cells(saved) if _INDEXES[kind].get(header_key(name)[0]) == first)
    has = next(names, None)
    if has is None or saved.content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] not in (b"[", b"{"):
        return None
    try:
        document, rows = json_records.read(saved, has)
    except FileProblem:
        return None
    if document is not None:
        return None
    headers = tuple(dict.fromkeys(name for _line, row in rows for name in row))
    matched = match_headers(headers, _INDEXES[kind], _REQUIRED[kind])
    if matched.missing or matched.repeated:
        return None
    block: list[Row | BadRow] = [
        (line, [row.get(name, "") for name in headers]) for line, row in rows
    ]
    digest = hashlib.sha256(saved.content).hexdigest()
    table = TableFile(
        saved.path, "json", digest, headers, 0, len(rows), lambda _size: iter([block])
    )
    last = rows[-1][0]
    wrong = f"the file was cut off after record {last}; those before it are taken"
    return Opened(table, matched, CellProblem(last, "", "", wrong, "take it again", rejected=False))
