"""One compiled part of a template: a loop over rows of values, run a whole batch at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from jinja2 import UndefinedError, meta, nodes
from jinja2.environment import Template
from jinja2.sandbox import SandboxedEnvironment

from outreach.core.problem import Problem
from outreach.core.render.flat import Flat
from outreach.core.render.guard import GivenListError, environment, parse
from outreach.core.render.loop import Loop, compile_folded, compile_loop
from outreach.core.render.rows import (
    MissingValueError,
    OutputTooLongError,
    RenderError,
    Row,
    checked_constants,
    checked_rows,
    merged,
)

MAX_OUTPUT: Final = 200_000  # characters of one rendered part, unless told otherwise


class TemplateError(Exception):
    """A template that may not be used, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the text of a part comes from: its file, and the layout it was put into, if any."""

    text: str
    file: str = "template"
    layout: str = ""
    first: int = 0  # line of the layout that the part begins on
    lines: int = 0  # of the part
    preheader: int = 0  # line of the layout that took the part's preheader, which is on its line 1

    def locate(self, line: int) -> tuple[str, int]:
        """The file and line that a line of the whole text was written in."""
        if not self.layout or line == 0:
            return self.file, line
        if line == self.preheader:
            return self.file, 1
        if line < self.first:
            return self.layout, line
        if line < self.first + self.lines:
            return self.file, line - self.first + 1
        return self.layout, line - self.lines + 1


@dataclass(frozen=True)
class CompiledPart:
    """A part ready to render. `names` orders the values of a row; `uses` are those it prints."""

    names: tuple[str, ...]
    uses: frozenset[str]
    source: Source
    limit: int
    one_line: bool
    html: bool
    _loop: Loop | Flat = field(repr=False)
    # Kept to find the line of an error: inlining the styles moves lines about.
    _traced: Loop = field(repr=False)
    _text: str = field(repr=False)  # what the loop was compiled from

    def folded(self, constants: Mapping[str, object]) -> "CompiledPart":
        """The same part for one run: what its constants say is worked out here, once. Where that
        fails, the part stays as it is and says why when it is rendered."""
        given, wrong = checked_constants(constants)
        if wrong is not None:
            return self
        try:
            env, file = environment(), self.source.file
            tree = _tree(env, self.source, self._text)
            loop = compile_folded(env, tree, self.names, file, given, html=self.html)
        except Exception:  # said with file and line when a row is rendered
            return self
        return replace(self, _loop=loop)

    def render_rows(
        self, constants: Mapping[str, object], rows: Sequence[Row]
    ) -> list[str | RenderError]:
        """One text or error a row, in order. Only when the batch fails is each row tried alone."""
        good, refused = checked_rows(self.names, rows, self.source.file)
        return merged(self.render_checked(constants, good), refused, len(rows))

    def render_checked(
        self, constants: Mapping[str, object], rows: Sequence[Row]
    ) -> list[str | RenderError]:
        """As `render_rows`, for rows that `checked_rows` has taken."""
        if not rows:
            return []
        given, wrong = checked_constants(constants)
        if wrong is not None:
            return [RenderError(self.source.file, 0, wrong)] * len(rows)
        if not self.uses:
            return self._batch(given, [rows[0]]) * len(rows)
        return self._batch(given, rows)

    def _batch(
        self, constants: Mapping[str, object], rows: Sequence[Row]
    ) -> list[str | RenderError]:
        try:
            texts = self._loop.texts(constants, rows, self.limit)
        except Exception:  # whatever it was, the rows are tried one by one to name the bad one
            return [self._single(constants, row) for row in rows]
        if self.html:
            return texts  # type: ignore[return-value]
        return [self._finished(text) for text in texts]

    def _single(self, constants: Mapping[str, object], row: Row) -> str | RenderError:
        try:
            (text,) = self._loop.texts(constants, [row], self.limit)
        except Exception as error:
            return self._error(constants, row, error)
        return text if self.html else self._finished(text)

    def _finished(self, text: str) -> str | RenderError:
        text = text.strip()
        if self.one_line and ("\n" in text or "\t" in text):
            return RenderError(self.source.file, 0, "must be one line, but holds a line break")
        return text

    def _error(self, constants: Mapping[str, object], row: Row, error: Exception) -> RenderError:
        try:
            self._traced.texts(constants, [row], self.limit)
        except Exception as again:
            line = _line_of(self._traced.template, again)
            return RenderError(*self.source.locate(line), _words(again))
        return RenderError(self.source.file, 0, _words(error))


def compile_part(
    source: str | Source,
    names: tuple[str, ...],
    *,
    html: bool,
    limit: int = MAX_OUTPUT,
    one_line: bool = False,
    inline: Callable[[Source], str] | None = None,
) -> CompiledPart:
    """Compile one part for rows of `names`, the per-client values in that order.

    `inline` makes what is rendered from what was written (styles moved into the elements), while
    errors are traced in what was written. `limit` is the most characters one row may come to.
    Raises `TemplateError` with every problem and its line.
    """
    written = source if isinstance(source, Source) else Source(source)
    traced = _loop(written, written.text, names, html=False)
    loop, text = traced, written.text
    if html:
        text = written.text if inline is None else inline(written)
        loop = _loop(written, text, names, html=True)
    uses = undeclared(written.text) & frozenset(names)
    return CompiledPart(names, uses, written, limit, one_line, html, loop, traced, text)


@lru_cache(maxsize=1024)
def undeclared(source: str) -> frozenset[str]:
    """The names a text uses and does not bind itself, for the lint. Empty if it cannot be read."""
    tree, problems = parse(environment(), source, "")
    return frozenset() if problems else frozenset(meta.find_undeclared_variables(tree))


@lru_cache(maxsize=256)
def _loop(source: Source, text: str, names: tuple[str, ...], *, html: bool) -> Loop:
    """Once a text: a check and a scheduler that reads files again compile the same few."""
    env = environment()
    return compile_loop(env, _tree(env, source, text), names, source.file, html=html)


def _tree(env: SandboxedEnvironment, source: Source, text: str) -> nodes.Template:
    tree, problems = parse(env, text, source.file)
    if problems:
        raise TemplateError([_moved(problem, source) for problem in problems])
    return tree


def _moved(problem: Problem, source: Source) -> Problem:
    file, line = source.locate(problem.line)
    return replace(problem, file=file, line=line)


def _words(error: Exception) -> str:
    """What to tell the clerk. Only messages made here or by strict undefined names are repeated."""
    if isinstance(error, MissingValueError | OutputTooLongError | GivenListError):
        return str(error)
    if isinstance(error, UndefinedError):
        return str(error.message)
    return f"could not be rendered ({type(error).__name__})"


def _line_of(template: Template, error: Exception) -> int:
    """The line of the template that an error came from, 0 if none can be told."""
    line = 0
    trace: Any = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == template.filename:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
