"""Rows of market files: where an index stands, and the margin ratios of clients."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from outreach.core import cells
from outreach.core.cell_text import half_width
from outreach.core.cells import Bad, Fault
from outreach.core.consent_rows import moment
from outreach.core.holding_rows import ALIASES as HOLDING_ALIASES
from outreach.core.holding_rows import UNKNOWN_CLIENT
from outreach.core.margin import Ratio
from outreach.core.market_conditions import INDEX_CODE
from outreach.core.market_moves import POINT, Level

LEVEL_ALIASES: Final[dict[str, list[str]]] = {
    "index": ["指数代码", "指数", "index_code", "代码", "code", "symbol"],
    "name_zh": ["指数名称", "指数简称", "名称", "简称", "name"],
    "name_en": ["英文名称", "english_name"],
    "at": ["时间", "行情时间", "日期时间", "更新时间", "time", "timestamp", "datetime"],
    "level": ["点位", "最新点位", "指数点位", "收盘点位", "最新", "收盘", "close", "last", "price"],
    "prev_close": ["昨收", "昨收点位", "前收", "前收盘", "昨收盘", "previous_close", "pre_close"],
}
LEVEL_REQUIRED: Final = ("index", "at", "level", "prev_close")
RATIO_ALIASES: Final[dict[str, list[str]]] = {
    "client_no": HOLDING_ALIASES["client_no"],
    "ratio": ["维持担保比例", "担保比例", "margin_ratio", "maintenance_ratio"],
    "warn_line": ["警戒线", "预警线", "warning_line"],
    "close_line": ["平仓线", "强平线", "强制平仓线", "liquidation_line"],
    "as_of": ["截至时间", "数据时间", "时间", "日期", "time", "date"],
}
RATIO_REQUIRED: Final = ("client_no", "ratio", "warn_line", "close_line")

AHEAD: Final = timedelta(minutes=5)  # what clocks may differ by
_MOST_MOVE: Final = 50  # percent in a day; no index here ever moved so far
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,8})?")
_FIX_LEVEL: Final = "write points, such as 3021.52"
_FIX_RATIO: Final = "write 1.35 or 135 %"


def level(row: Mapping[str, str], zone: tzinfo, now: datetime) -> Level | Fault:
    """Where an index stands, or the field that is wrong and why. Moments without an offset are on
    the clock of `zone`; a day alone is refused, since it tells no moment."""
    code = half_width(row["index"]).upper()
    if not re.fullmatch(INDEX_CODE, code):
        return Fault("index", Bad("this is no index code", "write a code such as CSI300"))
    at = _moment(row["at"], zone, now)
    if isinstance(at, Bad):
        return Fault("at", at)
    now_at, before = _points(row["level"]), _points(row["prev_close"])
    if isinstance(now_at, Bad):
        return Fault("level", now_at)
    if isinstance(before, Bad):
        return Fault("prev_close", before)
    if abs(now_at - before) * 100 > _MOST_MOVE * before:
        wrong = f"differs from the close before by more than {_MOST_MOVE} %"
        return Fault("level", Bad(wrong, "check the columns and the decimal point"))
    names = [cells.text(row.get(name, "")) for name in ("name_zh", "name_en")]
    for field, name in zip(("name_zh", "name_en"), names, strict=True):
        if isinstance(name, Bad):
            return Fault(field, name)
    zh, en = (str(name or "") for name in names)
    return Level(code, at, now_at, before, zh, en)


def _moment(cell: str, zone: tzinfo, now: datetime) -> datetime | Bad:
    fix = "write the moment as 2026-09-28T10:30:00+08:00"
    at = moment(cell, zone)
    if isinstance(at, Bad):
        return at
    if at is None:
        return Bad("the moment is missing", fix)
    if ":" not in half_width(cell):
        return Bad("the time of day is missing", fix)
    if at > now + AHEAD:
        return Bad("the moment is yet to come", "check the clock of the source")
    return at.astimezone(UTC)


def _points(cell: str) -> int | Bad:
    plain = half_width(cell).replace(",", "").replace(" ", "")
    if cells.DESTROYED.fullmatch(plain):
        return Bad("a spreadsheet destroyed this number", "export the column as text")
    if not _NUMBER.fullmatch(plain) or not (value := round(Decimal(plain) * POINT)):
        return Bad("this is no index level", _FIX_LEVEL)
    return value


# --- margin ratios -----------------------------------------------------------------------------


class _Written(NamedTuple):
    """A ratio as it is written: a bare number may be a multiple or a percentage."""

    value: Fraction
    percent: bool


class RatioReader:
    """Reads the rows of one file; cells that repeat themselves are read once."""

    def __init__(self, zone: tzinfo, now: datetime, as_of: datetime) -> None:
        self._zone, self._now, self._as_of = zone, now, as_of
        self._moments: dict[str, datetime | Bad] = {}
        self._seen: set[int] = set()

    def ratio(self, row: Mapping[str, str], ids: Mapping[str, int]) -> Ratio | Fault:
        """One client's ratio and lines, or the field that is wrong and why.

        A bare number is a multiple where the lines are written as such (1.35 and 1.3), else a
        percentage (135 and 130). Without an own moment a row speaks as of the file's.
        """
        client = ids.get(half_width(row["client_no"]))
        if client is None:
            return Fault("client_no", UNKNOWN_CLIENT)
        written = {name: _written(row[name]) for name in ("ratio", "warn_line", "close_line")}
        for name, value in written.items():
            if isinstance(value, Bad):
                return Fault(name, value)
        found = {name: value for name, value in written.items() if isinstance(value, _Written)}
        multiples = not found["close_line"].percent and found["close_line"].value < 10
        numbers = {name: _hundredths(value, multiples) for name, value in found.items()}
        if fault := _odd(numbers, found, multiples):
            return fault
        as_of = self._moment(row.get("as_of", ""))
        if isinstance(as_of, Bad):
            return Fault("as_of", as_of)
        if client in self._seen:
            return Fault("client_no", Bad("the client is in the file twice", "keep the newest row"))
        self._seen.add(client)
        return Ratio(client, numbers["ratio"], numbers["warn_line"], numbers["close_line"], as_of)

    def _moment(self, cell: str) -> datetime | Bad:
        if not cell:
            return self._as_of
        if cell not in self._moments:
            self._moments[cell] = _moment(cell, self._zone, self._now)
        return self._moments[cell]


def _written(cell: str) -> _Written | Bad:
    plain = half_width(cell).replace(",", "").replace(" ", "")
    percent = plain.endswith("%")
    plain = plain.removesuffix("%")
    if cells.DESTROYED.fullmatch(plain):
        return Bad("a spreadsheet destroyed this number", "export the column as text")
    if not plain:
        return Bad("is missing", f"{_FIX_RATIO}; leave out clients without a debt")
    if not _NUMBER.fullmatch(plain):
        return Bad("this is no ratio", _FIX_RATIO)
    return _Written(Fraction(plain), percent)


def _hundredths(written: _Written, multiples: bool) -> int:
    """Hundredths of a percent, rounded down: nobody is lifted to a line by rounding."""
    scale = 10_000 if multiples and not written.percent else 100
    return int(written.value * scale)


def _odd(
    numbers: Mapping[str, int], written: Mapping[str, _Written], multiples: bool
) -> Fault | None:
    """What cannot be meant."""
    for name in ("warn_line", "close_line"):
        if not 10_000 <= numbers[name] <= 100_000:
            return Fault(name, Bad("no line lies there", "write 1.3 or 130 %"))
    if numbers["close_line"] > numbers["warn_line"]:
        return Fault("close_line", Bad("lies above the warn line", "check the two columns"))
    ratio = written["ratio"]
    if not multiples and not ratio.percent and ratio.value < 10:
        wrong = "may be a multiple or a percentage, the lines being percentages"
        return Fault("ratio", Bad(wrong, _FIX_RATIO))
    return None
