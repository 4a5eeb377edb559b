"""The floors of the house, as one table: who may import whom, and how big a room may grow.

Doors stand on verbs, verbs on nouns, nouns on the core. Imports inside functions and those for
type checking count like any other.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

SOURCE: Final = Path(__file__).parents[1] / "src" / "outreach"

DOORS: Final = {"cli", "service", "web", "engine", "clock", "__main__"}
VERBS: Final = {"agenda", "ingest", "plan", "dispatch", "receive", "report", "preview", "verify",
                "prove", "survey", "call_backs"}  # fmt: skip
NOUNS: Final = {"store", "channels", "feeds", "project"}

ALLOWED: Final[dict[str, set[str]]] = {
    "core": set(),
    "data": set(),
    "samples": set(),
    **{noun: {"core", "data"} for noun in NOUNS},
    **{verb: {"core", "data"} | NOUNS for verb in VERBS},
    **{door: {"", "core", "data", "samples"} | NOUNS | VERBS | DOORS for door in DOORS - {"clock"}},
    "clock": set(),
    "": set(),  # outreach/__init__.py
}

# What a floor may not touch outside the house.
OUTSIDE: Final[dict[str, set[str]]] = {
    "core": {
        "os", "io", "pathlib", "tempfile", "shutil", "glob", "sqlite3", "sqlalchemy", "socket",
        "ssl", "subprocess", "threading", "multiprocessing", "asyncio", "time", "random",
        "secrets", "uuid", "logging", "pandas", "pyarrow", "urllib.request", "http", "smtplib",
    },
    **{room: {"sqlalchemy", "sqlite3"} for room in VERBS | DOORS | NOUNS - {"store"}},
}  # fmt: skip
# A verb may name what it is handed, but asks nothing of the database itself.
HANDED_IN: Final = {f"sqlalchemy.{name}" for name in ("Connection", "Row", "RowMapping")}
CLOCKS: Final = {"now", "utcnow", "today"}
BAD_NAMES: Final = {"utils", "util", "helpers", "helper", "common", "manager", "handler",
                    "processor", "dao"}  # fmt: skip
FILE_LINES, FUNCTION_LINES = 350, 60


class Import(NamedTuple):
    line: int
    module: str  # dotted, as written out in full


def room_of(module: str) -> str:
    """The room of a module of ours: `outreach.core.words` -> core; `outreach` itself -> ''."""
    return [*module.split("."), ""][1]


def imports(tree: ast.AST, module: str, *, package: bool) -> Iterator[Import]:
    """Every import anywhere in a module, relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = module.split(".")
                above = above[: len(above) - node.level + package]
                origin = ".".join(above + ([origin] if origin else []))
            if origin in ("outreach", "sqlalchemy"):
                yield from (Import(node.lineno, f"{origin}.{name.name}") for name in node.names)
            else:
                yield Import(node.lineno, origin)


def breaches(text: str, module: str, *, package: bool = False) -> list[str]:
    """What a module imports, or reads, that its floor may not."""
    room, tree = room_of(module), ast.parse(text)
    found = []
    for line, name in imports(tree, module, package=package):
        if name.split(".")[0] == "outreach":
            target = room_of(name)
            target = "" if target == "__version__" else target
            if target != room and target not in ALLOWED[room]:
                found.append(f"{module}:{line} may not import {name}")
        elif name in HANDED_IN and room != "core":
            continue
        elif any(name == no or name.startswith(f"{no}.") for no in OUTSIDE.get(room, ())):
            found.append(f"{module}:{line} may not import {name}")
    if room == "core":
        found += [f"{module}:{line} reads {what}" for line, what in _effects(tree)]
    return found


def _effects(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield node.lineno, "a clock"
        elif isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node.lineno, "a file"


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def bad_words(name: str) -> set[str]:
    """The words of a name in snake_case or CamelCase that say nothing."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {word.lower() for word in words} & BAD_NAMES


FILES: Final = sorted(SOURCE.rglob("*.py"))


def _module(path: Path) -> tuple[str, bool]:
    parts = ["outreach", *path.relative_to(SOURCE).with_suffix("").parts]
    package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if package else parts), package


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_what_its_floor_may(path: Path) -> None:
    module, package = _module(path)

    assert room_of(module) in ALLOWED, f"{module}: give the new room its floor in this table"
    assert breaches(path.read_text(encoding="utf-8"), module, package=package) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_fit_a_screen_or_a_few(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    functions = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    ]

    assert text.count("\n") <= FILE_LINES
    assert functions == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_names_say_what_a_thing_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert not bad_words(path.stem)
    assert [f"{line}: {name}" for line, name in named(tree) if bad_words(name)] == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        pytest.param("outreach.core.words", "from outreach.store import tables", id="core up"),
        pytest.param("outreach.core.words", "import sqlalchemy.sql", id="core to a table"),
        pytest.param("outreach.core.words", "from sqlalchemy import Row", id="core to a row"),
        pytest.param("outreach.core.words", "from pathlib import Path", id="core to a file"),
        pytest.param("outreach.core.words", "x = open('a')", id="core opens a file"),
        pytest.param("outreach.core.words", "x = datetime.now(UTC)", id="core reads a clock"),
        pytest.param("outreach.store.runs", "import outreach.channels", id="noun to noun"),
        pytest.param("outreach.store.runs", "from outreach import plan", id="noun to verb"),
        pytest.param("outreach.feeds.sse", "from ..store import runs", id="by a relative import"),
        pytest.param("outreach.plan", "from outreach.dispatch import x", id="verb to verb"),
        pytest.param("outreach.plan", "from outreach.clock import now", id="verb to the clock"),
        pytest.param("outreach.plan", "def f():\n  from outreach.cli import x", id="in a function"),
        pytest.param("outreach.plan", "from sqlalchemy import select", id="SQL outside the store"),
    ],
)
def test_a_breach_is_found(module: str, text: str) -> None:
    assert len(breaches(text, module)) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("outreach.cli.runs", "from outreach import __version__, clock, plan"),
        ("outreach.plan", "from outreach.store import runs\nfrom outreach.core import words"),
        ("outreach.store.runs", "from outreach.store.tables import run\nimport sqlalchemy"),
        ("outreach.plan", "from sqlalchemy import Connection, Row"),
        ("outreach.core.retry", "from outreach.core.words import State\nimport hashlib"),
    ],
)
def test_what_a_floor_may_import_is_let_through(module: str, text: str) -> None:
    assert breaches(text, module) == []


@pytest.mark.parametrize("name", ["http_utils", "RunManager", "SMSHandler", "client_dao"])
def test_a_name_that_says_nothing_is_found(name: str) -> None:
    assert bad_words(name)


@pytest.mark.parametrize("name", ["handled", "commonly", "daosim", "process"])
def test_a_name_that_only_looks_alike_is_let_through(name: str) -> None:
    assert not bad_words(name)
