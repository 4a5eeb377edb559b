"""docs/bounces.md says what the program does."""

import re
from pathlib import Path

from outreach.core import verp
from outreach.core.bounce import Kind, Returned, status
from outreach.core.inbound import Intent
from outreach.project.bounce_config import Bounces, ImapMailbox, LmtpDoor, MaildirMailbox

PAGE = (Path(__file__).parents[2] / "docs" / "bounces.md").read_text(encoding="utf-8")
CLASSES, _, REST = PAGE.partition("## Setting it up")
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \| .+ \| (.+) \|$", CLASSES, re.MULTILINE))


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


def test_what_follows_is_said_of_every_class() -> None:
    (table,) = re.findall(r"## What follows\n\n(.+?)\n\n", REST, re.DOTALL)
    first = [line.split("|")[1] for line in table.splitlines()[2:]]

    assert {name for cell in first for name in re.findall("`([a-z_]+)`", cell)} == set(Kind)


def test_the_numbers_of_the_page_are_the_defaults() -> None:
    told = re.findall(r"after (\d+) different days within (\d+) it rests for (\d+) days", REST)
    made = Bounces()
    door = LmtpDoor(kind="lmtp")

    assert told == [tuple(map(str, (made.soft_limit, made.soft_days, made.soft_block_days)))]
    assert f"({door.host} and {door.port})" in REST
    assert f"`every_seconds` ({MaildirMailbox(kind='maildir', path='x').every_seconds})" in REST
    assert ImapMailbox(kind="imap", host="x", username="y").security == "tls"
