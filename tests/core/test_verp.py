"""Return addresses: each names one message, and one changed character makes it nobody's."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core import verp

KEY = b"k" * 32
BOX = verp.Verp("b@bounces.example.com", KEY)
IDS = st.integers(0, 2**64 - 1)


def test_an_address_is_short_and_always_the_same() -> None:
    address = BOX.address(42)

    assert address == BOX.address(42)
    assert address.startswith("b+")
    assert address.endswith("@bounces.example.com")
    local = address.rpartition("@")[0]
    assert len(local) == 26  # RFC 5321, 4.5.3.1.1 allows 64
    assert set(local) <= set(string.ascii_lowercase + "234567+")


@settings(max_examples=50)
@given(IDS)
def test_what_is_made_is_read_in_letters_of_either_case(message: int) -> None:
    address = BOX.address(message)

    assert BOX.read(address) == message
    assert BOX.read(f"<{address.upper()}>") == message


@settings(max_examples=100)
@given(IDS, st.integers(0, 23), st.sampled_from(string.ascii_lowercase + string.digits))
def test_one_changed_character_is_refused(message: int, place: int, other: str) -> None:
    made = verp.token(KEY, message)
    changed = made[:place] + other + made[place + 1 :]

    assert verp.read(KEY, changed) == (message if changed == made else None)


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    assert BOX.read(f"{text}@example.com") is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "b@bounces.example.com",
        "b+@bounces.example.com",
        "b+" + "a" * 24 + "@x",
        "＠",
        "b+é" * 8,
    ],
)
def test_an_address_without_a_token_of_ours_names_no_message(address: str) -> None:
    assert BOX.read(address) is None


def test_another_key_reads_nothing() -> None:
    assert verp.Verp(BOX.mailbox, b"x" * 32).read(BOX.address(7)) is None


def test_the_last_tag_of_an_address_counts() -> None:
    assert (
        verp.Verp("b+care@example.com", KEY).read(verp.Verp("b+care@example.com", KEY).address(9))
        == 9
    )
