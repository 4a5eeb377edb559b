"""A part as one compiled loop over rows: a batch of messages costs one call into the template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, cast

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.sandbox import SandboxedEnvironment

from outreach.core.render.flat import Flat, Value, flat
from outreach.core.render.fold import fold
from outreach.core.render.rows import SEPARATOR, OutputTooLongError, Row, escaped

_ROWS: Final = "_rows"
_ESCAPED: Final = "_e_"  # before a name: its value, escaped. No text may use such a name itself.
# Pieces taken from the template between two looks at the size, for a batch and for a single row.
_CHUNKS: Final = 4_096
_FEW_CHUNKS: Final = 64


@dataclass(frozen=True)
class Loop:
    """A compiled part. `places` and `constants` are the values that it prints escaped."""

    template: Template
    places: tuple[int, ...] = ()
    constants: tuple[str, ...] = ()

    def texts(self, constants: Mapping[str, object], rows: Sequence[Row], limit: int) -> list[str]:
        """The text of each row. Raises whatever goes wrong with any of them."""
        if self.places:
            places = self.places
            rows = [(*row, *[escaped(row[place]) for place in places]) for row in rows]
        ready = {_ESCAPED + n: escaped(constants[n]) for n in self.constants if n in constants}
        context = self.template.new_context({**constants, **ready, _ROWS: rows}, shared=True)
        chunks = _CHUNKS if len(rows) > 1 else _FEW_CHUNKS
        texts = _split(self.template.root_render_func(context), limit, chunks)
        if len(texts) != len(rows):
            raise ValueError("a value holds the separator")
        return texts


def compile_loop(
    env: SandboxedEnvironment,
    tree: nodes.Template,
    names: tuple[str, ...],
    file: str,
    *,
    html: bool,
) -> Loop:
    """Compile a tree the guard has taken.

    With `html`, each value is escaped once before the loop instead of at each print, which is what
    autoescape would do, several times faster; anything but a plain name is escaped in place.
    """
    places, constants, unpacked, tree = _prepared(tree, names, html=html)
    code = env.compile(_looped(tree, unpacked, env), file, file)
    return Loop(Template.from_code(env, code, {}), places, constants)


def compile_folded(
    env: SandboxedEnvironment,
    tree: nodes.Template,
    names: tuple[str, ...],
    file: str,
    folded: Mapping[str, object],
    *,
    html: bool,
) -> Loop | Flat:
    """As `compile_loop`, with the constants of a run folded in."""
    places, constants, unpacked, tree = _prepared(tree, names, html=html)
    ready = {_ESCAPED + n: escaped(folded[n]) for n in constants if n in folded}
    tree.body = fold(tree.body, frozenset(unpacked), env, {**folded, **ready})
    values = {name: Value(at, escapes=False) for at, name in enumerate(names)}
    values |= {_ESCAPED + names[at]: Value(at, escapes=True) for at in places}
    if found := flat(tree.body, values, folded):
        return found
    code = env.compile(_looped(tree, unpacked, env), file, file)
    return Loop(Template.from_code(env, code, {}), places, constants)


def _prepared(
    tree: nodes.Template, names: tuple[str, ...], *, html: bool
) -> tuple[tuple[int, ...], tuple[str, ...], tuple[str, ...], nodes.Template]:
    """Which values and constants are printed escaped, what a row is unpacked to, and the tree."""
    printed: set[str] = set()
    if html:
        _escape_prints(tree.body, frozenset(), printed)
    places = tuple(at for at, name in enumerate(names) if name in printed)
    unpacked = names + tuple(_ESCAPED + names[at] for at in places)
    return places, tuple(sorted(printed - set(names))), unpacked, _hardened(tree)


def _escape_prints(body: Sequence[nodes.Node], bound: frozenset[str], printed: set[str]) -> None:
    for node in body:
        if isinstance(node, nodes.Output):
            node.nodes = [_escaped_print(child, bound, printed) for child in node.nodes]
        elif isinstance(node, nodes.If):
            for branch in (node.body, node.elif_, node.else_):
                _escape_prints(cast("list[nodes.Node]", branch), bound, printed)
        elif isinstance(node, nodes.For):
            targets = {name.name for name in node.target.find_all(nodes.Name)}
            if isinstance(node.target, nodes.Name):
                targets.add(node.target.name)
            _escape_prints(node.body, bound | targets | {"loop"}, printed)
            _escape_prints(node.else_, bound, printed)


def _escaped_print(node: nodes.Expr, bound: frozenset[str], printed: set[str]) -> nodes.Expr:
    if isinstance(node, nodes.TemplateData):
        return node
    if isinstance(node, nodes.Name) and node.name not in bound:
        printed.add(node.name)
        return nodes.Name(_ESCAPED + node.name, "load", lineno=node.lineno)
    return nodes.Filter(node, "escaped", [], [], None, None, lineno=node.lineno)


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
    return tree


def _keyed(node: object) -> object:
    if isinstance(node, nodes.Getattr) and not _is_loop(node.node):
        return nodes.Getitem(node.node, nodes.Const(node.attr), "load", lineno=node.lineno)
    return node


def _is_loop(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "loop"


def _looped(
    tree: nodes.Template, names: tuple[str, ...], env: SandboxedEnvironment
) -> nodes.Template:
    """The part as the body of a loop that unpacks each row and ends it with the separator."""
    target = nodes.Tuple([nodes.Name(name, "store") for name in names], "store")
    unpacked: nodes.Expr = target if names else nodes.Name("_row", "store")
    end = nodes.Output([nodes.TemplateData(SEPARATOR)])
    body = [*tree.body, end]
    loop = nodes.For(unpacked, nodes.Name(_ROWS, "load"), body, [], None, False)
    looped = nodes.Template([loop], lineno=1)
    looped.set_environment(env)
    for node in looped.find_all(nodes.Node):
        if node.lineno is None:
            node.lineno = 1
    return looped


def _split(output: Iterator[str], limit: int, count: int) -> list[str]:
    """The output cut at the separators, given up as soon as one row is longer than `limit`.

    Taken in blocks, so that a runaway row is seen long before it fills the memory.
    """
    texts: list[str] = []
    rest = ""
    while chunks := list(islice(output, count)):
        chunks[0] = rest + chunks[0]
        pieces = "".join(chunks).split(SEPARATOR)
        if max(map(len, pieces)) > limit:
            raise OutputTooLongError(limit)
        rest = pieces.pop()
        texts += pieces
    if rest:
        raise ValueError("the output does not end with the separator")
    return texts
