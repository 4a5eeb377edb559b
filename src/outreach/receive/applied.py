"""Apply what came in: read events, record what they say, and put off or aside what cannot be."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core.bounce.resting import USUAL, SoftRule
from outreach.core.bounce.returned import ReturnedMail
from outreach.core.fault import place_of
from outreach.core.masking import masked_text
from outreach.core.receipt import (
    WAITS,
    Answer,
    Click,
    Receipt,
    Reply,
    Said,
    sender_of,
)
from outreach.receive import replies
from outreach.receive.events import READERS, Readers, reader_of
from outreach.receive.returned import receipt_of
from outreach.store import audit, bounces, consent, rates, raw_events, receipts
from outreach.store.audit import Entry
from outreach.store.bounces import Found
from outreach.store.database import Database, DatabaseProblem
from outreach.store.raw_events import Aside, Due
from outreach.store.receipts import Result, Saying

ACTOR = "outreach"
_MAINLAND = ZoneInfo("Asia/Shanghai")
Part = TypeVar("Part", Reply, Click, Answer)


# Takes an answer by link; says why not where it cannot be taken. It has a transaction of its own,
# and takes the same answer once.
Answering = Callable[[Answer], str | None]


class Applied(NamedTuple):
    """What one call came to. `events` is 0 when nothing was due."""

    events: int = 0  # looked at
    receipts: int = 0  # written: what was known already is not written again
    waiting: int = 0  # put off, since what they speak of is not known yet
    aside: int = 0  # set aside for a person
    replies: int = 0  # new ones
    clicks: int = 0  # unsubscribe links that withdrew a consent
    returned: Mapping[str, int] = {}  # mails that came back and were not on record, by class
    # Of these, how many where the text or the sender was refused: by run, and content or policy.
    refused: Mapping[tuple[int, str], int] = {}
    faults: tuple[str, ...] = ()  # of ours, by what and where: their events wait for another try


def _both(one: Applied, other: Applied) -> Applied:
    """What two calls came to, as one."""
    return Applied(
        one.events + other.events,
        one.receipts + other.receipts,
        one.waiting + other.waiting,
        one.aside + other.aside,
        one.replies + other.replies,
        one.clicks + other.clicks,
        returned=Counter(one.returned) + Counter(other.returned),
        refused=Counter(one.refused) + Counter(other.refused),
        faults=(*one.faults, *other.faults),
    )


@dataclass
class _Read:
    """An event with what it says, and what became of each part so far."""

    due: Due
    said: Sequence[Said] = ()
    wrong: str = ""  # why nobody can read it
    results: list[Result] = field(default_factory=list)

    @property
    def from_clients(self) -> bool:
        """Whether a client speaks in it: that is recorded after what providers say."""
        return any(isinstance(one, Reply | Click | Answer) for one in self.said)

    def parts(self, kind: type[Part]) -> list[Part]:
        return [one for one in self.said if isinstance(one, kind)]


def apply(
    database: Database,
    readers: Readers,
    clock: Callable[[], datetime],
    limit: int = 500,
    *,
    zone: ZoneInfo = _MAINLAND,
    answering: Answering | None = None,
    soft: SoftRule = USUAL,
) -> Applied:
    """Apply the next due events that these readers can read; the others wait for whoever can. Call
    it again while `events` is not 0.

    Reading happens before the transaction. Whoever else applies the same events at the same time
    finds them taken. `zone` is the firm's: surveys close at the end of its day. `soft` says when an
    address rests to which mail could not be delivered for a while.
    """
    now = clock()
    with database.reading() as conn:
        due = raw_events.due(conn, now, limit, _read_here(readers, answering))
    if not due:
        return Applied()
    how = _How(now, zone, answering, soft)
    return _apart(database, [_read(readers, one) for one in due], how)


class _How(NamedTuple):
    """What holds for one call."""

    now: datetime
    zone: ZoneInfo
    answering: Answering | None
    soft: SoftRule


def _apart(database: Database, read: Sequence[_Read], how: _How) -> Applied:
    """All of them at once; each by itself where that fails, so that one that nobody can apply keeps
    no opt-out waiting. It is tried again ever more seldom, and then a person looks."""
    try:
        return _together(database, read, how)
    except DatabaseProblem:
        raise
    except Exception as error:
        if len(read) > 1:
            fresh = [_Read(one.due, one.said, one.wrong) for one in read]
            return reduce(_both, [_apart(database, [one], how) for one in fresh])
        (one,) = read
        fault = f"{type(error).__name__} {place_of(error)}"
        one.results = [Result("waits", "failed", fault)]
        with database.begin() as tx:
            waiting, aside, entries = _close(tx, _held(tx, [one]), how.now)
            audit.append(tx, entries)
        return Applied(1, waiting=waiting, aside=aside, faults=(fault,))


def _together(database: Database, read: Sequence[_Read], how: _How) -> Applied:
    now, soft = how.now, how.soft
    with database.begin() as tx:
        mine = _held(tx, read)
        mails = bounces.judge(tx, _returned(mine))
        written, entries = _receipts(tx, mine, mails, now)
        back = bounces.record(tx, mails, soft, now)
        waiting, aside, more = _close(tx, [one for one in mine if not one.from_clients], now)
        audit.append(tx, [*entries, *back.entries, *more])
    done = Applied(
        len(read), written, waiting, aside, returned=dict(back.kinds), refused=dict(back.refused)
    )
    said = [one for one in mine if one.from_clients]
    return _from_clients(database, said, how, done) if said else done


def _read_here(readers: Readers, answering: Answering | None) -> set[str]:
    """The sources whose events this process can apply."""
    own = READERS.keys() if answering is not None else READERS.keys() - {"survey"}
    return {*readers, *own}


def _from_clients(
    database: Database,
    read: Sequence[_Read],
    how: _How,
    done: Applied,
) -> Applied:
    """What clients say. Their transaction begins with the head of the log, as every one does that
    looks whether the same was said before; that of receipts ends with it."""
    now, zone = how.now, how.zone
    for one in read:
        one.results += [_answered(answer, how.answering) for answer in one.parts(Answer)]
    with database.begin() as tx:
        consent.hold(tx)
        audit.append(tx, [])
        mine = _held(tx, read)
        said = [replies.Said(one.due.id, reply) for one in mine for reply in one.parts(Reply)]
        clicks = [replies.Clicked(one.due.id, click) for one in mine for click in one.parts(Click)]
        heard = replies.record(tx, said, now, zone)
        clicked = replies.clicked(tx, clicks, now)
        waiting, aside, entries = _close(tx, mine, now)
        audit.append(tx, entries)
    return done._replace(
        waiting=done.waiting + waiting, aside=done.aside + aside, replies=heard, clicks=clicked
    )


def _answered(answer: Answer, answering: Answering | None) -> Result:
    why = answering(answer) if answering is not None else "nobody_answers"
    return Result("taken") if why is None else Result("aside", why, "the answer was refused")


def _held(tx: Connection, read: Sequence[_Read]) -> list[_Read]:
    """Those of the events that are still due, and ours until the transaction ends."""
    held = raw_events.hold(tx, [one.due.id for one in read])
    return [one for one in read if one.due.id in held]


def _read(readers: Readers, one: Due) -> _Read:
    reader = reader_of(readers, one.came.source)
    try:
        return _Read(one, tuple(reader(one.came)) if reader is not None else ())
    except Exception as error:  # one strange event must not keep the others from being applied
        return _Read(one, wrong=masked_text(f"{type(error).__name__}: {error}")[:300])


def _returned(read: Sequence[_Read]) -> list[tuple[int, ReturnedMail]]:
    """The mails that came back among these events."""
    return [
        (one.due.id, said) for one in read for said in one.said if isinstance(said, ReturnedMail)
    ]


def _receipts(
    tx: Connection, read: Sequence[_Read], mails: Sequence[Found], at: datetime
) -> tuple[int, list[Entry]]:
    """Record every receipt of these events; how many were new, and what the log says of them."""
    by_mail = {one.event_id: receipt_of(one) for one in mails}
    sayings, owners = [], []
    for one in read:
        for said in one.said:
            receipt = by_mail.get(one.due.id) if isinstance(said, ReturnedMail) else said
            if isinstance(receipt, Receipt):
                sayings.append(Saying(one.due.id, sender_of(one.due.came.source), receipt))
                owners.append(one)
    recorded = receipts.record(tx, sayings, at)
    for sender, seconds in sorted(recorded.slower.items()):
        rates.throttle(tx, sender, seconds, at)
    for owner, result in zip(owners, recorded.results, strict=True):
        owner.results.append(result)
    return recorded.rows, recorded.entries


def _close(tx: Connection, read: Sequence[_Read], at: datetime) -> tuple[int, int, list[Entry]]:
    """Take what is applied off the list; put off what waits, and aside what nobody can make
    anything of. How many of both, and what the log says of it."""
    done: list[int] = []
    until: dict[int, datetime] = {}
    asides: list[Aside] = []
    for one in read:
        failed = [result for result in one.results if result.became != "taken"]
        waits = any(result.became == "waits" for result in failed)
        if one.wrong:
            asides.append(Aside(one.due.id, "unreadable", one.wrong))
        elif waits and one.due.attempts < len(WAITS):
            until[one.due.id] = at + WAITS[one.due.attempts]
        elif failed:
            asides.append(Aside(one.due.id, failed[0].reason, failed[0].detail))
        else:
            done.append(one.due.id)
    raw_events.done(tx, done)
    raw_events.postpone(tx, until)
    covered = raw_events.set_aside(tx, asides, at)
    if covered is None:
        return len(until), 0, []
    detail = {"n": len(asides)}
    return (
        len(until),
        len(asides),
        [Entry(at, "events.set_aside", ACTOR, "events", detail, covered)],
    )
