"""One thing wrong with what a clerk wrote: where it stands, what it is, what to write instead."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A fault in a file. Sorted by file, line and key, so that a report reads from top to bottom.

    `line` counts from 1. `key` is a dotted path, or empty where the fault is not at a key (broken
    TOML, a text file). `wrong` and `write` are plain sentences without a full stop.
    """

    file: str
    line: int
    key: str
    wrong: str
    write: str
    severity: Severity = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return where + (f"{self.key}: " if self.key else "") + f"{self.wrong}, {self.write}"
