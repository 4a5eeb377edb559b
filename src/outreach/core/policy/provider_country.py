"""Providers' country terms: content that a provider does not carry to a country is not given to it.

Twilio's terms for the People's Republic of China (page of 2021-03-30, legal/service-country-
specific-terms/prc-messaging-restrictions) forbid finance-related texts and name securities.
"""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

NO_SECURITIES: Final = frozenset({("twilio_sms", "CN")})  # (kind of sender, country)
_FORBIDDEN: Final = Suppress(Reason.PROVIDER_FORBIDS)


def provider_country(facts: Facts) -> Verdict:
    route = facts.route
    if facts.campaign.securities_content and (route.provider, route.country) in NO_SECURITIES:
        return _FORBIDDEN
    return ALLOW


def says(facts: Facts) -> Sentence:
    provider = facts.route.provider or "-"
    country = facts.route.country or "-"
    if provider_country(facts) is not ALLOW:
        return Sentence(
            f"{provider} does not carry texts about securities to {country}.",
            f"{provider} 不允许向 {country} 发送证券类内容。",
        )
    if not facts.campaign.securities_content:
        return Sentence("The text does not speak of securities.", "内容不涉及证券。")
    if facts.route.country is None:  # a mail, or a notification
        return Sentence(
            f"No term of {provider} forbids this content.", f"{provider} 未禁止发送此类内容。"
        )
    return Sentence(
        f"No term of {provider} forbids this content in {country}.",
        f"{provider} 未禁止向 {country} 发送此类内容。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {
        "provider": facts.route.provider,
        "country": facts.route.country,
        "securities_content": facts.campaign.securities_content,
    }


GATE: Final = Gate("provider_country", provider_country, says, saw, EVERY)
