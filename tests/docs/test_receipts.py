"""docs/receipts.md says what the program does with what comes back."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from outreach.channels import CHANNELS
from outreach.cli import rooms
from outreach.core.inbound import Intent, classify
from outreach.core.message_state import Happened, Standing, derive
from outreach.core.receipt import HEARD, WAITS, Heard
from outreach.core.words import STATES
from outreach.receive import reconcile
from outreach.service.reconciling import AGAIN, LOOK_EVERY
from outreach.store.covered import COVERINGS
from tests.small_run import NOW

PAGE = (Path(__file__).parents[2] / "docs" / "receipts.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ("in_doubt", "accepted", "accepted"),
        ("accepted", "delivered", "delivered"),
        ("accepted", "undelivered", "undelivered"),
        ("failed", "delivered", "delivered"),
        ("ready", "accepted", "accepted"),
    ],
)
def test_each_line_about_receipts_is_so(before: str, said: str, after: str) -> None:
    happened = [Happened(1, before, "", "", "", b"", NOW)]
    heard = [Heard(1, said, "", "", "", NOW)]

    assert derive(happened, Standing(True, "done", NOW), NOW, heard) == after
    assert f"`{after}`" in section("What a receipt does")


def test_every_state_a_receipt_gives_is_on_the_page() -> None:
    assert [state for state in HEARD if f"`{state}`" not in PAGE] == []
    assert set(HEARD) <= set(STATES.values())


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("TD", Intent.OPT_OUT), ("退订", Intent.OPT_OUT), ("STOP", Intent.OPT_OUT),
        ("START", Intent.OPT_IN), ("恢复", Intent.OPT_IN), ("HELP", Intent.HELP),
        ("帮助", Intent.HELP),
    ],
)  # fmt: skip
def test_each_word_of_the_page_means_what_it_says(text: str, intent: Intent) -> None:
    assert f"`{text}`" in section("What a reply does")
    assert classify(text).intent is intent


def test_the_times_are_those_of_the_program() -> None:
    doubts = section("Messages in doubt")

    assert "for 15 minutes" in doubts.replace("\n", " ")
    assert reconcile.PATIENCE.total_seconds() == 15 * 60
    assert LOOK_EVERY.total_seconds() == 60
    assert [wait.total_seconds() / 3600 for wait in AGAIN] == [1, 6, *[24] * 6]
    assert WAITS[0].total_seconds() == 2
    assert 23 < sum(wait.total_seconds() for wait in WAITS) / 3600 < 25


def test_every_kind_of_sender_that_can_be_asked_is_named() -> None:
    named = re.findall(r"^\| `(\w+)` \| (?:yes|no)", section("Messages in doubt"), re.MULTILINE)

    assert set(named) <= set(CHANNELS)
    assert {"twilio_sms", "file", "smtp", "sms_gateway_http"} <= set(named)


def test_the_tables_are_covered_by_the_log() -> None:
    record = section("On record")
    tables = ("raw_event", "receipt", "reply")

    assert [name for name in tables if name not in COVERINGS or f"`{name}`" not in record] == []


def test_the_commands_of_the_page_are_there() -> None:
    made = typer.Typer()
    rooms.add_to(made)
    known: dict[str, Any] = getattr(get_command(made), "commands", {})
    found = set(re.findall(r"outreach ([a-z]+)", PAGE))

    assert found - known.keys() == set()
    assert set(known["replies"].commands) == {"list", "seen"}
    options = {option for one in known["reconcile"].params for option in one.opts}
    assert {"--dry-run", "--older-than"} <= options
