"""How many requests ended how: said once a minute, not once a request."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

EVERY: Final = 60.0  # seconds between two lines
# What a person wants to hear of; the rest is for metrics.
_TOLD: Final = frozenset(
    {"forged", "unknown_path", "too_large", "too_many", "not_stored", "slow", "failed"}
)


class Tally:
    """Counts, of the process's whole life; what is refused is told in lines of `web_refused`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()

    def add(self, what: str) -> None:
        self.counts[what] += 1

    def tell(self, say: Callable[..., Any]) -> None:
        """One line about what was refused since the last, if anything was."""
        fresh = {what: n - self._told[what] for what, n in self.counts.items() if what in _TOLD}
        fresh = {what: n for what, n in sorted(fresh.items()) if n}
        if fresh:
            self._told.update(fresh)
            say("web_refused", **fresh)
