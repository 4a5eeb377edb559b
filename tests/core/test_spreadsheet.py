"""What a spreadsheet would run comes in with an apostrophe; everything else as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.spreadsheet import inert


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('=HYPERLINK("http://x","y")', id="a formula"),
        pytest.param("@SUM(A1)", id="an at sign"),
        pytest.param("-1+cmd|' /C calc'!A0", id="a minus that goes on"),
        pytest.param("+cmd|' /C calc'!A0", id="a plus that goes on"),
        pytest.param("+86138****1234*2", id="a phone with more behind it"),
        pytest.param("+", id="a plus alone"),
        pytest.param("\t=1+1", id="a tab before it"),
        pytest.param("\r=1+1", id="a carriage return before it"),
        pytest.param("＝1+1", id="a full-width sign"),
    ],
)
def test_what_could_run_gets_an_apostrophe(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["", "张三", "a=b", "138****1234", "+8613812341234", "+852****5678", "-12", "-0.5", "'=1"],
)
def test_what_cannot_run_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


@settings(max_examples=80, deadline=None)
@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    assert inert(text).removeprefix("'" if inert(text) != text else "") == text
