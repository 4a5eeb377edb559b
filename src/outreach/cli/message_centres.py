"""Message centres over SMPP: what they deliver is heard by whoever serves, or whoever sends."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from outreach.channels import Adapter
    from outreach.channels.smpp_ears import Ears
    from outreach.cli.door import Door
    from outreach.project.config import Config, SmppSender


class Centres:
    """Whoever serves is bound to every message centre of the config as it stands, and puts on
    record what it delivers."""

    name = "smpp"

    def __init__(self, door: "Door", say: "Callable[..., Any]") -> None:
        self._door, self._say = door, say
        self._ears: dict[str, tuple[SmppSender, Ears]] = {}

    def turn_to(self, config: "Config", source: bytes) -> None:
        """Leave the centres that are no longer named so, and be bound to those that are new."""
        from outreach.project.config import SmppSender

        wanted = {
            name: sender
            for name, sender in config.senders.items()
            if isinstance(sender, SmppSender)
        }
        for name, (sender, ears) in list(self._ears.items()):
            if wanted.get(name) != sender:
                del self._ears[name]
                ears.close()
                if name not in wanted:
                    self._say("smpp_left", sender=name)
        for name, sender in wanted.items():
            if name not in self._ears:
                self._ears[name] = (sender, _ears(self._door, name, sender, self._say))

    def close(self) -> None:
        """Take leave of all of them."""
        while self._ears:
            self._ears.popitem()[1][1].close()


def _ears(door: "Door", name: str, sender: "SmppSender", say: "Callable[..., Any]") -> "Ears":
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
