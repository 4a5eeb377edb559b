"""What a cell says once spreadsheet wrapping is off it, and what a number says as text."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

# Leading characters people and exporters put before a code so that Excel leaves it alone.
_WRAPPED: Final = re.compile(r'^=\s*"(.*)"$', re.DOTALL)
_INVISIBLE: Final = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))
_SUSPECT: Final = frozenset("='‘’`\"\ufeff\u200b\u200c\u200d\u2060")
_NULLS: Final = frozenset(
    ["NULL", "null", "None", "NaN", "nan", "N/A", "#N/A", "\\N", "-", "--", "—", "/"]
)
# Doubles name every whole number up to here; Excel keeps 15 digits and writes zeros after them.
_EXACT: Final = 10**15

TOTALS: Final = frozenset({"合计", "总计", "小计", "共计", "合計", "總計", "total", "grand total"})


def clean(cell: str) -> str:
    """A cell without padding, the `="0012345"` and leading-quote wrapping, and words for nothing
    (NULL, -, N/A), which become empty. The text itself stays as it was written."""
    text = cell.strip()
    if not text or (text[0] not in _SUSPECT and text not in _NULLS):
        return text
    text = text.translate(_INVISIBLE).strip()
    if text in _NULLS:
        return ""
    if found := _WRAPPED.match(text):
        text = found[1].strip()
    return text.lstrip("'‘’`\t ").strip()


def unwrapped(cells: Sequence[str]) -> list[str]:
    """A column of codes without `="..."`, the one wrapping that comes on every row."""
    return [cell[2:-1] if cell[:2] == '="' and cell[-1] == '"' else cell for cell in cells]


def half_width(text: str) -> str:
    """Full-width digits, letters and signs as their plain forms (NFKC), without padding."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def number_text(value: float) -> str:
    """A spreadsheet number as it was typed: 13812345678.0 -> 13812345678. Beyond 15 digits the
    spreadsheet has already lost the last ones, so it is shown as the damaged number it is."""
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    if value == int(value):
        return str(int(value)) if abs(value) < _EXACT else f"{value:.14E}"
    return repr(value)


def value_text(value: object) -> str:
    """Any value of a spreadsheet or a Parquet file as the text a person would have typed."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return number_text(value)
        case datetime():
            midnight = value.time() == time(0)
            return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case list() | tuple():
            return ",".join(map(value_text, value))
        case bytes():
            return value.decode("utf-8", "strict")
        case _:
            return str(value)


def is_total(cells: Sequence[str]) -> bool:
    """A row of totals names itself in its first filled cell: 合计, 总计, Total."""
    for cell in cells:
        if text := cell.strip():
            return half_width(text).rstrip(":： ").replace(" ", "").casefold() in TOTALS
    return False
