"""How long a server asks to wait: the header Retry-After of RFC 9110, 10.2.3."""

from collections.abc import Mapping
from typing import Final

LONGEST: Final = 3600.0


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds, at most an hour; 0 where it names none. Its other form, a moment, is left alone:
    it trusts two clocks, and no provider of ours writes it."""
    said = headers.get("retry-after", "").strip()
    if not (said.isascii() and said.isdecimal()):
        return 0.0
    return min(float(said), LONGEST)
