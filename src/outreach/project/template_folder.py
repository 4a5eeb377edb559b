"""A template folder: its parts and the shared layouts they are put into, frozen with one digest."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from outreach.core.campaign import PARTS, Template
from outreach.core.problem import Problem
from outreach.core.words import Channel
from outreach.project.read_model import read_model
from outreach.project.toml_file import TomlFile, decode, read_source, read_toml

LAYOUT = "_layout"
SETTINGS = "template.toml"
_PART = re.compile(r"(?P<channel>[a-z]+)\.(?P<locale>[a-z]{2}(?:-[A-Z]{2})?)\.(?P<part>[a-z]+)\.j2")


@dataclass(frozen=True, slots=True)
class TemplateFolder:
    """A template as it stood when it was read.

    `files` holds the text of template.toml, of each part (`sms.en.text.j2`) and of each shared
    layout it is put into (`_layout/email.en.html.j2`). `digest` is the SHA-256 of all of them in
    hex, so a changed layout is a changed template.
    """

    id: str
    name: str  # the folder, as it is shown to people
    model: Template
    files: dict[str, str] = field(repr=False)
    toml: TomlFile = field(repr=False)

    @property
    def digest(self) -> str:
        frozen = json.dumps(self.files, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(frozen.encode()).hexdigest()

    def parts(self) -> dict[str, str]:
        """The texts of the folder's own parts by file name."""
        return {name: text for name, text in self.files.items() if part_of(name)}

    def shown(self, file: str) -> str:
        """A file of `files` as it is shown to people."""
        return str(Path(self.name).parent / file if "/" in file else Path(self.name) / file)


def part_file(channel: Channel, locale: str, part: str) -> str:
    """The file name of a part: `email.zh-CN.subject.j2`."""
    return f"{channel.value}.{locale}.{part}.j2"


def part_of(file: str) -> tuple[Channel, str, str] | None:
    """The channel, locale and part a file name stands for; None where it stands for none."""
    match = _PART.fullmatch(file)
    if match is None or match["channel"] not in set(Channel):
        return None
    channel = Channel(match["channel"])
    if match["part"] not in PARTS[channel]:
        return None
    return channel, match["locale"], match["part"]


def read_template(folder: Path, name: str) -> TemplateFolder | list[Problem]:
    """Read a template with all its files; on any fault, every problem found."""
    problems: list[Problem] = []
    files: dict[str, str] = {}
    own = sorted(folder.glob("*.j2"))
    shared = [path for file in own if (path := folder.parent / LAYOUT / file.name).is_file()]
    for path, file in [(p, p.name) for p in own] + [(p, f"{LAYOUT}/{p.name}") for p in shared]:
        text = _text(path, str(Path(name).parent / file if path in shared else Path(name) / file))
        if isinstance(text, Problem):
            problems.append(text)
        else:
            files[file] = text
    toml = read_toml(folder / SETTINGS, str(Path(name) / SETTINGS))
    if isinstance(toml, Problem):
        return [*problems, toml]
    model = read_model(Template, toml)
    if isinstance(model, list):
        return [*problems, *model]
    if problems:
        return problems
    files[SETTINGS] = toml.source.decode()
    return TemplateFolder(folder.name, name, model, files, toml)


def _text(path: Path, name: str) -> str | Problem:
    source = read_source(path, name)
    return source if isinstance(source, Problem) else decode(source, name)
