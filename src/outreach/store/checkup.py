"""What is open in the database and wants a person's eye."""

from sqlalchemy import Connection, select

from outreach.core.words import State
from outreach.store.tables import run_count


def in_doubt(conn: Connection) -> dict[int, int]:
    """Runs with messages that may or may not have been sent, and how many of each."""
    where = (run_count.c.kind == "state") & (run_count.c.key == State.IN_DOUBT)
    query = select(run_count.c.run_id, run_count.c.n).where(where, run_count.c.n > 0)
    return {row.run_id: row.n for row in conn.execute(query.order_by(run_count.c.run_id))}
