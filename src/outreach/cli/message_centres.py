"""Message centres over SMPP: what they deliver is heard by whoever serves, or whoever sends."""

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outreach.channels import Adapter
    from outreach.cli.door import Door
    from outreach.project.config import SmppSender


@contextmanager
def listening(door: "Door", say: "Callable[..., Any]") -> "Iterator[None]":
    """Be bound to every message centre of the config, and put on record what it delivers."""
    from outreach.project.config import SmppSender

    with ExitStack() as stack:
        for name, sender in door.config.senders.items():
            if isinstance(sender, SmppSender):
                stack.callback(_ears(door, name, sender, say).close)
        yield


def _ears(door: "Door", name: str, sender: "SmppSender", say: "Callable[..., Any]") -> Any:
    from functools import partial

    from outreach.channels.smpp import centre_of
    from outreach.channels.smpp_ears import Ears
    from outreach.project.secrets import secret
    from outreach.receive.smpp import hearing

    centre = centre_of(sender.at(door.root), secret(name))
    heard = hearing(door.database, name, door.now)
    sends = sender.sessions == "together"
    ears = Ears(centre, heard, partial(say, sender=name), sends=sends)
    ears.start()
    return ears


def let_hear(adapter: "Adapter", door: "Door", name: str, sender: "SmppSender") -> None:
    """Where a centre delivers to those who send, have them put it on record too."""
    from outreach.channels.smpp import SmppChannel
    from outreach.receive.smpp import hearing

    if isinstance(adapter, SmppChannel) and sender.sessions == "together":
        adapter.hear(hearing(door.database, name, door.now))
