"""A channel of another package: found by its entry point, named where there is none."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from outreach.channels import Adapter, ChannelUnavailable, open_channel
from outreach.channels.memory import MemoryChannel
from outreach.core.campaign import Bilingual
from outreach.core.words import Channel, State
from outreach.project.check import check
from outreach.project.sender_config import PluginSender
from tests.channels.cases import letters, states
from tests.project.small_project import CONFIG, change, make_project

FIRM = Bilingual(zh="示例证券", en="Example Securities")
given: dict[str, Any] = {}


def opens(
    *, channel: Channel, address: str, secret: str | None, settings: dict[str, Any]
) -> Adapter:
    """What the entry point of such a package names."""
    given.update(channel=channel, address=address, secret=secret, settings=settings)
    return MemoryChannel(channel)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    one = EntryPoint("carrier-pigeon", f"{__name__}:opens", "outreach.channels")

    def entry_points(group: str, name: str) -> EntryPoints:
        return EntryPoints([one]).select(group=group, name=name)

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    monkeypatch.setattr("outreach.project.check_config.entry_points", entry_points)


def sender(name: str) -> PluginSender:
    settings = {"loft": "north", "birds": 4}
    return PluginSender(
        kind="plugin", name=name, channel=Channel.SMS, address="95000", settings=settings
    )


def test_an_installed_channel_is_opened_with_what_config_says_of_it(
    installed: None, tmp_path: Path
) -> None:
    adapter = open_channel(sender("carrier-pigeon"), secret="coo", outbox=tmp_path, firm_name=FIRM)

    assert given == {
        "channel": Channel.SMS, "address": "95000", "secret": "coo",
        "settings": {"loft": "north", "birds": 4},
    }  # fmt: skip
    assert set(states(adapter, letters(Channel.SMS, 2)).values()) == {State.ACCEPTED}


def test_a_channel_nobody_brings_stops_its_sender_and_no_other(
    installed: None, tmp_path: Path
) -> None:
    with pytest.raises(ChannelUnavailable, match="no installed package brings the channel owl"):
        open_channel(sender("owl"), secret=None, outbox=tmp_path, firm_name=FIRM)


PIGEON = """\
[senders.sms-file]
kind = "plugin"
name = "{}"
channel = "sms"
address = "95000"
settings = {{ loft = "north" }}
"""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("carrier-pigeon", []),
        (
            "owl",
            ['senders.sms-file.name: no installed package brings a channel "owl", install it'
             " beside outreach"],
        ),
    ],
)  # fmt: skip
def test_check_says_when_nobody_brings_a_channel(
    installed: None, tmp_path: Path, name: str, found: list[str]
) -> None:
    make_project(tmp_path)
    old = CONFIG[CONFIG.index("[senders.sms-file]") : CONFIG.index("[senders.mail-file]")]
    change(tmp_path, "config.toml", old, PIGEON.format(name) + "\n")

    _, problems = check(tmp_path / "config.toml")

    assert [str(one).partition(": ")[2] for one in problems] == found
