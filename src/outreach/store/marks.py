"""How far the schedule of each campaign has been followed; every scheduler moves the same marks."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from outreach.store.tables import schedule_mark


def load(conn: Connection) -> dict[str, datetime]:
    """By campaign: until when every firing is settled, one way or another."""
    rows = conn.execute(select(schedule_mark)).all()
    return {row.campaign: row.fired_until for row in rows}


def first_seen(tx: Connection, campaigns: Iterable[str], now: datetime) -> None:
    """Follow these campaigns from now on; those that are followed already stay where they are."""
    known = load(tx)
    rows = [{"campaign": one, "fired_until": now} for one in campaigns if one not in known]
    if not rows:
        return
    if tx.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as upsert

        tx.execute(upsert(schedule_mark).on_conflict_do_nothing(), rows)
    else:  # SQLite: nobody else writes since this transaction began
        tx.execute(insert(schedule_mark), rows)


def move(tx: Connection, moves: Mapping[str, tuple[datetime, datetime]]) -> None:
    """{campaign: (from, to)}. One that somebody else has moved meanwhile stays where he put it."""
    for campaign, (since, until) in sorted(moves.items()):
        tx.execute(
            update(schedule_mark)
            .where(schedule_mark.c.campaign == campaign, schedule_mark.c.fired_until == since)
            .values(fired_until=until)
        )


def clock(conn: Connection) -> datetime | None:
    """What the database server's clock shows; None where the database has no clock but ours."""
    if conn.dialect.name == "sqlite":
        return None
    shown: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    return shown


def drift(conn: Connection, ours: Callable[[], datetime]) -> timedelta:
    """How far the database server's clock is from ours, at least; zero where it has none."""
    before = ours()
    theirs = clock(conn)
    if theirs is None:
        return timedelta()
    return max(before - theirs, theirs - ours(), timedelta())
