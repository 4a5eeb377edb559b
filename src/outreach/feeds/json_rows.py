"""A JSON file of records as a table: an array of objects, or an object that holds one."""

from pathlib import Path

from outreach.core.cell_text import value_text
from outreach.feeds.file_problem import FileProblem, Row


def read(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Field names and records, numbered from 1. Raises FileProblem when it is not such a file."""
    import orjson

    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise FileProblem(
            f"{path}: the file is no valid JSON ({error.msg}, line {error.lineno}); export it again"
        ) from error
    if isinstance(document, dict):
        arrays = [value for value in document.values() if isinstance(value, list)]
        document = arrays[0] if len(arrays) == 1 else None
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise FileProblem(f"{path}: the file is no array of records; write [{{...}}, {{...}}]")
    names = tuple(dict.fromkeys(name for row in document for name in row))
    if not names:
        raise FileProblem(f"{path}: the file has no records; export it again")
    rows: list[Row] = [
        (number, [value_text(row.get(name)) for name in names])
        for number, row in enumerate(document, start=1)
    ]
    return names, rows
