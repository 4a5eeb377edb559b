"""Everything the rules may see about a page of clients, fetched set-wise: a few queries a page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    or_,
    select,
    text,
)

from outreach.core.consent import ConsentEvent
from outreach.core.model import FrequencyCap
from outreach.core.page_plan import Gathered
from outreach.core.words import Channel, Purpose
from outreach.store.database import latest
from outreach.store.feeds import halts_as_of as halts_as_of
from outreach.store.tables import (
    STOPS,
    address_block,
    book,
    client,
    consent_event,
    frequency_use,
    message,
    run,
)

Row = tuple[Any, ...]
_CAPS = 0x6F757472  # the name of PostgreSQL's lock on frequency caps
MANY = 200_000  # shared addresses kept in memory during a plan
# Addresses that several clients may have; a client's number is nobody else's.
_SHARED = {Channel.SMS: "phone", Channel.EMAIL: "email"}
DENSE = 4  # a page whose ids span at most this many times its length is read as a range

_EVENT = consent_event.c
EVENT_COLUMNS = [_EVENT[name] for name in ConsentEvent._fields]


def gather(
    conn: Connection,
    ids: Sequence[int],
    *,
    channels: Sequence[Channel],
    purpose: Purpose,
    cap: FrequencyCap | None,
    now: datetime,
    grants: bool,
    sharing: Sequence[int] | None = None,
    besides_run: int | None = None,
) -> Gathered:
    """Facts about the clients with these ids (ascending).

    `grants`: whether consent is asked for; if not, only the ledgers of clients who ever said no are
    read. `sharing`: those clients whose address others have too, when that is known.
    `besides_run`: its own messages do not count towards the cap, for the second look.
    """
    if not ids:
        return Gathered()
    return Gathered(
        consents=_consents(conn, ids, grants),
        blocks=_blocks(conn, ids, channels, now),
        recent=_recent(conn, ids, purpose, cap, now, besides_run) if cap else {},
        sharers=_sharers(conn, ids if sharing is None else sharing, channels),
    )


def among(column: Column[Any], ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a column is one of these ascending ids, cheap for a dense page."""
    if ids[-1] - ids[0] < DENSE * len(ids):
        return column.between(ids[0], ids[-1])
    return column.in_(ids)


def _consents(conn: Connection, ids: Sequence[int], grants: bool) -> dict[int, list[ConsentEvent]]:
    statement = select(_EVENT.client_id, *EVENT_COLUMNS).order_by(_EVENT.client_id, _EVENT.id)
    if grants:
        statement = statement.where(among(_EVENT.client_id, ids))
    else:
        refusing = select(_EVENT.client_id).where(among(_EVENT.client_id, ids), text(STOPS))
        refused = conn.execute(refusing.distinct().order_by(_EVENT.client_id)).scalars().all()
        if not refused:
            return {}
        statement = statement.where(_EVENT.client_id.in_(refused))
    found: dict[int, list[ConsentEvent]] = {}
    for row in conn.execute(statement):
        found.setdefault(row[0], []).append(ConsentEvent._make(row[1:]))
    return found


def _blocks(
    conn: Connection, ids: Sequence[int], channels: Sequence[Channel], now: datetime
) -> dict[tuple[int, str], dict[str, datetime]]:
    if not latest(conn, address_block):
        return {}
    on_address = or_(
        and_(address_block.c.channel == Channel.SMS, address_block.c.address == client.c.phone),
        and_(address_block.c.channel == Channel.EMAIL, address_block.c.address == client.c.email),
        and_(
            address_block.c.channel == Channel.PUSH, address_block.c.address == client.c.client_no
        ),
    )
    statement = (
        select(
            client.c.id, address_block.c.channel, address_block.c.reason, address_block.c.since_at
        )
        .join_from(client, address_block, on_address)
        .where(
            among(client.c.id, ids),
            address_block.c.channel.in_(list(channels)),
            or_(address_block.c.until_at.is_(None), address_block.c.until_at > now),
        )
    )
    found: dict[tuple[int, str], dict[str, datetime]] = {}
    for client_id, channel, reason, since in conn.execute(statement):
        found.setdefault((client_id, channel), {})[reason] = since
    return found


def _recent(
    conn: Connection,
    ids: Sequence[int],
    purpose: Purpose,
    cap: FrequencyCap,
    now: datetime,
    besides_run: int | None,
) -> dict[int, int]:
    use = frequency_use.c
    statement = (
        select(use.client_id, func.count())
        .where(
            among(use.client_id, ids),
            use.purpose == purpose,
            use.at > now - timedelta(days=cap.days),
        )
        .group_by(use.client_id)
    )
    if besides_run is not None:
        own = select(message.c.id).where(
            message.c.id == use.message_id, message.c.run_id == besides_run
        )
        statement = statement.where(~own.exists())
    return {row[0]: row[1] for row in conn.execute(statement)}


def _sharers(
    conn: Connection, ids: Sequence[int], channels: Sequence[Channel]
) -> dict[tuple[int, str], list[int]]:
    """Clients of the page whose address another client has too, with those others."""
    found: dict[tuple[int, str], list[int]] = {}
    if not ids:
        return found
    for channel in _SHARED.keys() & set(channels):
        name = _SHARED[channel]
        other = client.alias("other")
        statement = (
            select(client.c.id, other.c.id)
            .join_from(
                client, other, and_(other.c[name] == client.c[name], other.c.id != client.c.id)
            )
            .where(among(client.c.id, ids))
        )
        for client_id, other_id in conn.execute(statement):
            found.setdefault((client_id, channel), []).append(other_id)
    return found


class Marks(NamedTuple):
    """How far the ledgers a decision relies on are written."""

    consent: int
    block: int
    used: int  # places under frequency caps
    book: int  # odd while the newest import is under way


def marks(conn: Connection) -> Marks:
    """Read these before the facts: what comes in between then counts as news."""
    return Marks(*conn.execute(_MARKS).one())


def _newest(column: Column[Any], mark: ColumnElement[int] | None = None) -> ColumnElement[int]:
    """A mark of the row with the highest id, the id itself if not said otherwise; 0 without rows.
    PostgreSQL plans this in half the time that max() takes it."""
    said = column if mark is None else mark
    return func.coalesce(select(said).order_by(column.desc()).limit(1).scalar_subquery(), 0)


# One statement: every page and every window asks it.
_MARKS: Final = select(
    _newest(consent_event.c.id),
    _newest(address_block.c.id),
    _newest(frequency_use.c.message_id),
    _newest(book.c.id, 2 * book.c.id + case((book.c.finished_at.is_(None), 1), else_=0)),
)


def hold_caps(tx: Connection) -> None:
    """Until the transaction ends, nobody else may plan under a cap: two campaigns must not both
    see its last free place. SQLite's writers queue anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(_CAPS)))


def clients(conn: Connection, ids: Sequence[int], columns: Sequence[str]) -> list[Row]:
    """The clients with these ascending ids, as tuples of `columns`."""
    chosen = select(*(client.c[name] for name in columns)).where(among(client.c.id, ids))
    return [tuple(row) for row in conn.execute(chosen)]


def client_numbered(conn: Connection, client_no: str, columns: Sequence[str]) -> Row | None:
    """The client of a number, as a tuple of `columns`."""
    chosen = select(*(client.c[name] for name in columns)).where(client.c.client_no == client_no)
    found = conn.execute(chosen).first()
    return tuple(found) if found else None


def shared_addresses(conn: Connection, channels: Sequence[Channel]) -> frozenset[str] | None:
    """The addresses that more than one client has; None when they are too many to keep."""
    found: set[str] = set()
    for channel in _SHARED.keys() & set(channels):
        address = client.c[_SHARED[channel]]
        statement = (
            select(address)
            .where(address.is_not(None))
            .group_by(address)
            .having(func.count() > 1)
            .limit(MANY + 1)
        )
        found.update(conn.execute(statement).scalars())
    return frozenset(found) if len(found) <= MANY else None


def taken_addresses(conn: Connection, run_id: int) -> set[tuple[str, int]]:
    """(channel, client) of this run's messages to addresses that several clients have: what a
    resumed plan must know of the pages before it."""
    found: set[tuple[str, int]] = set()
    for channel, name in _SHARED.items():
        other = client.alias("other")
        shared = select(other.c.id).where(
            other.c[name] == client.c[name], other.c.id != client.c.id
        )
        statement = (
            select(message.c.client_id)
            .join(client, client.c.id == message.c.client_id)
            .where(message.c.run_id == run_id, message.c.channel == channel, shared.exists())
        )
        found.update((channel, client_id) for client_id in conn.execute(statement).scalars())
    return found


def reached(campaign: str, besides: str, since: datetime) -> ColumnElement[bool]:
    """The condition that a client has a message of this campaign's other runs since a moment."""
    return (
        select(message.c.id)
        .join(run, run.c.id == message.c.run_id)
        .where(
            message.c.client_id == client.c.id,
            run.c.campaign == campaign,
            run.c.occurrence != besides,
            run.c.opened_at >= since,
        )
        .exists()
    )
