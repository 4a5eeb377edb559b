"""Hard bounces: an address that does not exist is not tried again; it costs the sender's repute."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_BOUNCED: Final = Suppress(Reason.HARD_BOUNCE)


def hard_bounce(facts: Facts) -> Verdict:
    return _BOUNCED if facts.route.address == "hard_bounced" else ALLOW


def says(facts: Facts) -> Sentence:
    if facts.route.address == "hard_bounced":
        return Sentence(
            "An earlier message came back: the address does not exist.", "此前退信：地址不存在。"
        )
    return Sentence("No message to the address has come back for good.", "该地址没有永久退信记录。")


def saw(facts: Facts) -> dict[str, object]:
    return {"address": facts.route.address}


GATE: Final = Gate("hard_bounce", hard_bounce, says, saw, EVERY)
