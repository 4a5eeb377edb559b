"""Regulators' and do-not-contact lists: a listed address is not written to, whatever was agreed."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_LISTED: Final = Suppress(Reason.REGULATOR_LIST)


def regulator_list(facts: Facts) -> Verdict:
    """Binding for notices the firm must give as well: those take another address or a letter."""
    return _LISTED if facts.route.listed else ALLOW


def says(facts: Facts) -> Sentence:
    if facts.route.listed:
        return Sentence(
            "The address is on a regulator's or do-not-contact list.",
            "联系方式在监管或禁止联系名单中。",
        )
    return Sentence(
        "The address is on no regulator's or do-not-contact list.",
        "联系方式不在监管或禁止联系名单中。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {"listed": facts.route.listed}


GATE: Final = Gate("regulator_list", regulator_list, says, saw, EVERY)
