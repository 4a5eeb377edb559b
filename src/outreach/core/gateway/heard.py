"""What a gateway says of one message, as everybody hears it: by our own mark where it came back."""

from datetime import datetime
from typing import Final

from outreach.core import receipt as heard
from outreach.core.gateway.answer import Receipt
from outreach.core.gateway.marks import read_mark
from outreach.core.gateway.profile import ReceiptState
from outreach.core.words import State

_STATES: Final[dict[ReceiptState, State]] = {
    "delivered": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "waiting": State.ACCEPTED,
}


def as_heard(one: Receipt, at: datetime, message_id: int | None = None) -> heard.Receipt | None:
    """What became of a message; None where nothing says which. `at` stands for the moment where
    the gateway names none, `message_id` for the mark where it is known which message is meant."""
    among = read_mark(one.mark) if message_id is None else None
    if message_id is None and not among and not one.reference:
        return None
    return heard.Receipt(
        _STATES[one.state], one.at or at, message_id, one.reference[:64], one.number,
        code=one.reason[:48], among=among,
    )  # fmt: skip
