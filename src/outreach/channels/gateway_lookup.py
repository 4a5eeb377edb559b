"""Asking a gateway about the numbers of messages in doubt, where it tells what it knows of one."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from outreach.channels import Asked
from outreach.core.gateway.answer import Pulled
from outreach.core.gateway.heard import as_heard
from outreach.core.gateway.marks import read_mark
from outreach.core.gateway.signing import BEIJING
from outreach.core.receipt import Receipt


def find(
    receipts: Callable[[str, date], Pulled], messages: Sequence[Asked]
) -> Iterator[tuple[int, Receipt | None]]:
    """What became of each message, by the entries whose mark names it; None where there is none,
    or where they contradict each other."""
    for asked in messages:
        entries = [
            entry
            for day in _days(asked)
            for entry in receipts(asked.to, day).entries
            if (among := read_mark(entry.mark)) and among[0] <= asked.id <= among[1]
        ]
        agreed = len({entry.state for entry in entries}) == 1
        yield asked.id, as_heard(entries[-1], asked.until, asked.id) if agreed else None


def _days(asked: Asked) -> list[date]:
    """The days of Beijing it may have been taken on."""
    first, last = (moment.astimezone(BEIJING).date() for moment in (asked.handed_at, asked.until))
    return [first] if first == last else [first, last]
