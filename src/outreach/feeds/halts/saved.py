"""A saved halt file and what came of reading it, the same for every form."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from outreach.core.cell_problem import CellProblem
from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars
from outreach.core.halts import Statement
from outreach.core.headers import Aliases, alias_index
from outreach.core.table_rows import cells_of, parted, rows_of
from outreach.feeds.known_columns import open_known

Row = Mapping[str, str]

TEXTS: Final = ("utf-8", "utf-8-sig", "gb18030")  # encodings of files that are read line by line
MISSING: Final = Bad("the moment is missing", "take the file again, or enter the halt by hand")


@dataclass(frozen=True, slots=True)
class Saved:
    """A file as it was saved: its bytes, and where they lie."""

    path: Path
    content: bytes


@dataclass(slots=True)
class Parsed:
    """What a file says, what is wrong with it, and how it was read. `rows` counts the records
    looked at; those that are neither stated nor rejected were none of the market's business."""

    encoding: str
    rows: int = 0
    statements: list[Statement] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)
    unknown: tuple[str, ...] = ()  # headers no field goes by
    whole: bool = True  # False: it breaks off, or is a part of what its source has to say

    def partial(self, line: int, column: str, value: str, bad: Bad) -> None:
        """Something that is missing from the file: what it does not name may well be halted."""
        self.whole = False
        self.note(line, column, value, bad)

    def note(self, line: int, column: str, value: str, bad: Bad) -> None:
        """Something that is wrong with the file, though no row is lost by it."""
        self.problems.append(CellProblem(line, column, value, *bad, rejected=False))


Parser = Callable[[Saved, Calendars], Parsed]


def ordered(said: Statement) -> Statement | Fault:
    """The statement, unless trading resumes before it halts."""
    if said.halt_at and said.resume_at and said.resume_at <= said.halt_at:
        wrong = "trading would resume before it halts"
        return Fault("resume_at", Bad(wrong, "take the corrected file of the source"))
    return said


def _stamped(said: Statement | Fault, row: Row) -> Statement | Fault:
    """The statement with the SHA-256 of the row it was read from: its cells by name, as JSON with
    sorted keys."""
    if isinstance(said, Fault):
        return said
    written = json.dumps(dict(row), sort_keys=True, ensure_ascii=False).encode()
    return said._replace(source_row_sha256=hashlib.sha256(written).hexdigest())


def taken(
    parsed: Parsed,
    rows: Iterable[tuple[int, Row]],
    read: Callable[[int, Row], Statement | Fault],
    columns: Mapping[str, str],
) -> Parsed:
    """Read records one by one. `columns` tells which column of the form a field comes from."""
    for line, row in rows:
        parsed.rows += 1
        value = _stamped(read(line, row), row)
        if isinstance(value, Fault):
            column = columns.get(value.field, value.field)
            problem = CellProblem(line, column, row.get(column, ""), *value.bad)
            parsed.problems.append(problem)
        else:
            parsed.statements.append(value)
    return parsed


def from_table(
    saved: Saved,
    aliases: Aliases,
    required: Sequence[str],
    read: Callable[[int, Row], Statement | Fault],
    *,
    may_be_empty: bool = True,
) -> Parsed:
    """Read a CSV, XLSX, Parquet or JSON table by `aliases` of its columns. A feed may have nothing
    to say; a file of ours may not. Raises FileProblem."""
    index = alias_index(aliases)
    table, matched = open_known(saved.path, index, required, may_be_empty=may_be_empty)
    parsed = Parsed(table.encoding, unknown=matched.unknown)
    for chunk in table.chunks():
        cells = cells_of(matched, chunk.columns)
        rows = zip(chunk.lines, rows_of(cells), strict=True)
        good, problems = parted(
            matched, chunk.lines, cells, [_stamped(read(*row), row[1]) for row in rows]
        )
        parsed.rows += len(chunk.lines) + len(chunk.bad)
        parsed.statements += [said for _, said in good]
        parsed.problems += problems
        parsed.problems += [CellProblem(b.line, "", b.value, b.wrong, b.fix) for b in chunk.bad]
    if _breaks_off(saved, parsed):
        last = max(one.line for one in parsed.problems)
        cut = Bad("the file breaks off in this line", "take the file again")
        parsed.partial(last, "", "", cut)
    return parsed


def _breaks_off(saved: Saved, parsed: Parsed) -> bool:
    """Whether a text file ends in the middle of a row: a last line without its end, and without
    all of its cells."""
    if parsed.encoding not in TEXTS or saved.content.endswith((b"\n", b"\r")):
        return False
    last = max((one.line for one in parsed.statements), default=0)
    return any(one.rejected and one.line > last for one in parsed.problems)
