"""Addresses nobody may write to: blocked for a reason, let go by a person, each step on record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, delete, or_, select

from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.one_of import one_of
from outreach.store.tables import address_block, block_step

ACTOR: Final = "outreach"
BY_HAND: Final = "by hand"  # the source of what a person put on the list; two may take it off
_KINDS: Final = {
    "block": "address.blocked",
    "ask": "address.unblock_asked",
    "lift": "address.unblocked",
}
_STEPS: Final = tuple(column.name for column in block_step.columns)
_BLOCKS: Final = ("id", "channel", "address", "reason", "since_at", "source", "until_at")


class Block(NamedTuple):
    """An address that is about to be blocked, or one that is."""

    channel: str
    address: str
    reason: str  # hard_bounce | soft_bounces | regulator_list | global_objection
    why: str
    source: str  # what it came from: `bounce 12`
    until_at: datetime | None = None
    since_at: datetime | None = None  # None: about to be blocked


def block(tx: Connection, blocks: Sequence[Block], actor: str, at: datetime) -> list[Entry]:
    """Block these addresses; what the log says of those that were not blocked for the same reason.

    A block that ends by itself gives way to a new one when it is over. Two who block at once queue
    here until the first has committed.
    """
    if not blocks:
        return []
    first = allocate(tx, "address_block", len(blocks))
    wanted = {(one.channel, one.address, one.reason): one for one in reversed(blocks)}
    addresses = sorted({one.address for one in blocks})
    over = (address_block.c.until_at <= at, one_of(tx, address_block.c.address, addresses))
    tx.execute(delete(address_block).where(*over))
    columns = (address_block.c.channel, address_block.c.address, address_block.c.reason)
    standing = select(*columns).where(one_of(tx, address_block.c.address, addresses))
    for row in tx.execute(standing):
        wanted.pop(tuple(row), None)
    fresh = [wanted[key] for key in sorted(wanted)]
    rows = [
        (number, one.channel, one.address, one.reason, at, one.source, one.until_at)
        for number, one in enumerate(fresh, start=first)
    ]
    append(tx, address_block, _BLOCKS, rows)
    return _steps(tx, "block", fresh, actor, at)


def lift(
    tx: Connection, channel: str, address: str, reason: str | None, why: str, actor: str,
    at: datetime,
) -> list[Entry]:  # fmt: skip
    """Let an address go, for one reason or for every one; nothing where it is not blocked."""
    allocate(tx, "address_block", 0)  # whoever blocks it at once comes before or after
    found = [one for one in standing(tx, at, channel=channel, address=address)
             if reason in (None, one.reason)]  # fmt: skip
    for one in found:
        mine = (
            address_block.c.channel == one.channel, address_block.c.address == one.address,
            address_block.c.reason == one.reason,
        )  # fmt: skip
        tx.execute(delete(address_block).where(*mine))
    lifted = [one._replace(why=why, source="a person", until_at=None) for one in found]
    return _steps(tx, "lift", lifted, actor, at)


class Asked(NamedTuple):
    """Somebody asked to take an address off the list; it counts once another says the same."""

    actor: str
    why: str
    at: datetime


def ask_to_lift(tx: Connection, block: Block, why: str, actor: str, at: datetime) -> list[Entry]:
    """Put on record that somebody wants an address let go; the block stands."""
    return _steps(tx, "ask", [block._replace(why=why, source="a person")], actor, at)


def asked(conn: Connection, block: Block) -> Asked | None:
    """Who asked last to let this address go, since it was blocked."""
    step = block_step.c
    query = (
        select(step.action, step.actor, step.why, step.at)
        .where(
            step.address == block.address, step.channel == block.channel,
            step.reason == block.reason,
        )
        .order_by(step.id.desc())
        .limit(1)
    )  # fmt: skip
    last = conn.execute(query).first()
    return Asked(last.actor, last.why, last.at) if last and last.action == "ask" else None


def _steps(
    tx: Connection, action: Literal["block", "ask", "lift"], blocks: Sequence[Block], actor: str,
    at: datetime,
) -> list[Entry]:  # fmt: skip
    if not blocks:
        return []
    first = allocate(tx, "block_step", len(blocks))
    rows = [
        (number, one.channel, one.address, one.reason, action, one.why[:400], one.source,
         one.until_at, actor, at)
        for number, one in enumerate(blocks, start=first)
    ]  # fmt: skip
    append(tx, block_step, _STEPS, rows)
    covered = cover(block_step, _STEPS, rows)
    kind = _KINDS[action]
    detail = {"n": len(rows), "reasons": sorted({one.reason for one in blocks})}
    if action != "block":
        detail["why"] = blocks[0].why
    subject = f"block step {first}" if len(rows) == 1 else f"block steps {first} to {rows[-1][0]}"
    return [Entry(at, kind, actor, subject, detail, covered)]


def standing(
    conn: Connection,
    now: datetime,
    *,
    channel: str | None = None,
    address: str | None = None,
    limit: int = 1_000,
) -> list[Block]:
    """The blocks in force, newest first, with why each was made."""
    shut = address_block.c
    query = (
        select(shut.channel, shut.address, shut.reason, shut.source, shut.until_at, shut.since_at)
        .where(or_(shut.until_at.is_(None), shut.until_at > now))
        .order_by(shut.id.desc())
        .limit(limit)
    )
    if channel is not None:
        query = query.where(shut.channel == channel)
    if address is not None:
        query = query.where(shut.address == address)
    rows = list(conn.execute(query))
    why = _why(conn, [row.address for row in rows])
    return [
        Block(
            row.channel, row.address, row.reason, why.get(tuple(row[:3]), ""), row.source,
            row.until_at, row.since_at,
        )
        for row in rows
    ]  # fmt: skip


def _why(conn: Connection, addresses: Sequence[str]) -> dict[tuple[str, str, str], str]:
    """Why each was blocked the last time."""
    if not addresses:
        return {}
    step = block_step.c
    query = (
        select(step.channel, step.address, step.reason, step.why)
        .where(step.action == "block", one_of(conn, step.address, sorted(set(addresses))))
        .order_by(step.id)
    )
    return {(row[0], row[1], row[2]): row[3] for row in conn.execute(query)}


def lifted_at(conn: Connection, addresses: Sequence[str]) -> dict[str, datetime]:
    """When each of these e-mail addresses was last let go by a person."""
    step = block_step.c
    query = (
        select(step.address, step.at)
        .where(
            step.action == "lift", step.channel == "email", one_of(conn, step.address, addresses)
        )
        .order_by(step.id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def of_addresses(conn: Connection, now: datetime, addresses: Sequence[str]) -> dict[str, list[str]]:
    """The reasons for which e-mail addresses are blocked, of those that are."""
    shut = address_block.c
    query = (
        select(shut.address, shut.reason)
        .where(
            shut.channel == "email",
            one_of(conn, shut.address, set(addresses)),
            or_(shut.until_at.is_(None), shut.until_at > now),
        )
        .order_by(shut.address, shut.reason)
    )
    found: dict[str, list[str]] = {}
    for address, reason in conn.execute(query):
        found.setdefault(address, []).append(reason)
    return found
