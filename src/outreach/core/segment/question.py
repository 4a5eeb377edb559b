"""Which questions a field may be asked, by its type, and what they mean in stored units."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, cast

from outreach.core.client import CLIENT_FIELDS, Field
from outreach.core.segment.condition import Operator, Question, Span, Unit

# The fields a segment may ask for. Names and addresses are no ground to choose a client by.
FIELDS: Final[tuple[str, ...]] = tuple(
    name for name, field in CLIENT_FIELDS.items() if field.segment
)
_NUMBERS: Final = ("is", "in", "at_least", "at_most", "above", "below", "is_set")
OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "text": ("is", "in", "is_set"),
    "choice": ("is", "in", "is_set"),
    "bool": ("is",),
    "int": _NUMBERS,
    "money": _NUMBERS,
    "date": (
        "before", "after", "on",
        "days_since", "months_since", "years_since", "days_until", "is_set",
    ),
    "list": ("contains", "is_set"),
}  # fmt: skip
_SPANS: Final[dict[str, tuple[Operator, Unit]]] = {
    "days_since": ("since", "days"),
    "months_since": ("since", "months"),
    "years_since": ("since", "years"),
    "days_until": ("until", "days"),
}
# Wide enough for any client, and within what a column of either database takes.
_LARGEST: Final = {"int": 1_000_000_000, "money": 10_000_000_000_000, "bool": 1}
_CENTURY: Final = {"days": 36500, "months": 1200, "years": 100}


def questions_of(name: str, written: Mapping[str, object]) -> tuple[Question, ...]:
    """What is asked of a field; all of it must hold. Raises ValueError("wrong, what to write")."""
    field = CLIENT_FIELDS[name]
    allowed = OPERATORS[field.type]
    if not written:
        raise ValueError(f"{name} is asked nothing, write one of {', '.join(allowed)}")
    for operator in written:
        if operator not in allowed:
            kind = {"int": "a number", "bool": "yes or no"}.get(field.type, f"a {field.type}")
            raise ValueError(
                f"{name} is {kind} and cannot be asked `{operator}`,"
                f" write one of {', '.join(allowed)}"
            )
    return tuple(_question(field, operator, value) for operator, value in written.items())


def _question(field: Field, operator: str, value: object) -> Question:
    if operator in _SPANS:
        plain, unit = _SPANS[operator]
        count = cast("dict[str, int | None]", vars(value))
        if max(bound or 0 for bound in count.values()) > _CENTURY[unit]:
            raise ValueError(f"{field.name} is asked about centuries, write at most 100 years")
        return Question(field.name, plain, Span(unit, count["at_least"], count["at_most"]))
    known = cast("Operator", operator)
    if operator == "is_set" or isinstance(value, date):
        return Question(field.name, known, cast("bool | date", value))
    if isinstance(value, tuple):
        return Question(field.name, known, tuple(_stored(field, one) for one in value))
    return Question(field.name, known, _stored(field, value))


def _stored(field: Field, value: object) -> str | int:
    """A written value in the units of the client book, refused when the field cannot have it."""
    wanted: tuple[type, ...]
    match field.type:
        case "bool":
            wanted, example = (bool,), "true or false"
        case "int":
            wanted, example = (int,), "a whole number"
        case "money":
            wanted, example = (int, float), "an amount in yuan"
        case _:
            wanted, example = (str,), 'a text in "quotes"'
    if not isinstance(value, wanted) or (bool not in wanted and isinstance(value, bool)):
        raise ValueError(f"{field.name} cannot be {_shown(value)}, write {example}")
    if isinstance(value, int | float) and abs(value) > _LARGEST[field.type]:
        raise ValueError(f"{field.name} is never that large, write a smaller number")
    if field.choices and value not in field.choices:
        raise ValueError(
            f"{field.name} is never {_shown(value)}, write one of {', '.join(field.choices)}"
        )
    if field.type == "list" and "," in str(value):
        raise ValueError(f"{field.name} has no entry with a comma, write one condition an entry")
    if field.type == "money":
        return _fen(field.name, cast("int | float", value))
    return cast("str | int", value)


def _fen(name: str, yuan: int | float) -> int:
    # By way of the text: 99.99 as a binary fraction is not a whole number of fen.
    fen = Decimal(str(yuan)) * 100
    if not fen.is_finite() or fen != fen.to_integral_value():
        raise ValueError(f"{name} is counted in whole fen, write at most two decimals")
    return int(fen)


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
