"""docs/write-a-channel.md names what there is: members, outcomes, cases, slots, meanings."""

import re
import tomllib
from pathlib import Path
from typing import get_args

from outreach.channels import Adapter
from outreach.core import model
from outreach.core.gateway.profile import SHIPPED, Meaning, Signing
from outreach.project.config import GatewaySender
from tests.channels.cases import CASES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "write-a-channel.md").read_text(encoding="utf-8")


def test_every_member_of_an_adapter_is_explained() -> None:
    members = {name for name in vars(Adapter) if not name.startswith("_")}

    assert [name for name in sorted(members) if f"- `{name}" not in PAGE] == []


def test_every_outcome_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)

    assert rows == [
        one.__name__ for one in (model.accepted, model.refused, model.unavailable, model.in_doubt)
    ]


def test_every_meaning_and_way_to_sign_is_named() -> None:
    signs = get_args(Signing.model_fields["kind"].annotation)

    assert [word for word in (*get_args(Meaning), *signs) if f"`{word}`" not in PAGE] == []


def test_every_slot_of_a_shipped_profile_is_named() -> None:
    folder = ROOT / "src" / "outreach" / "data" / "gateways"
    text = "".join((folder / f"{name}.toml").read_text(encoding="utf-8") for name in SHIPPED)
    slots = set(re.findall(r'"\{(\w+)(?::\w+)?\}"', text)) - {"limit", "page", "reference"}

    assert [slot for slot in sorted(slots) if f"`{{{slot}}}`" not in PAGE] == []


def test_the_example_is_a_sender() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (example,) = (block for block in blocks if "sms-mainland" in block)

    assert GatewaySender.model_validate(tomllib.loads(example)["senders"]["sms-mainland"])


def test_the_page_says_as_many_cases_as_there_are() -> None:
    """Five lines: one outcome and no work share one, and so do the two that are refused."""
    asked = PAGE.partition("## What the shared tests ask")[2].partition("##")[0]

    assert (len(re.findall(r"^- ", asked, re.MULTILINE)), len(CASES)) == (5, 7)


def test_every_file_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:channels|core|project|tests)/[\w./]*\w)`", PAGE)

    assert named
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "src" / "outreach" / name).exists(), name
