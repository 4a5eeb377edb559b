"""Duplicate addresses: one message of a run to one address, though several clients may share it.

Not for notices the firm must give: each account's holder is owed one, and has to be shown to have
been sent it.
"""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import NOT_REGULATORY, Gate
from outreach.core.words import Reason, Sentence

_DUPLICATE: Final = Suppress(Reason.DUPLICATE_ADDRESS)


def duplicate_address(facts: Facts) -> Verdict:
    return ALLOW if facts.route.shared_with is None else _DUPLICATE


def says(facts: Facts) -> Sentence:
    other = facts.route.shared_with
    if other is None:
        return Sentence(
            "No other message of this run goes to the address.",
            "本批次没有其他信息发往该联系方式。",
        )
    return Sentence(
        f"Client #{other} gets this run's message at the same address.",
        f"同一联系方式已由客户 #{other} 接收本批次信息。",
    )


def saw(facts: Facts) -> dict[str, object]:
    return {"shared_with": facts.route.shared_with}


GATE: Final = Gate("duplicate_address", duplicate_address, says, saw, NOT_REGULATORY)
