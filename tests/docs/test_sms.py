"""The page on sending SMS: its senders load, and say what config.toml says."""

import re
import tomllib
from pathlib import Path

from outreach.project.config import SmppSender, TwilioSender

PAGE = Path(__file__).parents[2] / "docs" / "sms.md"
TEXT = PAGE.read_text(encoding="utf-8")
SENDERS = [
    next(iter(tomllib.loads(block)["senders"].values()))
    for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
]
COMMENTED = re.compile(r"^# ?", re.MULTILINE)


def test_the_senders_of_the_page_load() -> None:
    service, pool, centre = SENDERS

    assert TwilioSender.model_validate(service).connections == 16
    assert len(TwilioSender.model_validate(pool).pool) == 3
    assert SmppSender.model_validate(centre).numbers == "national"


def test_every_key_in_the_table_is_one_of_a_message_centre() -> None:
    table = TEXT[TEXT.index("| key | means |") : TEXT.index("Texts go in the alphabet")]
    keys = [key for row in re.findall(r"^\| (`.*?) \|", table, re.M) for key in row.split(", ")]

    assert len(keys) == 10
    assert {key.strip("`") for key in keys} <= SmppSender.model_fields.keys()


def test_the_senders_in_the_comments_of_config_toml_load() -> None:
    text = (PAGE.parents[1] / "config.toml").read_text(encoding="utf-8")
    for name, model in (("sms-abroad", TwilioSender), ("sms-centre", SmppSender)):
        start = text.index(f"# [senders.{name}]")
        block = text[start : text.index("\n\n", start)]
        known = COMMENTED.sub("", COMMENTED.sub("", block))

        sender = model.model_validate(tomllib.loads(known)["senders"][name])

        assert isinstance(sender, model)
        assert sender.address
