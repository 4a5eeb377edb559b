"""What a reply comes to: which wish it is, whether it answers a survey, and who has to read it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core import survey
from outreach.core.consent import Action
from outreach.core.inbound import Inbound, Intent, classify
from outreach.core.survey import Answer, Open
from outreach.core.words import Spoken


class Made(Spoken):
    """What was made of a reply."""

    WITHDRAWN = "withdrawn", "nothing more goes out by that channel", "已退订该渠道"
    OBJECTED = "objected", "nothing more goes out that no law asks for", "已拒绝一切非必要信息"
    GRANTED = "granted", "an opt-out was lifted", "已恢复接收"
    ANSWERED = "answered", "it is the answer to a survey", "已记为调查回答"
    NOTHING = "nothing", "nothing was changed", "未作处理"


class Wish(NamedTuple):
    """What a client asks for, as an event of the consent ledger."""

    action: Action
    everywhere: bool  # else only on the channel it came by
    made: Made


# A complaint is an objection to everything (domain rules: 12321 and its kin).
WISHES: Final = {
    Intent.OPT_OUT: Wish(Action.WITHDRAW, False, Made.WITHDRAWN),
    Intent.OPT_IN: Wish(Action.GRANT, False, Made.GRANTED),
    Intent.COMPLAINT: Wish(Action.OBJECT, True, Made.OBJECTED),
}


class Understood(NamedTuple):
    """A reply as it is read: an answer, a wish, both, or neither."""

    intent: Intent
    answer: Answer | None
    review: bool  # a person reads it

    @property
    def wish(self) -> Wish | None:
        return WISHES.get(self.intent)


def understand(
    text: str, sender: str, asked: Sequence[Open], at: datetime, zone: ZoneInfo
) -> Understood:
    """What a text to one of our senders means, from somebody who was asked these surveys.

    In the words of an answer a complaint is for the department that hears of it, and a word of
    refusal counts beside the answer.
    """
    reading = survey.read(text, asked, at, zone)
    said = classify(text, sender)
    answer = reading.answer
    if answer is not None and answer.score is not None:
        said = Inbound(Intent.OPT_OUT, True) if reading.word else Inbound(Intent.OTHER, False)
    elif said.intent is not Intent.OTHER:
        answer = None
    review = said.review or said.intent in (Intent.HELP, Intent.COMPLAINT)
    return Understood(said.intent, answer, review)
