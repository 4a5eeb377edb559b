"""From a TOML file to a frozen model, or to every problem in it in a clerk's words."""

from datetime import date, time
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from outreach.core.problem import Problem
from outreach.project.secrets import looks_secret, variable_of
from outreach.project.shape import (
    Shape,
    expected,
    kind_of,
    misfits,
    nearest,
    root_shape,
    sample,
    shape_at,
)
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath

M = TypeVar("M", bound=BaseModel)
UNKNOWN: Final = "is not a known key"
MISSING: Final = "is missing"
_RULE: Final = "Value error, "


def read_model(model: type[M], file: TomlFile) -> M | list[Problem]:
    """Validate a file against its model. A list is never empty and holds one Problem a key."""
    unfit = dict(misfits(root_shape(model), file.data))
    found: dict[KeyPath, Problem] = {}
    for path, shape in unfit.items():
        value = value_at(file.data, path)
        found[path] = file.problem(path, f"is {kind_of(value)}", f"write {expected(shape)}")
    try:
        valid = model.model_validate(file.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=True):
            path = _written_path(model, file.data, detail)
            path = _speaks_of(file, path, detail)
            if path not in found and not any(path[:length] in unfit for length in range(len(path))):
                _add(found, model, file, path, detail)
        if not found:
            found[()] = file.problem((), "does not fit", str(error.errors()[0]["msg"]))
        return sorted(_without_echoes(model, file, found))
    return sorted(found.values()) if found else valid


def _without_echoes(
    model: type[BaseModel], file: TomlFile, found: dict[KeyPath, Problem]
) -> list[Problem]:
    """A mistyped key is reported once, not also as the key that is missing."""
    meant = {
        (*path[:-1], near)
        for path, problem in found.items()
        if problem.wrong == UNKNOWN and (near := nearest(str(path[-1]), _known(model, file, path)))
    }
    return [
        problem
        for path, problem in found.items()
        if not (problem.wrong == MISSING and path in meant)
    ]


def _known(model: type[BaseModel], file: TomlFile, path: KeyPath) -> list[str]:
    """The keys that may be written beside the last of a path."""
    around = shape_at(model, file.data, path[:-1])
    around = around.fitting(value_at(file.data, path[:-1])) if around else None
    return around.keys() if around else []


def value_at(data: object, path: KeyPath) -> Any:
    """The value written at a path; None where nothing is."""
    for part in path:
        try:
            data = data[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _add(
    found: dict[KeyPath, Problem],
    model: type[BaseModel],
    file: TomlFile,
    path: KeyPath,
    detail: ErrorDetails,
) -> None:
    shape = shape_at(model, file.data, path)
    kind = detail["type"]
    if kind == "union_tag_not_found":
        around = shape_at(model, file.data, path[:-1])
        kinds = ", ".join(around.kind_choices()) if around else ""
        found[path] = file.problem(path, MISSING, f"write {path[-1]} = one of {kinds}")
    elif kind == "missing":
        found[path] = _missing(model, file, path, shape)
    elif kind == "extra_forbidden":
        found[path] = _unknown(model, file, path)
    elif kind.endswith("_type") or (kind == "too_short" and value_at(file.data, path)):
        # Of an alternative that does not apply (`misfits` judges types), or a list that is short
        # only because its faulty items were left out, each of which is reported.
        return
    elif (
        shape is None
        or len(shape.variants()) == 1
        or kind in ("union_tag_invalid", "value_error")
        or detail["loc"][-1] == "[key]"
    ):
        wrong, write = _unfit(model, file, path, detail)
        found[path] = file.problem(path, wrong, write)
    # Else: one of several alternatives that do not apply; the one that does speaks for itself.


def _written_path(model: type[BaseModel], whole: object, detail: ErrorDetails) -> KeyPath:
    """The validator's path without the names of alternatives it adds on the way."""
    data = whole
    path: list[str | int] = []
    *steps, last = detail["loc"] or ("",)
    for step in (*steps, last):
        if value_at(data, (step,)) is not None:
            data = value_at(data, (step,))
        elif not (step is last and detail["type"] == "missing"):
            continue
        path.append(step)
    if detail["type"].startswith("union_tag"):
        around = shape_at(model, whole, tuple(path))
        path.append(around.kind_key() if around else "kind")
    return tuple(path)


def _speaks_of(file: TomlFile, path: KeyPath, detail: ErrorDetails) -> KeyPath:
    """A rule about several keys of a table names the one at fault: `between: ...`."""
    key, colon, _ = str(detail["msg"]).removeprefix(_RULE).partition(": ")
    about = detail["type"] == "value_error" and colon and value_at(file.data, (*path, key))
    return (*path, key) if about else path


def _missing(model: type[BaseModel], file: TomlFile, path: KeyPath, shape: Shape | None) -> Problem:
    key = str(path[-1])
    if isinstance(path[-1], int):
        around = shape_at(model, file.data, path[:-1])
        write = f"write {sample(around)}" if around else "write one more"
        return file.problem(path[:-1], "has too few values", write)
    if shape and shape.node.get("type") == "object" and len(shape.keys()) > 2:
        required = ", ".join(shape.node.get("required", []))
        write = f"write a table [{key}] with {required}" if required else f"write {key} = {{ ... }}"
        return file.problem(path, MISSING, write)
    write = f"write {key} = {sample(shape)}" if shape else f"write {key}"
    return file.problem(path, MISSING, write)


def _unknown(model: type[BaseModel], file: TomlFile, path: KeyPath) -> Problem:
    key = str(path[-1])
    if looks_secret(key):
        name = str(path[1]) if path[0] == "senders" and len(path) > 2 else key
        variable = variable_of(name)
        write = f"remove it and set {variable}, or {variable}_FILE to a file that holds it"
        return file.problem(path, "secrets do not belong in this file", write)
    known = _known(model, file, path)
    if near := nearest(key, known):
        return file.problem(path, UNKNOWN, f"write {near}")
    free = [name for name in known if name not in value_at(file.data, path[:-1])]
    write = "remove it" + (f"; the keys here are {', '.join(free)}" if free else "")
    return file.problem(path, UNKNOWN, write)


def _unfit(
    model: type[BaseModel], file: TomlFile, path: KeyPath, detail: ErrorDetails
) -> tuple[str, str]:
    shape = shape_at(model, file.data, path)
    value = value_at(file.data, path)
    kind = detail["type"]
    if kind == "union_tag_invalid":
        choices = detail.get("ctx", {}).get("expected_tags", "").replace("'", "")
        return f"{_shown(value)} is not known", f"write one of {choices}"
    if detail["loc"] and detail["loc"][-1] == "[key]":
        around = shape_at(model, file.data, path[:-1])
        return "the name of this key does not fit", f"write {_key_names(around)}"
    write = f"write {expected(shape)}" if shape else str(detail["msg"])
    if kind in ("too_short", "string_too_short"):
        return "is empty", write
    if kind in ("enum", "literal_error"):
        return f"{_shown(value)} is not known", write
    if kind.startswith(("greater_than", "less_than")):
        return f"{_shown(value)} is out of range", write
    if kind == "value_error":
        said = str(detail["msg"]).removeprefix(_RULE).removeprefix(f"{path[-1] if path else ''}: ")
        wrong, _, remedy = said.partition(", ")
        return wrong, remedy or write
    return f"{_shown(value)} does not fit", write


def _key_names(around: Shape | None) -> str:
    choices = around.key_choices() if around else []
    if choices:
        return "one of " + ", ".join(choices)
    return "small letters, digits and dashes, beginning with a letter"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value if len(value) <= 40 else value[:37] + "..."}"'
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else kind_of(value)
