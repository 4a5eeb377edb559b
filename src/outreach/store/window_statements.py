"""The statements that every window needs, put together once: to do so for each window takes longer
than the database needs to answer them."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, and_, bindparam, insert, or_, select, update

from outreach.store import breakers, rates
from outreach.store.tables import GOING, UtcDateTime, batch, run, window


def waits(of: Table, now: datetime) -> ColumnElement[bool]:
    """The condition that the sender of batches or retries waits: for permits, its hours, an end of
    trouble, or a person."""
    return _waits(of, now, now + rates.SKEW)


def _waits(of: Table, now: rates.When, soon: rates.When) -> ColumnElement[bool]:
    return or_(
        rates.waiting(of.c.sender, of.c.pace, now, soon),
        breakers.waiting(of.c.sender, now, soon),
    )


_NOW, _SOON = bindparam("now", type_=UtcDateTime()), bindparam("soon", type_=UtcDateTime())
_HELD: Final = and_(
    batch.c.id == bindparam("the_batch"),
    batch.c.state == "leased",
    batch.c.token == bindparam("the_token"),
    batch.c.lease_until > _NOW,
    batch.c.next_id <= bindparam("the_last"),
)
MAY_TRY: Final = select(batch.c.next_id).where(
    _HELD, select(run.c.id).where(run.c.id == bindparam("the_run"), run.c.state.in_(GOING)).exists()
)
MAY_GO: Final = MAY_TRY.where(~_waits(batch, _NOW, _SOON))
AHEAD: Final = (
    update(batch)
    .where(_HELD)
    .values(next_id=bindparam("after"), lease_until=bindparam("until", type_=UtcDateTime()))
)
INTENT: Final = insert(window).returning(window.c.id)
SETTLED: Final = (
    update(window)
    .where(
        window.c.id == bindparam("the_window"),
        window.c.token == bindparam("the_token"),
        window.c.settled_at.is_(None),
    )
    .values(settled_at=bindparam("at", type_=UtcDateTime()))
    .returning(window.c.batch_id)  # the batch it is of; None: of retries
)
