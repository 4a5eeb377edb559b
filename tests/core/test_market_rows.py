"""Rows of market files: what is read, and what is refused with what to write instead."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from outreach.core import market_rows
from outreach.core.cells import Fault
from outreach.core.margin import Ratio
from outreach.core.market_moves import Level

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 28, 3, 0, tzinfo=UTC)  # 11:00 in Shanghai
AS_OF = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
LEVEL = {
    "index": "csi300", "at": "2026-09-28 10:30", "level": "3,880.00", "prev_close": "４０００",
    "name_zh": "沪深300", "name_en": "CSI 300",
}  # fmt: skip
RATIO = {"client_no": "0000000001", "ratio": "1.35", "warn_line": "1.5", "close_line": "1.3"}
IDS = {"0000000001": 7}


def test_a_level_is_read_whatever_its_digits_and_separators() -> None:
    assert market_rows.level(LEVEL, ZONE, NOW) == Level(
        "CSI300", datetime(2026, 9, 28, 2, 30, tzinfo=UTC), 38_800_000, 40_000_000, "沪深300",
        "CSI 300",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "cell", "wrong"),
    [
        ("index", "", "no index code"),
        ("index", "沪深300", "no index code"),
        ("at", "", "is missing"),
        ("at", "2026-09-28", "time of day is missing"),
        ("at", "2026-09-31 10:30", "no such"),
        ("at", "2026-09-28 11:06", "yet to come"),
        ("level", "", "no index level"),
        ("level", "-3880", "no index level"),
        ("level", "0", "no index level"),
        ("level", "3.88E+03", "destroyed"),
        ("level", "388", "more than 50 %"),
        ("prev_close", "停牌", "no index level"),
    ],
)
def test_a_level_that_cannot_be_meant_is_refused(field: str, cell: str, wrong: str) -> None:
    found = market_rows.level({**LEVEL, field: cell}, ZONE, NOW)
    assert isinstance(found, Fault)
    assert found.field == field
    assert wrong in found.bad.wrong
    assert found.bad.fix


def ratio(**cells: Any) -> Ratio | Fault:
    return market_rows.RatioReader(ZONE, NOW, AS_OF).ratio({**RATIO, **cells}, IDS)


@pytest.mark.parametrize(
    ("cells", "hundredths"),
    [
        ({}, 13_500),
        ({"ratio": "135%"}, 13_500),
        ({"ratio": "１３５．２７％"}, 13_527),
        ({"ratio": "12.5"}, 125_000),  # beside lines of 1.5 and 1.3: little debt
        ({"ratio": "129.999", "warn_line": "150", "close_line": "130"}, 12_999),
        ({"ratio": "135", "warn_line": "150%", "close_line": "130 %"}, 13_500),
        ({"ratio": "1,350.5%"}, 135_050),
    ],
)
def test_a_ratio_is_read_as_multiple_or_percentage(cells: dict[str, str], hundredths: int) -> None:
    found = ratio(**cells)
    assert isinstance(found, Ratio)
    assert found == Ratio(7, hundredths, 15_000, 13_000, AS_OF)


@pytest.mark.parametrize(
    ("cells", "field", "wrong"),
    [
        ({"client_no": "9"}, "client_no", "no client"),
        ({"ratio": ""}, "ratio", "is missing"),
        ({"ratio": "高"}, "ratio", "no ratio"),
        ({"ratio": "1.35", "warn_line": "150", "close_line": "130"}, "ratio", "multiple or a perc"),
        ({"warn_line": "0.5", "close_line": "0.3"}, "warn_line", "no line lies there"),
        ({"warn_line": "1.3", "close_line": "1.5"}, "close_line", "above the warn line"),
        ({"as_of": "2026-09-29 10:00"}, "as_of", "yet to come"),
        ({"as_of": "2026-09-28"}, "as_of", "time of day"),
    ],
)
def test_a_ratio_that_cannot_be_meant_is_refused(
    cells: dict[str, str], field: str, wrong: str
) -> None:
    found = ratio(**cells)
    assert isinstance(found, Fault)
    assert found.field == field
    assert wrong in found.bad.wrong


def test_a_client_stands_in_a_file_once() -> None:
    reader = market_rows.RatioReader(ZONE, NOW, AS_OF)
    assert isinstance(reader.ratio(RATIO, IDS), Ratio)
    again = reader.ratio({**RATIO, "ratio": "1.4"}, IDS)
    assert isinstance(again, Fault)
    assert "twice" in again.bad.wrong
