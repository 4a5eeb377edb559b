"""Closed accounts: once the account is closed or its holder has died, nothing is sent any more."""

from typing import Final

from outreach.core.model import ALLOW, Facts, Suppress, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.words import Reason, Sentence

_ENDED: Final = frozenset({"closed", "deceased"})
_CLOSED: Final = Suppress(Reason.CLIENT_CLOSED)
_STATUS: Final = {
    "normal": Sentence("The account is in normal standing.", "账户状态正常。"),
    "dormant": Sentence("The account is dormant, not closed.", "账户为休眠账户，尚未销户。"),
    "defective": Sentence("The account is defective, not closed.", "账户为不合格账户，尚未销户。"),
    "frozen": Sentence("The account is frozen, not closed.", "账户已冻结，尚未销户。"),
    "closed": Sentence("The account is closed.", "账户已销户。"),
    "deceased": Sentence("The holder of the account has died.", "账户持有人已故。"),
}


def client_closed(facts: Facts) -> Verdict:
    return _CLOSED if facts.candidate.status in _ENDED else ALLOW


def says(facts: Facts) -> Sentence:
    status = facts.candidate.status
    unnamed = Sentence(f"The account status is {status}.", f"账户状态为{status}。")
    return _STATUS.get(status, unnamed)


def saw(facts: Facts) -> dict[str, object]:
    return {"status": facts.candidate.status}


GATE: Final = Gate("client_closed", client_closed, says, saw, EVERY)
