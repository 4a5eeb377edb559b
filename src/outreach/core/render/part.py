"""One compiled part of a template: a loop over rows of values, run a whole batch at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from jinja2 import UndefinedError, meta, nodes
from jinja2.environment import Template
from jinja2.sandbox import SandboxedEnvironment

from outreach.core.problem import Problem
from outreach.core.render.guard import GivenListError, environment, parse
from outreach.core.render.rows import (
    SEPARATOR,
    MissingValueError,
    RenderError,
    Row,
    checked_rows,
    merged,
)

MAX_OUTPUT: Final = 200_000  # characters of one rendered part, unless told otherwise
_CHUNKS: Final = 512  # pieces taken from the template between two looks at the size
_ROWS: Final = "_rows"


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
    _template: Template = field(repr=False)
    # Kept to find the line of an error: inlining the styles moves lines about.
    _traced: Template = field(repr=False)

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
        if not self.uses:
            return self._batch(constants, [rows[0]]) * len(rows)
        return self._batch(constants, rows)

    def _batch(
        self, constants: Mapping[str, object], rows: Sequence[Row]
    ) -> list[str | RenderError]:
        try:
            texts = self._texts(constants, rows)
        except Exception:  # whatever it was, the rows are tried one by one to name the bad one
            return [self._single(constants, row) for row in rows]
        if self.html:
            return texts  # type: ignore[return-value]
        return [self._finished(text) for text in texts]

    def _single(self, constants: Mapping[str, object], row: Row) -> str | RenderError:
        try:
            (text,) = self._texts(constants, [row])
        except Exception as error:
            return self._error(constants, row, error)
        return text if self.html else self._finished(text)

    def _texts(self, constants: Mapping[str, object], rows: Sequence[Row]) -> list[str]:
        context = self._template.new_context({**constants, _ROWS: rows}, shared=True)
        output = self._template.root_render_func(context)
        texts = _split(output, self.limit)
        if len(texts) != len(rows):
            raise ValueError("a value holds the separator")
        return texts

    def _finished(self, text: str) -> str | RenderError:
        text = text.strip()
        if self.one_line and ("\n" in text or "\t" in text):
            return RenderError(self.source.file, 0, "must be one line, but holds a line break")
        return text

    def _error(self, constants: Mapping[str, object], row: Row, error: Exception) -> RenderError:
        what = _words(error)
        traced = self._traced
        try:
            context = traced.new_context({**constants, _ROWS: [row]}, shared=True)
            _split(traced.root_render_func(context), self.limit)
        except Exception as again:
            return RenderError(*self.source.locate(_line_of(traced, again)), what)
        return RenderError(self.source.file, 0, what)


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
    env = environment(html=html)
    traced = _compiled(env, written, written.text, names)
    template = traced if inline is None else _compiled(env, written, inline(written), names)
    uses = frozenset(undeclared(written.text)) & frozenset(names)
    return CompiledPart(names, uses, written, limit, one_line, html, template, traced)


def undeclared(source: str) -> set[str]:
    """The names a text uses and does not bind itself, for the lint. Empty if it cannot be read."""
    tree, problems = parse(environment(html=False), source, "")
    return set() if problems else set(meta.find_undeclared_variables(tree))


def _compiled(
    env: SandboxedEnvironment, source: Source, text: str, names: tuple[str, ...]
) -> Template:
    tree, problems = parse(env, text, source.file)
    if problems:
        raise TemplateError([_moved(problem, source) for problem in problems])
    code = env.compile(_looped(_hardened(tree), names), source.file, source.file)
    return Template.from_code(env, code, {})


def _moved(problem: Problem, source: Source) -> Problem:
    file, line = source.locate(problem.line)
    return replace(problem, file=file, line=line)


def _hardened(tree: nodes.Template) -> nodes.Template:
    """Loops check what they walk over; fields of records are looked up as keys, which is faster."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "given_list", [], [], None, None, lineno=loop.lineno)
    for parent in list(tree.find_all(nodes.Node)):
        for name, child in list(parent.iter_fields()):
            if isinstance(child, list):
                setattr(parent, name, [_keyed(item) for item in child])
            else:
                setattr(parent, name, _keyed(child))
    tree.set_environment(tree.environment) if tree.environment else None
    return tree


def _keyed(node: object) -> object:
    if isinstance(node, nodes.Getattr) and not _is_loop(node.node):
        return nodes.Getitem(node.node, nodes.Const(node.attr), "load", lineno=node.lineno)
    return node


def _is_loop(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "loop"


def _looped(tree: nodes.Template, names: tuple[str, ...]) -> nodes.Template:
    """The part as the body of one loop over all rows: a batch costs one call into the template."""
    target = nodes.Tuple([nodes.Name(name, "store") for name in names], "store")
    unpacked: nodes.Expr = target if names else nodes.Name("_row", "store")
    end = nodes.Output([nodes.TemplateData(SEPARATOR)])
    loop = nodes.For(
        unpacked, nodes.Name(_ROWS, "load"), [*tree.body, end], [], None, False, lineno=1
    )
    looped = nodes.Template([loop], lineno=1)
    looped.set_environment(tree.environment) if tree.environment else None
    for node in looped.find_all(nodes.Node):
        if node.lineno is None:
            node.lineno = 1
    return looped


def _split(output: Iterator[str], limit: int) -> list[str]:
    """The output cut at the separators, given up as soon as one row is longer than `limit`.

    Taken in small blocks: they stay in the processor's cache, and a runaway row is seen early.
    """
    texts: list[str] = []
    rest = ""
    while chunks := list(islice(output, _CHUNKS)):
        chunks[0] = rest + chunks[0]
        pieces = "".join(chunks).split(SEPARATOR)
        if max(map(len, pieces)) > limit:
            raise OutputTooLongError(limit)
        rest = pieces.pop()
        texts += pieces
    if rest:
        raise ValueError("the output does not end with the separator")
    return texts


class OutputTooLongError(ValueError):
    """One row came to more characters than its part may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"comes to more than {limit:,} characters")


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
