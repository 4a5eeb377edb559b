"""How a table fits a terminal: wide as it is, folded where words end, or a record at a time.

A table library cuts words to pieces where room is short and leaves out columns without a word. An
address that is cut cannot be copied, and a reason that is left out is not known to be there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.measure import Measurement
    from rich.table import Table

# A line may be broken between two of these: Chinese is written without spaces.
_BREAKS: Final = re.compile(
    r"[\s\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]"
)
_EDGE: Final = 1  # a table's left margin
_GAP: Final = 3  # between two columns
_LONGEST: Final = 28  # of a word that stays whole: addresses and reasons, not paths and digests


@dataclass(frozen=True)
class Column:
    """A column as it is shown; cells are console markup."""

    title: str
    cells: Sequence[str]
    right: bool = False
    whole: bool = False  # numbers are never folded

    @property
    def empty(self) -> bool:
        return not any(self.cells)


@dataclass(frozen=True)
class Grid:
    """Columns of a table, laid out for the width there is when it is printed."""

    title: str
    columns: Sequence[Column]

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        yield self._fitted(options.max_width)

    def __rich_measure__(self, console: "Console", options: "ConsoleOptions") -> "Measurement":
        from rich.measure import Measurement

        full = _width([_natural(one) for one in self.columns])
        return Measurement(min(full, options.max_width), min(full, options.max_width))

    def _fitted(self, room: int) -> Any:
        columns = list(self.columns)
        if _width([_natural(one) for one in columns]) <= room:
            return _table(self.title, columns, [None] * len(columns))
        told = [one for one in columns if not one.empty] or columns
        widths = [_natural(one) for one in told]
        least = [_least(one) for one in told]
        if _width(least) > room:
            return _records(self.title, told)
        return _table(self.title, told, _shared_out(widths, least, room - _width([0] * len(told))))


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * len(widths) + _EDGE


def _shared_out(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths of `room` in all: each column its least, and the rest to those that fold the most."""
    widths = list(least)
    while (left := room - sum(widths)) > 0:
        short = [at for at, width in enumerate(widths) if width < natural[at]]
        if not short:
            break
        step = max(1, left // len(short))
        for at in sorted(short, key=lambda at: natural[at] - widths[at]):
            widths[at] = min(natural[at], widths[at] + min(step, room - sum(widths)))
    return widths


def _table(title: str, columns: Sequence[Column], widths: Sequence[int | None]) -> "Table":
    from rich import box
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column, width in zip(columns, widths, strict=True):
        made.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            width=width,
        )
    for row in zip(*(one.cells for one in columns), strict=True):
        made.add_row(*row)
    return made


def _records(title: str, columns: Sequence[Column]) -> Any:
    """Each row as lines of its own, one a column that says something."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    pad = max(_cells(one.title) for one in columns)
    parts: list[Any] = [Text(title, style="bold")] if title else []
    for number, row in enumerate(zip(*(one.cells for one in columns), strict=True)):
        record = Table.grid(padding=(0, 2))
        record.add_column(style="bold", no_wrap=True, width=pad)
        record.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            if cell:
                record.add_row(column.title, cell)
        parts.append(Padding(record, (1 if number or title else 0, 0, 0, 2)))
    return Group(*parts, Text(""))


def _natural(column: Column) -> int:
    return max(map(_cells, (column.title, *map(_plain, column.cells))), default=0)


def _least(column: Column) -> int:
    """The width at which no word of up to 28 characters is cut."""
    titles = max(map(_cells, column.title.split()), default=0)
    if column.whole:
        return max(titles, *map(_cells, column.cells), 1)
    words = (word for cell in column.cells for word in _BREAKS.split(_plain(cell)))
    return max(titles, min(_LONGEST, max(map(_cells, words), default=0)), 2)


def _plain(cell: str) -> str:
    from rich.text import Text

    return Text.from_markup(cell).plain if "[" in cell else cell


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.split("\n")), default=0)
