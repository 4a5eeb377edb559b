"""When a message that was certainly not taken is tried again, and when it is given up.

The waits go by what was said. They are moved a little, by the message's number, so that what was
refused together does not come back together; the same message always gets the same moments.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from outreach.core.model import About, Outcome
from outreach.core.said import about
from outreach.core.words import State

# A greylist opens after 1 to 5 minutes, as a rule (RFC 6647 2); a full relay or a mailbox over its
# quota takes longer. RFC 5321 4.5.4.1 asks for half an hour between tries, two or three in the
# first hour, and to give up after 4 or 5 days. The last wait is repeated.
LATER: Final = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240))
# The line was down: it may be back at once.
LINE: Final = tuple(timedelta(seconds=s) for s in (10, 30, 60, 120, 300, 900, 1800, 3600))
# The sender's own clock holds it back; this only keeps the message behind those never tried.
SLOWER: Final = tuple(timedelta(seconds=s) for s in (5, 10, 30, 60, 120, 300))
# A run without an end of its own gives a message up so long after its first try.
LONGEST: Final = timedelta(days=4)
# What is left of a run's time is used for a last try, so long before the end.
LAST_TRY: Final = timedelta(minutes=1)
# Of the wait: a provider that named its own time meant it as the least.
_SPREAD: Final = 0.1
_KNUTH: Final = 2_654_435_761  # a prime near 2^32 / golden ratio: neighbours end far apart


class GivenUp(NamedTuple):
    """No further try: the state the message ends in."""

    state: State  # expired: its run is over; failed: it was tried for long enough


def next_try(
    outcome: Outcome,
    message_id: int,
    tries: int,
    at: datetime,
    since: datetime,
    expires_at: datetime | None,
) -> datetime | GivenUp:
    """The moment of the next try after `tries` of them, the first made at `since`; or that there is
    none, because the run ends at `expires_at` or this has gone on for too long."""
    waits = _waits(outcome)
    wait = max(waits[min(tries, len(waits)) - 1], timedelta(seconds=outcome.wait))
    moment = at + wait + spread(message_id, wait)
    longest = since + LONGEST
    ends, state = (longest, State.FAILED)
    if expires_at is not None and expires_at <= longest:
        ends, state = expires_at, State.EXPIRED
    if moment < ends:
        return moment
    last = ends - LAST_TRY
    # A provider that named its own time is not asked before it.
    asked = at + max(waits[0], timedelta(seconds=outcome.wait))
    return last if last >= asked else GivenUp(state)


def spread(message_id: int, wait: timedelta) -> timedelta:
    """How much later than the wait this message's turn comes: up to a tenth of it, by its
    number."""
    share = message_id * _KNUTH % 2**32 / 2**32
    return timedelta(seconds=round(wait.total_seconds() * _SPREAD * share, 3))


def given_up(outcome: Outcome, state: State, tries: int) -> Outcome:
    """The last outcome of a message nobody tries again, with the reason."""
    why = "its run is over" if state is State.EXPIRED else f"given up after {LONGEST.days} days"
    said = f": {outcome.detail}" if outcome.detail else ""
    return outcome._replace(state=state, detail=f"{why}, tried {tries} times{said}")


def _waits(outcome: Outcome) -> tuple[timedelta, ...]:
    kind = about(outcome)
    if kind is About.RATE:
        return SLOWER
    return LINE if kind in (About.CONNECTION, About.ACCOUNT) else LATER
