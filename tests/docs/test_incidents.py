"""docs/incidents.md names what there is: commands, options, steps and slots."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from outreach.cli.incident import app
from outreach.core.campaign import Template
from outreach.core.incident import Kind
from outreach.core.incident_words import FUNCTIONS, STATUSES, WORKAROUNDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
SHELL = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
LINES = [line for line in SHELL.splitlines() if line.startswith("outreach incident")]


@pytest.mark.parametrize("line", LINES)
def test_a_command_is_one_of_ours(line: str) -> None:
    name, *words = shlex.split(line, comments=True)[2:]
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}

    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_the_wording_of_the_examples_is_ready() -> None:
    for option, ready in (
        ("functions", FUNCTIONS),
        ("status", STATUSES),
        ("workaround", WORKAROUNDS),
    ):
        for typed in re.findall(rf"--{option} ([a-z][a-z,-]*)", SHELL):
            assert set(typed.split(",")) <= set(ready)


def test_every_command_and_step_is_named() -> None:
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f"incident {name}" in PAGE or f"`{name}`" in PAGE, name
    for kind in Kind:
        assert f"| `{kind}` |" in PAGE, kind


def test_the_slots_are_those_of_the_shipped_text() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    shipped = (ROOT / "templates/incident-notice/template.toml").read_text(encoding="utf-8")

    words = {"name": {"zh": "x", "en": "x"}, **tomllib.loads(example)}
    assert Template.model_validate(words).slots == (
        Template.model_validate(tomllib.loads(shipped)).slots
    )
