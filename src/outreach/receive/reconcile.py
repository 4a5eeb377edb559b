"""Reconciliation: providers are asked what became of messages in doubt, and what else is new.

What they answer is an event like any other, so it is kept as it was said and applied once. What
they do not know stays in doubt: that proves nothing, and a person looks.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from outreach.channels import Asked, ChannelUnavailable, Pulls
from outreach.receive.events import Event, pulled, take_in
from outreach.store import checkup, doubts, references
from outreach.store.database import Database, DatabaseProblem
from outreach.store.doubts import Doubt

# A receipt that comes by itself is better evidence: it gets this long, counted from the doubt.
PATIENCE: Final = timedelta(minutes=15)
# A sender that was only slow may have handed a message over after it was taken for gone.
_LATER: Final = timedelta(minutes=10)
_AT_ONCE: Final = 100  # events fetched from a provider until they are stored

Adapters = Callable[[str], Any]  # by the name of a sender; raises ChannelUnavailable


@dataclass
class Question:
    """Messages in doubt that one sender is to be asked about."""

    sender: str
    doubts: list[Doubt]
    why_not: str = ""  # it cannot be asked
    # Others in doubt that are not asked about now, and of which one of these could be taken.
    rivals: list[Doubt] = field(default_factory=list)


@dataclass
class Reconciled:
    """What asking came to, by sender."""

    asked: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    pulled: dict[str, int] = field(default_factory=dict)  # receipts and replies that were new
    not_asked: dict[str, str] = field(default_factory=dict)  # why a sender is not asked
    troubles: dict[str, str] = field(default_factory=dict)  # why it could not be, this time
    unknown: list[int] = field(default_factory=list)  # messages their providers do not list


def questions(
    database: Database,
    adapters: Adapters,
    now: datetime,
    *,
    patience: timedelta = PATIENCE,
    run_id: int | None = None,
    besides: Collection[int] = (),
) -> list[Question]:
    """What is to be asked of whom: messages in doubt for longer than `patience`, `besides` some."""
    by_sender: dict[str, list[Doubt]] = defaultdict(list)
    left: list[Doubt] = []
    with database.reading() as conn:
        for number in checkup.in_doubt(conn):
            for one in doubts.listed(conn, number):
                ours = run_id in (None, number) and one.message not in besides
                if ours and one.since + patience <= now:
                    by_sender[one.sender].append(one)
                else:
                    left.append(one)
    return [_question(sender, some, left, adapters) for sender, some in sorted(by_sender.items())]


def _question(
    sender: str, some: list[Doubt], left: Sequence[Doubt], adapters: Adapters
) -> Question:
    try:
        asks = bool(getattr(adapters(sender), "lookup", False))
    except ChannelUnavailable as error:
        return Question(sender, some, str(error))
    if not asks:
        return Question(sender, some, "its provider cannot be asked about a message")
    alike = {_look(one) for one in some}
    rivals = [one for one in left if one.sender == sender and _look(one) in alike]
    return Question(sender, some, rivals=rivals)


def _look(one: Doubt) -> tuple[str, bytes]:
    """What a provider's list shows of a message: who gets it, and its text."""
    return one.address, one.content_digest


def ask(
    database: Database, adapters: Adapters, asked: Sequence[Question], now: datetime
) -> Reconciled:
    """Ask, and store what is answered. Nothing is sent by it, so it may be done at any time."""
    done = Reconciled()
    for question in asked:
        if question.why_not:
            done.not_asked[question.sender] = question.why_not
            continue
        _ask_one(database, adapters(question.sender), question, now, done)
    return done


def _ask_one(
    database: Database, adapter: Any, question: Question, now: datetime, done: Reconciled
) -> None:
    asked = {one.message for one in question.doubts}
    answers: dict[int, Event | None] = {}
    try:
        for message_id, said in adapter.find(_described(database, question)):
            if message_id not in asked:  # a rival: its own turn comes
                continue
            answers[message_id] = None if said is None else pulled(question.sender, said, now)
    except ChannelUnavailable as error:
        done.troubles[question.sender] = str(error)
    except Exception as error:  # what it answered so far counts, and the others are asked
        done.troubles[question.sender] = _strange(error)
    events = [event for event in answers.values() if event is not None]
    take_in(database, events)
    done.asked[question.sender] = len(answers)
    done.found[question.sender] = len(events)
    done.unknown += [number for number, event in answers.items() if event is None]


def _described(database: Database, question: Question) -> list[Asked]:
    """The messages as their provider is asked about them, and those they could be taken for."""
    every = [*question.doubts, *question.rivals]
    addresses = {one.address for one in every}
    since, until = min(one.handed_at for one in every), max(one.since for one in every) + _LATER
    with database.reading() as conn:
        known = references.held(conn, question.sender, addresses, since, until)
    return [
        Asked(
            one.message, one.run, one.address, one.handed_at, one.since + _LATER,
            one.content_digest,
            frozenset(
                reference
                for reference, message in known.get(one.address, {}).items()
                if message != one.message
            ),
        )
        for one in every
    ]  # fmt: skip


def pull(
    database: Database,
    adapters: Adapters,
    senders: Collection[str],
    now: datetime,
    unsaved: list[Event] | None = None,
) -> Reconciled:
    """Fetch the receipts and replies that these senders' providers keep for us, where they do.

    A provider that told us something does not tell it again. So it is asked only while we can
    write; what it told until it broke off is kept; and what could not be written all the same
    stays in `unsaved`, for the next call to begin with. Raises `DatabaseProblem` then.
    """
    done, fetched = Reconciled(), [] if unsaved is None else unsaved
    _keep(database, fetched)
    for sender in sorted(senders):
        new = 0
        try:
            adapter = adapters(sender)
            if not isinstance(adapter, Pulls):
                continue
            with database.begin():
                pass
            for said in adapter.pull(now):
                fetched.append(pulled(sender, said, now))
                if len(fetched) % _AT_ONCE == 0:
                    with suppress(DatabaseProblem):  # the rest of a page is not told again either
                        new += _keep(database, fetched)
        except ChannelUnavailable as error:
            done.troubles[sender] = str(error)
        except DatabaseProblem:
            raise
        except Exception as error:
            done.troubles[sender] = _strange(error)
        done.pulled[sender] = new + _keep(database, fetched)
    return done


def _keep(database: Database, fetched: list[Event]) -> int:
    """Store events and forget them; how many were new."""
    new = take_in(database, fetched)
    fetched.clear()
    return new


def _strange(error: Exception) -> str:
    """An answer nobody can read. Not what it says, which may be a client's number."""
    return f"its answer cannot be read ({type(error).__name__})"


def merged(*some: Reconciled) -> Reconciled:
    """Several as one."""
    both = Reconciled()
    for one in some:
        both.asked |= one.asked
        both.found |= one.found
        both.pulled |= one.pulled
        both.not_asked |= one.not_asked
        both.troubles |= one.troubles
        both.unknown += one.unknown
    return both


def tally(done: Reconciled) -> Mapping[str, int]:
    """Numbers over all senders."""
    return {
        "asked": sum(done.asked.values()),
        "found": sum(done.found.values()),
        "unknown": len(done.unknown),
        "pulled": sum(done.pulled.values()),
    }
