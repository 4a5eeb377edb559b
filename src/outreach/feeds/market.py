"""Market files of our own form: index levels and margin ratios, and which of the two a file is."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from outreach.core.headers import Matched, alias_index, header_key
from outreach.core.market_rows import (
    LEVEL_ALIASES,
    LEVEL_REQUIRED,
    RATIO_ALIASES,
    RATIO_REQUIRED,
)
from outreach.feeds.file_problem import FileProblem
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
    headers: Sequence[str]
    if saved.content.startswith(_SHEETS):
        headers = _headers_of_sheet(saved)
    else:
        head = saved.content[:_TOP]
        text = head.decode("utf-8-sig", "replace")
        if text.count("\ufffd") > 1:
            text = head.decode("gb18030", "replace")
        if text.lstrip().startswith("<"):
            return None
        headers = _CELLS.split(text)
    keys = {header_key(cell)[0] for cell in headers if cell and len(cell) <= 40}
    for kind, fields, needed in _TELLING:
        known = {_INDEXES[kind].get(key) for key in keys}
        if len(fields & known) >= needed:
            return kind
    return None


def _headers_of_sheet(saved: Saved) -> tuple[str, ...]:
    known = {**_INDEXES["levels"], **_INDEXES["margins"]}
    try:
        return open_table(saved.path, lambda cell: header_key(cell)[0] in known).headers
    except FileProblem:
        return ()


def open_market(path: Path, kind: MarketKind) -> tuple[TableFile, Matched]:
    """The file and what its columns are. Raises FileProblem when it lacks one, or has no rows."""
    return open_known(path, _INDEXES[kind], _REQUIRED[kind])
