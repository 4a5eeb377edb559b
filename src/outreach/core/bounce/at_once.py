"""What a server that did not take a mail said of its address, while the mail was handed over.

It counts like what comes back later: an answer is known to be the server's, as a signed report is.
"""

import re
from typing import Final

from outreach.core.bounce.report import Kind
from outreach.core.bounce.status import of_failure
from outreach.core.bounce.texts import said
from outreach.core.model import About, Outcome
from outreach.core.words import State

# What the SMTP channel writes: the reply and its enhanced status. Other channels have other codes.
_CODE: Final = re.compile(r"([45])\d\d(?: ([45]\.\d{1,3}\.\d{1,3}))?")
# RFC 3463 3.6, 3.8: how we speak the protocol, and our standing.
_OURS: Final = (".5", ".7")
# RFC 3463 3.3: the mailbox is disabled, or full.
_OF_MAILBOX: Final = frozenset({"4.2.1", "4.2.2"})
_FULL: Final = re.compile(r"quota|mailbox (?:is )?full|空间不足|已满", re.IGNORECASE)


def kind_at_once(outcome: Outcome) -> Kind | None:
    """HARD where the address takes no mail and will not, SOFT where that counts against it like a
    soft bounce; None where nothing follows for the address.

    A message given up after four days of temporary answers is a soft bounce whatever the reason
    was; one whose run was over before is so only where the server spoke of the mailbox, since a
    greylist may just have needed more time.
    """
    found = _CODE.fullmatch(outcome.code)
    if found is None or outcome.about is not About.MESSAGE:
        return None
    status, text = found[2] or "", f"{outcome.code} {outcome.detail}"
    if outcome.state is State.FAILED and found[1] == "5":
        kind = of_failure(status, text)
        return Kind.HARD if kind is Kind.HARD else _soft(kind, status)
    if outcome.state is State.FAILED:
        return _soft(said(text), status)
    spoke_of_mailbox = status in _OF_MAILBOX or _FULL.search(outcome.detail) is not None
    return _soft(None, status) if outcome.state is State.EXPIRED and spoke_of_mailbox else None


def _soft(kind: Kind | None, status: str) -> Kind | None:
    """A soft bounce, unless the words or the code say that it is our text, or our affair."""
    ours = kind in (Kind.POLICY, Kind.CONTENT) or status[1:3] in _OURS
    return None if ours else Kind.SOFT
