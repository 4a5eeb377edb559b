"""The breakers of senders: a row while there is trouble, shared by all workers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from outreach.core.breaker import Breaker, Position, after, opened
from outreach.core.model import Outcome
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.rates import SKEW, When
from outreach.store.tables import sender_breaker

ACTOR: Final = "outreach"
_row: Final = sender_breaker.c


def enter(tx: Connection, name: str, now: datetime, length: timedelta) -> bool | None:
    """Whether a worker may use a sender: True as usual; None as the one that tries it, who has it
    to himself for so long; False not now."""
    found = _load(tx, name)
    if found is None or found.position is Position.CLOSED:
        return True
    if found.position is Position.STOPPED or (found.open_until and found.open_until > now):
        return False
    _save(tx, name, found._replace(position=Position.HALF_OPEN, open_until=now + length), now)
    return None


def note(tx: Connection, name: str, outcomes: Sequence[Outcome], now: datetime) -> Breaker:
    """Take down what a window came to. The log comes last in the transaction."""
    before = _load(tx, name) or Breaker()
    new = after(before, outcomes, now)
    if new.position is Position.OPEN:
        new = new._replace(why=f"{name}: {new.why}")
    _moved(tx, name, before, new, now)
    return new


def rest(tx: Connection, name: str, why: str, now: datetime) -> Breaker:
    """Let a sender rest that said by itself that it cannot send."""
    before = _load(tx, name) or Breaker()
    if before.position in (Position.OPEN, Position.STOPPED):
        return before
    new = opened(before, why, now)
    _moved(tx, name, before, new, now)
    return new


def leave(tx: Connection, name: str, now: datetime) -> None:
    """A worker that was to try a sender had nothing to try it with: the next one may."""
    mine = and_(_row.name == name, _row.state == Position.HALF_OPEN.value)
    tx.execute(update(sender_breaker).where(mine).values(open_until=now))


def stop(tx: Connection, name: str, why: str, actor: str, now: datetime) -> None:
    """A person stops a sender for everybody, until a person lets it go on."""
    before = _load(tx, name) or Breaker()
    said = f"{name}: stopped by {actor}: {why}"
    new = before._replace(position=Position.STOPPED, open_until=None, why=said)
    _save(tx, name, new, now, actor)
    entry = Entry(now, "sender.stopped", actor, name, {"why": why})
    audit.append(tx, [entry])


def let_go(tx: Connection, name: str, actor: str, now: datetime) -> bool:
    """A person lets a sender go on, its trouble forgotten; False when nothing held it."""
    if tx.execute(delete(sender_breaker).where(_row.name == name)).rowcount != 1:
        return False
    audit.append(tx, [Entry(now, "sender.opened", actor, name, {"by": "person"})])
    return True


def knock(tx: Connection, now: datetime) -> None:
    """Somebody is at hand: senders that rest may be tried at once."""
    resting = _row.state == Position.OPEN.value
    tx.execute(update(sender_breaker).where(resting).values(open_until=now, since_at=now))


def waiting(sender: ColumnElement[str], now: When, soon: When) -> ColumnElement[bool]:
    """The condition that a sender may not be used now. `soon` is SKEW after `now`."""
    return select(_row.name).where(_row.name == sender, _shut(now, soon)).exists()


def troubled(sender: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that a sender has a breaker at all."""
    return select(_row.name).where(_row.name == sender).exists()


def holds(conn: Connection, now: datetime) -> dict[str, RowMapping]:
    """The senders that may not be used now."""
    rows = conn.execute(select(sender_breaker).where(_shut(now, now + SKEW))).mappings()
    return {row["name"]: row for row in rows}


def standing(conn: Connection) -> dict[str, RowMapping]:
    """Every row as it stands."""
    rows = conn.execute(select(sender_breaker).order_by(_row.name)).mappings()
    return {row["name"]: row for row in rows}


def _shut(now: When, soon: When) -> ColumnElement[bool]:
    resting = and_(
        _row.state.in_((Position.OPEN.value, Position.HALF_OPEN.value)),
        _row.open_until > now,
        _row.since_at <= soon,  # not by a clock that was ahead and has been put back
    )
    return or_(_row.state == Position.STOPPED.value, resting)


def _load(tx: Connection, name: str) -> Breaker | None:
    query = select(sender_breaker).where(_row.name == name).with_for_update()
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    return Breaker(
        Position(row["state"]), row["open_until"], row["errors"], int(row["recent"] or "0", 16),
        row["rests"], row["why"],
    )  # fmt: skip


def _moved(tx: Connection, name: str, before: Breaker, new: Breaker, now: datetime) -> None:
    if new == before:
        return
    if new.spotless:
        tx.execute(delete(sender_breaker).where(_row.name == name))
    else:
        _save(tx, name, new, now)
    if new.position is Position.OPEN:
        detail = {"why": new.why, "until": new.open_until}
        audit.append(tx, [Entry(now, "sender.rests", ACTOR, name, detail)])
    elif new.position is Position.CLOSED and before.position is Position.HALF_OPEN:
        audit.append(tx, [Entry(now, "sender.opened", ACTOR, name, {"by": "probe"})])


def _save(tx: Connection, name: str, new: Breaker, now: datetime, actor: str = ACTOR) -> None:
    values = {
        "state": new.position.value, "open_until": new.open_until, "since_at": now,
        "errors": new.errors, "recent": f"{new.recent:x}", "rests": new.rests, "why": new.why,
        "actor": actor, "at": now,
    }  # fmt: skip
    kind = sqlite if tx.dialect.name == "sqlite" else postgresql
    statement = kind.insert(sender_breaker).values(name=name, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
