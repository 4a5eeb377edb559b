"""What ships with the program is without fault, current, and read by an editor with its schema."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from outreach.core.campaign import OccurrenceRule
from outreach.core.values import closure_values, firm_values, sample_values
from outreach.core.words import Sentence
from outreach.project.check import check
from outreach.project.schema import SCHEMAS, schema, stale_schemas
from outreach.project.template_names import BUILT_IN, CLOSURE_NAMES, FIRM_NAMES, OF_KIND

ROOT = Path(__file__).parents[2]
TOML = sorted(
    [ROOT / "config.toml", *ROOT.glob("campaigns/*.toml"), *ROOT.glob("templates/*/*.toml")]
)


def test_the_shipped_project_has_no_problem() -> None:
    project, problems = check(ROOT / "config.toml")

    assert [str(problem) for problem in problems] == []
    assert project is not None
    assert project.campaigns


def test_the_schemas_say_what_the_models_say() -> None:
    assert stale_schemas(ROOT / "schemas") == [], "write them with `outreach schema`"


@pytest.mark.parametrize("path", TOML, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shipped_file_names_its_schema_first(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    kind = {"config": "config", "template": "template", "segments": "segments"}.get(
        path.stem, "campaign"
    )

    assert first.startswith("#:schema ")
    named = (path.parent / first.removeprefix("#:schema ")).resolve()
    assert named == ROOT / "schemas" / f"{kind}.schema.json"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_holds_nothing_that_toml_cannot_write(name: str) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            assert node.get("type") != "null"
            for key, value in node.items():
                if key != "properties" and key != "$defs":
                    walk(value)
                else:
                    list(map(walk, value.values()))
        elif isinstance(node, list):
            list(map(walk, node))

    walk(schema(name))


def test_every_key_a_clerk_may_write_in_config_stands_in_the_shipped_one() -> None:
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    written = tomllib.loads(text)
    made = schema("config")

    absent = [
        f"{table}.{key}"
        for table, shape in made["properties"].items()
        for key in _keys(made, shape)
        if key not in written.get(table, {}) and f"# {key} = " not in text
    ]
    assert absent == []


def _keys(made: dict[str, Any], shape: dict[str, Any]) -> list[str]:
    reference = str(shape.get("$ref", "")).rsplit("/", 1)[-1]
    return list(made["$defs"].get(reference, {}).get("properties", {}))


def test_the_names_the_check_knows_are_those_the_texts_get() -> None:
    project, _ = check(ROOT / "config.toml")
    assert project is not None
    day = date(2026, 10, 1)
    word = Sentence("x", "x")
    closure = closure_values(
        holiday=word, market=word, first=day, last=day, last_session=day, reopen=day,
        weekend_closed=(), locale="en", year=2026,
    )  # fmt: skip

    assert set(closure) == CLOSURE_NAMES
    assert set(firm_values(project.config.firm, "en", day)) == FIRM_NAMES
    assert set(sample_values("zh-CN")) - {"sms_prefix", "sms_suffix"} == BUILT_IN


def test_every_kind_of_occurrence_has_its_names() -> None:
    rules = get_args(get_args(OccurrenceRule)[0])
    kinds = {get_args(rule.model_fields["kind"].annotation)[0] for rule in rules}

    assert kinds == set(OF_KIND)
