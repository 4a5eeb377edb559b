"""docs/surveys.md and docs/preferences.md say what the program takes."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from outreach.core import answer_rows, inbound_words, preference_rows, survey_rules
from outreach.core.survey_form import Survey
from outreach.core.survey_values import SURVEY_NAMES
from outreach.project.config import Department

DOCS = Path(__file__).parents[2] / "docs"
SURVEYS = (DOCS / "surveys.md").read_text(encoding="utf-8")
PREFERENCES = (DOCS / "preferences.md").read_text(encoding="utf-8")
TOML = re.findall(r"```toml\n(.*?)```", SURVEYS, re.DOTALL)


def test_the_example_is_a_survey() -> None:
    form = Survey.model_validate(tomllib.loads(TOML[0])["survey"])

    assert all(f"`{key}`" in SURVEYS for key in type(form).model_fields)
    assert all(f"`{name}`" in SURVEYS for name in SURVEY_NAMES)


def test_the_example_departments_are_departments() -> None:
    written = tomllib.loads(TOML[1])["departments"]
    adapter: TypeAdapter[Department] = TypeAdapter(Department)

    assert [adapter.validate_python(one).kind for one in written.values()] == ["file", "webhook"]


@pytest.mark.parametrize(
    "condition", ["score <= 2", "complaint", 'comment contains "柜台"', "unclear"]
)
def test_each_condition_of_the_page_is_one(condition: str) -> None:
    assert f"`{condition}`" in SURVEYS
    assert survey_rules.tests_of(condition)


@pytest.mark.parametrize(
    ("page", "aliases"),
    [
        pytest.param(SURVEYS, answer_rows.ALIASES, id="replies"),
        pytest.param(PREFERENCES, preference_rows.ALIASES, id="preferences"),
    ],
)
def test_every_field_has_its_line_with_its_headers(
    page: str, aliases: dict[str, list[str]]
) -> None:
    for field, headers in aliases.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{field}` |")]
        assert [header for header in headers if header not in line] == []


@pytest.mark.parametrize("word", ["T", "TD", "R", "N", "D", "QX"])
def test_the_letters_the_page_warns_of_are_opt_outs(word: str) -> None:
    assert inbound_words.word(word) is inbound_words.Word.OPT_OUT
