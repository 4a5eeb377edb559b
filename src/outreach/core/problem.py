"""One thing wrong with what a clerk wrote: where it stands, what it is, what to write instead."""

import unicodedata
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
        key = f"{self.key}: " if self.key else ""
        return _one_line(f"{self.file}:{self.line}: {key}{self.wrong}, {self.write}")


def _one_line(text: str) -> str:
    """The text with what cannot be seen spelled out: a line break or a zero-width space."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")
        else character
        for character in text
    )
