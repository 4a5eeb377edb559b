"""SMS counting: the boundaries, the table of known strings, and agreement with a second counter."""

import pytest
import smsutil
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.sms_text import Measure, measure

FAMILY = "👨‍👩‍👧"  # 8 units: three pairs and two joiners


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        pytest.param("A", 1, 1, id="one letter"),
        pytest.param("A" * 160, 160, 1, id="160 fill one part"),
        pytest.param("A" * 161, 161, 2, id="161 need two"),
        pytest.param("A" * 306, 306, 2, id="306 fill two parts"),
        pytest.param("A" * 307, 307, 3, id="307 need three"),
        pytest.param("A" * 459, 459, 3, id="459 fill three parts"),
        pytest.param("€" * 80, 160, 1, id="80 euro signs fill one part"),
        pytest.param("€" * 80 + "A", 161, 2, id="80 euro signs and a letter need two"),
        pytest.param("A" * 152 + "€" + "A" * 152, 306, 3, id="a pair does not straddle"),
        pytest.param("A" * 151 + "€" + "A" * 153, 306, 2, id="a pair that ends a part fits"),
        pytest.param("A" * 153 + "€" + "A" * 151, 306, 2, id="a pair that begins a part fits"),
        pytest.param("€" * 153, 306, 3, id="a part holds 76 pairs, not 76 and a half"),
        pytest.param("Ç", 1, 1, id="the capital c with cedilla is in"),
        pytest.param("Price: £9, 10% [net] {x} ~a^b\\c|d\f\r\n", 45, 1, id="extensions cost two"),
    ],
)
def test_gsm(text: str, units: int, parts: int) -> None:
    assert measure(text) == Measure("GSM-7", units, parts)


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        pytest.param("股", 1, 1, id="one character"),
        pytest.param("股" * 70, 70, 1, id="70 fill one part"),
        pytest.param("股" * 71, 71, 2, id="71 need two"),
        pytest.param("股" * 134, 134, 2, id="134 fill two parts"),
        pytest.param("股" * 135, 135, 3, id="135 need three"),
        pytest.param("𠮷" * 35, 70, 1, id="35 rare characters fill one part"),
        pytest.param("股" * 66 + "📈" + "股" * 66, 134, 3, id="a surrogate pair does not straddle"),
        pytest.param("股" * 65 + "📈" + "股" * 67, 134, 2, id="a pair that ends a part fits"),
        pytest.param("𠮷" * 67, 134, 3, id="a part holds 33 pairs, not 33 and a half"),
        pytest.param("【示例证券】" + "股" * 65, 71, 2, id="the signature counts"),
        pytest.param("股" * 66 + "e\u0301" + "股" * 66, 134, 2, id="a combining mark may straddle"),
        pytest.param(FAMILY * 17, 136, 3, id="emoji families are cut between their members"),
        pytest.param("\ud83d", 1, 1, id="half a pair is one unit"),
    ],
)
def test_ucs2(text: str, units: int, parts: int) -> None:
    assert measure(text) == Measure("UCS-2", units, parts)


@pytest.mark.parametrize("text", [*"ç`\t\xa0“”‘’–…￥\x1b", "A" * 10 + "ç"])
def test_one_character_outside_the_alphabet_turns_the_text_to_ucs2(text: str) -> None:
    assert measure(text) == Measure("UCS-2", len(text), 1)


def test_an_empty_text_is_one_part_of_no_units() -> None:
    assert measure("") == Measure("GSM-7", 0, 1)


# The lone escape code is left out: smsutil takes it for a character of the default alphabet.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1b"))
GSM_TEXT = st.text(alphabet="A€^z", min_size=140, max_size=480)
UCS2_TEXT = st.text(alphabet="股𠮷e📈", min_size=60, max_size=280)


@settings(max_examples=150, deadline=None)
@given(st.one_of(ANY_TEXT.filter(bool), GSM_TEXT, UCS2_TEXT))
def test_a_second_counter_agrees(text: str) -> None:
    other = smsutil.split(text)
    gsm = other.encoding == "gsm0338"
    # It counts bytes: one a septet, two a 16-bit unit.
    units = other.total_bytes // (1 if gsm else 2)
    assert measure(text) == ("GSM-7" if gsm else "UCS-2", units, len(other.parts))
