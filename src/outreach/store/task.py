"""What an engine is told of: a kind of step and a number."""

from datetime import datetime
from typing import Final, NamedTuple

STUCK_AFTER: Final = 5  # takeovers of a batch: what killed so many is not given to another


class Task(NamedTuple):
    """Something to do: `plan`, `retries` and `close` are about a run, `dispatch` about a batch."""

    kind: str
    ref: int
    urgent: bool = False
    not_before: datetime | None = None  # None: now
    slow: bool = False  # of a limited sender: others go first

    @property
    def name(self) -> str:
        """What no two waiting jobs may share."""
        return f"{self.kind}:{self.ref}"
