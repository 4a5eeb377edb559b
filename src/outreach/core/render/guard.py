"""What a template may say: an allow-list over its syntax tree, so no text can eat time or memory.

A clerk's template fills in values, asks yes-or-no questions and walks over lists it is given.
Whatever could make something large out of something small (assignment, calls, arithmetic, macros,
most filters) is refused when the template is compiled, with the line where it stands.
"""

import re
from collections.abc import Iterator
from typing import Final

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from outreach.core.problem import Problem
from outreach.core.render.rows import escaped

MAX_SOURCE: Final = 100_000  # characters of one part with its layout
MAX_LOOPS: Final = 20  # in one part
MAX_LOOP_DEPTH: Final = 2
MAX_LOOP_TEXT: Final = 5_000  # characters written between `for` and `endfor`
MAX_DEPTH: Final = 40  # of the syntax tree
MAX_ITEMS: Final = 500  # in a list that is walked over
MAX_SEPARATOR: Final = 20  # characters between two items of `join`

# Fields of the records in lists (a halted security), and what `loop` may tell inside a loop.
RECORD_FIELDS: Final = frozenset(
    {"event", "name", "symbol", "market", "halted", "resumes", "last_day", "reason"}
)
LOOP_FIELDS: Final = frozenset({"first", "last", "index", "length"})

FILTERS: Final = frozenset(
    {"count", "default", "e", "escape", "first", "join", "last", "length", "lower", "trim", "upper"}
)
TESTS: Final = frozenset({"defined", "undefined", "none", "odd", "even"})

_PLAIN: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Concat,
    nodes.Tuple,
    nodes.List,
)
_WORDS: Final[dict[type[nodes.Node], str]] = {
    nodes.Call: "calling something",
    nodes.Assign: "`set`",
    nodes.AssignBlock: "`set`",
    nodes.With: "`with`",
    nodes.Macro: "`macro`",
    nodes.CallBlock: "`call`",
    nodes.FilterBlock: "a `filter` block",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.FromImport: "`from ... import`",
    nodes.Extends: "`extends`",
    nodes.Block: "`block`",
    nodes.Scope: "`autoescape`",
    nodes.Mul: "arithmetic (`*`)",
    nodes.Pow: "arithmetic (`**`)",
    nodes.Mod: "arithmetic (`%`)",
    nodes.Add: "arithmetic (`+`)",
    nodes.Sub: "arithmetic (`-`)",
    nodes.Div: "arithmetic (`/`)",
    nodes.FloorDiv: "arithmetic (`//`)",
    nodes.Slice: "a slice",
    nodes.Dict: "a dictionary",
}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class GivenListError(TypeError):
    """A loop met something that is not a list of at most `MAX_ITEMS` items."""


def given_list(value: object) -> object:
    """The list a loop walks over, refused when it is a text (letter by letter) or too long."""
    if isinstance(value, Undefined):
        iter(value)  # says which name is undefined
    if not isinstance(value, list | tuple):
        raise GivenListError("a loop needs a list of values")
    if len(value) > MAX_ITEMS:
        raise GivenListError(f"a list holds more than {MAX_ITEMS} items")
    return value


def environment() -> SandboxedEnvironment:
    """The only Jinja environment templates meet: sandboxed, strict, without any global name.

    Autoescape is off because `loop` escapes every print of an HTML part itself.
    """
    env = SandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
        auto_reload=False,
    )
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.filters |= {"given_list": given_list, "escaped": escaped}
    env.tests = {name: env.tests[name] for name in TESTS}
    return env


def parse(
    env: SandboxedEnvironment, source: str, file: str
) -> tuple[nodes.Template, list[Problem]]:
    """The syntax tree of one part and everything in it that is not allowed."""
    nothing = nodes.Template([], lineno=1)
    if len(source) > MAX_SOURCE:
        return nothing, [
            Problem(file, 1, "", f"is longer than {MAX_SOURCE:,} characters", "shorten it")
        ]
    if found := _CONTROL.search(source):
        line = source.count("\n", 0, found.start()) + 1
        return nothing, [Problem(file, line, "", "holds a control character", "delete it")]
    try:
        tree = env.parse(source)
        return tree, list(_Guard(file).problems(tree))
    except TemplateSyntaxError as error:
        wrong = str(error.message).rstrip(".")
        return nothing, [Problem(file, error.lineno, "", wrong, "mend the tag")]
    except (RecursionError, ValueError):
        wrong = "is nested too deeply or holds too large a number"
        return nothing, [Problem(file, 1, "", wrong, "write it in simpler tags")]


class _Guard:
    """Walks one tree, knowing which names are loop variables where it stands."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._loops = 0
        self._line = 1  # for the few nodes that know no line of their own

    def problems(self, tree: nodes.Template) -> Iterator[Problem]:
        yield from self._below(tree, (), 0)

    def _no(self, node: nodes.Node, wrong: str, write: str = "take it out") -> Problem:
        return Problem(self._file, node.lineno or self._line, "", wrong, write)

    def _walk(self, node: nodes.Node, bound: tuple[str, ...], depth: int) -> Iterator[Problem]:
        self._line = node.lineno or self._line
        if depth > MAX_DEPTH:
            yield self._no(node, f"is nested more than {MAX_DEPTH} levels deep")
            return
        if isinstance(node, nodes.For):
            yield from self._loop(node, bound, depth)
            return
        if (problem := self._judge(node, bound)) is not None:
            yield problem
            return
        yield from self._below(node, bound, depth)

    def _below(self, node: nodes.Node, bound: tuple[str, ...], depth: int) -> Iterator[Problem]:
        for child in node.iter_child_nodes():
            yield from self._walk(child, bound, depth + 1)

    def _judge(self, node: nodes.Node, bound: tuple[str, ...]) -> Problem | None:
        """Why one node is refused, or None."""
        match node:
            case nodes.Name():
                return self._name(node, bound)
            case nodes.Getattr():
                return self._attribute(node, bound)
            case (
                nodes.Getitem(arg=nodes.Const(value=int()))
                | nodes.Getitem(arg=nodes.Neg(node=nodes.Const(value=int())))
            ):
                return None
            case nodes.Getitem():
                return self._no(node, "[ ] takes a plain number here")
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test(name=name) if name not in TESTS:
                return self._no(node, f"the test `{name}` is not allowed here")
            case nodes.Test():
                return None
        if isinstance(node, _PLAIN):
            return None
        words = _WORDS.get(type(node), f"`{type(node).__name__.lower()}`")
        return self._no(node, f"{words} is not allowed in a template")

    def _name(self, node: nodes.Name, bound: tuple[str, ...]) -> Problem | None:
        if node.name.startswith("_"):
            return self._no(node, f"the name `{node.name}` may not start with _")
        if node.name == "self":  # Jinja's own, which would print how it is made
            return self._no(node, "`self` is no value of a text")
        if node.name == "loop" and not bound:
            return self._no(node, "`loop` has a meaning inside a `for` only")
        return None

    def _attribute(self, node: nodes.Getattr, bound: tuple[str, ...]) -> Problem | None:
        if not isinstance(node.node, nodes.Name):
            return self._no(node, f"`.{node.attr}` is allowed on a loop variable only")
        owner = node.node.name
        if owner == "loop" and bound:
            allowed = LOOP_FIELDS
        elif owner in bound:
            allowed = RECORD_FIELDS
        else:
            return self._no(node, f"`{owner}.{node.attr}`: only a loop variable has fields")
        if node.attr in allowed:
            return None
        return self._no(node, f"`.{node.attr}` is unknown", f"write one of {_listed(allowed)}")

    def _filter(self, node: nodes.Filter) -> Problem | None:
        if node.name not in FILTERS:
            wrong = f"the filter `{node.name}` is not allowed in a template"
            return self._no(node, wrong, f"write one of {_listed(FILTERS)}")
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            return self._no(node, f"the filter `{node.name}` takes plain texts only")
        if not all(isinstance(arg, nodes.Const) for arg in node.args):
            return self._no(node, f"the filter `{node.name}` takes plain texts only")
        if node.name == "join":
            return self._join(node)
        return None

    def _join(self, node: nodes.Filter) -> Problem | None:
        """One join over a given list: joins over joins multiply."""
        separator = node.args[0] if node.args else None
        if isinstance(separator, nodes.Const) and len(str(separator.value)) > MAX_SEPARATOR:
            return self._no(node, f"`join` takes at most {MAX_SEPARATOR} characters")
        if len(node.args) > 1 or not isinstance(node.node, nodes.Name):
            return self._no(node, "`join` is allowed directly on the name of a list only")
        return None

    def _loop(self, node: nodes.For, bound: tuple[str, ...], depth: int) -> Iterator[Problem]:
        self._loops += 1
        names = tuple(name.name for name in _targets(node.target))
        level = sum(name == "" for name in bound) + 1
        if node.recursive:
            yield self._no(node, "a recursive loop is not allowed")
        if self._loops > MAX_LOOPS or level > MAX_LOOP_DEPTH:
            what = f"more than {MAX_LOOPS} loops, or more than {MAX_LOOP_DEPTH} in each other"
            yield self._no(node, what)
            return
        if not isinstance(node.iter, nodes.Name) or node.iter.name == "loop":
            yield self._no(node, "a loop walks over a list that is given, by its name")
            return
        if _written(node) > MAX_LOOP_TEXT:
            yield self._no(node, f"a loop holds more than {MAX_LOOP_TEXT:,} characters of text")
        if any(name == "loop" or name.startswith("_") for name in names):
            yield self._no(node, "a loop variable may not be `loop` or start with _")
        # The empty name marks one level of nesting.
        inner = (*bound, "", *names)
        parts: list[nodes.Node] = [*node.body, *([node.test] if node.test else [])]
        for child in parts:
            yield from self._walk(child, inner, depth + 1)
        for child in node.else_:
            yield from self._walk(child, bound, depth + 1)


def _written(node: nodes.For) -> int:
    """The characters a loop writes each time round, apart from values."""
    data = sum(len(found.data) for found in node.find_all(nodes.TemplateData))
    return data + sum(len(str(found.value)) for found in node.find_all(nodes.Const))


def _targets(target: nodes.Node) -> list[nodes.Name]:
    return [target] if isinstance(target, nodes.Name) else list(target.find_all(nodes.Name))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
