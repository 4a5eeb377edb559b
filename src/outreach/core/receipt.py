"""What is heard back: what a provider says of a message later, and what clients say or do.

A reader turns what came in (`receive.Event`) into these values. They name a message by our own
number where that came back, else by the reference its provider gave it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from outreach.core.bounce.returned import ReturnedMail
from outreach.core.words import Channel, Purpose, State

# The states a receipt can give, the weakest first. Whatever the order they come in: what was
# delivered stays delivered, and what came back undelivered was at least accepted.
HEARD: Final = (State.ACCEPTED, State.UNDELIVERED, State.DELIVERED)
_RANKS: Final = {state.value: rank for rank, state in enumerate(HEARD)}

# How long an event waits for what it speaks of: an outcome that is not stored yet, a reference
# nobody knows yet. After the last wait it is set aside for a person.
WAITS: Final = tuple(
    timedelta(seconds=n) for n in (2, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 18 * 3_600)
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider said of one message after it took it."""

    state: State  # accepted (queued, sent), undelivered or delivered
    said_at: datetime
    message_id: int | None = None
    reference: str = ""  # the provider's name for it; used where our number did not come back
    address: str = ""  # tells which message, where a reference stands for several
    code: str = ""  # the provider's own
    detail: str = ""
    # The first and last of our messages it may mean, where a request's mark came back: the address
    # tells which.
    among: tuple[int, int] | None = None
    # Less is wanted, of all messages by this sender: the seconds it is to wait, 0 where none were
    # named. None: it says nothing of that.
    slower: float | None = None

    def __post_init__(self) -> None:
        if self.state not in HEARD:
            raise ValueError(f"a receipt cannot make a message {self.state}")
        if self.message_id is None and not self.reference and not (self.among and self.address):
            raise ValueError("a receipt names a message or a reference")


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wrote to one of our senders."""

    sender: str  # the number or mailbox it was written to, as providers and people write it
    address: str  # who wrote: E.164, or a mailbox
    text: str
    said_at: datetime
    channel: Channel = Channel.SMS
    reference: str = ""  # the provider's name for it


@dataclass(frozen=True, slots=True)
class Click:
    """An unsubscribe link was used (RFC 8058); its token was checked before."""

    client_id: int
    purpose: Purpose
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A survey was answered by its link."""

    token: str
    score: int | None
    comment: str
    said_at: datetime


Said = Receipt | Reply | ReturnedMail | Click | Answer


class Heard(NamedTuple):
    """A receipt on record, as far as it decides on a message's state."""

    id: int
    state: str
    code: str
    detail: str
    provider_ref: str
    at: datetime


# A receipt that comes later than this says nothing of how fast its sender may go now.
STALE: Final = timedelta(minutes=10)


def best(states: Iterable[str]) -> State | None:
    """The state that receipts give a message, in whatever order they came; None without any. Each
    of them proves that the provider had it, whatever an outcome said."""
    ranks = [_RANKS[state] for state in states]
    return HEARD[max(ranks)] if ranks else None


def telling(heard: Iterable[Heard]) -> Heard | None:
    """The receipt that tells the state: of those that give it, the newest."""
    return max(heard, key=lambda one: (_RANKS[one.state], one.id), default=None)


_NO_SENDERS: Final = frozenset({"mail", "unsubscribe", "survey"})


def sender_of(source: str) -> str | None:
    """The sender an event's source speaks for: `twilio:main` -> main. It can only speak of its own
    messages. None for those that speak for no sender."""
    kind, _, name = source.partition(":")
    return None if kind in _NO_SENDERS else name or None
