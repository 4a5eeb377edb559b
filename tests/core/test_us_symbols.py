"""Nasdaq and NYSE spell one security in two ways; holdings, and halts, know it by one."""

import pytest

from outreach.core.cells import Bad
from outreach.core.us_symbols import market, symbol


@pytest.mark.parametrize(
    ("spellings", "kept"),
    [
        (["BKSY WS", "BKSY.W", "BKSY.WS", "BKSY+"], "BKSY.W"),
        (["BRK B", "BRK.B", "BRK/B"], "BRK.B"),
        (["BAC PRL", "BAC PR L", "BAC-L", "BAC$L", "BACpL"], "BAC-L"),
        (["ABC U", "ABC.U", "ABC="], "ABC.U"),
        (["TNONW", "tnonw"], "TNONW"),
        (["ABC WS A"], "ABC.W.A"),
    ],
)
def test_every_spelling_is_kept_as_one(spellings: list[str], kept: str) -> None:
    assert [symbol(one) for one in spellings] == [kept] * len(spellings)


@pytest.mark.parametrize("written", ["", "A;B", "123", "TOO LONG WORDS HERE"])
def test_what_is_no_symbol_is_refused(written: str) -> None:
    assert isinstance(symbol(written), Bad)


@pytest.mark.parametrize(
    ("written", "mic"),
    [("NASDAQ", "XNAS"), ("Nasdaq", "XNAS"), ("NYSE American", "XASE"), ("NYSE Arca", "ARCX")],
)
def test_an_exchange_has_one_code(written: str, mic: str) -> None:
    assert market(written) == mic
