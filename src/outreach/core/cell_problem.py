"""One cell of an imported file that is wrong, as the rejects file tells it."""

from typing import NamedTuple


class CellProblem(NamedTuple):
    """Where it stands, what it says, what is wrong with it, and what to write instead."""

    line: int
    column: str
    value: str
    wrong: str
    fix: str
    rejected: bool = True  # False: the row was taken all the same
