"""What is installed, written down and promised agrees: lock file, decisions, README, wheel."""

import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from outreach.cli import command_line

ROOT: Final = Path(__file__).parents[1]
SHIPPED: Final = ("alembic", "campaigns", "templates", "schemas", "samples")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PYPROJECT: Final[dict[str, Any]] = tomllib.loads(_text("pyproject.toml"))


def _requirements() -> list[str]:
    project = PYPROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
        *PYPROJECT["dependency-groups"]["dev"],
        *PYPROJECT["build-system"]["requires"],
    ]
    return sorted({re.split(r"[\[<>=~!; ]", name, maxsplit=1)[0] for name in wanted})


def _commands(group: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every command by the words to type; groups that do nothing by themselves left out."""
    below = getattr(group, "commands", None)
    if below is None:
        return {path: group}
    found: dict[tuple[str, ...], Any] = {}
    if path and group.invoke_without_command:
        found[path] = group
    for name, command in below.items():
        found |= _commands(command, (*path, name))
    return found


@cache
def cli_commands() -> dict[tuple[str, ...], Any]:
    """The commands of the program as it is."""
    return _commands(command_line())


def fault(line: str, targets: set[str]) -> str:
    """What is wrong with a line of a page that calls make or outreach; empty when nothing is."""
    words = shlex.split(line)
    if words[0] == "make":
        return "" if words[1] in targets else f"no such target: {line}"
    if words[0] != "outreach":
        return ""
    plain = tuple(word for word in words[1:] if not word.startswith("-"))
    command = next((c for n in (3, 2, 1) if (c := cli_commands().get(plain[:n]))), None)
    if command is None:
        return f"no such command: {line}"
    options = {name for option in command.params for name in option.opts} | {"--json", "--help"}
    missing = [word for word in words if word.startswith("--") and word not in options]
    return f"no such option: {line}" if missing else ""


def code_lines(text: str) -> list[str]:
    """The lines of the fenced shell blocks of a page, prompts and comments off."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


PAGES: Final = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
)


def test_the_lock_file_names_no_host() -> None:
    assert "://" not in _text("requirements.lock")


def test_every_line_of_the_lock_file_is_pinned_and_hashed() -> None:
    entries = _text("requirements.lock").replace("\\\n", " ").splitlines()

    assert len(entries) > 50
    assert [e for e in entries if e.strip() and not re.match(r"\S+==\S+ .*--hash=sha256:", e)] == []


@pytest.mark.parametrize("name", _requirements())
def test_a_dependency_is_locked_and_its_reason_written_down(name: str) -> None:
    assert re.search(rf"^{re.escape(name)}(\[[^]]*])?==", _text("requirements.lock"), re.MULTILINE)
    assert re.search(rf"^\| {re.escape(name)} \| .+ \| .+ \|$", _text("docs/decisions.md"), re.M)


def test_decisions_speak_of_no_dependency_that_is_gone() -> None:
    tables = _text("docs/decisions.md").split("## What it depends on")[1]
    tables = tables.split("## What was left out")[0]
    written = set(re.findall(r"^\| ([a-z0-9-]+) \|", tables, re.MULTILINE)) - {"package"}

    assert written == set(_requirements())


@pytest.mark.parametrize("page", PAGES)
def test_a_command_on_a_page_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))

    assert [found for line in code_lines(_text(page)) if (found := fault(line, targets))] == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("make demo", ""),
        ("make nothing", "no such target"),
        ("outreach db upgrade", ""),
        ("outreach init x --json", ""),
        ("outreach db", "no such command"),
        ("outreach fly", "no such command"),
        ("outreach db upgrade --fast", "no such option"),
    ],
)
def test_a_line_that_cannot_be_typed_is_found(line: str, wrong: str) -> None:
    assert fault(line, {"demo"}).partition(":")[0] == wrong


@pytest.mark.parametrize("page", PAGES)
def test_a_link_on_a_page_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", _text(page))

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_wheel_holds_the_whole_project(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    done = subprocess.run([*build, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

    held = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    wanted = {"outreach/_project/config.toml"}
    for folder in SHIPPED:
        files = [p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc"]
        wanted |= {f"outreach/_project/{path.relative_to(ROOT).as_posix()}" for path in files}
    source = ROOT / "src"
    wanted |= {p.relative_to(source).as_posix() for p in source.rglob("*.py")}

    assert wanted - held == set()
