"""Faults of SMS senders, each at its line with what to write instead."""

from pathlib import Path
from typing import Any

import pytest

from outreach.channels import open_channel
from outreach.channels.smpp import Habits, SmppChannel
from outreach.core.campaign import Bilingual
from outreach.core.smpp import Place
from outreach.project.check import check
from outreach.project.config import SmppSender
from tests.project.small_project import change, make_project

SENDERS = """\
[senders.abroad]
kind = "twilio_sms"
address = "+15005550006"
pool = ["+15005550006", "+85230001000", "ExampleSec"]
account = "AC00000000000000000000000000000000"
receipts_url = "https://outreach.example.com/twilio/abroad/status"

[senders.centre]
kind = "smpp"
address = "10690001"
host = "smpp.carrier.example.com"
tls = true
system_id = "outreach"
numbers = "national"

[[routes]]
channel = "sms"
prefix = "+86"
sender = "centre"

[[routes]]
channel = "sms\""""
ROUTE = '[[routes]]\nchannel = "sms"'


def lines_of(folder: Path, text: str) -> list[str]:
    change(folder, "config.toml", ROUTE, text)
    _, problems = check(folder / "config.toml")
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def test_senders_as_they_should_be_have_no_fault(tmp_path: Path) -> None:
    assert lines_of(make_project(tmp_path).parent, SENDERS) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"+85230001000"', '"85230001000"',
            'config.toml:25: senders.abroad.pool[1]: "85230001000" is no sender number, write a'
            " number such as +15005550006, or a name of at most 11 letters",
        ),
        (
            '"+85230001000"', '"+15005550006"',
            "config.toml:25: senders.abroad.pool[1]: stands there twice, remove one",
        ),
        (
            "tls = true", "",
            "config.toml:29: senders.centre.tls: numbers, texts and the password cross the network"
            " in clear, write tls = true, or lead it through a VPN",
        ),
        (
            '"10690001"', '"106900011069000110690"',
            "config.toml:31: senders.centre.address: is no address of SMPP, write at most 20"
            " digits, or a name of at most 11 letters",
        ),
        (
            '"+86"', '"+852"',
            "config.toml:39: routes[0].prefix: centre takes numbers of the mainland only, write"
            ' prefix = "+86", or numbers = "e164" at the sender',
        ),
        (
            '"national"', '"chinese"',
            'config.toml:35: senders.centre.numbers: "chinese" is not known,'
            " write one of e164, national",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_its_key(old: str, new: str, said: str, tmp_path: Path) -> None:
    lines = lines_of(make_project(tmp_path).parent, SENDERS.replace(old, new, 1))

    assert lines == [said]


def test_the_sender_of_config_toml_opens_the_channel(tmp_path: Path) -> None:
    more: dict[str, Any] = {"numbers": "national", "ids": "hex_then_decimal", "unanswered": 50}
    sender = SmppSender(
        kind="smpp", address="+85230001000", host="127.0.0.1", system_id="outreach", **more
    )
    firm = Bilingual(zh="示例证券", en="Example Securities")

    opened = open_channel(sender, secret="secret", outbox=tmp_path, firm_name=firm)

    assert isinstance(opened, SmppChannel)
    assert opened.window == 256
    assert opened._habits == Habits(numbers="national", ids="hex_then_decimal")
    assert opened._source == Place("85230001000", 1, 1)
    assert "secret" not in repr(opened._centre)
