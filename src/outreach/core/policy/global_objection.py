"""Global objection: the client wants nothing but what the law obliges the firm to tell.

A complaint to the authority (12321 in mainland China) counts as one; GDPR art. 21(3) makes it
override every other basis.
"""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import NOT_REGULATORY, Gate
from outreach.core.policy.wall_clock import moment
from outreach.core.words import Reason, Sentence

_OBJECTED: Final = Suppress(Reason.GLOBAL_OBJECTION)


def global_objection(facts: Facts) -> Verdict:
    return ALLOW if facts.route.objected_on is None else _OBJECTED


def says(facts: Facts) -> Sentence:
    at = facts.route.objected_on
    if at is None:
        return Sentence("The client has made no global objection.", "客户未拒绝全部非必要信息。")
    when = moment(at, facts.campaign.zone)
    return Sentence(
        f"The client objected to everything not required by law on {when}.",
        f"客户于 {when} 拒绝一切非必要信息。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {"objected_on": facts.route.objected_on}


GATE: Final = Gate("global_objection", global_objection, says, saw, NOT_REGULATORY)
