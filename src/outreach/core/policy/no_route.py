"""Routes: some sender of the firm must serve the address."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_NO_ROUTE: Final = Suppress(Reason.NO_ROUTE)


def no_route(facts: Facts) -> Verdict:
    """A missing address is the business of `address`: there is nothing to route."""
    route = facts.route
    return _NO_ROUTE if route.provider is None and route.address != "missing" else ALLOW


def says(facts: Facts) -> Sentence:
    route = facts.route
    if route.address == "missing":
        return Sentence("There is no address to route.", "没有联系方式，无需选择通道。")
    if route.provider is None:
        return Sentence(
            "No sender is configured for the address.", "没有为该联系方式配置发送通道。"
        )
    return Sentence(
        f"A sender of kind {route.provider} serves the address.",
        f"由 {route.provider} 类型的通道发送。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {"provider": facts.route.provider, "country": facts.route.country}


GATE: Final = Gate("no_route", no_route, says, saw, EVERY)
