"""What clients wrote back, what was made of it, and who has seen to it: added, never changed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, select

from outreach.core.words import Channel
from outreach.store import audit
from outreach.store.audit import Covered, Entry
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import client, reply, reply_step

_COLUMNS: Final = tuple(column.name for column in reply.columns)
_STEPS: Final = tuple(column.name for column in reply_step.columns)
MOST: Final = 4_000  # characters of a text that are kept here; the event holds all of it


class NewReply(NamedTuple):
    """A reply with what was made of it, about to be recorded."""

    event_id: int
    channel: str
    sender: str
    address: str
    text: str
    reference: str
    intent: str
    made: str
    clients: int  # how many have the address
    review: bool
    said_at: datetime

    @property
    def identity(self) -> bytes:
        """The same for the same reply told again: by its provider's number of it, if it has one."""
        own = self.reference or f"{self.said_at.timestamp():.0f}\n{self.text}"
        said = f"{self.channel}\n{self.sender}\n{self.address}\n{own}"
        return sha256(said.encode("utf-8", "replace")).digest()


class Stored(NamedTuple):
    """A reply on record."""

    id: int
    channel: str
    sender: str
    address: str  # in full, as is the text; masked where they are shown
    text: str
    intent: str
    made: str
    clients: int
    review: bool
    said_at: datetime
    by: str | None = None  # who saw to it
    note: str | None = None
    seen_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether a person still has to see to it."""
        return self.review and self.by is None


def holders(conn: Connection, channel: Channel, addresses: Iterable[str]) -> dict[str, list[int]]:
    """The clients who have these addresses."""
    column = client.c.phone if channel is Channel.SMS else client.c.email
    found: dict[str, list[int]] = defaultdict(list)
    query = select(column, client.c.id).where(one_of(conn, column, set(addresses)))
    for address, number in conn.execute(query.order_by(client.c.id)):
        found[address].append(number)
    return found


def unknown(conn: Connection, replies: Sequence[NewReply]) -> list[NewReply]:
    """Those of the replies that are not on record, each once."""
    fresh = {one.identity: one for one in reversed(replies)}
    query = select(reply.c.identity).where(reply.c.identity.in_(list(fresh)))
    for identity in conn.execute(query).scalars():
        fresh.pop(bytes(identity), None)
    return [one for one in replies if fresh.get(one.identity) is one]


def add(tx: Connection, replies: Sequence[NewReply], at: datetime) -> Covered | None:
    """Record replies that are not on record; what the log must cover."""
    if not replies:
        return None
    first = allocate(tx, "reply", len(replies))
    rows = [
        (number, one.event_id, one.identity, one.channel, plain(one.sender, 200),
         plain(one.address, 200), plain(one.text, MOST), one.intent, one.made, one.clients,
         one.review, one.said_at, at)
        for number, one in enumerate(replies, start=first)
    ]  # fmt: skip
    append(tx, reply, _COLUMNS, rows)
    return cover(reply, _COLUMNS, rows)


def listed(
    conn: Connection, *, every: bool = False, number: int | None = None, limit: int = 500
) -> list[Stored]:
    """Replies a person has to see to, or every one; the newest first."""
    columns = ("id", "channel", "sender", "address", "text", "intent", "made", "clients", "review",
               "said_at")  # fmt: skip
    steps = (reply_step.c.actor, reply_step.c.note, reply_step.c.at)
    query = (
        select(*(reply.c[name] for name in columns), *steps)
        .outerjoin(reply_step, reply_step.c.reply_id == reply.c.id)
        .order_by(reply.c.id.desc())
        .limit(limit)
    )
    if number is not None:
        query = query.where(reply.c.id == number)
    elif not every:
        query = query.where(and_(reply.c.review, reply_step.c.id.is_(None)))
    return [Stored(*row) for row in conn.execute(query)]


def see_to(tx: Connection, number: int, actor: str, note: str, at: datetime) -> None:
    """Record that a person has seen to a reply. Logged here, so this comes last in a transaction.
    Raises LookupError where there is no such reply, ValueError where somebody has seen to it."""
    audit.append(tx, [])  # two who see to it at once queue here, and the second finds the first
    found = listed(tx, number=number)
    if not found:
        raise LookupError(f"there is no reply {number}")
    if found[0].by is not None:
        raise ValueError(f"{found[0].by} has seen to it")
    row: tuple[Any, ...] = (allocate(tx, "reply_step", 1), number, "seen", actor, note, at)
    append(tx, reply_step, _STEPS, [row])
    covered = cover(reply_step, _STEPS, [row])
    audit.append(tx, [Entry(at, "reply.seen", actor, f"reply {number}", {}, covered)])
