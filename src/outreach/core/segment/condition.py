"""A condition as the program works with it: checked, in stored units, one node a thought."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Operator = Literal[
    "is", "in", "at_least", "at_most", "above", "below",
    "before", "after", "on", "since", "until", "contains", "is_set",
]  # fmt: skip
Unit = Literal["days", "months", "years"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time counted from the day a segment is asked on, both ends included."""

    unit: Unit
    at_least: int | None
    at_most: int | None

    def past(self, today: date) -> tuple[date | None, date]:
        """The first and last day that lie so far back; without a first, any earlier day does.

        `at_most` alone begins with today: a day still to come is not "within the last 30 days".
        """
        first = None if self.at_most is None else moved(today, self.unit, -self.at_most)
        return first, moved(today, self.unit, -(self.at_least or 0))

    def coming(self, today: date) -> tuple[date, date | None]:
        """The first and last day that lie so far ahead; without a last, any later day does."""
        last = None if self.at_most is None else moved(today, self.unit, self.at_most)
        return moved(today, self.unit, self.at_least or 0), last


def moved(day: date, unit: Unit, count: int) -> date:
    """The day so many days, months or years on; the last of a month that lacks the day.

    Six months before 31 August is 28 February (29 in a leap year).
    """
    if unit == "days":
        return day + timedelta(days=count)
    month = day.year * 12 + day.month - 1 + count * (12 if unit == "years" else 1)
    year, month = divmod(month, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one field. Money is in fen; `in` has a tuple, `since` and `until` a Span."""

    field: str
    operator: Operator
    value: str | int | bool | date | Span | tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The client's number stands in a list file."""

    file: str


@dataclass(frozen=True, slots=True)
class HoldsHalted:
    """A halt that the occurrence tells of concerns the client, as holder or watcher."""


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition = Question | Listed | HoldsHalted | All | AnyOf | Not


def leaves(condition: Condition) -> Iterator[Question | Listed | HoldsHalted]:
    """Every question a condition asks, in the order it was written."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition
