"""Halt feed: an alert about a halted security waits while the halt data are too old to rely on.

The data are as old as those of the market that was reported on longest ago. A market that nobody
ever reported on is no quiet market: nothing is known of it, so the alert waits as well.
"""

from datetime import timedelta
from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Defer, Facts, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.policy.wall_clock import clocks_of, moment, next_open
from outreach.core.words import Reason, Sentence

LOOK_AGAIN: Final = timedelta(minutes=15)


def halt_feed_stale(facts: Facts) -> Verdict:
    """Data exactly as old as the limit still serve. Looked at again soon, within contact hours."""
    if not _too_old(facts):
        return ALLOW
    again = facts.now + LOOK_AGAIN
    hours = facts.campaign.contact_hours
    until = again if hours is None else next_open(hours, clocks_of(facts), again)
    return Defer(until, Reason.HALT_FEED_STALE)


def _too_old(facts: Facts) -> bool:
    as_of, limit = facts.campaign.halts_as_of, facts.campaign.halts_max_age_hours
    if limit is None:
        return False
    return as_of is None or (facts.now - as_of).total_seconds() > limit * 3600


def says(facts: Facts) -> Sentence:
    campaign = facts.campaign
    limit = campaign.halts_max_age_hours
    if limit is None:
        return Sentence("The run does not rely on halt data.", "本批次不依赖停复牌数据。")
    if campaign.halts_as_of is None:
        markets = ", ".join(campaign.halt_markets)
        return Sentence(
            f"No complete halt data were ever taken in for one of {markets or 'its markets'}.",
            f"{markets.replace(', ', '、') or '相关市场'}中有市场从未收到完整的停复牌数据。",
        )
    when = moment(campaign.halts_as_of, campaign.zone)
    if _too_old(facts):
        return Sentence(
            f"The halt data are of {when}, older than {limit} hours.",
            f"停复牌数据截至 {when}，已超过 {limit} 小时。",
        )
    return Sentence(
        f"The halt data are of {when}, at most {limit} hours old.",
        f"停复牌数据截至 {when}，未超过 {limit} 小时。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {
        "halts_as_of": facts.campaign.halts_as_of,
        "halts_max_age_hours": facts.campaign.halts_max_age_hours,
        "now": facts.now,
    }


def concerns(campaign: CampaignFacts) -> bool:
    return campaign.halts_max_age_hours is not None


GATE: Final = Gate("halt_feed_stale", halt_feed_stale, says, saw, EVERY, concerns)
