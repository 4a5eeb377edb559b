"""Unsubscribe links: a token stands for one client and purpose, and nobody can make another."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.unsubscribe import Unsubscribe, read, token
from outreach.core.words import Purpose

KEY, OTHER = bytes(range(32)), bytes(32)
CLIENTS = st.integers(min_value=0, max_value=2**64 - 1)
TOKEN = token(KEY, 8812, Purpose.MARKETING)


@settings(max_examples=60)
@given(CLIENTS, st.sampled_from(Purpose))
def test_a_token_reads_back_as_its_client_and_purpose(client_id: int, purpose: Purpose) -> None:
    made = token(KEY, client_id, purpose)

    assert read(KEY, made) == (client_id, purpose)
    assert len(made) == 32
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_link_is_the_address_of_the_door_and_the_token() -> None:
    links = Unsubscribe("https://www.example.com/u/", KEY, Purpose.MARKETING)

    assert links.url(8812) == f"https://www.example.com/u/{TOKEN}"
    assert links.url(8812) == links.url(8812)


def test_one_changed_bit_anywhere_is_refused() -> None:
    raw = base64.urlsafe_b64decode(TOKEN)
    for bit in range(len(raw) * 8):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8

        assert read(KEY, base64.urlsafe_b64encode(bytes(forged)).decode()) is None, bit


def test_a_token_made_with_another_key_is_refused() -> None:
    assert read(OTHER, TOKEN) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(TOKEN[:-1], id="cut"),
        pytest.param(TOKEN[:-4], id="cut by a whole group"),
        pytest.param(TOKEN + "AAAA", id="longer"),
        pytest.param(TOKEN + "=", id="padded"),
        pytest.param(TOKEN + "\n", id="a line end behind it"),
        pytest.param(TOKEN[:8] + "!!!!" + TOKEN[8:], id="strange characters within"),
        pytest.param(" " + TOKEN, id="a space before it"),
        pytest.param("取消订阅", id="not ASCII"),
        pytest.param("\ud800" * 32, id="half characters"),
        pytest.param("\0" * 32, id="zero bytes"),
        pytest.param("A" * 100_000, id="very long"),
    ],
)
def test_what_is_no_token_of_ours_is_refused(text: str) -> None:
    assert read(KEY, text) is None


def test_the_same_bytes_written_in_the_other_alphabet_are_refused() -> None:
    made = next(t for n in range(1000) if {"-", "_"} & set(t := token(KEY, n, Purpose.SURVEY)))

    assert read(KEY, made.replace("-", "+").replace("_", "/")) is None


@settings(max_examples=100)
@given(st.text(max_size=40))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert read(KEY, text) is None
