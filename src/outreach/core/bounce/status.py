"""Enhanced status codes (RFC 3463, the registry of RFC 5248) and reply codes (RFC 5321)."""

import re
from typing import Final

from outreach.core.bounce.report import Kind
from outreach.core.bounce.texts import said

# Permanent codes by which the address itself takes no mail. Others of 5.1.x speak of the sender
# (5.1.7, 5.1.8), and 5.1.0 may.
HARD: Final = frozenset({
    "5.1.1", "5.1.2", "5.1.3",  # no such mailbox, no such system, no address at all
    "5.1.6",  # moved, no forwarding address
    "5.1.10",  # the domain says it takes no mail (RFC 7505); Exchange Online: recipient not found
    "5.2.1",  # the mailbox is disabled
    "5.7.17", "5.7.18",  # mailbox or domain has another owner now (RFC 7293)
})  # fmt: skip
_CONTENT: Final = frozenset({"5.2.3", "5.3.4"})  # longer than the mailbox, the system allows
_POLICY: Final = frozenset({"5.1.7", "5.1.8"})  # the sender's address
_HARD_REPLIES: Final = frozenset({"521", "556"})  # this host, this domain takes no mail (RFC 7504)

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.([0-7])\.(\d{1,3})(?!\.?\d)")
_REPLY: Final = re.compile(r"(?<![\d.])([245]\d\d)(?=[\s-])")
_VAGUE: Final = re.compile(r"[245]\.0\.0")


def status_of(field: str, diagnostic: str) -> str:
    """The enhanced status code of a recipient. Many servers write 5.0.0 into the field and the
    true one into the diagnostic text; empty where there is none."""
    own, told = _first(field), _first(diagnostic)
    if told and (not own or _VAGUE.fullmatch(own)):
        return told
    return own


def _first(text: str) -> str:
    found = _STATUS.search(text)
    return f"{found[1]}.{found[2]}.{int(found[3])}" if found else ""


def of_failure(status: str, diagnostic: str, recipient: str = "") -> Kind:
    """The kind of a delivery that failed for good: what the words say, then the code.

    Given up after temporary answers (4.x.x, 4xx) is soft. What is not known is soft as well: an
    address is not silenced on a guess.
    """
    reply = _REPLY.search(diagnostic)
    code = reply[1] if reply else ""
    if status.startswith("4") or code.startswith("4"):
        return Kind.SOFT
    return said(f"{status} {diagnostic}", recipient) or _by_code(status, code)


def _by_code(status: str, reply: str) -> Kind:
    if status in HARD or (status in ("", "5.0.0") and reply in _HARD_REPLIES):
        return Kind.HARD
    if status in _CONTENT or status.startswith("5.6."):
        return Kind.CONTENT
    if status in _POLICY or status.startswith("5.7."):
        return Kind.POLICY
    return Kind.SOFT
