"""Superseded notices: when a newer notice has taken its place, the older one would mislead."""

from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_SUPERSEDED: Final = Suppress(Reason.SUPERSEDED)


def superseded(facts: Facts) -> Verdict:
    return ALLOW if facts.campaign.superseded_by is None else _SUPERSEDED


def says(facts: Facts) -> Sentence:
    newer = facts.campaign.superseded_by
    if newer is None:
        return Sentence("No newer notice has taken its place.", "没有更新的通知取代它。")
    return Sentence(f"The newer notice {newer} took its place.", f"已被更新的通知 {newer} 取代。")


def saw(facts: Facts) -> dict[str, object]:
    return {"superseded_by": facts.campaign.superseded_by}


def concerns(campaign: CampaignFacts) -> bool:
    return campaign.superseded_by is not None


GATE: Final = Gate("superseded", superseded, says, saw, EVERY, concerns)
