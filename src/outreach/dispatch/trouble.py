"""Trouble of a sender or with a text: what one worker meets stops all of them."""

from collections.abc import Sequence
from typing import Final

from outreach.core.breaker import Breaker, Position, troubled
from outreach.core.masking import masked_text
from outreach.core.model import About, Outcome
from outreach.core.said import about
from outreach.core.words import State
from outreach.dispatch.sending import Sending, Tally
from outreach.store import audit, breakers, rates, runs, windows
from outreach.store.audit import Entry
from outreach.store.work import GOING

ACTOR: Final = "outreach"


def note(sending: Sending, tally: Tally, lease: windows.Lease, said: Sequence[Outcome]) -> int:
    """Take down what a channel said of a window, as far as it concerns more than its messages; how
    many were not taken for what their text says."""
    bad = [o for o in said if o.state != State.ACCEPTED]
    if not bad and not lease.troubled:
        return 0
    sender, now = lease.batch.sender, sending.clock()
    slower = [o.wait for o in bad if o.state == State.READY and about(o) is About.RATE]
    if slower:
        with sending.database.begin() as tx:
            rates.throttle(tx, sender, max(slower), now)
    if lease.troubled or troubled(bad):
        with sending.database.begin() as tx:
            new = breakers.note(tx, sender, said, now)
        _say(tally, sender, new)
        if new.position is Position.CLOSED:
            tally.resting.pop(sender, None)
    return sum(map(windows.of_content, bad))


def gave_up(sending: Sending, tally: Tally, sender: str, why: str) -> None:
    """A channel said that it cannot send: it rests, for all workers."""
    tally.resting[sender] = why
    with sending.database.begin() as tx:
        breakers.rest(tx, sender, masked_text(why), sending.clock())


def _say(tally: Tally, sender: str, new: Breaker) -> None:
    known = sender in tally.resting or sender in tally.down
    if new.position is Position.OPEN and not known:
        tally.resting[sender] = new.why


def refused_content(sending: Sending, tally: Tally, lease: windows.Lease, fresh: int) -> None:
    """Pause a run whose text a provider refuses, after so many times; `fresh` of them were stored
    a moment ago. Nobody's address is blamed."""
    run_id, sender, most = lease.batch.run_id, lease.batch.sender, sending.content_errors
    with sending.database.reading() as conn:
        total = sum(runs.counts(conn, run_id).get("content", {}).values())
    if total // most == (total - fresh) // most:
        return
    now = sending.clock()
    with sending.database.begin() as tx:
        if not runs.move(tx, run_id, "paused", now, ACTOR, since=list(GOING)):
            return
        detail = {"sender": sender, "messages": total}
        audit.append(tx, [Entry(now, "run.content_refused", ACTOR, f"run {run_id}", detail)])
    tally.alarms.append(
        f"run {run_id}: paused, for {sender} refuses its text ({total:,} messages); see what it"
        f" objects to with `outreach log --run {run_id} --state failed`, then `outreach runs"
        f" resume {run_id}` or cancel it"
    )
