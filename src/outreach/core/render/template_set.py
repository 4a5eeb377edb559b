"""One version of a template: every part in every language, compiled, digested and frozen."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from outreach.core.campaign import PARTS, Template
from outreach.core.problem import Problem
from outreach.core.render.layout import compose, inline_styles
from outreach.core.render.part import (
    CompiledPart,
    Source,
    TemplateError,
    compile_part,
    undeclared,
)
from outreach.core.render.rows import RenderError, Row, checked_rows, merged
from outreach.core.values import PER_CLIENT
from outreach.core.words import Channel

Parts = tuple[str, ...]  # SMS: (text,); e-mail: (subject, text, html); push: (title, text)
LAYOUTS: Final = "_layout"
LIMITS: Final = {
    "sms.text": 2_000,
    "email.subject": 250,
    "email.text": 200_000,
    "email.html": 200_000,
    "push.title": 100,
    "push.text": 1_000,
}


def part_file(channel: Channel, locale: str, part: str) -> str:
    """The name of a part's file inside its template's folder."""
    return f"{channel}.{locale}.{part}.j2"


def layout_file(locale: str, part: str) -> str | None:
    """The shared layout an e-mail part is put into, or None: a subject stands by itself."""
    return None if part == "subject" else f"{LAYOUTS}/email.{locale}.{part}.j2"


def content_digest(parts: Sequence[str]) -> bytes:
    """SHA-256 over the parts of one rendered message, joined by 0x1E, in UTF-8."""
    return hashlib.sha256("\x1e".join(parts).encode()).digest()


@dataclass(frozen=True)
class CompiledTemplate:
    """The parts of one channel in one locale, all taking the same row of values."""

    names: tuple[str, ...]
    parts: tuple[CompiledPart, ...]


@dataclass(frozen=True)
class TemplateSet:
    """All parts of one template version. Two sets with the same digest say the same."""

    template: Template
    files: Mapping[str, str] = field(repr=False)
    inlined: Mapping[str, str] = field(repr=False)  # file of an HTML part -> what is rendered
    compiled: Mapping[tuple[Channel, str], CompiledTemplate] = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 in hex over every file this version is made of: what an approval is bound to."""
        return hashlib.sha256(_canonical(dict(self.files))).hexdigest()

    def frozen(self) -> bytes:
        """What to store to render this version again in twenty years, without its folder.

        Holds the inlined HTML too, so that a later CSS library cannot change a byte of it.
        """
        return _canonical({"files": dict(self.files), "inlined": dict(self.inlined)})

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(sorted({locale for _, locale in self.compiled}))

    def has(self, channel: Channel, locale: str) -> bool:
        return (channel, locale) in self.compiled

    def locale_for(self, wanted: str | None) -> str:
        """The locale a client is written to in: the wanted one, its language, or the fallback."""
        locales = self.locales
        if wanted in locales and wanted is not None:
            return wanted
        language = (wanted or "").replace("_", "-").split("-")[0].lower()
        near = [locale for locale in locales if locale.split("-")[0].lower() == language]
        return near[0] if near else self.template.fallback

    def names(self, channel: Channel, locale: str) -> tuple[str, ...]:
        """The per-client values a row must hold, in order."""
        return self.compiled[channel, locale].names

    def constants(self, channel: Channel, locale: str) -> frozenset[str]:
        """The names the texts of one channel and locale take from the run, not from the client."""
        used = [undeclared(part.source.text) for part in self.compiled[channel, locale].parts]
        return frozenset().union(*used) - PER_CLIENT

    def folded(self, constants: Mapping[str, Mapping[str, object]]) -> "TemplateSet":
        """The same template for one run, several times faster: its constants, by locale, are
        worked out once. Renders the same bytes."""
        compiled = {
            (channel, locale): replace(
                one, parts=tuple(part.folded(constants.get(locale, {})) for part in one.parts)
            )
            for (channel, locale), one in self.compiled.items()
        }
        return replace(self, compiled=compiled)

    def render(
        self,
        channel: Channel,
        locale: str,
        constants: Mapping[str, object],
        rows: Sequence[Row],
    ) -> list[Parts | RenderError]:
        """The parts of each row's message, or why there is none. Equal rows are rendered once.

        The constants `sms_prefix` and `sms_suffix` (signature, opt-out wording) go round an SMS.
        """
        compiled = self.compiled[channel, locale]
        alike = _first_of_each(rows)
        if alike is None:
            return _rendered(compiled, channel, constants, rows)
        distinct, places = alike
        results = _rendered(compiled, channel, constants, distinct)
        return [results[place] for place in places]


def compile_template(files: Mapping[str, str], template: Template | None = None) -> TemplateSet:
    """Compile a template from {file name: text}: its folder, `template.toml` and the layouts.

    Layouts are named `_layout/email.<locale>.<part>.j2`. Raises `TemplateError` with every problem
    of every file.
    """
    return _compile(files, template, None)


def thaw(frozen: bytes) -> TemplateSet:
    """The template version that `TemplateSet.frozen` wrote down."""
    content = json.loads(frozen)
    return _compile(content["files"], None, content["inlined"])


def _compile(
    files: Mapping[str, str], template: Template | None, inlined: Mapping[str, str] | None
) -> TemplateSet:
    model = template or Template.model_validate(_settings(files))
    problems: list[Problem] = []
    made: dict[str, str] = {}
    compiled: dict[tuple[Channel, str], CompiledTemplate] = {}
    for channel, locale in _written(files):
        try:
            compiled[channel, locale] = _channel(files, channel, locale, inlined, made)
        except TemplateError as error:
            problems += error.problems
    problems = problems or _absent(compiled, model.fallback)
    if problems:
        raise TemplateError(problems)
    return TemplateSet(model, dict(files), made, compiled)


def _absent(
    compiled: Mapping[tuple[Channel, str], CompiledTemplate], fallback: str
) -> list[Problem]:
    """A template needs a text, and each of its channels one in the fallback locale."""
    if not compiled:
        write = f"write one, such as sms.{fallback}.text.j2"
        return [Problem("template.toml", 1, "", "the folder holds no text", write)]
    return [
        Problem("template.toml", 1, "fallback", f"has no {channel} text in {fallback}", "write one")
        for channel in sorted({channel for channel, _ in compiled})
        if (channel, fallback) not in compiled
    ]


def _settings(files: Mapping[str, str]) -> dict[str, object]:
    settings = tomllib.loads(files["template.toml"])
    settings.pop("$schema", None)
    return settings


def _written(files: Mapping[str, str]) -> list[tuple[Channel, str]]:
    """The channels and locales there are files for."""
    found = set()
    for name in files:
        pieces = name.split(".")
        if "/" not in name and len(pieces) == 4 and pieces[0] in set(Channel):
            found.add((Channel(pieces[0]), pieces[1]))
    return sorted(found)


def _channel(
    files: Mapping[str, str],
    channel: Channel,
    locale: str,
    inlined: Mapping[str, str] | None,
    made: dict[str, str],
) -> CompiledTemplate:
    sources = _sources(files, channel, locale)
    used = [undeclared(source.text) for source in sources.values()]
    names = tuple(sorted(set[str]().union(*used) & PER_CLIENT))

    def inline(source: Source) -> str:
        made[source.file] = inlined[source.file] if inlined else inline_styles(source)
        return made[source.file]

    problems: list[Problem] = []
    parts: list[CompiledPart] = []
    for part, source in sources.items():
        try:
            compiled = compile_part(
                source,
                names,
                html=part == "html",
                limit=LIMITS[f"{channel}.{part}"],
                one_line=part == "subject",
                inline=inline if part == "html" else None,
            )
            parts.append(compiled)
        except TemplateError as error:
            problems += error.problems
    if problems:
        raise TemplateError(problems)
    return CompiledTemplate(names, tuple(parts))


def _sources(files: Mapping[str, str], channel: Channel, locale: str) -> dict[str, Source]:
    problems: list[Problem] = []
    sources: dict[str, Source] = {}
    for part in PARTS[channel]:
        name = part_file(channel, locale, part)
        frame = layout_file(locale, part) if channel is Channel.EMAIL else None
        for needed in (name, frame):
            if needed is not None and needed not in files:
                problems.append(Problem(needed, 1, "", "is missing", "write it"))
        if problems:
            continue
        sources[part] = Source(files[name], name)
        if frame is not None:
            sources[part] = compose(Source(files[frame], frame), sources[part])
    if problems:
        raise TemplateError(problems)
    return sources


def _first_of_each(rows: Sequence[Row]) -> tuple[list[Row], list[int]] | None:
    """The different rows, and for each row the place of its like; None if all are different.

    Lists cannot be compared quickly: two rows with the same list object count as alike.
    """
    try:
        places = dict.fromkeys(rows)
        keys: Sequence[object] = rows
    except TypeError:
        keys = [_key(row) for row in rows]
        places = dict.fromkeys(keys)  # type: ignore[arg-type]
    if len(places) == len(rows):
        return None
    distinct: list[Row] = []
    order: dict[object, int] = {}
    for key, row in zip(keys, rows, strict=True):
        if key not in order:
            order[key] = len(distinct)
            distinct.append(row)
    return distinct, [order[key] for key in keys]


def _key(row: Row) -> Row:
    return tuple([value if isinstance(value, str) else id(value) for value in row])


def _rendered(
    compiled: CompiledTemplate,
    channel: Channel,
    constants: Mapping[str, object],
    rows: Sequence[Row],
) -> list[Parts | RenderError]:
    good, refused = checked_rows(compiled.names, rows, compiled.parts[0].source.file)
    columns = [part.render_checked(constants, good) for part in compiled.parts]
    if channel == Channel.SMS:
        columns = [_dressed(columns[0], constants)]
    return merged(list(map(_message, zip(*columns, strict=True))), refused, len(rows))


def _dressed(
    texts: list[str | RenderError], constants: Mapping[str, object]
) -> list[str | RenderError]:
    prefix, suffix = constants.get("sms_prefix", ""), constants.get("sms_suffix", "")
    return [f"{prefix}{text}{suffix}" if type(text) is str else text for text in texts]


def _message(parts: tuple[str | RenderError, ...]) -> Parts | RenderError:
    for part in parts:
        if type(part) is RenderError:
            return part
    return parts  # type: ignore[return-value]


def _canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
