"""Overrides of trading days in the database: each step is a row that nobody changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from outreach.core.calendar_override import Action, Override, Standing, Step, standing
from outreach.store import audit
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.tables import calendar_override

IN_FORCE: Final[tuple[Standing, ...]] = ("in_force", "withdrawing")
_COLUMNS: Final = tuple(column.name for column in calendar_override.columns)
_WORDS: Final[dict[Action, str]] = {
    "propose": "proposed",
    "approve": "approved",
    "withdraw": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An override with the steps taken so far, in their order."""

    id: int
    override: Override
    steps: tuple[Step, ...]
    moments: tuple[datetime, ...]  # when each step was taken

    @property
    def standing(self) -> Standing:
        return standing(self.steps)


def recorded(conn: Connection, market: str | None = None) -> list[Recorded]:
    """Every override on record, of one market or of all, oldest first."""
    query = select(calendar_override).order_by(calendar_override.c.id)
    if market is not None:
        query = query.where(calendar_override.c.market == market)
    rows: dict[int, list[Row[Any]]] = {}
    for row in conn.execute(query):
        rows.setdefault(row.override_id, []).append(row)
    return [_recorded(number, steps) for number, steps in rows.items()]


def find(conn: Connection, number: int) -> Recorded | None:
    """One override by its number."""
    where = calendar_override.c.override_id == number
    query = select(calendar_override).where(where).order_by(calendar_override.c.id)
    steps = list(conn.execute(query))
    return _recorded(number, steps) if steps else None


def in_force(conn: Connection, market: str) -> list[Override]:
    """What is to be true of a market's days instead of what its calendar says."""
    return [one.override for one in recorded(conn, market) if one.standing in IN_FORCE]


def pending(conn: Connection, market: str, on: date) -> Recorded | None:
    """The override of this day that has not been withdrawn."""
    every = recorded(conn, market)
    live = (one for one in every if one.override.on == on and one.standing != "withdrawn")
    return next(live, None)


def hold(tx: Connection) -> None:
    """Let others who change overrides wait until this transaction ends, before reading them."""
    audit.append(tx, [])


def add_step(
    tx: Connection,
    override: Override,
    action: Action,
    actor: str,
    at: datetime,
    number: int | None = None,
) -> int:
    """Record a step; return the number of the override it belongs to (a new one for None).

    The step is logged in the same transaction, so this comes last in it.
    """
    step = allocate(tx, "override_step", 1)
    number = step if number is None else number
    row = (
        step, number, action, override.market, override.on, override.kind, override.opens,
        override.closes, override.name_zh, override.name_en, override.reason, override.source_ref,
        actor, at,
    )  # fmt: skip
    append(tx, calendar_override, _COLUMNS, [row])
    covered = cover(calendar_override, _COLUMNS, [row])
    subject = f"calendar {override.market} override {number}"
    detail = {"on": override.on.isoformat(), "kind": override.kind}
    kind = f"override.{_WORDS[action]}"
    audit.append(tx, [audit.Entry(at, kind, actor, subject, detail, covered)])
    return number


def _recorded(number: int, rows: Sequence[Row[Any]]) -> Recorded:
    return Recorded(number, _override(rows[0]), tuple(_steps(rows)), tuple(row.at for row in rows))


def _override(row: Row[Any]) -> Override:
    return Override(
        market=row.market,
        on=row.on_date,
        kind=row.kind,
        opens=row.opens,
        closes=row.closes,
        name_zh=row.name_zh,
        name_en=row.name_en,
        reason=row.reason,
        source_ref=row.source_ref,
    )


def _steps(rows: Sequence[Row[Any]]) -> Iterator[Step]:
    for row in rows:
        yield Step(row.action, row.actor)
