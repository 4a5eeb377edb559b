"""Approval: nothing leaves before a second person has approved text and campaign as they stand."""

from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_NOT_APPROVED: Final = Suppress(Reason.NOT_APPROVED)


def not_approved(facts: Facts) -> Verdict:
    return ALLOW if facts.campaign.approved else _NOT_APPROVED


def says(facts: Facts) -> Sentence:
    if facts.campaign.approved:
        return Sentence("Text and campaign are approved.", "活动与文本已审批。")
    return Sentence("Nobody has approved this text and campaign.", "活动与文本尚未审批。")


def saw(facts: Facts) -> dict[str, object]:
    return {"approved": facts.campaign.approved}


def concerns(campaign: CampaignFacts) -> bool:
    return not campaign.approved


GATE: Final = Gate("not_approved", not_approved, says, saw, EVERY, concerns)
