"""segments.toml as a clerk writes it: models that refuse what a field cannot be asked."""

from datetime import date
from difflib import get_close_matches
from typing import Final, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from outreach.core.campaign import Bilingual, Name, Written
from outreach.core.client import CLIENT_FIELDS
from outreach.core.segment.condition import (
    All,
    AnyOf,
    Condition,
    HoldsHalted,
    Listed,
    Not,
    Question,
    leaves,
)
from outreach.core.segment.question import FIELDS, questions_of

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Number = StrictInt | StrictFloat


class Count(Written):
    """How long ago, or how far ahead: `{ at_least = 30 }`, `{ at_most = 90 }`, or both."""

    at_least: StrictInt | None = Field(None, ge=0, le=36500)
    at_most: StrictInt | None = Field(None, ge=0, le=36500)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("asks nothing, write at_least, at_most or both")
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError("can never be true, write an at_least that is not above at_most")
        return self


_FIELD_NAMES: Final[dict[str, JsonValue]] = {"enum": list(FIELDS)}


class Where(Written):
    """One condition: `all`, `any` or `not` of further ones, a question to a field, or a list."""

    # Dumped as it was written, so that a stored definition reads back.
    model_config = ConfigDict(serialize_by_alias=True)

    all_: tuple["Where", ...] | None = Field(None, alias="all", min_length=1)
    any_: tuple["Where", ...] | None = Field(None, alias="any", min_length=1)
    not_: "Where | None" = Field(None, alias="not")
    list_file: str | None = Field(
        None, min_length=1, description="A file of client numbers, one a line."
    )
    holds_halted: Literal[True] | None = Field(
        None, description="Holders of a security halted in the occurrence."
    )
    field: str | None = Field(
        None, json_schema_extra=_FIELD_NAMES, description="A field of the client book."
    )
    is_: Scalar | None = Field(None, alias="is")
    in_: tuple[Scalar, ...] | None = Field(None, alias="in", min_length=1)
    at_least: Number | None = Field(None, description="Money in yuan.")
    at_most: Number | None = None
    above: Number | None = None
    below: Number | None = None
    before: date | None = None
    after: date | None = None
    on: date | None = None
    days_since: Count | None = Field(None, description="Calendar days since the date.")
    months_since: Count | None = None
    years_since: Count | None = None
    days_until: Count | None = Field(None, description="Calendar days until the date.")
    contains: StrictStr | None = Field(None, description="One entry of a list.")
    is_set: StrictBool | None = Field(None, description="Whether the fact is on record.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.condition()
        return self

    def condition(self) -> Condition:
        """The condition this says. Raises ValueError("what is wrong, what to write")."""
        written = self.written()
        kinds = [key for key in _KINDS if key in written]
        questions = {key: value for key, value in written.items() if key not in _KINDS}
        if questions and "field" not in kinds:
            raise ValueError(f"{next(iter(questions))} asks no field, write field = ... beside it")
        if len(kinds) != 1:
            wrong = f"mixes {' and '.join(kinds)}" if kinds else "asks nothing"
            raise ValueError(f"{wrong}, write one of {', '.join(_KINDS)}")
        if kinds == ["field"]:
            return _joined(questions_of(self._known_field(), questions))
        return self._whole(kinds[0])

    def written(self) -> dict[str, object]:
        """The keys the clerk wrote, by the names written, with their values."""
        fields = type(self).model_fields
        return {
            fields[name].alias or name: getattr(self, name)
            for name in fields
            if getattr(self, name) is not None
        }

    def _known_field(self) -> str:
        name = self.field or ""
        if name in FIELDS:
            return name
        if name in CLIENT_FIELDS:
            raise ValueError(f"{name} is not for segments, write one of {', '.join(FIELDS)}")
        near = get_close_matches(name.casefold(), FIELDS, n=1)
        remedy = near[0] if near else f"one of {', '.join(FIELDS)}"
        raise ValueError(f'the client book has no field "{name}", write {remedy}')

    def _whole(self, kind: str) -> Condition:
        if kind == "all":
            return All(tuple(part.condition() for part in self.all_ or ()))
        if kind == "any":
            return AnyOf(tuple(part.condition() for part in self.any_ or ()))
        if kind == "not" and self.not_:
            return Not(self.not_.condition())
        return Listed(self.list_file) if self.list_file else HoldsHalted()


_KINDS: Final = ("all", "any", "not", "field", "list_file", "holds_halted")


def _joined(tests: tuple[Question, ...]) -> Condition:
    return tests[0] if len(tests) == 1 else All(tests)


class Segment(Written):
    """One segment: its name in both languages and who belongs to it."""

    name: Bilingual
    where: Where

    @property
    def condition(self) -> Condition:
        return self.where.condition()

    @property
    def list_files(self) -> tuple[str, ...]:
        """The list files it names, each once."""
        named = (leaf.file for leaf in leaves(self.condition) if isinstance(leaf, Listed))
        return tuple(dict.fromkeys(named))

    @property
    def asks_for_halts(self) -> bool:
        """Whether it can only be answered for an occurrence with halted securities."""
        return any(isinstance(leaf, HoldsHalted) for leaf in leaves(self.condition))


class Segments(RootModel[dict[Name, Segment]]):
    """The whole file: a table a segment."""

    def names(self) -> list[str]:
        return list(self.root)
