"""The shared cases, and the table of channels, over every adapter that needs no server."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from outreach.channels import CHANNELS, Adapter, ChannelUnavailable, open_channel
from outreach.channels.memory import MemoryChannel
from outreach.core.campaign import Bilingual
from outreach.core.model import refused
from outreach.core.words import Channel, State
from outreach.project.config import Sender
from tests.channels.cases import CASES, letters, states

FIRM = Bilingual(zh="示例证券", en="Example Securities")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_case(case: Callable[[Adapter], None], channel: Channel, kind: str, tmp_path: Path) -> None:
    sender = SimpleNamespace(kind=kind, channel=channel, address="notice@broker.example")
    adapter = open_channel(sender, secret=None, outbox=tmp_path, firm_name=FIRM)

    case(adapter)


def test_every_kind_of_sender_that_config_takes_has_its_line_in_the_table() -> None:
    sender, *_ = get_args(Sender)
    kinds = {get_args(one.model_fields["kind"].annotation)[0] for one in get_args(sender)}

    assert set(CHANNELS) == kinds
    assert kinds == {
        "file", "memory", "plugin", "sms_gateway_http", "smpp", "smtp", "twilio_sms", "webhook",
    }  # fmt: skip


def test_naming_the_channels_loads_none_of_them() -> None:
    code = (
        "import sys, outreach.channels; "
        "print([m for m in ('twilio', 'smtplib', 'requests', 'orjson') if m in sys.modules])"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["file", "smtp"])
@pytest.mark.parametrize("address", ["", "notice", "notice@broker.example\nBcc: x@y.z"])
def test_a_sender_without_a_proper_address_blames_no_client(
    kind: str, address: str, tmp_path: Path
) -> None:
    sender = SimpleNamespace(
        kind=kind, channel=Channel.EMAIL, address=address, host="localhost", port=25,
        security="none", ca_file=None, username=None, timeout=1.0, connections=1,
    )  # fmt: skip

    with pytest.raises(ChannelUnavailable, match=f"the {kind} sender cannot write e-mail: From"):
        open_channel(sender, secret=None, outbox=tmp_path, firm_name=FIRM)


def test_the_double_answers_as_it_was_told() -> None:
    double = MemoryChannel(
        Channel.SMS, lambda message: refused("21610") if message.id == 2 else None
    )

    assert states(double, letters(Channel.SMS, 3)) == {
        1: State.ACCEPTED,
        2: State.FAILED,
        3: State.ACCEPTED,
    }
    assert [message.id for message in double.sent] == [1, 2, 3]
    assert double.windows == [3]


def test_the_double_can_be_stopped() -> None:
    double = MemoryChannel(Channel.SMS)
    double.stopped = "the gateway is down"

    with pytest.raises(ChannelUnavailable, match="the gateway is down"):
        list(double.send(letters(Channel.SMS, 1)))
    assert double.sent == []
