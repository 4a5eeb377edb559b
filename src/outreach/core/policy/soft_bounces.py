"""Soft bounces: an address that failed on several days rests for a while, and is tried again then.

A mailbox that stays full for weeks is most likely nobody's any more, but only the client can say.
"""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_RESTS: Final = Suppress(Reason.SOFT_BOUNCES)


def soft_bounces(facts: Facts) -> Verdict:
    return _RESTS if facts.route.address == "soft_bounced" else ALLOW


def says(facts: Facts) -> Sentence:
    if facts.route.address == "soft_bounced":
        return Sentence(
            "Messages came back on several days lately: the address rests for a while.",
            "近期多日退信：该地址暂停发送一段时间。",
        )
    return Sentence("The address does not rest after failures.", "该地址未因退信暂停发送。")


def saw(facts: Facts) -> dict[str, object]:
    return {"address": facts.route.address}


GATE: Final = Gate("soft_bounces", soft_bounces, says, saw, EVERY)
