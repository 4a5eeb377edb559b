"""JSON Schemas of the files a clerk writes, generated from their models, for editors to read."""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from outreach.core.campaign import Campaign, Template
from outreach.core.segment import Segments
from outreach.project.config import Config

SCHEMAS: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "config": (Config, "config.toml of an outreach project"),
    "campaign": (Campaign, "A campaign of an outreach project"),
    "template": (Template, "template.toml of an outreach template folder"),
    "segments": (Segments, "segments.toml of an outreach project"),
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one kind of file: config, campaign, template or segments."""
    model, title = SCHEMAS[name]
    made = model.model_json_schema(mode="validation")
    made = _writable(made)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **made, "title": title}


def _writable(node: Any) -> Any:
    """Without `null`, which TOML cannot write, and without the titles that repeat each key."""
    if isinstance(node, list):
        return [_writable(item) for item in node]
    if not isinstance(node, dict):
        return node
    options = node.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        node = {key: value for key, value in node.items() if key != "anyOf"}
        node = {**rest[0], **node} if len(rest) == 1 else {**node, "anyOf": rest}
    return {
        key: _named(value) if key in ("properties", "$defs") else _writable(value)
        for key, value in node.items()
        if not _noise(key, value)
    }


def _named(table: dict[str, Any]) -> dict[str, Any]:
    """A table whose keys are names, not words of the schema language."""
    return {name: _writable(value) for name, value in table.items()}


def _noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def schema_text(name: str) -> str:
    """The schema file as it stands in schemas/."""
    return json.dumps(schema(name), ensure_ascii=False, indent=2) + "\n"


def schema_path(folder: Path, name: str) -> Path:
    """Where a schema is kept."""
    return folder / f"{name}.schema.json"


def stale_schemas(folder: Path) -> list[Path]:
    """The schema files that are missing or say something else than the models."""
    paths = {name: schema_path(folder, name) for name in SCHEMAS}
    return [
        path
        for name, path in paths.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != schema_text(name)
    ]


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema that is not current; returns those written."""
    stale = stale_schemas(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        if (path := schema_path(folder, name)) in stale:
            path.write_text(schema_text(name), encoding="utf-8")
    return stale
