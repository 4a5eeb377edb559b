"""The values of a page of clients, checked before any text prints them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from markupsafe import escape

Row = tuple[object, ...]
R = TypeVar("R")

SEPARATOR: Final = "\x1e"  # ends each row's output; refused in every value
MAX_VALUE: Final = 20_000  # characters of one value
MAX_LIST: Final = 100_000  # characters of all items of a list together

# Control characters, lone surrogates, and the marks that turn the reading direction.
_REFUSED: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_special: Final = re.compile("[&<>\"']").search


class RenderError(NamedTuple):
    """Why one recipient's text could not be made. Never holds a value, only names and places."""

    file: str
    line: int  # of the .j2 file; 0: not tied to a line
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class Missing:
    """Stands for a value that is not known: false in a question, an error when printed."""

    name: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        raise MissingValueError(f"`{self.name}` is not known")

    __html__ = __str__


class MissingValueError(ValueError):
    """A value the client book does not hold was about to be printed."""


class OutputTooLongError(ValueError):
    """One row comes to more characters than a message may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"comes to more than {limit:,} characters")


def escaped(value: object) -> object:
    """A value as HTML prints it. What cannot be printed is left to fail where it is printed."""
    if type(value) is str:
        return value if _special(value) is None else str(escape(value))
    return str(escape(value)) if value or value == 0 else value


def checked_rows(
    names: tuple[str, ...], rows: Sequence[Row], file: str
) -> tuple[list[Row], dict[int, RenderError]]:
    """The rows that may be rendered, and by position those that hold what no text may print.

    None stands for a value that is not known and becomes `Missing`.
    """
    good: list[Row] = []
    refused: dict[int, RenderError] = {}
    width = len(names)
    seen: dict[int, str | None] = {}
    for at, row in enumerate(rows):
        odd = len(row) != width
        for value in row:
            # Nearly every value is short printable text, which is quick to see.
            if type(value) is not str or len(value) > MAX_VALUE or not value.isprintable():
                odd = True
        if not odd:
            good.append(row)
            continue
        wrong = _wrong(names, row, seen)
        if wrong is None:
            filled = zip(names, row, strict=True)
            good.append(tuple([Missing(name) if v is None else v for name, v in filled]))
        else:
            refused[at] = RenderError(file, 0, wrong)
    return good, refused


def checked_constants(constants: Mapping[str, object]) -> tuple[dict[str, object], str | None]:
    """The constants of a run with None made `Missing`, and what is wrong with them, if anything."""
    names, values = tuple(constants), tuple(constants.values())
    given = {name: Missing(name) if v is None else v for name, v in constants.items()}
    hidden = next((name for name in names if name.startswith("_")), None)
    wrong = f"`{hidden}` may not start with _" if hidden else _wrong(names, values, {})
    return given, wrong


def merged(
    results: Sequence[R], refused: Mapping[int, RenderError], total: int
) -> list[R | RenderError]:
    """The results of the rows that were rendered, with the refused ones back in their places."""
    if not refused:
        return list(results)
    rest = iter(results)
    return [refused[at] if at in refused else next(rest) for at in range(total)]


def _wrong(names: tuple[str, ...], row: Row, seen: dict[int, str | None]) -> str | None:
    """What is wrong with a row. `seen` remembers lists, which many clients share."""
    if len(row) != len(names):
        return f"needs {len(names)} values, has {len(row)}"
    for name, value in zip(names, row, strict=True):
        if isinstance(value, list):
            if id(value) not in seen:
                seen[id(value)] = _refused(value)
            wrong = seen[id(value)]
        else:
            wrong = _refused(value)
        if wrong is not None:
            return f"`{name}` {wrong}"
    return None


def _size(value: object) -> int:
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return sum(map(_size, value.values())) if isinstance(value, Mapping) else len(str(value))


def _refused(value: object) -> str | None:
    if isinstance(value, str):
        if len(value) > MAX_VALUE:
            return f"is longer than {MAX_VALUE:,} characters"
        return "holds a control character" if _REFUSED.search(value) else None
    if isinstance(value, list | tuple):
        if None in value:
            return "holds an item that is not known; give an empty text"
        if _size(value) > MAX_LIST:
            return f"is longer than {MAX_LIST:,} characters in all"
        return next((wrong for item in value if (wrong := _refused(item)) is not None), None)
    if isinstance(value, Mapping):
        return _refused(list(value.values()))
    return None
