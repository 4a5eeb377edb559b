"""Which column of a file is which field: header cells in Chinese and English, units included."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from outreach.core.cell_text import half_width

Aliases = Mapping[str, Sequence[str]]  # field -> header names

_UNITS: Final = {
    **dict.fromkeys(("元", "人民币元", "cny", "rmb", "yuan"), 1),
    "千元": 1_000,
    **dict.fromkeys(("万元", "万"), 10_000),
    "百万元": 1_000_000,
    **dict.fromkeys(("亿元", "亿"), 100_000_000),
}
_BRACKETED: Final = re.compile(r"[(\[【（]([^)\]】）]*)[)\]】）]")
_TAILED: Final = re.compile(
    r"(?:[/_\-:]|单位:?)(万元|千元|百万元|亿元|元)$|(?<=[^千百万亿/_\-])(万元|亿元)$"
)
_LOOSE: Final = re.compile(r"[\s_\-./:*#'\"“”、，,]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file that is taken: where it stands, its header, and its money unit."""

    index: int
    header: str
    field: str
    unit: int = 1  # yuan in one: 10,000 for 万元


@dataclass(frozen=True, slots=True)
class Matched:
    """A file's header read against a table of aliases."""

    columns: dict[str, Column]
    unknown: tuple[str, ...]  # headers no field goes by
    repeated: tuple[str, ...]  # sentences: two columns for one field
    missing: tuple[str, ...]  # required fields without a column


def header_key(text: str) -> tuple[str, int]:
    """What a header cell is looked up by, and its unit: `总资产(万元)` -> 总资产, 10000."""
    text = half_width(text).casefold()
    unit = 1
    for inner in _BRACKETED.findall(text):
        unit = _UNITS.get(inner.removeprefix("单位").lstrip(": ").strip(), unit)
    text = _BRACKETED.sub("", text)
    if tail := _TAILED.search(text):
        unit = _UNITS[tail[1] or tail[2]]
        text = text[: tail.start()]
    return _LOOSE.sub("", text), unit


def alias_index(aliases: Aliases, extra: Aliases | None = None) -> dict[str, str]:
    """Header key -> field. `extra` (config's further names) wins over the built-in ones."""
    index = {
        header_key(alias)[0]: name for name, words in aliases.items() for alias in (name, *words)
    }
    for name, words in (extra or {}).items():
        index.update({header_key(word)[0]: name for word in words})
    return index


def match_headers(
    headers: Sequence[str], index: Mapping[str, str], required: Sequence[str] = ()
) -> Matched:
    """Which header is which field. Unknown and repeated headers are reported, never guessed."""
    columns: dict[str, Column] = {}
    unknown: list[str] = []
    repeated: list[str] = []
    for position, header in enumerate(headers):
        key, unit = header_key(header)
        name = index.get(key)
        if name is None:
            if header:
                unknown.append(header)
        elif first := columns.get(name):
            repeated.append(
                f"columns {first.index + 1} ({first.header}) and {position + 1} ({header})"
                f" are both {name}"
            )
        else:
            columns[name] = Column(position, header, name, unit)
    missing = tuple(name for name in required if name not in columns)
    return Matched(columns, tuple(unknown), tuple(repeated), missing)
