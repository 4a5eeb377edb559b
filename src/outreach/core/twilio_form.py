"""What Twilio's webhooks say: status callbacks become receipts, inbound messages replies.

Parameters: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and
https://www.twilio.com/docs/messaging/guides/webhook-request. Twilio adds parameters without notice,
so unknown ones are left alone; a status that is in no table says nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from outreach.core.receipt import Receipt, Reply
from outreach.core.twilio_codes import CODES, Code, Meaning, until_tomorrow
from outreach.core.words import State

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
STATES: Final = {
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.ACCEPTED,
    "sent": State.ACCEPTED,
    "partially_delivered": State.ACCEPTED,  # part of it arrived: the end is not told yet
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED,
    "failed": State.UNDELIVERED,
    "canceled": State.UNDELIVERED,
}


def status(form: Mapping[str, str], message_id: int, at: datetime) -> Receipt | None:
    """The receipt in a status callback that came to the path of a message; None where its status
    is not known. A callback holds no moment, so that of its arrival stands for it."""
    said = form.get("MessageStatus") or form.get("SmsStatus") or ""
    state = STATES.get(said.casefold())
    if state is None:
        return None
    code, row = form.get("ErrorCode", "").strip()[:48], _row(form)
    return Receipt(
        state,
        at,
        message_id=message_id,
        reference=_reference(form),
        address=form.get("To", ""),
        code="" if code == "0" else code,
        detail=row.words if row else said.casefold(),
        slower=_slower(row, at),
    )


def _slower(row: Code | None, at: datetime) -> float | None:
    """Seconds the sender is to wait where a code says that less is wanted: a service takes a
    message and tells only later that the queues of its numbers are full (30001)."""
    if row is not None and row.meaning is Meaning.TOMORROW:
        return until_tomorrow(at)
    return 0.0 if row is not None and row.meaning is Meaning.SLOW else None


def withdrawal(form: Mapping[str, str], at: datetime) -> Reply | None:
    """What a status callback tells of its client besides: that he has written STOP to our number,
    at some time that Twilio alone remembers. None for every other."""
    row = _row(form)
    if row is None or row.meaning is not Meaning.OPTED_OUT or not form.get("To"):
        return None
    return Reply(form.get("From", ""), form["To"], "STOP", at, reference=_reference(form))


def _row(form: Mapping[str, str]) -> Code | None:
    code = form.get("ErrorCode", "").strip()
    return CODES.get(int(code)) if code.isascii() and code.isdecimal() else None


def inbound(form: Mapping[str, str], at: datetime) -> Reply | None:
    """The reply in an inbound message; None where it names no writer. Where Advanced Opt-Out has
    recognised a word of its own list (`OptOutType`), in whatever language, its meaning counts."""
    writer = form.get("From", "").strip()
    if not writer:
        return None
    text = form.get("Body", "")
    return Reply(
        form.get("To", "").strip(),
        writer,
        _WORDS.get(form.get("OptOutType", "").upper(), text),
        at,
        reference=_reference(form),
    )


# Twilio has acted on the word and answered already; ours need only mean the same.
_WORDS: Final = {"STOP": "STOP", "START": "START", "HELP": "HELP"}


def _reference(form: Mapping[str, str]) -> str:
    return (form.get("MessageSid") or form.get("SmsSid") or "")[:64]
