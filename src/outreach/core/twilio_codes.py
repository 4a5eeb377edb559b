"""What Twilio's error codes mean for a message: one table for answers to a send and for receipts.

Source of every row: https://www.twilio.com/docs/api/errors/<code>, read 2026-11. Twilio says of its
codes that they change (changelog of 2024-07-10), so a code in no row may be our own fault: at a
send the message waits, in a receipt it is undelivered and nobody is blamed.
"""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo


class Meaning(StrEnum):
    """What a code says of a message, and whose affair it is."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    SLOW = "slow", "not taken, and less is wanted: the sender waits, then goes on"
    TOMORROW = "tomorrow", "the day's allowance is used up: the sender waits until its next day"
    DOUBT = "doubt", "nobody knows whether it went: never sent again without a look"
    SOFT = "soft", "the client's phone cannot be reached now: another message may get through"
    PERMANENT = "permanent", "the number takes no SMS, ever"
    OPTED_OUT = "opted_out", "the client wrote STOP to this sender: a withdrawal"
    BLOCKED = "blocked", "the client's network blocks this sender: nobody's consent is touched"
    CONTENT = "content", "the text was filtered: the campaign stops until a person has looked"
    TEXT = "text", "this one text cannot be sent: empty or too long"
    EXPIRED = "expired", "it waited at Twilio until its time was over, and was not sent"
    OURS = "ours", "our account or sender: it stops until a person has looked"


class Code(NamedTuple):
    """One row: a code, what it means here, and what Twilio says it is."""

    code: int
    meaning: Meaning
    words: str

    @property
    def source(self) -> str:
        return f"https://www.twilio.com/docs/api/errors/{self.code}"


_ROWS: Final = (
    # Less is wanted.
    Code(20429, Meaning.SLOW, "too many requests: the account's concurrency or rate"),
    Code(14107, Meaning.SLOW, "SMS send rate between two numbers exceeded"),
    Code(21611, Meaning.SLOW, "this sender has ten hours of messages queued"),
    Code(30001, Meaning.SLOW, "queue overflow: the senders' queues are full"),
    Code(30017, Meaning.SLOW, "the carrier's network is congested"),
    Code(30022, Meaning.SLOW, "US A2P 10DLC: the campaign's rate with a carrier exceeded"),
    Code(63017, Meaning.SLOW, "account and subaccounts together sent over 2,000 a second"),
    Code(30023, Meaning.TOMORROW, "US A2P 10DLC: the brand's daily cap, until midnight Pacific"),
    Code(30027, Meaning.TOMORROW, "US A2P 10DLC: T-Mobile's daily limit, until midnight Pacific"),
    Code(63038, Meaning.TOMORROW, "the account's limit of a rolling 24 hours"),
    # Twilio or a carrier does not know what it did with the message.
    Code(20500, Meaning.DOUBT, "internal server error"),
    Code(20503, Meaning.DOUBT, "service unavailable"),
    Code(30410, Meaning.DOUBT, "the provider timed out; not repeated, to avoid a duplicate"),
    Code(30500, Meaning.DOUBT, "an internal error while the message was processed"),
    # The client's phone, for now.
    Code(30003, Meaning.SOFT, "unreachable handset: off, roaming, out of service"),
    Code(30008, Meaning.SOFT, "unknown error of the carrier"),
    Code(30450, Meaning.SOFT, "destination blocked for 15 to 30 minutes against SMS pumping"),
    # The number, for good.
    Code(21201, Meaning.PERMANENT, "no To number"),
    Code(21211, Meaning.PERMANENT, "invalid To number"),
    Code(21214, Meaning.PERMANENT, "the To number cannot be reached"),
    Code(21217, Meaning.PERMANENT, "the To number does not appear to be valid"),
    Code(21265, Meaning.PERMANENT, "the To number is a short code"),
    Code(21268, Meaning.PERMANENT, "the To number is a premium or information service number"),
    Code(21604, Meaning.PERMANENT, "no To number"),
    Code(21614, Meaning.PERMANENT, "the To number is no mobile number"),
    Code(21635, Meaning.PERMANENT, "the To number is a landline"),
    Code(30005, Meaning.PERMANENT, "unknown handset: the number is unknown or out of use"),
    Code(30006, Meaning.PERMANENT, "a landline, or a carrier that cannot be reached"),
    # The client's wish.
    Code(21610, Meaning.OPTED_OUT, "the client has replied STOP to this sender"),
    # The network's and the filters' judgement.
    Code(30004, Meaning.BLOCKED, "blocked for this destination by its network or its owner"),
    Code(30007, Meaning.CONTENT, "filtered by Twilio or a carrier as unwanted or forbidden"),
    # This text.
    Code(21602, Meaning.TEXT, "the text is empty"),
    Code(21617, Meaning.TEXT, "the text is over 1,600 characters"),
    Code(21619, Meaning.TEXT, "the text is empty"),
    Code(30036, Meaning.EXPIRED, "the validity period ended before it could be sent"),
    # Our account or sender.
    Code(20003, Meaning.OURS, "authentication failed"),
    Code(20404, Meaning.OURS, "no such account or resource"),
    Code(21212, Meaning.OURS, "invalid From"),
    Code(21266, Meaning.OURS, "To and From are the same number"),
    Code(21408, Meaning.OURS, "no permission to send to that region"),
    Code(21601, Meaning.OURS, "the From number cannot send SMS"),
    Code(21606, Meaning.OURS, "the From number cannot send SMS to that destination"),
    Code(21608, Meaning.OURS, "a trial account sends to verified numbers only"),
    Code(21609, Meaning.OURS, "the status callback is no valid address"),
    Code(21612, Meaning.OURS, "this pair of From and To cannot be connected"),
    Code(21659, Meaning.OURS, "the From number is none of Twilio's"),
    Code(21660, Meaning.OURS, "the From number is of another account"),
    Code(21661, Meaning.OURS, "the From number cannot send SMS"),
    Code(21703, Meaning.OURS, "the messaging service has no sender"),
    Code(21704, Meaning.OURS, "the messaging service has no sender for that destination"),
    Code(21705, Meaning.OURS, "the messaging service is invalid"),
    Code(30002, Meaning.OURS, "the account is suspended"),
    Code(30024, Meaning.OURS, "the sender is not provisioned on the carrier"),
    Code(30032, Meaning.OURS, "the toll-free number is not verified"),
    Code(30034, Meaning.OURS, "US A2P 10DLC: the number is not registered"),
)

CODES: Final[dict[int, Code]] = {row.code: row for row in _ROWS}


_PACIFIC: Final = ZoneInfo("America/Los_Angeles")
_ELSEWHERE: Final = (301, 302, 303, 307, 308, 404, 405, 410)  # another address answers


def meaning_of(code: int, status: int) -> Meaning | None:
    """What an answer to a send means, by its HTTP status and its code (0: it names none); None
    where it says neither what happened nor whose affair it is."""
    if status >= 500 or status == 408:
        return Meaning.DOUBT
    if row := CODES.get(code):
        return row.meaning
    if status == 429:
        return Meaning.SLOW
    return Meaning.OURS if status in (401, 403, *_ELSEWHERE) else None


def until_tomorrow(now: datetime) -> float:
    """Seconds until the day of US carriers ends: midnight on the Pacific coast."""
    local = now.astimezone(_PACIFIC)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), _PACIFIC)
    return (midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
