"""What a client's reply amounts to, whoever asked: the intent, and whether a person should read it.

The safe reading is taken (domain rules): a short text that holds a word of refusal stops messages
at once, and somebody looks at it afterwards.
"""

from typing import Final, NamedTuple

from outreach.core.inbound_words import (
    LETTERS,
    Word,
    complains,
    holds_sign,
    plain,
    word,
)
from outreach.core.words import Spoken


class Intent(Spoken):
    """What a reply wants."""

    OPT_OUT = "opt_out", "no more messages", "退订"
    OPT_IN = "opt_in", "messages again", "恢复接收"
    HELP = "help", "to know who writes and how to stop it", "求助"
    COMPLAINT = "complaint", "to complain; an objection to everything, and a case", "投诉"
    OTHER = "other", "something else", "其他"


class Inbound(NamedTuple):
    """A reply as it is read."""

    intent: Intent
    review: bool  # somebody reads it


_INTENTS: Final = {
    Word.OPT_OUT: Inbound(Intent.OPT_OUT, review=False),
    Word.OPT_OUT_REVIEW: Inbound(Intent.OPT_OUT, review=True),
    Word.OPT_IN: Inbound(Intent.OPT_IN, review=False),
    Word.HELP: Inbound(Intent.HELP, review=False),
}


def classify(text: str, sender: str = "") -> Inbound:
    """What a text means that came to one of our senders (its number or id; empty = a mainland one).

    Single letters (R, T, N, D) and 0000 are what mainland gateways advertise. To a sender abroad
    they may be any answer, so a person reads them.
    """
    said = word(text)
    if said is Word.OPT_OUT and is_abroad(sender) and plain(text) in LETTERS:
        return Inbound(Intent.OTHER, review=True)
    if said is not None and said is not Word.OPT_OUT_REVIEW:
        return _INTENTS[said]
    if complains(text):
        return Inbound(Intent.COMPLAINT, review=True)
    if said is not None:
        return _INTENTS[said]
    return Inbound(Intent.OTHER, review=holds_sign(text))


def is_abroad(sender: str) -> bool:
    """Whether a sender is not one of the mainland: a number of another country, an id of
    Hong Kong's register (#NAME), a messaging service (MG...). 95xxx, 106... and +86 are ours."""
    number = sender.strip()
    return number.startswith(("#", "MG")) or (
        number.startswith("+") and not number.startswith("+86")
    )
