"""Where in a table to begin, by moment, without an index on moments."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Table, func, select

# How far the clocks of those who write may be apart: rows are only nearly in the order of time.
SKEW: Final = timedelta(hours=1)


def first_since(conn: Connection, table: Table, moment: str, since: datetime) -> int | None:
    """An id at or before the first row of a moment or later; None in an empty table.

    Rows are numbered in the order they are written, so the first one is searched for by halves:
    an index by moment would cost every row that is written.
    """
    number, at = table.c.id, table.c[moment]
    ends = conn.execute(select(func.min(number), func.max(number))).one()
    if ends[0] is None:
        return None
    low, high = int(ends[0]), int(ends[1]) + 1
    while low < high:
        middle = (low + high) // 2
        found: Any = conn.execute(
            select(at).where(number >= middle).order_by(number).limit(1)
        ).scalar_one_or_none()
        if found is None or found >= since - SKEW:
            high = middle
        else:
            low = middle + 1
    return low
