"""`outreach check` and `outreach schema`: what they print, where, and with which exit code."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from outreach.cli import options
from outreach.cli.check import check, schema
from outreach.cli.door import BAD_DATA, DONE, PROBLEMS, USAGE, Failure
from tests.project.small_project import change, make_project

app = typer.Typer()
app.callback()(options)
app.command()(check)
app.command()(schema)


@pytest.fixture(autouse=True)
def june(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day on which no calendar is about to end."""
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-06-01T10:00+08:00")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_clean_project_ends_with_0_and_the_next_step(tmp_path: Path) -> None:
    config = make_project(tmp_path)

    result = run("--config", config, "check")

    assert result.exit_code == DONE
    assert "2 campaigns, 2 templates, 2 segments: no errors." in result.stdout
    assert "outreach plan digest" in result.stdout
    assert result.stderr == ""


def test_problems_go_to_stderr_one_a_line_and_end_with_1(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    change(tmp_path, "campaigns/notice.toml", '"operations"', '" "')
    change(tmp_path, "campaigns/digest.toml", 'segment = "listed"', 'segment = "list"')

    result = run("--config", config, "check")

    assert result.exit_code == PROBLEMS
    assert result.stderr.splitlines() == [
        f'{tmp_path}/campaigns/digest.toml:3: segment: there is no segment "list", write listed',
        f"{tmp_path}/campaigns/notice.toml:6: owner: is empty, write who is responsible for the"
        " text",
    ]


def test_a_config_that_cannot_be_read_ends_with_3(tmp_path: Path) -> None:
    result = run("--config", tmp_path / "config.toml", "check")

    assert result.exit_code == BAD_DATA
    assert result.stderr == (
        f"{tmp_path}/config.toml:1: the file does not exist, create it or correct the path\n"
    )


def test_a_warning_alone_is_shown_and_ends_with_0(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    change(tmp_path, "campaigns/notice.toml", "an upgrade", "the best upgrade")

    result = run("--config", config, "check")

    assert result.exit_code == DONE
    assert result.stderr.splitlines() == [
        f"{tmp_path}/campaigns/notice.toml:12: values.topic.en: “the best” is a superlative that an"
        " advertisement may not use without proof, say what is so, with its source (warning)"
    ]
    assert "no errors, 1 warning." in result.stdout


def test_json_is_one_document_with_a_row_a_problem(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    change(tmp_path, "campaigns/notice.toml", '"operations"', '" "')

    result = run("--config", config, "--json", "check")

    assert result.exit_code == PROBLEMS
    assert json.loads(result.stdout) == [
        {
            "file": f"{tmp_path}/campaigns/notice.toml",
            "line": 6,
            "key": "owner",
            "wrong": "is empty",
            "write": "write who is responsible for the text",
            "severity": "error",
        }
    ]


def test_a_path_limits_the_report_but_not_the_check(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    change(tmp_path, "campaigns/notice.toml", '"operations"', '" "')
    change(tmp_path, "campaigns/digest.toml", 'segment = "listed"', 'segment = "list"')

    notice = run("--config", config, "check", tmp_path / "campaigns" / "notice.toml")
    templates = run("--config", config, "check", tmp_path / "templates")

    assert [line.split(":")[2] for line in notice.stderr.splitlines()] == [" owner"]
    assert (templates.exit_code, templates.stderr) == (DONE, "")


def test_a_project_folder_is_checked_by_itself(tmp_path: Path) -> None:
    make_project(tmp_path / "a")
    make_project(tmp_path / "b")
    change(tmp_path / "b", "campaigns/notice.toml", '"operations"', '" "')

    assert run("check", tmp_path / "a").exit_code == DONE
    assert run("check", tmp_path / "a", tmp_path / "b").exit_code == PROBLEMS


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    make_project(tmp_path)

    result = run("--config", tmp_path / "config.toml", "check", tmp_path / "absent")

    assert isinstance(result.exception, Failure)
    assert result.exception.code == USAGE
    assert result.exception.lines == [
        f"{tmp_path}/absent: there is no such file or folder, name one that exists"
    ]


def test_schemas_are_written_once_and_checked(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    folder = tmp_path / "schemas"

    stale = run("--config", config, "schema", "--check").exception
    written = run("--config", config, "--json", "schema")
    again = run("--config", config, "--json", "schema")

    assert isinstance(stale, Failure)
    assert stale.code == PROBLEMS
    assert len(json.loads(written.stdout)["changed"]) == len(list(folder.iterdir())) == 4
    assert json.loads(again.stdout)["changed"] == []
    assert run("--config", config, "schema", "--check").exit_code == DONE
