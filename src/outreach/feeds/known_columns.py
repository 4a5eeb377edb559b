"""A table file whose columns are known by their headers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from outreach.core.headers import Matched, header_key, match_headers
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.table_file import TableFile, open_table

_FIRST: Final = 64  # rows looked at before anything is stored


def open_known(
    path: Path, index: Mapping[str, str], required: Sequence[str], *, may_be_empty: bool = False
) -> tuple[TableFile, Matched]:
    """The file and what its columns are. Raises FileProblem when a needed column is missing, two
    columns claim to be the same, or there are no rows; a feed on a quiet day `may_be_empty`."""
    table = open_table(path, lambda cell: header_key(cell)[0] in index)
    matched = match_headers(table.headers, index, required)
    if matched.missing:
        seen = ", ".join(table.headers[:12])
        wanted = " and ".join(_called(name, index) for name in matched.missing)
        raise FileProblem(
            f"{path}: there is no column for {wanted}; the header (line {table.header_line}, read"
            f" as {table.encoding}) is: {seen}; rename the columns (or, if"
            " these are clients, add their names to [clients.columns] in config.toml)"
        )
    if matched.repeated:
        raise FileProblem(f"{path}: {'; '.join(matched.repeated)}; rename or remove one of them")
    if not may_be_empty and next(table.chunks(_FIRST), None) is None:
        raise FileProblem(
            f"{path}: the file has no rows beneath its header (line {table.header_line});"
            " export it again"
        )
    return table, matched


def _called(name: str, index: Mapping[str, str]) -> str:
    """A field with a header name for it that a clerk knows."""
    words = (word for word, field_ in index.items() if field_ == name and not word.isascii())
    return f"{name} (such as {next(words, name)})"
