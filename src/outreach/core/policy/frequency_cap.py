"""Frequency cap: no more messages of a purpose than the firm allows itself within some days."""

from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_REACHED: Final = Suppress(Reason.FREQUENCY_CAP)


def frequency_cap(facts: Facts) -> Verdict:
    """`recent` counts the messages of the cap's window; the one in question would be one more."""
    cap = facts.campaign.cap
    return ALLOW if cap is None or facts.route.recent < cap.messages else _REACHED


def says(facts: Facts) -> Sentence:
    cap, recent = facts.campaign.cap, facts.route.recent
    if cap is None:
        return Sentence("Messages of this purpose have no cap.", "此类信息没有频次上限。")
    return Sentence(
        f"{recent} of at most {cap.messages} messages were sent within {cap.days} days.",
        f"{cap.days} 天内已发送 {recent} 条，上限 {cap.messages} 条。",
    )


def saw(facts: Facts) -> dict[str, object]:
    cap = facts.campaign.cap
    return {
        "recent": facts.route.recent,
        "cap_messages": cap.messages if cap else None,
        "cap_days": cap.days if cap else None,
    }


def concerns(campaign: CampaignFacts) -> bool:
    return campaign.cap is not None


GATE: Final = Gate("frequency_cap", frequency_cap, says, saw, EVERY, concerns)
