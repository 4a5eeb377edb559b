"""Consent: offers need an express consent that is on record and still runs.

MIIT Order 74 art. 21, the Advertising Law of the PRC art. 43 and PECR reg. 22 ask for it; silence
is no consent. Satisfaction surveys count as marketing, and so does education that names a product.
"""

from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, Facts, Suppress, Verdict
from outreach.core.policy.gate import Gate
from outreach.core.policy.wall_clock import moment
from outreach.core.words import Purpose, Reason, Sentence

_MISSING: Final = Suppress(Reason.CONSENT_MISSING)
_EXPIRED: Final = Suppress(Reason.CONSENT_EXPIRED)


def consent(facts: Facts) -> Verdict:
    """A consent that runs until a moment has run out at that moment."""
    if _needs_none(facts.campaign):
        return ALLOW
    route = facts.route
    if route.granted_on is None:
        return _MISSING
    if route.granted_until is not None and facts.now >= route.granted_until:
        return _EXPIRED
    return ALLOW


def _needs_none(campaign: CampaignFacts) -> bool:
    return campaign.purpose is Purpose.EDUCATION and campaign.risk_level is None


def says(facts: Facts) -> Sentence:
    route, zone = facts.route, facts.campaign.zone
    if _needs_none(facts.campaign):
        return Sentence(
            "Education that names no product needs no consent.", "不涉及产品的投资者教育无需同意。"
        )
    if route.granted_on is None:
        return Sentence("No consent is on record.", "没有同意记录。")
    since = moment(route.granted_on, zone)
    if route.granted_until is None:
        return Sentence(f"The client consented on {since}.", f"客户于 {since} 同意。")
    until = moment(route.granted_until, zone)
    if facts.now >= route.granted_until:
        return Sentence(
            f"The consent of {since} ran out at {until}.", f"{since} 的同意已于 {until} 到期。"
        )
    return Sentence(
        f"The client consented on {since}, until {until}.",
        f"客户于 {since} 同意，有效至 {until}。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {
        "purpose": facts.campaign.purpose,
        "granted_on": facts.route.granted_on,
        "granted_until": facts.route.granted_until,
    }


GATE: Final = Gate(
    "consent",
    consent,
    says,
    saw,
    frozenset({Purpose.EDUCATION, Purpose.SURVEY, Purpose.MARKETING}),
    lambda campaign: not _needs_none(campaign),
)
