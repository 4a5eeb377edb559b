"""The test double and the dry run: keeps what it is given and answers as it was told."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from outreach.channels import ChannelUnavailable
from outreach.core.campaign import PARTS
from outreach.core.model import Message, Outcome, accepted, refused
from outreach.core.words import Channel

Script = Callable[[Message], Outcome | None]


class MemoryChannel:
    """Accepts every message of its kind, unless `script` answers something else for it.

    `sent` holds each message handed over, in order, repeats included, and `windows` the size of
    each send. While `stopped` holds a sentence, every send is `ChannelUnavailable` with it.
    """

    window = 1000
    echo = True  # nothing is heard of them later
    lookup = False
    idempotent = False

    def __init__(self, channel: Channel, script: Script | None = None) -> None:
        self.channel = channel
        self.script = script
        self.stopped = ""
        self.sent: list[Message] = []
        self.windows: list[int] = []

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """The scripted outcomes; the digest is over the parts, for there is no wire format."""
        if self.stopped:
            raise ChannelUnavailable(self.stopped)
        self.windows.append(len(messages))
        for message in messages:
            self.sent.append(message)
            scripted = self.script(message) if self.script else None
            yield message.id, scripted or self._accept(message)

    def close(self) -> None:
        """Nothing to give back; what was sent stays readable."""

    def _accept(self, message: Message) -> Outcome:
        if len(message.parts) != len(PARTS[self.channel]):
            return refused("parts", f"this is no message of the channel {self.channel}")
        try:
            digest = sha256("\n".join(message.parts).encode()).digest()
        except UnicodeEncodeError:
            return refused("text", "it holds half a character")
        return accepted(f"memory-{message.id}", digest)
