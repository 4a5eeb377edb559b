"""A chunk of a small table row by row: its cells by field, and its good rows apart from the bad."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from outreach.core.cell_problem import CellProblem
from outreach.core.cell_text import clean
from outreach.core.cells import Fault
from outreach.core.headers import Matched

Cells = Mapping[str, Sequence[str]]  # field -> column
T = TypeVar("T")


def cells_of(matched: Matched, columns: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """The columns that are taken, by field, without spreadsheet wrapping."""
    return {
        name: [clean(cell) for cell in columns[column.index]]
        for name, column in matched.columns.items()
    }


def rows_of(cells: Cells) -> Iterator[dict[str, str]]:
    """The rows, each as field -> cell."""
    for row in zip(*cells.values(), strict=True):
        yield dict(zip(cells, row, strict=True))


def parted(
    matched: Matched, lines: Sequence[int], cells: Cells, read: Sequence[T | Fault]
) -> tuple[list[tuple[int, T]], list[CellProblem]]:
    """Rows that can be taken, with their lines, and the problems of those that cannot."""
    good: list[tuple[int, T]] = []
    problems: list[CellProblem] = []
    for place, (line, value) in enumerate(zip(lines, read, strict=True)):
        if isinstance(value, Fault):
            column = matched.columns.get(value.field)
            cell = cells[value.field][place] if column else ""
            header = column.header if column else value.field
            problems.append(CellProblem(line, header, cell, *value.bad))
        else:
            good.append((line, value))
    return good, problems
