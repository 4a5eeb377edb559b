"""Purpose opt-out: a client may refuse marketing and still want service notices."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import NOT_REGULATORY, Gate
from outreach.core.policy.wall_clock import moment
from outreach.core.words import Reason, Sentence

_STOPPED: Final = Suppress(Reason.PURPOSE_OPT_OUT)


def purpose_opt_out(facts: Facts) -> Verdict:
    return ALLOW if facts.route.purpose_stopped_on is None else _STOPPED


def says(facts: Facts) -> Sentence:
    purpose = facts.campaign.purpose
    at = facts.route.purpose_stopped_on
    if at is None:
        return Sentence(
            f"The client has not opted out of {purpose} messages.",
            f"客户未退订“{purpose.sentence.zh}”类信息。",
        )
    when = moment(at, facts.campaign.zone)
    return Sentence(
        f"The client opted out of {purpose} messages on {when}.",
        f"客户于 {when} 退订“{purpose.sentence.zh}”类信息。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {
        "purpose": facts.campaign.purpose,
        "purpose_stopped_on": facts.route.purpose_stopped_on,
    }


GATE: Final = Gate("purpose_opt_out", purpose_opt_out, says, saw, NOT_REGULATORY)
