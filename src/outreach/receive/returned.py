"""Returned mail among the events: who reads it, and what it says of the message it is about."""

from collections.abc import Mapping, Sequence
from typing import Final

from outreach.core.bounce import Kind
from outreach.core.bounce.returned import read_returned
from outreach.core.masking import masked_text
from outreach.core.receipt import Receipt, Said
from outreach.core.verp import Verp
from outreach.core.words import State
from outreach.receive.events import Event, Reader
from outreach.store.bounces import Found

REPORT: Final = "report"  # of the events that hold a returned mail as it came

# What was complained of or answered, and what is still tried, has reached somebody.
_BECAME: Final[Mapping[Kind, State]] = {
    Kind.HARD: State.UNDELIVERED,
    Kind.SOFT: State.UNDELIVERED,
    Kind.POLICY: State.UNDELIVERED,
    Kind.CONTENT: State.UNDELIVERED,
    Kind.DELAYED: State.ACCEPTED,
    Kind.AUTO_REPLY: State.ACCEPTED,
    Kind.SUCCESS: State.DELIVERED,
    Kind.COMPLAINT: State.DELIVERED,
}


def mail_reader(verp: Verp | None) -> Reader:
    """What reads events of source `mail`. Without `verp` no report is believed."""

    def read(event: Event) -> Sequence[Said]:
        return [read_returned(event.content, verp, event.received_at)]

    return read


def receipt_of(found: Found) -> Receipt | None:
    """What a returned mail says became of its message; None where it says nothing we believe."""
    one = found.judged
    if not one.tells or one.kind not in _BECAME:
        return None
    # Passed on to a system that reports nothing, or to the members of a list: nobody's mailbox yet.
    passed_on = one.kind is Kind.SUCCESS and one.action in ("relayed", "expanded")
    return Receipt(
        State.ACCEPTED if passed_on else _BECAME[one.kind],
        one.mail.said_at,
        message_id=one.mail.message_id,
        code=one.status or one.kind.value,
        detail=masked_text(one.diagnostic),
    )
