"""What we call a request to a gateway, so that what it says later finds its messages."""

import re
from collections.abc import Sequence
from typing import Final

# A request's messages lie within so many numbers of each other: whoever reads its mark has few to
# choose from.
WIDTH: Final = 5_000
_MARK: Final = re.compile(r"[0-9]{1,18}-([0-9]{1,18})(?:-([0-9]{1,18}))?")


def mark_of(run_id: int, messages: Sequence[int]) -> str:
    """The run, and the first and last of the messages. With the number in a receipt it tells the
    message, whatever became of the answer to the request."""
    return f"{run_id}-{min(messages)}-{max(messages)}"


def read_mark(mark: str) -> tuple[int, int] | None:
    """The first and last message of a request of ours; None for a mark that is none."""
    found = _MARK.fullmatch(mark)
    if found is None:
        return None
    first = int(found[1])
    last = int(found[2] or first + WIDTH)  # before marks told the last
    return (first, last) if first <= last <= first + WIDTH else None
