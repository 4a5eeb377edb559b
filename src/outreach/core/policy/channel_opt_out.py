"""Channel stop: STOP or 退订 to a sender shuts the channel for every purpose.

For notices the firm must give as well: carriers and providers block the sender technically after a
STOP (Twilio error 21610), so such a notice takes another channel.
"""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import CHANNEL_WORDS, EVERY, Gate
from outreach.core.policy.wall_clock import moment
from outreach.core.words import Reason, Sentence

_STOPPED: Final = Suppress(Reason.CHANNEL_OPT_OUT)


def channel_opt_out(facts: Facts) -> Verdict:
    return ALLOW if facts.route.stopped_on is None else _STOPPED


def says(facts: Facts) -> Sentence:
    en, zh = CHANNEL_WORDS[facts.route.channel]
    at = facts.route.stopped_on
    if at is None:
        return Sentence(f"The client has not opted out of {en}.", f"客户未退订{zh}。")
    when = moment(at, facts.campaign.zone)
    return Sentence(f"The client opted out of {en} on {when}.", f"客户于 {when} 退订{zh}。")


def saw(facts: Facts) -> dict[str, object]:
    return {"channel": facts.route.channel, "stopped_on": facts.route.stopped_on}


GATE: Final = Gate("channel_opt_out", channel_opt_out, says, saw, EVERY)
