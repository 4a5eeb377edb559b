"""Legal hold: nobody writes to a client in litigation or under seizure but the legal department."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_HELD: Final = Suppress(Reason.LEGAL_HOLD)


def legal_hold(facts: Facts) -> Verdict:
    return _HELD if facts.candidate.legal_hold else ALLOW


def says(facts: Facts) -> Sentence:
    if facts.candidate.legal_hold:
        return Sentence("The client is under a legal hold.", "客户处于法律限制状态。")
    return Sentence("The client is not under a legal hold.", "客户未处于法律限制状态。")


def saw(facts: Facts) -> dict[str, object]:
    return {"legal_hold": facts.candidate.legal_hold}


GATE: Final = Gate("legal_hold", legal_hold, says, saw, EVERY)
