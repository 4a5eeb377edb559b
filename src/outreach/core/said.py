"""What an outcome speaks of: as its adapter says, else by its code."""

from typing import Final

from outreach.core.model import About, Outcome
from outreach.core.words import State

# Codes that mean the same wherever they come from. An adapter that knows better says so itself
# (`Outcome.about`); a code in no row speaks of the one message.
_CODES: Final[dict[str, About]] = {
    # ours: what the adapters call what happened to the line
    **dict.fromkeys(
        ("connect", "connection_lost", "timeout", "garbled", "no_json", "gone"), About.CONNECTION
    ),
    "throttled": About.RATE,
    # HTTP (RFC 6585 4). What a mail server's code means depends on the command it answers, and how
    # much is wanted on the domain: the SMTP channel says it.
    "429": About.RATE,
    # Twilio: 20429 and 30022 too fast; 30007 filtered by a carrier, 30004 blocked
    "20429": About.RATE,
    "30022": About.RATE,
    "30007": About.CONTENT,
    # Aliyun: words that may not be sent, in the text and in a variable; Tencent: sensitive words
    "isv.SMS_CONTENT_ILLEGAL": About.CONTENT,
    "isv.BLACK_KEY_CONTROL_LIMIT": About.CONTENT,
    "FailedOperation.ContainSensitiveWord": About.CONTENT,
}


def about(outcome: Outcome) -> About:
    """What an outcome speaks of."""
    if outcome.about is not About.MESSAGE:
        return outcome.about
    if outcome.state == State.ACCEPTED:
        return About.MESSAGE
    return _CODES.get(outcome.code, About.MESSAGE)
