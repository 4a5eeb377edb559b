"""What comes back to the sender's address: one returned mail in, one row a recipient out.

Machine-readable fields first (RFC 3464, RFC 5965), then what servers say in words, then
flufl.bounce.
Anybody can write a report: it is believed when it came to an address we signed (`core.verp`).
"""

from outreach.core.bounce.report import Kind, Report, Returned
from outreach.core.bounce.verdict import LARGEST, classify

__all__ = ["LARGEST", "Kind", "Report", "Returned", "classify"]
