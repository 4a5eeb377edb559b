"""What a key may hold, read from the models' own JSON Schema, and how to say it to a clerk."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel

from outreach.project.toml_lines import KeyPath

Node = dict[str, Any]

PATTERNS = {
    r"^[a-z][a-z0-9-]{0,63}$": "small letters, digits and dashes, beginning with a letter",
    r"^[a-z]{2}(-[A-Z]{2})?$": "a locale such as zh-CN or en",
    r"^(R[1-5]|none)$": "R1, R2, R3, R4, R5, or none where no product is spoken of",
    r"^(\+\d{1,7})?$": "a phone prefix such as +86, or an empty text for any",
    r"^[1-9]\d{0,3}[mhd]$": "a length of time such as 30m, 2h or 1d",
    r"^\d{1,4}[mhd]$": "a length of time such as 30m, 2h or 1d, or 0m for none",
    r"^[A-Z0-9][A-Z0-9.]{0,15}$": "a code such as CSI300",
    r"^([^\s/@:]+|[0-9A-Fa-f:.]+)$": "a host such as smtp.example.com; its port stands in port",
    r"^([^\s/@:]*|[0-9A-Fa-f:.]+)$": "a host such as smtp.example.com; its port stands in port",
    r"^[A-Z]{2}$": "a country of two capital letters such as CN",
}

_SAMPLES = {"time": "09:00:00", "date": "2026-10-01"}


@cache
def schema_of(model: type[BaseModel]) -> Node:
    """The JSON Schema of what may be written, with every reference resolved on the way down."""
    return model.model_json_schema(mode="validation")


class Shape:
    """A place in a model: the keys it knows and the kind of value it takes."""

    def __init__(self, node: Node, definitions: Node) -> None:
        self._definitions = definitions
        self.node = self._resolved(node)

    def _resolved(self, node: Node) -> Node:
        while "$ref" in node:
            node = {**self._definitions[node["$ref"].rsplit("/", 1)[1]]} | {
                key: value for key, value in node.items() if key != "$ref"
            }
        return node

    def variants(self) -> list["Shape"]:
        """The alternatives a value may take; one for a plain place. `null` cannot be written."""
        options = self.node.get("anyOf") or self.node.get("oneOf") or [self.node]
        shapes = [Shape(option, self._definitions) for option in options]
        kept = [shape for shape in shapes if shape.node.get("type") != "null"]
        if len(kept) == 1 and kept[0].node is not self.node and "anyOf" in self.node:
            return kept[0].variants()
        return kept

    def fitting(self, value: object) -> "Shape | None":
        """The alternative that a value's own type, or its `kind`, belongs to."""
        discriminator = self.node.get("discriminator")
        if discriminator and isinstance(value, dict):
            kind = value.get(discriminator["propertyName"])
            reference = discriminator["mapping"].get(kind) if isinstance(kind, str) else None
            return Shape({"$ref": reference}, self._definitions) if reference else None
        taking = [shape for shape in self.variants() if _takes(shape.node, value)]
        if len(taking) < 2:
            return taking[0] if taking else None
        return min(taking, key=lambda shape: sum(1 for _ in _misfits_below(shape, value, ())))

    def child(self, part: str | int) -> "Shape | None":
        """The place one step down; None where no such key is known."""
        if isinstance(part, int):
            fixed = self.node.get("prefixItems", [])
            items = fixed[part] if part < len(fixed) else self.node.get("items")
            return Shape(items, self._definitions) if isinstance(items, dict) else None
        found = self.node.get("properties", {}).get(part)
        if found is None:
            found = next(iter(self.node.get("patternProperties", {}).values()), None)
        if found is None:
            found = self.node.get("additionalProperties") or None
        return Shape(found, self._definitions) if isinstance(found, dict) else None

    def keys(self) -> list[str]:
        """The keys that may be written here, where they are fixed."""
        return list(self.node.get("properties", {}))

    def kind_key(self) -> str:
        """The key by which alternatives are told apart: mostly `kind`."""
        return str(self.node.get("discriminator", {}).get("propertyName", "kind"))

    def kind_choices(self) -> list[str]:
        """The values of that key."""
        return list(self.node.get("discriminator", {}).get("mapping", {}))

    def choices(self) -> list[str]:
        """The values that may be written, where they are listed."""
        if "const" in self.node and not isinstance(self.node["const"], bool):
            return [str(self.node["const"])]
        return [str(choice) for choice in self.node.get("enum", [])]

    def key_choices(self) -> list[str]:
        """The names that keys of a free table may have, where they are listed."""
        names = self.node.get("propertyNames")
        return Shape(names, self._definitions).choices() if isinstance(names, dict) else []


def root_shape(model: type[BaseModel]) -> Shape:
    """The shape of a whole file."""
    schema = schema_of(model)
    return Shape(schema, schema.get("$defs", {}))


def shape_at(model: type[BaseModel], data: object, path: KeyPath) -> Shape | None:
    """The shape at a path of a file, following what the file chose (`kind`) on the way."""
    shape: Shape | None = root_shape(model)
    for part in path:
        shape = shape.fitting(data) if shape else None
        shape = shape.child(part) if shape else None
        data = _inside(data, part)
    return shape


def _inside(data: object, part: str | int) -> object:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def misfits(shape: Shape, value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Shape]]:
    """Each place whose value is of another type than may be written there.

    The models themselves would read 9 as nine seconds past midnight and "no" as false.
    """
    fitting = shape.fitting(value)
    if fitting is None:
        if not (isinstance(value, dict) and shape.kind_choices()):
            yield path, shape
        return
    yield from _misfits_below(fitting, value, path)


def _misfits_below(fitting: Shape, value: object, path: KeyPath) -> Iterator[tuple[KeyPath, Shape]]:
    parts: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    for part, inner in parts:
        if below := fitting.child(part):
            yield from misfits(below, inner, (*path, part))


def _takes(node: Node, value: object) -> bool:
    match node.get("type"), node.get("format"):
        case "string", "time":
            return isinstance(value, str | time)
        case "string", "date":
            return isinstance(value, str) or type(value) is date
        case "string", _:
            return isinstance(value, str)
        case "integer", _:
            return type(value) is int
        case "number", _:
            return type(value) in (int, float)
        case "boolean", _:
            return isinstance(value, bool)
        case "array", _:
            return isinstance(value, list)
        case "object", _:
            return isinstance(value, dict)
    return True


def kind_of(value: object) -> str:
    """The type of a TOML value in a clerk's words."""
    names: list[tuple[type, str]] = [
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "a text"),
        (list, "a list"),
        (dict, "a table"),
        (datetime, "a date with a time"),
        (date, "a date"),
        (time, "a time"),
    ]
    return next((name for kind, name in names if isinstance(value, kind)), "something else")


def expected(shape: Shape) -> str:
    """What may be written at a place, as the end of "write ..."."""
    variants = shape.variants()
    if len(variants) > 1:
        said = list(dict.fromkeys(_expected_one(variant) for variant in variants))
        return " or ".join(said)
    return _expected_one(variants[0]) if variants else "another value"


def _expected_one(shape: Shape) -> str:
    node = shape.node
    if choices := shape.choices():
        return f'"{choices[0]}"' if len(choices) == 1 else "one of " + ", ".join(choices)
    match node.get("type"), node.get("format"):
        case "string", "time":
            return "a time such as 09:00:00"
        case "string", "date":
            return "a date such as 2026-10-01"
        case "string", _:
            return PATTERNS.get(node.get("pattern", ""), 'a text in "quotes"')
        case "integer", _:
            return "a whole number" + _range(node)
        case "number", _:
            return "a number" + _range(node)
        case "boolean", _:
            return "true" if node.get("const") is True else "true or false"
        case "array", _:
            return "a list such as " + sample(shape)
        case "object", _:
            keys = ", ".join(shape.keys() or shape.key_choices())
            return f"a table with {keys}" if keys else "a table"
    return "another value"


def _range(node: Node) -> str:
    low, high, above = node.get("minimum"), node.get("maximum"), node.get("exclusiveMinimum")
    below = node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of {low} or more"
    if above is not None and below is not None:
        return f" above {above:g} and below {below:g}"
    if above is not None and high is not None:
        return f" above {above:g} and up to {high:g}"
    return f" above {above:g}" if above is not None else ""


def sample(shape: Shape) -> str:
    """A value as it could stand in the file."""
    variants = shape.variants()
    shape = variants[0] if variants else shape
    node = shape.node
    if choices := shape.choices():
        return json.dumps(choices[0])
    match node.get("type"):
        case "integer" | "number":
            return str(node.get("minimum", 1))
        case "boolean":
            return "true"
        case "array":
            fixed = (shape.child(at) for at in range(len(node.get("prefixItems", []))))
            items = [one for one in fixed if one] or [one for one in (shape.child(0),) if one]
            return f"[{', '.join(map(sample, items))}]"
        case "object":
            required = node.get("required", [])
            inner = ((key, shape.child(key)) for key in required)
            pairs = [f"{key} = {sample(below)}" for key, below in inner if below]
            return "{ " + ", ".join(pairs) + " }" if pairs else "{ }"
        case "string" if node.get("format") in _SAMPLES:
            return _SAMPLES[node["format"]]
    return '"..."'


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name a mistyped one most likely means, whatever its capitals."""
    folded = {each.casefold(): each for each in known}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.65)
    return folded[found[0]] if found else None
