"""Addresses: there must be one for the channel, and it must be one that can be written to."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import CHANNEL_WORDS, EVERY, Gate
from outreach.core.words import Reason, Sentence

_MISSING: Final = Suppress(Reason.ADDRESS_MISSING)
_INVALID: Final = Suppress(Reason.ADDRESS_INVALID)


def address(facts: Facts) -> Verdict:
    state = facts.route.address
    if state == "missing":
        return _MISSING
    return _INVALID if state == "invalid" else ALLOW


def says(facts: Facts) -> Sentence:
    en, zh = CHANNEL_WORDS[facts.route.channel]
    state = facts.route.address
    if state == "missing":
        return Sentence(f"No address for {en} is known.", f"没有可用的{zh}联系方式。")
    if state == "invalid":
        return Sentence(f"The address for {en} cannot be written to.", f"{zh}联系方式无效。")
    return Sentence(f"An address for {en} is on record.", f"已登记{zh}联系方式。")


def saw(facts: Facts) -> dict[str, object]:
    return {"channel": facts.route.channel, "address": facts.route.address}


GATE: Final = Gate("address", address, says, saw, EVERY)
