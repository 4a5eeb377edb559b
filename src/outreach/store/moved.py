"""That a database was moved to another one: the mark on both sides, and who may still work there.

A mark goes `moving` -> `moved` in the database that is left and `arriving` -> `arrived` in the one
that is moved to, in this order: moving, arriving, moved, arrived. So whenever the move is cut
short, at most one of the two can be worked with, and a second start finds where the first stopped.
"""

from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from outreach.store.tables import database_move


class State(StrEnum):
    """How far a move has come, as this database knows."""

    MOVING = "moving"  # it is being left: nobody works here until the move is done or undone
    MOVED = "moved"  # it was left
    UNDONE = "undone"  # it was to be left, or was left, and is worked with again
    ARRIVING = "arriving"  # it holds everything, but the other one has not been left yet
    ARRIVED = "arrived"  # it is worked with
    LEFT = "left"  # it was arrived at, and the move was undone


class Mark(NamedTuple):
    """One move as a database remembers it; `id` is the same on both sides."""

    id: str
    state: str
    other: str  # the other database, without its password
    entries: int  # of the audit log when the move began
    root: bytes  # of the same
    actor: str
    at: Any


_CLOSED: Final = {
    State.MOVING: "is being moved to {other}, and the move has not ended; run `outreach db move"
    " --to URL` again to end it, or `outreach db move --undo` to stay here",
    State.MOVED: 'was moved to {other} on {at:%Y-%m-%d}; write `database = "{other}"` into'
    " config.toml (the way back: docs/growing.md)",
    State.ARRIVING: "is being moved to from {other}, and the move has not ended; run `outreach db"
    " move --to URL` again, with the old database in config.toml",
    State.LEFT: "was given up: its clients and runs are in {other} again; drop it",
}


def newest(conn: Connection) -> Mark | None:
    """The newest move this database took part in."""
    # Each move lengthens the log, so the newest is the one that began with the longest.
    query = select(database_move).order_by(database_move.c.entries.desc()).limit(1)
    found = conn.execute(query).one_or_none()
    return Mark(*found) if found else None


def put(tx: Connection, mark: Mark) -> None:
    """Remember a move, or how far it has come."""
    tx.execute(delete(database_move).where(database_move.c.id == mark.id))
    tx.execute(insert(database_move).values(mark._asdict()))


def why_closed(conn: Connection) -> str | None:
    """Why nobody may work with this database; None when everybody may. The database is at the
    newest revision."""
    mark = newest(conn)
    said = _CLOSED.get(State(mark.state)) if mark else None
    return said.format(**mark._asdict()) if said and mark else None
