"""segments.toml: the named conditions of the project, with the list files some of them name."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outreach.core.problem import Problem
from outreach.core.segment import Segment, Segments, client_numbers
from outreach.project.read_model import read_model
from outreach.project.toml_file import TomlFile, decode, read_source, read_toml
from outreach.project.toml_lines import KeyPath


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """The segments as they stood when they were read.

    `tables` is what is written under each name, even where it is broken; `models` what it means.
    """

    toml: TomlFile | None = field(repr=False)
    tables: dict[str, Any] = field(repr=False)
    models: dict[str, Segment]
    lists: dict[str, frozenset[str]] = field(repr=False)  # list file as written: client numbers

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.tables)


def read_segments(path: Path, root: Path, problems: list[Problem]) -> SegmentFile:
    """Read segments.toml and its list files, which are named relative to `root`.

    What is wrong with them is added to `problems`.
    """
    toml = read_toml(path)
    if isinstance(toml, Problem):
        problems.append(toml)
        return SegmentFile(None, {}, {}, {})
    lists = _lists(toml, root, problems)
    model = read_model(Segments, toml)
    if isinstance(model, list):
        problems += model
        return SegmentFile(toml, toml.data, {}, lists)
    return SegmentFile(toml, toml.data, dict(model.root), lists)


def _lists(toml: TomlFile, root: Path, problems: list[Problem]) -> dict[str, frozenset[str]]:
    lists: dict[str, frozenset[str]] = {}
    for path, file in _named_lists(toml.data, ()):
        if file in lists:
            continue
        name = str(root / file)
        source = read_source(root / file, name)
        if isinstance(source, Problem):
            wrong = f'the list "{file}" cannot be used: {source.wrong}'
            problems.append(toml.problem(path, wrong, source.write))
            continue
        text = decode(source.removeprefix(b"\xef\xbb\xbf"), name)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        lists[file], faults = client_numbers(name, text)
        problems += faults
        if not lists[file] and not faults:
            write = "write one client number a line"
            problems.append(Problem(name, 1, "", "the list is empty", write))
    return lists


def _named_lists(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Every `list_file` that is written, wherever in a condition, with its key path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "list_file" and isinstance(inner, str) and inner:
                yield (*path, key), inner
            yield from _named_lists(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _named_lists(inner, (*path, index))
