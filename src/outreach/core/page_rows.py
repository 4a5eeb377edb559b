"""What a row of a page holds, and where: the client as the rules see it, addresses, preferences."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from outreach.core.model import Candidate

Row = Sequence[Any]

# What only some runs ask for; of Candidate, its last fields, in its order.
PREFERENCES: Final = ("wanted_risk", "own_hours", "preferred_channel")
# The columns every page of clients is read with: those of Candidate, then addresses and locale.
# Preferences that a run asks for come behind them.
CANDIDATE_COLUMNS: Final = ("id", *Candidate._fields[1 : -len(PREFERENCES)])
ADDRESS_COLUMNS: Final = (
    "phone", "phone_state", "phone_country", "email", "email_state", "locale", "client_no",
)  # fmt: skip
PAGE_COLUMNS: Final = CANDIDATE_COLUMNS + ADDRESS_COLUMNS
CANDIDATE_WIDTH: Final = len(CANDIDATE_COLUMNS)
_PAGE: Final = len(PAGE_COLUMNS)
_NOT_ASKED: Final = (None,) * len(PREFERENCES)


@lru_cache(maxsize=16)
def candidate_reader(asked: tuple[str, ...]) -> Callable[[Row], Candidate]:
    """A function from a row to its client; `asked` are the preferences that rows bring."""
    make = Candidate._make
    if not asked:
        return lambda row: make((*row[:CANDIDATE_WIDTH], *_NOT_ASKED))
    places = [_PAGE + asked.index(name) if name in asked else None for name in PREFERENCES]

    def read(row: Row) -> Candidate:
        own = [None if place is None else row[place] for place in places]
        return make((*row[:CANDIDATE_WIDTH], *own))

    return read


def stored_facts(row: Row, asked: tuple[str, ...]) -> tuple[Any, ...]:
    """What is stored of the client of a row: the names are frozen with the run's policy."""
    if not asked:
        return tuple(row[:CANDIDATE_WIDTH])
    return (*row[:CANDIDATE_WIDTH], *row[_PAGE : _PAGE + len(asked)])


def preference(row: Row, asked: tuple[str, ...], name: str) -> Any:
    """One preference of the client of a row; None where the run does not ask for it."""
    return row[_PAGE + asked.index(name)] if name in asked else None
