"""Permits: a window of a limited sender waits its turn, and lets other senders go meanwhile."""

from datetime import timedelta
from typing import Final

from outreach.core.rate import (
    SLICE,
    SLICE_LATE,
    Ask,
    Why,
    midnight,
    today,
    window_of,
)
from outreach.dispatch.sending import Sending, Tally, Turn
from outreach.store import rates, windows

# A wait so short is waited for with the batch in hand, whoever else has something to do.
_BRIEF: Final = 0.02
_STEP: Final = 0.25  # seconds of sleep after which somebody may have asked to stop
_LATE: Final = 3  # windows in a row without a wait: this worker cannot keep up with small ones


class _None(Exception):
    """There is no permit; what was reserved in this transaction is given back."""


def permits(
    sending: Sending, tally: Tally, lease: windows.Lease, asks: tuple[Ask, ...], most: int,
    *, alone: bool,
) -> int:  # fmt: skip
    """How many of the next `most` messages may be handed over, once their moment has come; 0 when
    that is not soon, or others have something to do until then. `alone`: there are no others."""
    batch = lease.batch
    lane = batch.pace or batch.sender
    turn = tally.turns.pop(lane, None) or _reserve(sending, tally, lease, asks, most)
    if turn is None:
        return 0
    wait = turn.at - sending.elapsed()
    if wait > _BRIEF and not alone and _others(sending, tally, lease):
        tally.turns[lane], tally.waits[lane] = turn, turn.at
        return 0
    until(sending, turn.at)
    return 0 if sending.stopping() else min(turn.n, most)


def until(sending: Sending, moment: float) -> None:
    """Sleep until a moment of `sending.elapsed`, or until asked to stop."""
    while (left := moment - sending.elapsed()) > 0 and not sending.stopping():
        sending.sleep(min(left, _STEP))


def _others(sending: Sending, tally: Tally, lease: windows.Lease) -> bool:
    lanes = (*tally.unripe(sending), lease.batch.pace or lease.batch.sender)
    with sending.database.reading() as conn:
        return windows.others_due(conn, sending.clock(), lease, tuple(tally.down), lanes)


def _reserve(
    sending: Sending, tally: Tally, lease: windows.Lease, asks: tuple[Ask, ...], most: int
) -> Turn | None:
    batch, now = lease.batch, sending.clock()
    lane, zone = batch.pace or batch.sender, sending.zone
    shut = [at for ask in asks if (at := ask.limit.opens_at(now, zone))]
    if shut:
        _wait(sending, tally, lease, rates.Denied(batch.sender, max(shut), Why.HOURS))
        return None
    _prepare(sending, tally, asks)
    late = tally.late.get(lane, 0) >= _LATE
    n = window_of(asks, SLICE_LATE if late else SLICE, most)
    moment = rates.Moment(now, today(now, zone), midnight(now, zone), sending.shared_clock)
    for _ in range(2):
        wait = _ask(sending, tally, asks, n, moment, urgent=batch.urgent)
        if wait is not None:
            tally.late[lane] = 0 if wait > SLICE / 2 else tally.late.get(lane, 0) + 1
            return Turn(n, sending.elapsed() + wait)
        denied = _why(sending, asks, n, moment, urgent=batch.urgent)
        if denied is None or not denied.left:
            break
        n = denied.left
    soon = rates.Denied(batch.sender, now + timedelta(milliseconds=50), Why.RATE)
    _wait(sending, tally, lease, denied or soon)
    return None


def _prepare(sending: Sending, tally: Tally, asks: tuple[Ask, ...]) -> None:
    names = [ask.name for ask in asks if ask.name not in tally.prepared]
    if names:
        with sending.database.begin() as tx:
            rates.prepare(tx, names)
        tally.prepared.update(names)
    ramps = [ask.name for ask in asks if ask.limit.ramp_up and ask.name not in tally.first_days]
    if ramps:
        with sending.database.reading() as conn:
            tally.first_days.update(rates.first_days(conn, ramps))


def _ask(
    sending: Sending, tally: Tally, asks: tuple[Ask, ...], n: int, moment: rates.Moment,
    *, urgent: bool,
) -> float | None:  # fmt: skip
    longest = 0.0
    try:
        with sending.database.begin() as tx:
            for ask in asks:
                first_on = tally.first_days.get(ask.name)
                wait = rates.reserve(tx, ask, n, moment, urgent=urgent, first_on=first_on)
                if wait is None:
                    raise _None
                longest = max(longest, wait)
    except _None:
        return None
    return longest


def _why(
    sending: Sending, asks: tuple[Ask, ...], n: int, moment: rates.Moment, *, urgent: bool
) -> rates.Denied | None:
    with sending.database.reading() as conn:
        found = [rates.denied(conn, ask, n, moment, urgent=urgent) for ask in asks]
    refusals = [one for one in found if one is not None]
    # What is left of a day's cap is of use only where nothing else stands in the way.
    return max(refusals, key=lambda one: (not one.left, one.until), default=None)


def _wait(sending: Sending, tally: Tally, lease: windows.Lease, denied: rates.Denied) -> None:
    """Leave the limit alone until then: in this process, and, unless it is only that urgent
    messages come first, in all of them."""
    now, batch = sending.clock(), lease.batch
    length = max(denied.until - now, timedelta(milliseconds=20))
    tally.waits[batch.pace or batch.sender] = sending.elapsed() + length.total_seconds()
    if denied.why is Why.URGENT or length < timedelta(seconds=1):
        return
    name = denied.name if denied.name == batch.pace else batch.sender
    with sending.database.begin() as tx:
        rates.hold(tx, name, denied.until, denied.why, now)
