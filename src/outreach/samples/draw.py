"""Random draws that depend on nothing but seed, column and row: whole-number arithmetic only.

Row 7 of a file of a million is row 7 of a file of ten, on every machine and numpy release, so the
shipped files can be made again byte for byte and a file can be written a block at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_COLUMN = 0xD6E8FEB86659FD93
_MASK = 0xFFFFFFFFFFFFFFFF
_STEPS = 1 << 16


def bits(seed: int, column: str, rows: Numbers) -> Words:
    """64 random bits a row: SplitMix64 (Steele, Lea, Flood 2014) used as a keyed counter."""
    key = seed & _MASK
    for byte in column.encode():
        key = ((key ^ byte) * _COLUMN + 1) & _MASK
    state = (rows.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(key)
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


class Draws:
    """The draws of one block of rows."""

    def __init__(self, seed: int, rows: Numbers) -> None:
        self.seed = seed
        self.rows = rows

    def below(self, column: str, limit: int) -> Numbers:
        """A whole number from 0 up to but not including `limit`, one a row."""
        high = bits(self.seed, column, self.rows) >> np.uint64(32)
        return ((high * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)

    def chance(self, column: str, per_10000: int) -> NDArray[np.bool_]:
        """True for about `per_10000` rows in 10,000."""
        return self.below(column, 10_000) < per_10000

    def pick(self, column: str, table: NDArray[Any]) -> NDArray[Any]:
        """One entry of the table a row, each entry as likely as the next."""
        return table[self.below(column, len(table))]


def weighted(choices: Sequence[tuple[str, int]]) -> NDArray[Any]:
    """A table in which each choice stands as often as its weight says."""
    table: NDArray[Any] = np.empty(sum(weight for _, weight in choices), dtype=object)
    table[:] = [choice for choice, weight in choices for _ in range(weight)]
    return table


def quantiles(value_at: Callable[[float], int]) -> Numbers:
    """A table of a distribution's whole values, from its inverse at 65,536 even steps."""
    return np.array([value_at((step + 0.5) / _STEPS) for step in range(_STEPS)], dtype=np.int64)
