"""docs/call-backs.md names what there is: commands, options, columns, rules and words."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from outreach.cli.call_backs import app
from outreach.core.call_back import Means, Result, Rule
from outreach.core.call_back_rows import CASE_ALIASES, RESULT_ALIASES

PAGE = (Path(__file__).parents[2] / "docs" / "call-backs.md").read_text(encoding="utf-8")
SHELL = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [line for line in SHELL.splitlines() if "call-backs" in line]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_of_ours(line: str) -> None:
    name, *words = shlex.split(line, comments=True)[2:]
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}

    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_every_command_is_shown() -> None:
    shown = {shlex.split(line, comments=True)[2] for line in COMMANDS} | {"draws"}

    assert shown == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_every_column_and_word_is_named() -> None:
    for word in (*CASE_ALIASES, *RESULT_ALIASES, *Rule, *Result, *Means):
        assert f"`{word}`" in PAGE, word
    for aliases in (CASE_ALIASES, RESULT_ALIASES):
        for column, names in aliases.items():
            assert f"`{column}`" in PAGE
            assert any(f"({name})" in PAGE for name in names), column
