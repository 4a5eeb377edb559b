"""Records out of an exchange's JSON or JSONP answer, also when the answer was cut off."""

import re
from typing import Any, Final, NamedTuple

from outreach.core.cell_text import value_text
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts.saved import Row, Saved

_CALL: Final = re.compile(r"\s*(?:/\*\*/)?\s*[\w$.]+\s*\((.*?)\)?\s*;?\s*", re.DOTALL)
_FLAT: Final = re.compile(r"\{[^{}]*\}")
_TAG: Final = re.compile(r"<[^<>]*>")


class Answer(NamedTuple):
    """`document` is None when the file was cut off; `rows` are then those that are whole."""

    document: Any
    rows: list[tuple[int, Row]]


def read(saved: Saved, has: str) -> Answer:
    """The JSON document; of one cut off, the whole records that have the key `has`. Raises
    FileProblem when there is neither."""
    import orjson

    text = _text(saved)
    if found := _CALL.fullmatch(text):
        text = found[1]
    try:
        return Answer(orjson.loads(text), [])
    except orjson.JSONDecodeError as error:
        records = [_loaded(one) for one in _FLAT.findall(text)]
        whole = numbered([one for one in records if isinstance(one, dict) and has in one])
        if not whole:
            raise FileProblem(
                f"{saved.path}: the file is no valid JSON ({error.msg}, line {error.lineno}) and"
                " holds no whole record; take it again"
            ) from error
        return Answer(None, whole)


def part(document: Any, name: str) -> dict[str, Any]:
    """The object an answer holds by a name; an empty one where it holds anything else."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def numbered(records: list[Any]) -> list[tuple[int, Row]]:
    """Records as text cells, numbered from 1; one that is repeated is taken once."""
    rows: list[tuple[int, Row]] = []
    seen = set()
    for record in records:
        if not isinstance(record, dict):
            continue
        row = {str(name): _plain(value) for name, value in record.items()}
        key = tuple(sorted(row.items()))
        if key not in seen:
            seen.add(key)
            rows.append((len(rows) + 1, row))
    return rows


def _plain(value: Any) -> str:
    """A value as text. Exchanges put links round names; `null` and dashes are nothing."""
    text = "" if isinstance(value, dict | list) else _TAG.sub("", value_text(value)).strip()
    return "" if text in ("null", "-", "--", "&nbsp;") else text


def _text(saved: Saved) -> str:
    try:
        return saved.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return saved.content.decode("gb18030")
        except UnicodeDecodeError as error:
            # A cut in the middle of a character is a cut, not another encoding.
            if len(saved.content) - error.start <= 4:
                return saved.content[: error.start].decode("gb18030")
    text = saved.content.decode("utf-8-sig", "ignore")
    if "\ufffd" in text or "\0" in text:
        raise FileProblem(f"{saved.path}: the text is neither UTF-8 nor GB18030; take it again")
    return text


def _loaded(text: str) -> Any:
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
