"""Settlement days in the database: only what a clearing house announced."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select

from outreach.core.market import Settlement
from outreach.store import audit
from outreach.store.tables import calendar_settlement


def load(conn: Connection, market: str) -> dict[date, Settlement]:
    """What is known of a market, by trade day."""
    query = select(calendar_settlement).where(calendar_settlement.c.market == market)
    return {
        row.trade_on: Settlement(
            row.market, row.trade_on, row.settles_on, row.source_ref, row.published_on
        )
        for row in conn.execute(query)
    }


def contradictions(conn: Connection, given: Sequence[Settlement]) -> list[str]:
    """What is stored otherwise, in sentences."""
    found = []
    for said in given:
        old = load(conn, said.market).get(said.trade_on)
        if old is not None and old.settles_on != said.settles_on:
            found.append(
                f"{said.market} {said.trade_on}: stored as paid on {old.settles_on}"
                f" ({old.source_ref}), the import says {said.settles_on}"
            )
    return found


def save(
    tx: Connection, given: Sequence[Settlement], *, entered_by: str, entered_at: datetime
) -> int:
    """Store what is new or says otherwise; return how many days that were.

    Logged in the same transaction, so this comes last in it.
    """
    new = [one for one in given if load(tx, one.market).get(one.trade_on) != one]
    for one in new:
        table = calendar_settlement
        same = (table.c.market == one.market) & (table.c.trade_on == one.trade_on)
        tx.execute(delete(table).where(same))
        tx.execute(
            insert(table).values(
                market=one.market,
                trade_on=one.trade_on,
                settles_on=one.settles_on,
                source_ref=one.source_ref,
                published_on=one.published_on,
                entered_by=entered_by,
            )
        )
    for market in dict.fromkeys(one.market for one in new):
        days = [
            f"{one.trade_on} paid on {one.settles_on} ({one.source_ref})"
            for one in new
            if one.market == market
        ]
        entry = audit.Entry(
            entered_at, "settlement.saved", entered_by, f"calendar {market}", {"days": days}
        )
        audit.append(tx, [entry])
    return len(new)
