"""What can be wrong with a file as a whole, or with one row before its cells are looked at."""

from typing import NamedTuple


class FileProblem(Exception):
    """The file cannot be taken; the message is one sentence: which file, what, and what to do."""


class BadRow(NamedTuple):
    """A row that could not be cut into cells."""

    line: int
    value: str
    wrong: str
    fix: str


Row = tuple[int, list[str]]
