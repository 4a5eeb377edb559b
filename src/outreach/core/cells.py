"""What one cell of a file means: dates, money, choices and flags, or what is wrong with it."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from outreach.core.cell_text import clean, half_width


class Bad(NamedTuple):
    """A cell that cannot be taken: what is wrong, and what to write instead."""

    wrong: str
    fix: str


class Fault(NamedTuple):
    """A row that cannot be taken: the field whose cell is wrong, and what is wrong with it."""

    field: str
    bad: Bad


Read = Callable[[str], Any]  # a value, None for an empty cell, or Bad

# 1.3812E+10 or 1.4E10; 12E10 may be somebody's code.
DESTROYED: Final = re.compile(r"[+-]?\d+(?:\.\d+E[+-]?\d+|E\+\d+)", re.IGNORECASE)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAMAGED: Final = Bad(
    "a spreadsheet turned this number into scientific notation and its digits are lost",
    "export it again with the column formatted as text",
)
_LOST: Final = Bad(
    "characters were lost before the file came here (replacement characters)",
    "export it again from the source system",
)


class Memo(dict[str, Any]):
    """A column of few different cells: each is read once. Cells that are wrong are kept in `bad`
    and come out as None."""

    LIMIT: Final = 50_000

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read
        self.bad: dict[str, Bad] = {}

    def __missing__(self, cell: str) -> Any:
        value = self._read(clean(cell))
        if isinstance(value, Bad):
            self.bad[cell] = value
            return None  # not learned, so that every chunk says it again
        self[cell] = value
        return value

    def column(self, cells: Sequence[str]) -> list[Any]:
        """The values of a column; look into `bad` for those that were wrong."""
        if len(self) > self.LIMIT:
            self.clear()
        self.bad.clear()
        return list(map(self.__getitem__, cells))


class Direct:
    """A column of many different cells: the plain ones take a short way, the rest is read."""

    def __init__(self, read: Read, plain: str, short: Callable[[str], Any]) -> None:
        self._read = read
        self._plain = re.compile(plain).fullmatch
        self._short = short
        self.bad: dict[str, Bad] = {}

    def column(self, cells: Sequence[str]) -> list[Any]:
        """The values of a column; look into `bad` for those that were wrong."""
        self.bad.clear()
        plain, short, slow = self._plain, self._short, self._slow
        return [short(cell) if plain(cell) else slow(cell) for cell in cells]

    def _slow(self, cell: str) -> Any:
        value = self._read(clean(cell))
        if isinstance(value, Bad):
            self.bad[cell] = value
            return None
        return value


def text(cell: str) -> str | Bad | None:
    """Free text on one line. Control characters are refused: they could end a header or a part."""
    if "\ufffd" in cell:
        return _LOST
    if _CONTROL.search(cell):
        if "\ud800" <= max(cell) <= "\udfff":
            return _LOST
        cell = " ".join(_CONTROL.sub(" ", cell).split())
    if len(cell) > 300:
        return Bad(f"the text has {len(cell)} characters", "shorten it to 300 at most")
    return cell or None


def code(cell: str) -> str | Bad | None:
    """A client or account number: kept as text with its leading zeros."""
    cell = half_width(cell).replace(" ", "")
    if DESTROYED.fullmatch(cell):
        return _DAMAGED
    if not cell.isprintable() or "\ufffd" in cell:
        return _LOST
    if len(cell) > 64:
        return Bad(f"the number has {len(cell)} characters", "write 64 at most")
    return cell or None


# --- dates -----------------------------------------------------------------------------------

_CLOCK: Final = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_YMD: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?" + _CLOCK)
_SERIAL: Final = re.compile(r"([2-7]\d{4})(?:\.\d+)?")
_SERIAL_ZERO: Final = date(1899, 12, 30)
_NEVER: Final = frozenset({"0", "00000000", "0000-00-00", "0000/00/00"})
_FOREVER: Final = frozenset(
    {"长期", "永久", "长期有效", "无固定期限", "99991231", "9999-12-31", "permanent"}
)
_FIX_DATE: Final = "write the day as 2026-11-20"


def day(cell: str) -> date | Bad | None:
    """20261120, 2026-11-20, 2026/11/20, 2026年11月20日, an Excel serial, or 长期 (9999-12-31)."""
    if not cell:
        return None
    cell = half_width(cell)
    if cell in _NEVER:
        return None
    if cell.casefold() in _FOREVER:
        return date.max
    if len(cell) == 8 and cell.isdigit():
        year, month, number = int(cell[:4]), int(cell[4:6]), int(cell[6:])
    elif found := _YMD.fullmatch(cell):
        year, month, number = int(found[1]), int(found[2]), int(found[3])
    elif found := _SERIAL.fullmatch(cell):
        return _SERIAL_ZERO + timedelta(days=int(found[1]))
    else:
        return Bad("this is no date", _FIX_DATE)
    try:
        value = date(year, month, number)
    except ValueError:
        return Bad("there is no such day", _FIX_DATE)
    return value if 1900 <= year <= 2199 else Bad(f"the year {year} cannot be meant", _FIX_DATE)


# --- numbers ---------------------------------------------------------------------------------

_MONEY: Final = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(亿元?|百万元?|万元?|千元|元)?")
_IN_YUAN: Final = {"亿": 10**8, "百": 10**6, "万": 10**4, "千": 10**3, "元": 1}
_MOST_FEN: Final = 2**63 - 1


def money(unit: int) -> Read:
    """Reads amounts given in `unit` yuan (10,000 for 万元) as whole fen, half a fen rounded up."""

    def read(cell: str) -> int | Bad | None:
        if not cell:
            return None
        plain = half_width(cell).replace(",", "").replace(" ", "").lstrip("¥").removeprefix("CNY")
        negative = plain.startswith("(") and plain.endswith(")")
        if DESTROYED.fullmatch(plain):
            return _DAMAGED
        found = _MONEY.fullmatch(plain.strip("()") if negative else plain)
        if not found:
            return Bad("this is no amount of money", "write digits only, such as 12345.67")
        scale = (_IN_YUAN[found[3][0]] if found[3] else unit) * 100
        value = int((Decimal(found[2]) * scale).quantize(Decimal(1), ROUND_HALF_UP))
        if value > _MOST_FEN:
            return Bad("the amount is too large", "check the column's unit")
        return -value if negative or found[1] == "-" else value

    return read


def money_column(unit: int) -> Direct:
    """A column of amounts. A double tells 15 digits apart, so amounts that come to whole fen below
    10 trillion yuan take the short way; all others go through decimals."""
    zeros = len(str(unit)) - 1
    fen = unit * 100
    plain = rf"(?=[\d,]{{1,{13 - zeros}}}(?:\.|$))\d[\d,]*(?:\.\d{{1,{zeros + 2}}})?"
    return Direct(money(unit), plain, lambda cell: round(float(cell.replace(",", "")) * fen))


def whole(cell: str, most: int = 10**9) -> int | Bad | None:
    """A whole number, such as days; a unit behind it (天, 日, days) is taken off."""
    if not cell:
        return None
    plain = re.sub(r"(?:天|日|days?|股|份|张)$", "", half_width(cell).replace(",", "").casefold())
    plain = re.sub(r"\.0+$", "", plain.strip())
    if not re.fullmatch(r"-?\d{1,18}", plain):
        return Bad("this is no whole number", "write digits only")
    value = int(plain)
    return value if abs(value) <= most else Bad("the number is too large", "check the column")


# --- words -----------------------------------------------------------------------------------

_YES_WORDS: Final = "是 y yes true 1 有 同意 已同意 t on √ ✓ ✔ 已退订 退订"
_YES: Final = frozenset(_YES_WORDS.split())
_NO_WORDS: Final = "否 n no false 0 无 不同意 未同意 f off × ✗ 未退订 正常"
_NO: Final = frozenset(_NO_WORDS.split())


def flag(cell: str) -> bool | Bad | None:
    """Yes or no, in the words files use."""
    word = half_width(cell).casefold()
    if not word:
        return None
    if word in _YES:
        return True
    return False if word in _NO else Bad("this is neither yes nor no", "write 是 or 否")


def one_of(words: Mapping[str, str], fix: str) -> Read:
    """Reads one of a fixed set of words; `words` maps every spelling to its value."""

    def read(cell: str) -> str | Bad | None:
        word = half_width(cell).casefold().replace(" ", "")
        if not word:
            return None
        return words.get(word) or Bad("the word is not known", fix)

    return read


def items(cell: str) -> str | Bad:
    """A list, kept as `,a,b,`; commas, 、, semicolons, bars and spaces separate."""
    if "\ufffd" in cell:
        return _LOST
    found = [item for item in re.split(r"[,，、;；|/\s]+", cell) if item]
    return f",{','.join(dict.fromkeys(found))}," if found else ""
