"""A client file, chunk by chunk as client records; a large one is read by a second process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from outreach.core import client_columns
from outreach.core.client_rows import ClientReader, ClientRows, Defaults
from outreach.core.headers import Aliases, Matched
from outreach.feeds.known_columns import open_known
from outreach.feeds.read_ahead import read_ahead
from outreach.feeds.table_file import Chunk, TableFile

LARGE: Final = 100_000  # rows from which starting a second process pays


def open_clients(path: Path, extra: Aliases) -> tuple[TableFile, Matched]:
    """Open a client file; `extra` are config's further header names. Raises FileProblem."""
    return open_known(path, client_columns.client_index(extra), client_columns.REQUIRED)


def client_chunks(
    table: TableFile, extra: Aliases, defaults: Defaults, rows: int
) -> Iterator[tuple[Chunk, ClientRows]]:
    """The chunks of an opened file, with the clients in them. Raises FileProblem."""
    source = (table.path, extra, defaults, rows)
    return read_ahead(_read, *source) if table.about >= LARGE else _read(*source)


def _read(
    path: Path, extra: Aliases, defaults: Defaults, rows: int
) -> Iterator[tuple[Chunk, ClientRows]]:
    table, matched = open_clients(path, extra)
    reader = ClientReader(matched, defaults)
    for chunk in table.chunks(rows):
        # The raw cells stay behind: only records travel between processes.
        yield replace(chunk, columns=[]), reader.read(chunk.lines, chunk.columns)
