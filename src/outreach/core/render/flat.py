"""A part that says nothing but text, values, and text where a value is there, as most do once the
constants of their run are folded in: put together column by column, several times faster than as a
loop."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from jinja2 import nodes

from outreach.core.render.rows import OutputTooLongError, Row, escaped


class Value(NamedTuple):
    """The place of a value in a row, and whether it is printed escaped."""

    place: int
    escapes: bool


class Choice(NamedTuple):
    """What is said where the value at a place is there, and where it is not."""

    place: int
    there: "tuple[Piece, ...]"
    absent: "tuple[Piece, ...]"


Piece = str | Value | Choice


@dataclass(frozen=True)
class Flat:
    """A part of such pieces. `asked` are the places of its choices."""

    pieces: tuple[Piece, ...]
    asked: tuple[int, ...]

    def texts(self, constants: Mapping[str, object], rows: Sequence[Row], limit: int) -> list[str]:
        """As `Loop.texts`; the constants are in the text already."""
        if not self.asked:
            return _joined(tuple(_said(self.pieces, {})), rows, limit)
        # Rows that have the same values are put together alike; mostly they are a few kinds.
        columns = list(zip(*rows, strict=True))
        answers = zip(*[map(bool, columns[place]) for place in self.asked], strict=True)
        kinds: dict[tuple[bool, ...], list[int]] = {}
        for at, answer in enumerate(answers):
            kinds.setdefault(answer, []).append(at)
        texts = [""] * len(rows)
        for answer, members in kinds.items():
            said = _said(self.pieces, dict(zip(self.asked, answer, strict=True)))
            made = _joined(tuple(said), [rows[at] for at in members], limit)
            for at, text in zip(members, made, strict=True):
                texts[at] = text
        return texts


def flat(
    body: Sequence[nodes.Node], values: Mapping[str, Value], constants: Mapping[str, object]
) -> Flat | None:
    """The body of a part as pieces, with what is printed under each name; None where it says more
    than pieces can."""
    try:
        pieces = tuple(_pieces(body, values, constants))
    except _NotFlat:
        return None
    asked = tuple(sorted(set(_places(pieces))))
    return Flat(pieces, asked) if asked or any(isinstance(one, Value) for one in pieces) else None


class _NotFlat(Exception):
    pass


def _pieces(
    body: Iterable[nodes.Node], values: Mapping[str, Value], constants: Mapping[str, object]
) -> Iterator[Piece]:
    for node in body:
        if isinstance(node, nodes.TemplateData):
            yield node.data
        elif isinstance(node, nodes.Name) and node.name in values:
            yield values[node.name]
        elif isinstance(node, nodes.Output):
            yield from _pieces(node.nodes, values, constants)
        elif isinstance(node, nodes.If) and isinstance(node.test, nodes.Name):
            otherwise = node.else_
            for one in reversed(node.elif_):
                otherwise = [nodes.If(one.test, one.body, [], otherwise)]
            there, absent = (tuple(_pieces(b, values, constants)) for b in (node.body, otherwise))
            if node.test.name in values:
                yield Choice(values[node.test.name].place, there, absent)
            elif node.test.name in constants:
                yield from there if constants[node.test.name] else absent
            else:
                raise _NotFlat
        else:
            raise _NotFlat


def _places(pieces: Iterable[Piece]) -> Iterator[int]:
    for piece in pieces:
        if isinstance(piece, Choice):
            yield piece.place
            yield from _places((*piece.there, *piece.absent))


def _said(pieces: Iterable[Piece], there: Mapping[int, bool]) -> Iterator[str | Value]:
    """The pieces that are left when it is known which values are there."""
    for piece in pieces:
        if isinstance(piece, Choice):
            yield from _said(piece.there if there[piece.place] else piece.absent, there)
        else:
            yield piece


def _joined(pieces: Sequence[str | Value], rows: Sequence[Row], limit: int) -> list[str]:
    columns = list(zip(*rows, strict=True))
    printed = {one: _printed(columns[one.place], one) for one in pieces if isinstance(one, Value)}
    parts = [printed[one] if isinstance(one, Value) else repeat(one) for one in ("", *pieces)]
    texts = []
    for _, text in zip(rows, map("".join, zip(*parts, strict=False)), strict=False):
        if len(text) > limit:
            raise OutputTooLongError(limit)
        texts.append(text)
    return texts


def _printed(column: Sequence[object], value: Value) -> Sequence[str]:
    """A column of values as it is printed."""
    try:
        said = "".join(column)  # type: ignore[arg-type]
    except TypeError:  # not all are text
        return [str(escaped(one) if value.escapes else one) for one in column]
    if value.escapes and any(mark in said for mark in "&<>\"'"):
        return [str(escaped(one)) for one in column]
    return column  # type: ignore[return-value]
