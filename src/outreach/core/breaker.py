"""The circuit breaker of a sender: when trouble stops it for all workers, and how it is tried.

It is one row, and a value here: what a window came to makes a new one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from outreach.core.masking import masked_text
from outreach.core.model import About, Outcome
from outreach.core.said import about
from outreach.core.words import State

# Errors of the line in a row, and doubts among the last attempts, that it takes to stop a sender.
ERRORS: Final = 5
LAST: Final = 200
DOUBTS: Final = 2  # 1 % of them: one more and it stops
# How long it rests, the longer the more often in a row.
RESTS: Final = tuple(timedelta(minutes=m) for m in (1, 2, 5, 15))
PROBE: Final = 3  # messages that try a sender after its rest
NOT_BEGUN: Final = "late"  # the window's time was up before it was this message's turn
_MASK: Final = (1 << LAST) - 1


class Position(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"  # the sender sends
    OPEN = "open"  # it rests
    HALF_OPEN = "half_open"  # one worker tries it with a small window
    STOPPED = "stopped"  # a person stopped it, and only a person lets it go on


class Breaker(NamedTuple):
    """A sender's trouble so far."""

    position: Position = Position.CLOSED
    open_until: datetime | None = None
    errors: int = 0  # of the line, in a row
    recent: int = 0  # the last 200 attempts, a bit each, the newest lowest: 1 is in doubt
    rests: int = 0  # since it last sent without trouble
    why: str = ""

    @property
    def spotless(self) -> bool:
        """Whether nothing has to be remembered."""
        return self.position is Position.CLOSED and not (self.errors or self.recent or self.rests)


def troubled(outcomes: Iterable[Outcome]) -> bool:
    """Whether a window's outcomes have to be looked at at all."""
    return any(_error(o) or _ours(o) or o.state == State.IN_DOUBT for o in outcomes)


def after(before: Breaker, outcomes: Iterable[Outcome], at: datetime) -> Breaker:
    """The breaker after a window: what the channel said of its messages, in the order it came."""
    if before.position is Position.STOPPED:
        return before
    errors, recent, why, answered = before.errors, before.recent, "", False
    worst = errors
    for o in outcomes:
        if o.code == NOT_BEGUN:
            continue
        if _ours(o):
            said = masked_text(o.detail or o.code)
            return opened(before, f"it refuses our account or sender: {said}", at)
        doubt = o.state == State.IN_DOUBT
        why = masked_text(o.detail or o.code) if doubt else why
        recent = (recent << 1 | doubt) & _MASK
        if _error(o):
            errors += 1
            why = masked_text(o.detail or o.code)
        else:
            errors = 0
            answered = answered or not doubt
        worst = max(worst, errors)
    doubts = recent.bit_count()
    trial = before.position is Position.HALF_OPEN
    if trial and not answered and worst == before.errors and recent == before.recent:
        return before._replace(open_until=at)  # it told nothing: the next worker tries
    if worst >= ERRORS or (trial and worst > before.errors and not answered):
        return opened(before, f"{worst} errors of the line in a row: {why}", at)
    if doubts > DOUBTS or (trial and doubts > before.recent.bit_count()):
        return opened(before, f"{doubts} of the last {LAST} messages are in doubt: {why}", at)
    rests = 0 if answered else before.rests
    return Breaker(errors=errors, recent=recent, rests=rests)


def opened(before: Breaker, why: str, at: datetime) -> Breaker:
    """A sender that rests from now on."""
    rest = RESTS[min(before.rests, len(RESTS) - 1)]
    return Breaker(Position.OPEN, at + rest, rests=before.rests + 1, why=why)


def _ours(o: Outcome) -> bool:
    return o.state != State.ACCEPTED and about(o) is About.ACCOUNT


def _error(o: Outcome) -> bool:
    return o.state in (State.READY, State.IN_DOUBT) and about(o) is About.CONNECTION
