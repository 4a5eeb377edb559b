"""segments.toml: the named conditions of the project, with the list files some of them name."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outreach.core.problem import Problem
from outreach.project.toml_file import TomlFile, read_toml


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """The segments as they stood when they were read. `names` holds even those that are broken."""

    toml: TomlFile | None = field(repr=False)
    names: frozenset[str]
    tables: dict[str, Any] = field(repr=False)

    def content(self, name: str) -> bytes:
        """What one segment says, in a form that does not change with its layout in the file."""
        return json.dumps(
            self.tables[name], ensure_ascii=False, sort_keys=True, default=str
        ).encode()

    def digest(self, name: str) -> str:
        """SHA-256 of `content`, in hex."""
        return hashlib.sha256(self.content(name)).hexdigest()


def read_segments(path: Path, problems: list[Problem]) -> SegmentFile:
    """Read segments.toml; what is wrong with it is added to `problems`."""
    toml = read_toml(path)
    if isinstance(toml, Problem):
        problems.append(toml)
        return SegmentFile(None, frozenset(), {})
    return SegmentFile(toml, frozenset(toml.data), dict(toml.data))
