"""docs/bounces.md says what the program does."""

import re
from pathlib import Path

from outreach.core import verp
from outreach.core.bounce import Kind, Returned, status
from outreach.core.inbound import Intent

PAGE = (Path(__file__).parents[2] / "docs" / "bounces.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \| .+ \| (.+) \|$", PAGE, re.MULTILINE))


def test_every_class_has_its_line_and_what_follows() -> None:
    assert list(ROWS) == [kind.value for kind in Kind]
    suppressing = [
        name for name, then in ROWS.items() if "suppressed" in then or "objection" in then
    ]
    assert suppressing == [kind for kind in Kind if Returned("", kind).suppresses]


def test_the_codes_of_the_page_are_the_hard_ones() -> None:
    (listed,) = re.findall(r"permanent ones only (.+?) are hard", PAGE, re.DOTALL)

    assert set(re.findall(r"5\.\d+\.\d+", listed)) == status.HARD


def test_every_intent_is_named() -> None:
    assert all(f"`{intent}`" in PAGE for intent in Intent)


def test_the_token_is_as_long_as_the_page_says() -> None:
    (length,) = re.findall(r"b\+<(\d+) letters", PAGE)

    assert len(verp.token(b"key", 1)) == int(length)
