"""What a gateway says of one message, as everybody hears it: by our own mark where it came back."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from outreach.core import receipt as heard
from outreach.core.gateway.answer import Receipt
from outreach.core.gateway.marks import read_mark
from outreach.core.gateway.profile import Profile, ReceiptState
from outreach.core.words import State

_STATES: Final[dict[ReceiptState, State]] = {
    "delivered": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "waiting": State.ACCEPTED,
}


def as_heard(
    one: Receipt, at: datetime, message_id: int | None = None, slower: float | None = None
) -> heard.Receipt | None:
    """What became of a message; None where nothing says which. `at` stands for the moment where
    the gateway names none, `message_id` for the mark where it is known which message is meant."""
    among = read_mark(one.mark) if message_id is None else None
    if message_id is None and not among and not one.reference:
        return None
    return heard.Receipt(
        _STATES[one.state], one.at or at, message_id, one.reference[:64], one.number,
        code=one.reason[:48], among=among, slower=slower,
    )  # fmt: skip


def all_heard(
    profile: Profile, told: Iterable[Receipt], sender: str, at: datetime
) -> Iterator[heard.Receipt | heard.Reply]:
    """What became of the messages of a report, and what it says besides by codes of the profile:
    that less is wanted, or that a client has told the gateway to stop. `sender` is our number."""
    for one in told:
        meaning = profile.meaning(one.reason) if one.state == "undelivered" else None
        slower = 0.0 if meaning == "throttled" else None
        if (said := as_heard(one, at, slower=slower)) is not None:
            yield said
        if meaning == "opted_out":
            yield heard.Reply(sender, one.number, "STOP", one.at or at, reference=one.reference)
