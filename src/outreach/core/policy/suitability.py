"""Suitability: a product is not promoted to a client whose tolerance is below its risk.

证券期货投资者适当性管理办法: ordinary investors C1 to C5 match products R1 to R5 cumulatively, the
lowest-tolerance sub-class of C1 only R1; professional investors are exempt. The firm bears the
burden of proof (Securities Law of the PRC art. 89): what is not on record counts against sending.
A client may also ask not to hear of products above a risk of their own choice; that binds whoever
the client is.
"""

from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Candidate, Facts, Suppress, Verdict
from outreach.core.policy.gate import NOT_REGULATORY, Gate
from outreach.core.policy.wall_clock import firm_day
from outreach.core.words import Reason, Sentence

_MISSING: Final = Suppress(Reason.ASSESSMENT_MISSING)
_EXPIRED: Final = Suppress(Reason.ASSESSMENT_EXPIRED)
_EXCEEDED: Final = Suppress(Reason.SUITABILITY_EXCEEDED)


def suitability(facts: Facts) -> Verdict:
    """Judged only when the campaign names a product risk. An assessment holds through its last day.

    An assessment without level or last day cannot be shown to hold and counts as missing. An
    expired one is reported as such whatever its level, since the level no longer says anything.
    """
    risk, client = facts.campaign.risk_level, facts.candidate
    if risk is None:
        return ALLOW
    if client.professional:
        return _EXCEEDED if _unwanted(risk, client) else ALLOW
    if client.risk_level is None or client.assessment_expires_on is None:
        return _MISSING
    if client.assessment_expires_on < firm_day(facts):
        return _EXPIRED
    above = risk > _tolerance(client, client.risk_level) or _unwanted(risk, client)
    return _EXCEEDED if above else ALLOW


def _unwanted(risk: int, client: Candidate) -> bool:
    return client.wanted_risk is not None and risk > client.wanted_risk


def _tolerance(client: Candidate, level: int) -> int:
    return 1 if client.lowest_tolerance else level


def says(facts: Facts) -> Sentence:
    risk, client = facts.campaign.risk_level, facts.candidate
    if risk is None:
        return Sentence("The campaign names no product risk.", "活动未标明产品风险等级。")
    if client.professional and _unwanted(risk, client):
        return _own_ceiling(risk, client)
    if client.professional:
        return Sentence("The client is a professional investor.", "客户为专业投资者。")
    if client.risk_level is None:
        return Sentence("The client has no risk assessment.", "客户没有风险测评。")
    level, until = client.risk_level, client.assessment_expires_on
    if until is None:
        return Sentence(
            f"The client is C{level}, but no day is on record until which that holds.",
            f"客户为 C{level}，但没有测评到期日。",
        )
    if until < firm_day(facts):
        return Sentence(
            f"The client's risk assessment ran out after {until}.",
            f"客户风险测评已于 {until} 到期。",
        )
    return _compared(risk, client, level)


def _compared(risk: int, client: Candidate, level: int) -> Sentence:
    lowest = client.lowest_tolerance
    who_en = f"C{level} of the lowest tolerance" if lowest else f"C{level}"
    who_zh = f"C{level}（风险承受能力最低类别）" if lowest else f"C{level}"
    if risk > _tolerance(client, level):
        return Sentence(
            f"The product is R{risk}, above what a client of {who_en} may be offered.",
            f"产品为 R{risk}，高于 {who_zh} 客户的承受能力。",
        )
    if _unwanted(risk, client):
        return _own_ceiling(risk, client)
    return Sentence(
        f"The product is R{risk}; a client of {who_en} may be offered it.",
        f"产品为 R{risk}，符合 {who_zh} 客户的承受能力。",
    )


def _own_ceiling(risk: int, client: Candidate) -> Sentence:
    wanted = client.wanted_risk
    return Sentence(
        f"The product is R{risk}; the client asked not to hear of products above R{wanted}.",
        f"产品为 R{risk}，高于客户本人设定的意向产品风险上限 R{wanted}。",
    )


def saw(facts: Facts) -> dict[str, object]:
    client = facts.candidate
    return {
        "product_risk": facts.campaign.risk_level,
        "risk_level": client.risk_level,
        "lowest_tolerance": client.lowest_tolerance,
        "assessment_expires_on": client.assessment_expires_on,
        "professional": client.professional,
        "wanted_risk": client.wanted_risk,
        "today": firm_day(facts),
    }


def concerns(campaign: CampaignFacts) -> bool:
    return campaign.risk_level is not None


GATE: Final = Gate("suitability", suitability, says, saw, NOT_REGULATORY, concerns)
