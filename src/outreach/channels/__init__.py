"""The channels: one adapter a file, chosen by the kind of a sender in config.toml.

An adapter does wire and words only. It makes one attempt a message; retries, caps and consent are
decided above it, and no provider's name appears above it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from outreach.core.campaign import Bilingual
from outreach.core.mime import Letterhead, Skeleton, Unwritable
from outreach.core.model import Message, Outcome
from outreach.core.receipt import Receipt, Reply
from outreach.core.verp import Verp
from outreach.core.words import Channel

PLUGINS: Final = "outreach.channels"  # the group of entry points of other packages' channels


class ChannelUnavailable(Exception):
    """Nothing of this window was handed over, and nothing will be until a person has looked.

    The sentence names the place and the cause, and holds no secret and no client's address.
    """


class Adapter(Protocol):
    """What dispatch knows of a channel. Not safe for two threads at once."""

    @property
    def channel(self) -> Channel: ...

    @property
    def window(self) -> int:
        """The most messages one `send` should be given; a crash leaves so many in doubt."""
        ...

    # What else it can do, as attributes of its class.

    @property
    def echo(self) -> bool:
        """What the provider says later names the message by our number, or it never says anything.
        Where False, its references are kept (`provider_reference`)."""
        ...

    @property
    def lookup(self) -> bool:
        """The provider can be asked what became of a message: it is a `Lookup` too."""
        ...

    @property
    def idempotent(self) -> bool:
        """A message handed over again is not sent again: the provider knows it by our number."""
        ...

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One attempt each; yields the id and outcome of every message exactly once, in any order.

        Raises `ChannelUnavailable`, at the latest from the first `next`, when nothing of this
        window was handed over. A caller that stops iterating leaves the rest of them in doubt.
        """
        ...

    def close(self) -> None:
        """Give back connections and files. Closing twice is harmless."""
        ...


class Asked(NamedTuple):
    """A message in doubt that a provider is asked about."""

    id: int
    run_id: int
    to: str
    handed_at: datetime  # when its window was begun: it cannot have been taken earlier
    until: datetime  # when its sender was known to be gone: nor later
    content_digest: bytes  # of its text as planned (`core.render.content_digest` of its parts)
    held: frozenset[str] = frozenset()  # the provider's names for other messages to this address


class Lookup(Protocol):
    """What an adapter with `lookup` offers besides."""

    def find(self, messages: Sequence[Asked]) -> Iterator[tuple[int, Receipt | None]]:
        """What the provider knows of each message, asked by address and time; None where it lists
        none, which proves nothing. A message is known by its text too, and what is `held` by
        another is not it, so that no other to the same address is taken for it. Yields each once;
        raises `ChannelUnavailable` when it cannot be asked."""
        ...


@runtime_checkable
class Pulls(Protocol):
    """What an adapter offers besides whose provider keeps what it has to say until it is asked."""

    def pull(self, at: datetime) -> Iterator[Receipt | Reply]:
        """What is new, each time once; `at` stands for moments the provider leaves out. Raises
        `ChannelUnavailable` when it cannot be asked; what was yielded until then is lost to the
        provider, so it is to be stored even so."""
        ...


class Sender(Protocol):
    """One sender of config.toml; each adapter's `open` reads the further fields of its kind."""

    @property
    def kind(self) -> str: ...

    @property
    def channel(self) -> Channel: ...

    @property
    def address(self) -> str: ...


def _file(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from outreach.channels.file_outbox import FileOutbox

    return FileOutbox(sender.channel, outbox, letterhead)


def _memory(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from outreach.channels.memory import MemoryChannel

    return MemoryChannel(sender.channel)


def _smtp(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from outreach.channels.smtp import SmtpChannel
    from outreach.channels.smtp_pace import Limit
    from outreach.channels.smtp_session import Server, signers_of

    relays = [
        Server(
            host=relay.host,
            port=relay.port,
            security=relay.security,
            ca_file=relay.ca_file,
            username=relay.username,
            password=relay.password if relay.name else secret,
            timeout=sender.timeout,
            weight=relay.weight,
        )
        for relay in sender.servers
    ]
    domains = {
        domain.lower(): Limit(limit.connections, limit.per_second)
        for domain, limit in sender.domains.items()
    }
    return SmtpChannel(
        relays,
        letterhead,
        connections=sender.connections,
        domains=domains,
        signers=signers_of(sender.signatures),
        shared=sender.shared,
    )


def _twilio_sms(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from outreach.channels.twilio_sms import TwilioSms

    return TwilioSms(
        account=sender.account,
        token=secret,
        address=sender.address,
        receipts_url=sender.receipts_url,
        pool=sender.pool,
        connections=sender.connections,
        timeout=sender.timeout,
        base_url=sender.base_url,
        ca_file=sender.ca_file,
    )


def _sms_gateway_http(
    sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead
) -> Adapter:
    from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of

    return SmsGatewayHttp(
        profile_of(sender.profile),
        account=sender.account,
        secret=secret,
        base_url=sender.base_url,
        app=sender.app,
        sender_id=sender.sender_id,
        extend=sender.extend,
        signatures=sender.signatures,
        templates=sender.templates,
        connections=sender.connections,
        timeout=sender.timeout,
        ca_file=sender.ca_file,
    )


def _smpp(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from outreach.channels.smpp import SmppChannel, centre_of, habits_of

    return SmppChannel(
        centre_of(sender, secret),
        address=sender.address,
        habits=habits_of(sender),
        unanswered=sender.unanswered,
    )


def _webhook(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from outreach.channels.webhook import Webhook

    return Webhook(
        url=sender.url,
        secret=secret,
        deduplicates=sender.deduplicates,
        connections=sender.connections,
        timeout=sender.timeout,
        ca_file=sender.ca_file,
    )


def _plugin(sender: Any, secret: str | None, outbox: Path, letterhead: Letterhead) -> Adapter:
    from importlib.metadata import entry_points

    for found in entry_points(group=PLUGINS, name=sender.name):
        made: Adapter = found.load()(
            channel=sender.channel, address=sender.address, secret=secret, settings=sender.settings
        )
        return made
    raise ChannelUnavailable(f"no installed package brings the channel {sender.name} ({PLUGINS})")


CHANNELS: Final[dict[str, Callable[[Any, str | None, Path, Letterhead], Adapter]]] = {
    "file": _file,
    "memory": _memory,
    "plugin": _plugin,
    "sms_gateway_http": _sms_gateway_http,
    "smtp": _smtp,
    "smpp": _smpp,
    "twilio_sms": _twilio_sms,
    "webhook": _webhook,
}


def open_channel(
    sender: Sender,
    *,
    secret: str | None,
    outbox: Path,
    firm_name: Bilingual,
    mailto: str = "",
    returns: Verp | None = None,
) -> Adapter:
    """The adapter of a configured sender. `outbox` is the folder the file channel writes below.

    `secret` is the password or token of this sender; `mailto` an address that also takes
    unsubscribe requests; `returns` makes the addresses that undeliverable mail comes back to. No
    connection is made before the first `send`. Raises `ChannelUnavailable` when the sender cannot
    stand in the From line of an e-mail.
    """
    letterhead = Letterhead(sender.address, firm_name.zh, firm_name.en, mailto, returns)
    try:
        if sender.channel is Channel.EMAIL and sender.kind != "memory":
            # Asked once here, for no client is to blame when the letterhead is wrong.
            for locale in ("zh", "en"):
                Skeleton(letterhead, locale, "8bit")
        return CHANNELS[sender.kind](sender, secret, outbox, letterhead)
    except Unwritable as error:
        raise ChannelUnavailable(
            f"the {sender.kind} sender cannot write e-mail: {error}"
        ) from error
