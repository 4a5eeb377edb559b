"""Folding: what is the same for every client of a run is worked out once, not once a client.

A notice is mostly constants of the run: dates, the firm, its lines. Everything in a part that
mentions no value of the client becomes plain text before the loop over the rows is compiled.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.sandbox import SandboxedEnvironment

from outreach.core.render.rows import SEPARATOR


def fold(
    body: Sequence[nodes.Node],
    names: frozenset[str],
    env: SandboxedEnvironment,
    constants: Mapping[str, object],
) -> list[nodes.Node]:
    """The body with every piece that uses none of the per-client `names` replaced by its text.

    Raises whatever printing a constant raises (one that is missing, say).
    """
    pieces: list[nodes.Node] = []
    _collect(body, names, pieces)
    if not pieces:
        return list(body)
    texts = iter(_evaluated(pieces, env, constants))
    return _replaced(body, names, texts)


def _constant(node: nodes.Node, names: frozenset[str]) -> bool:
    used = {name.name for name in node.find_all(nodes.Name)}
    if isinstance(node, nodes.Name):
        used.add(node.name)
    return not used & names


def _collect(body: Sequence[nodes.Node], names: frozenset[str], pieces: list[nodes.Node]) -> None:
    """The constant pieces, in the order in which `_replaced` asks for their texts."""
    for node in body:
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                if not isinstance(child, nodes.TemplateData) and _constant(child, names):
                    pieces.append(nodes.Output([child], lineno=child.lineno))
        elif _constant(node, names):
            pieces.append(node)
        elif isinstance(node, nodes.If):
            for branch in _branches(node):
                _collect(branch, names, pieces)


def _replaced(
    body: Sequence[nodes.Node], names: frozenset[str], texts: Iterator[str]
) -> list[nodes.Node]:
    made: list[nodes.Node] = []
    for node in body:
        if isinstance(node, nodes.Output):
            children = [
                child
                if isinstance(child, nodes.TemplateData) or not _constant(child, names)
                else nodes.TemplateData(next(texts), lineno=child.lineno)
                for child in node.nodes
            ]
            made.append(nodes.Output(children, lineno=node.lineno))
        elif _constant(node, names):
            made.append(nodes.Output([nodes.TemplateData(next(texts))], lineno=node.lineno))
        elif isinstance(node, nodes.If):
            body_, elif_, else_ = (_replaced(one, names, texts) for one in _branches(node))
            node.body, node.elif_, node.else_ = body_, cast("list[nodes.If]", elif_), else_
            made.append(node)
        else:
            made.append(node)
    return _joined(made)


def _branches(node: nodes.If) -> tuple[Sequence[nodes.Node], ...]:
    return node.body, cast("Sequence[nodes.Node]", node.elif_), node.else_


def _joined(body: list[nodes.Node]) -> list[nodes.Node]:
    """Outputs that follow one another as one, and their texts as one text."""
    made: list[nodes.Node] = []
    for node in body:
        last = made[-1] if made else None
        if isinstance(node, nodes.Output) and isinstance(last, nodes.Output):
            last.nodes = [*last.nodes, *node.nodes]
        else:
            made.append(node)
    for node in made:
        if isinstance(node, nodes.Output):
            node.nodes = _joined_texts(node.nodes)
    return made


def _joined_texts(children: list[nodes.Expr]) -> list[nodes.Expr]:
    made: list[nodes.Expr] = []
    for child in children:
        last = made[-1] if made else None
        if isinstance(child, nodes.TemplateData) and isinstance(last, nodes.TemplateData):
            made[-1] = nodes.TemplateData(last.data + child.data, lineno=last.lineno)
        else:
            made.append(child)
    return made


def _evaluated(
    pieces: Sequence[nodes.Node], env: SandboxedEnvironment, constants: Mapping[str, object]
) -> list[str]:
    """The text of each piece, out of one compiled template."""
    body: list[nodes.Node] = []
    for piece in pieces:
        body += [piece, nodes.Output([nodes.TemplateData(SEPARATOR)], lineno=1)]
    tree = nodes.Template(body, lineno=1)
    tree.set_environment(env)
    template = Template.from_code(env, env.compile(tree, "constants", "constants"), {})
    texts = "".join(template.root_render_func(template.new_context(dict(constants)))).split(
        SEPARATOR
    )
    if len(texts) != len(pieces) + 1:
        raise ValueError("a constant holds the separator")
    return texts[:-1]
