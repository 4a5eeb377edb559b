"""The page on rates: its config loads, its numbers are those of the program."""

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import typer

from outreach.cli.rooms import add_to
from outreach.core.breaker import ERRORS, PROBE, RESTS
from outreach.core.retry import LATER, LINE, LONGEST
from outreach.project.config import Config
from outreach.project.rate_config import PACE, PacedSms, limits

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rates.md").read_text(encoding="utf-8")
SHIPPED = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))


def config() -> Config:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    written = tomllib.loads(block)
    senders = {**SHIPPED["senders"], **written["senders"]}
    return Config.model_validate({**SHIPPED, "senders": senders, "accounts": written["accounts"]})


def test_the_limits_of_the_page_load_and_stand_in_one_order() -> None:
    made = config()
    mine = limits("sms-abroad", made.senders["sms-abroad"], made.accounts)

    names = [ask.name for ask in mine.asks("sms-abroad +852")]
    assert names == [
        "account AC00000000000000000000000000000000", "sms-abroad", "sms-abroad +852",
    ]  # fmt: skip
    assert mine.own.cap(None, date(2026, 9, 28)) == 2000


def test_every_key_is_in_the_table_and_decides_about_nobody() -> None:
    """What is not in PACE is frozen with a run: whose account it is, and which countries have
    batches of their own."""
    assert PacedSms.model_fields.keys() == PACE | {"account", "countries"}
    table = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
    assert table == PacedSms.model_fields.keys()


def test_the_numbers_of_the_page_are_those_of_the_program() -> None:
    minutes = [int(wait / timedelta(minutes=1)) for wait in LATER]
    assert ", ".join(map(str, minutes)) in PAGE
    assert [int(wait.total_seconds()) for wait in LINE] == [10, 30, 60, 120, 300, 900, 1800, 3600]
    assert [int(rest / timedelta(minutes=1)) for rest in RESTS] == [1, 2, 5, 15]
    assert (ERRORS, PROBE, LONGEST.days) == (5, 3, 4)
    assert Config.model_validate(SHIPPED).engine.content_errors == 20


def test_the_commands_of_the_page_are_ours() -> None:
    app = typer.Typer()
    add_to(app)
    click = typer.main.get_command(app)
    for line in re.findall(r"^outreach (\S+)", PAGE, re.M):
        assert line in click.commands  # type: ignore[attr-defined]
