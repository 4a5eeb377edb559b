"""Stale notices: what speaks of an event that is over is not sent any more."""

from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.policy.wall_clock import moment
from outreach.core.words import Reason, Sentence

_STALE: Final = Suppress(Reason.STALE)


def stale(facts: Facts) -> Verdict:
    """The moment of expiry itself is too late."""
    expires_at = facts.campaign.expires_at
    return ALLOW if expires_at is None or facts.now < expires_at else _STALE


def says(facts: Facts) -> Sentence:
    expires_at = facts.campaign.expires_at
    if expires_at is None:
        return Sentence("The notice does not expire.", "该通知没有失效时间。")
    when = moment(expires_at, facts.campaign.zone)
    if facts.now < expires_at:
        return Sentence(f"The notice is of use until {when}.", f"该通知在 {when} 前有效。")
    return Sentence(f"The notice was of use until {when}.", f"该通知已于 {when} 失效。")


def saw(facts: Facts) -> dict[str, object]:
    return {"expires_at": facts.campaign.expires_at, "now": facts.now}


def concerns(campaign: CampaignFacts) -> bool:
    return campaign.expires_at is not None


GATE: Final = Gate("stale", stale, says, saw, EVERY, concerns)
