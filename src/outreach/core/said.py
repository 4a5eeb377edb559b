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
    # HTTP (RFC 6585 4); SMTP: 421 closes the line, 4.7.28 too many messages (RFC 7372 has the kin)
    "429": About.RATE,
    "421 4.7.0": About.RATE,
    "450 4.7.28": About.RATE,
    "421 4.7.28": About.RATE,
    # SMTP: refused for what it says (RFC 3463: X.6.0 content, X.7.1 as filters use it after DATA)
    "554 5.7.1": About.CONTENT,
    "550 5.7.1": About.CONTENT,
    "5.7.1": About.CONTENT,
    "554 5.6.0": About.CONTENT,
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
