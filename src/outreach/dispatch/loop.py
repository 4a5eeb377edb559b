"""The loop of a sender: a batch, or the retries that are due, window by window."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from outreach.core.breaker import PROBE
from outreach.core.rate import Ask
from outreach.dispatch import trouble
from outreach.dispatch.hand import Window
from outreach.dispatch.permits import permits, until
from outreach.dispatch.ready import ready_for
from outreach.dispatch.sending import Adapter, Sending, Tally, Text
from outreach.store import breakers, rates, retry_windows, takeover, windows

RETRIES_AT_ONCE: Final = 200
# A wait that a sender with nothing else to do waits for.
_SOON: Final = rates.HORIZON.total_seconds() + 1


def work(sending: Sending, run_id: int | None, tally: Tally) -> bool:
    """Work one due batch, or the due retries of one sender, or wait for the next turn of a limited
    one; False when there was nothing to do."""
    tally.turn = not tally.turn
    steps = (work_batch, work_retries) if tally.turn else (work_retries, work_batch)
    return any(step(sending, run_id, tally) for step in steps) or _turn_comes(sending, tally)


def drain(sending: Sending, run_id: int | None, tally: Tally) -> None:
    """Work until nothing is due that a sender which can send might take."""
    while work(sending, run_id, tally):
        pass


def _turn_comes(sending: Sending, tally: Tally) -> bool:
    tally.unripe(sending)
    next_turn = min(tally.waits.values(), default=None)
    if next_turn is None or next_turn - sending.elapsed() > _SOON or sending.stopping():
        return False
    until(sending, next_turn)
    return not sending.stopping()


# --- batches ---------------------------------------------------------------------------------


def work_batch(
    sending: Sending, run_id: int | None, tally: Tally, batch_id: int | None = None
) -> bool:
    """Work the first due batch, or a certain one; False when it is not due, its sender may not be
    used now, or somebody has it."""
    if sending.stopping():
        return False
    down, unripe = tuple(tally.down), tally.unripe(sending) if batch_id is None else ()
    with sending.database.begin() as tx:
        now = sending.clock()
        lease = windows.claim(tx, sending.owner, now, sending.lease, run_id, down, batch_id, unripe)
    if lease is None:
        return False
    _work_batch(sending, lease, tally, alone=batch_id is not None)
    if batch_id is not None:
        _turn_comes(sending, tally)  # who asked for it would ask again at once
    return True


def _work_batch(sending: Sending, lease: windows.Lease, tally: Tally, *, alone: bool) -> None:
    """Send a batch window by window; each transaction settles one window and opens the next."""
    batch, database = lease.batch, sending.database
    text = tally.text(sending, batch.run_id)
    adapter = _adapter(sending, text, batch.sender, tally)
    admitted = _admitted(sending, lease) if adapter is not None else None
    if adapter is None or admitted is None:
        with database.begin() as tx:
            windows.give_back(tx, lease)
        return
    lease = admitted
    asks = sending.limits(batch.sender).asks(batch.pace)
    size = min(sending.window, adapter.window)
    settled: windows.Settlement | None = None
    proven = False  # a window of this lease was sent and settled: the batch kills nobody
    first = batch.next_id
    while first <= batch.last_id:
        n = min(PROBE if lease.trial else size, batch.last_id + 1 - first)
        if asks:
            _settle_now(sending, settled)
            proven, settled = proven or settled is not None, None
            n = permits(sending, tally, lease, asks, n, alone=alone)
        if not n:
            break
        ids = range(first, first + n)
        ready = ready_for(sending, text, batch, ids)
        began = sending.elapsed()
        with database.begin() as tx:
            now = sending.clock()
            window_id = windows.intend(
                tx, lease, ids[-1], now, sending.lease, proven=proven or settled is not None
            )
            _settle(tx, settled, now)
        settled = None
        if window_id is None:
            break
        window = Window(sending, lease, window_id, tally, began)
        settled = _heed(sending, tally, window, window.send(adapter, ready))
        gone = batch.sender in tally.down or batch.sender in tally.resting
        if settled is None or gone or sending.stopping() or lease.trial:
            break
        first = ids[-1] + 1
    _leave(sending, tally, lease, settled)


def _leave(
    sending: Sending, tally: Tally, lease: windows.Lease, settled: windows.Settlement | None
) -> None:
    with sending.database.begin() as tx:
        windows.give_back(tx, lease)
        if lease.trial:
            breakers.leave(tx, lease.batch.sender, sending.clock())
        _settle(tx, settled, sending.clock())
    takeover.cancel_left(sending.database, lease.batch.run_id, sending.clock())


# --- retries ---------------------------------------------------------------------------------


def work_retries(sending: Sending, run_id: int | None, tally: Tally) -> bool:
    """Work the due retries of one sender; False when there are none."""
    if sending.stopping():
        return False
    down, unripe = tuple(tally.down), tally.unripe(sending)
    with sending.database.reading() as conn:
        waiting = retry_windows.next_retries(
            conn, sending.owner, sending.clock(), run_id, down, unripe
        )
    if waiting is None:
        return False
    _work_retries(sending, waiting, tally)
    return True


def _work_retries(sending: Sending, lease: windows.Lease, tally: Tally) -> None:
    batch = lease.batch
    text = tally.text(sending, batch.run_id)
    adapter = _adapter(sending, text, batch.sender, tally)
    admitted = _admitted(sending, lease) if adapter is not None else None
    if adapter is None or admitted is None:
        return
    lease = admitted
    asks: tuple[Ask, ...] = sending.limits(batch.sender).asks(batch.pace)
    n = PROBE if lease.trial else min(RETRIES_AT_ONCE, sending.window, adapter.window)
    if asks:
        n = permits(sending, tally, lease, asks, n, alone=False)
    settled = None
    if n:
        began = sending.elapsed()
        with sending.database.begin() as tx:
            opened = retry_windows.due_retries(tx, lease, sending.clock(), sending.lease, n)
        if opened is not None:
            ready = ready_for(sending, text, None, opened.ids)
            window = Window(sending, opened.lease, opened.window_id, tally, began)
            settled = _heed(sending, tally, window, window.send(adapter, ready))
            lease = opened.lease
    _leave(sending, tally, lease, settled)


# --- both ------------------------------------------------------------------------------------


def _adapter(sending: Sending, text: Text, sender: str, tally: Tally) -> Adapter | None:
    """The channel of a sender, if it can send and is still what the policy judged the plan by."""
    planned, now = text.kind(sender), sending.kind(sender)
    if planned and now and planned != now:
        tally.down[sender] = (
            f"{sender}: the run was planned for a sender of kind {planned}, config.toml now says"
            f" {now}; set it back, or cancel the run and plan it anew"
        )
        return None
    try:
        return sending.adapter(sender)
    except sending.unavailable as error:
        tally.down[sender] = str(error)
        return None


def _admitted(sending: Sending, lease: windows.Lease) -> windows.Lease | None:
    """The lease, as a trial where its sender had trouble and has rested; None where it rests."""
    if not lease.troubled:
        return lease
    with sending.database.begin() as tx:
        may = breakers.enter(tx, lease.batch.sender, sending.clock(), sending.lease)
    return None if may is False else lease._replace(trial=may is None)


def _settle(tx: Connection, settled: windows.Settlement | None, now: datetime) -> None:
    """Append what came of a window, also when somebody took us for gone meanwhile."""
    if settled is not None and settled.outcomes and not windows.settle(tx, settled, now):
        takeover.settle_late(tx, settled, now)


def _settle_now(sending: Sending, settled: windows.Settlement | None) -> None:
    """What came of a window is written before anybody sleeps."""
    if settled is not None:
        with sending.database.begin() as tx:
            _settle(tx, settled, sending.clock())


def _heed(
    sending: Sending, tally: Tally, window: Window, settled: windows.Settlement | None
) -> windows.Settlement | None:
    """What is still to be written of a window. Where its text was refused, that is written at once,
    so that no further one goes when it was refused too often."""
    if not window.of_content:
        return settled
    _settle_now(sending, settled)
    trouble.refused_content(sending, tally, window.lease, window.of_content)
    return None if settled is None else settled._replace(outcomes=[])
