"""The `[survey]` table of a campaign file: what is asked, how it is answered, what follows."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from outreach.core.inbound_words import HELP, OPT_IN, OPT_OUT
from outreach.core.survey_rules import tests_of
from outreach.core.written import Bilingual, Name, Written

SATISFACTION: Final = (
    Bilingual(zh="非常不满意", en="very dissatisfied"),
    Bilingual(zh="不满意", en="dissatisfied"),
    Bilingual(zh="一般", en="neutral"),
    Bilingual(zh="满意", en="satisfied"),
    Bilingual(zh="非常满意", en="very satisfied"),
)


def _condition(when: str) -> str:
    tests_of(when)
    return when


def _free(code: str) -> str:
    if code.casefold() in OPT_OUT | OPT_IN | HELP:
        raise ValueError("means something else in a reply (opt-out or help), write another letter")
    return code


class Forward(Written):
    """An answer that fulfils `when` is handed to a department."""

    when: Annotated[str, AfterValidator(_condition)] = Field(
        description='score <= 2, complaint, comment contains "WORD", unclear; joined by `and`.'
    )
    to: Name = Field(description="A department of config.toml.")


class Scale(Written):
    """Whole numbers from the worst to the best."""

    lowest: int = Field(1, ge=0, le=1)
    highest: int = Field(5, ge=2, le=10)
    words: tuple[Bilingual, ...] = Field(
        (), description="A word for each number, worst first. Without it, 1 to 5 have theirs."
    )

    @model_validator(mode="after")
    def _worded(self) -> Self:
        count = self.highest - self.lowest + 1
        if self.words and len(self.words) != count:
            raise ValueError(f"has {len(self.words)} words, write {count}: one for each number")
        return self

    @property
    def said(self) -> tuple[Bilingual, ...]:
        """The words, worst first; none where the numbers have none."""
        plain = (self.lowest, self.highest) == (1, 5)
        return self.words or (SATISFACTION if plain else ())


class Survey(Written):
    """Asked by SMS, answered with a number; by e-mail, with a link."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{1,2}$"), AfterValidator(_free)] = Field(
        description="Written before the number (A5), so that an answer names its survey."
    )
    questions: tuple[Bilingual, ...] = Field(
        min_length=1,
        max_length=5,
        description="The first is answered with a number, the others in words.",
    )
    scale: Scale = Scale()
    answer_until_days: int = Field(
        ge=1, le=90, description="Answers count until the end of the n-th day after the run."
    )
    forward: tuple[Forward, ...] = Field((), description="Answers that go to a department.")
