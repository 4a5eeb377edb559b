"""A message's state, derived from its facts: nothing stores it, so nothing can disagree with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from outreach.core.receipt import Heard, best
from outreach.core.words import STATES, State


class Happened(NamedTuple):
    """One outcome of one attempt."""

    window_id: int
    state: str
    code: str
    detail: str
    provider_ref: str
    digest: bytes
    at: datetime


class Standing(NamedTuple):
    """Where a message's batch and retry stand."""

    in_window: bool  # the batch's cursor has passed it
    batch: str  # ready | leased | done | cancelled
    not_before: datetime
    retry_at: datetime | None = None  # waits for another try at this moment
    retry_open: bool = False  # another try is in a sender's hands
    lease_until: datetime | None = None  # of the window it is in, while that has no outcome
    superseded: bool = False  # a later run took the place of its own, which stopped it


def derive(
    happened: Sequence[Happened], standing: Standing, now: datetime, heard: Sequence[Heard] = ()
) -> State:
    """The state a message is in. An accepted message stays accepted whatever came later, until a
    receipt says more; a receipt proves that the provider had it, whatever the outcomes say."""
    if heard and (said := best(one.state for one in heard)):
        return said
    for one in happened:
        if one.state == State.ACCEPTED:
            return State.ACCEPTED
    if not happened:
        return _unsent(standing, now)
    last = STATES[max(happened).state]
    if last is not State.READY:
        return last
    if standing.retry_open:
        return _in_hand(standing, now)
    if standing.retry_at is None:
        return _stopped(standing)
    return State.HELD if standing.retry_at > now else State.READY


def _unsent(standing: Standing, now: datetime) -> State:
    if standing.in_window:
        return _in_hand(standing, now)
    if standing.batch == "cancelled":
        return _stopped(standing)
    return State.HELD if standing.not_before > now else State.READY


def _stopped(standing: Standing) -> State:
    return State.SUPPRESSED if standing.superseded else State.CANCELLED


def _in_hand(standing: Standing, now: datetime) -> State:
    """A sender whose lease ran out is taken for gone before anybody has swept after it."""
    over = standing.lease_until is not None and standing.lease_until <= now
    return State.IN_DOUBT if over else State.SENDING
