"""Trading calendars in the database: what was entered, from which source and by whom."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select

from outreach.core.calendar_override import Override, overridden
from outreach.core.market import CalendarDay, Coverage
from outreach.core.stock_connect import derive_stock_connect
from outreach.core.trading_calendar import TradingCalendar
from outreach.store import audit, overrides, settlements
from outreach.store.tables import calendar_coverage, calendar_day

DERIVED: Final[tuple[Literal["SB", "NB"], ...]] = ("SB", "NB")


@dataclass(frozen=True, slots=True)
class Saved:
    """What an import came to. With `conflicts`, nothing of it was stored."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    coverage: tuple[Coverage, ...] = field(default=())  # rows that are new or longer than before
    conflicts: tuple[str, ...] = field(default=())

    @property
    def touched(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.coverage)


def load(conn: Connection, market: str, also: Sequence[Override] = ()) -> TradingCalendar:
    """The calendar of a market; without data it answers nothing, and says what to import.

    Stock Connect calendars are derived from both sides unless an announced one was imported.
    Overrides in force take the place of the days they name, and so do those of `also`, to see what
    they would do. Raises KeyError for a market not in `core.market.MARKETS`.
    """
    announced = dataclasses.replace(
        _announced(conn, market, also), settlements=settlements.load(conn, market)
    )
    mine = [one for one in also if one.market == market]
    return overridden(announced, [*overrides.in_force(conn, market), *mine])


def _announced(conn: Connection, market: str, also: Sequence[Override]) -> TradingCalendar:
    coverage = _coverage(conn, market)
    for derived in DERIVED:
        if market == derived and not coverage:
            sides = load(conn, "CN_A", also), load(conn, "HK", also)
            return derive_stock_connect(*sides, derived)
    return TradingCalendar.of(market, coverage, _days(conn, market).values())


def save(
    tx: Connection,
    coverage: Sequence[Coverage],
    days: Iterable[CalendarDay],
    *,
    entered_by: str,
    entered_at: datetime,
    approved_by: str | None = None,
    replace: bool = False,
) -> Saved:
    """Store what a source says of the days it covers.

    The same data again change nothing. Provisional data give way to official ones. Data that say
    otherwise about an officially covered day are refused, unless `replace`. What was changed is
    logged in the same transaction, so this comes last in it.
    """
    given = list(days)
    results = []
    conflicts: list[str] = []
    for market in dict.fromkeys(span.market for span in coverage):
        change = _compare(
            _coverage(tx, market),
            _days(tx, market),
            [span for span in coverage if span.market == market],
            {day.on: day for day in given if day.market == market},
        )
        conflicts += change.conflicts
        results.append(change)
    if conflicts and not replace:
        return Saved(conflicts=tuple(conflicts))
    for change in results:
        _write_days(tx, change, entered_by, approved_by)
        _write_coverage(tx, change.coverage, entered_by, entered_at)
    audit.append(tx, [_entry(c, entered_by, entered_at) for c in results if c.touched])
    return Saved(
        added=sum(len(change.added) for change in results),
        changed=sum(len(change.changed) for change in results),
        removed=sum(len(change.removed) for change in results),
        unchanged=sum(change.unchanged for change in results),
        coverage=tuple(span for change in results for span in change.coverage),
    )


@dataclass(slots=True)
class _Change:
    """The difference between what is stored and what a source says now."""

    market: str
    added: list[CalendarDay] = field(default_factory=list)
    changed: list[CalendarDay] = field(default_factory=list)
    removed: list[date] = field(default_factory=list)
    unchanged: int = 0
    coverage: list[Coverage] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    @property
    def touched(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.coverage)


def _entry(change: _Change, entered_by: str, entered_at: datetime) -> audit.Entry:
    """The days as they now stand, so that the log alone tells by which calendar a run was timed."""
    detail = {
        "coverage": [f"{c.from_on}/{c.to_on} {c.status}: {c.source_ref}" for c in change.coverage],
        "days": [
            f"{day.on} {day.kind} {day.name_en} ({day.source_ref})"
            for day in (*change.added, *change.changed)
        ],
        "removed": [on.isoformat() for on in change.removed],
        "overruled": change.conflicts,
    }
    return audit.Entry(
        entered_at, "calendar.saved", entered_by, f"calendar {change.market}", detail
    )


def _compare(
    known: Sequence[Coverage],
    stored: dict[date, CalendarDay],
    spans: Sequence[Coverage],
    given: dict[date, CalendarDay],
) -> _Change:
    change = _Change(spans[0].market)
    for on in sorted(stored.keys() | given.keys()):
        if not any(span.from_on <= on <= span.to_on for span in spans):
            continue
        old, new = stored.get(on), given.get(on)
        if old is not None and new is not None and _same(old, new):
            change.unchanged += 1
            continue
        if _official(known, on) and (old is None or new is None or _says(old) != _says(new)):
            change.conflicts.append(_conflict(change.market, on, old, new))
        if new is None:
            change.removed.append(on)
        else:
            (change.added if old is None else change.changed).append(new)
    change.coverage = [row for span in spans if (row := _grown(known, span)) is not None]
    return change


def _says(day: CalendarDay) -> tuple[object, ...]:
    """What a row states of the day itself, apart from who said it."""
    hours = (day.opens, day.closes, day.break_from, day.break_to)
    return (day.kind, *hours, day.name_zh, day.name_en)


def _same(old: CalendarDay, new: CalendarDay) -> bool:
    """Nothing to write: the same statement, and not a forecast that has now become official."""
    return _says(old) == _says(new) and (old.status == new.status or old.status == "official")


def _official(known: Sequence[Coverage], on: date) -> bool:
    return any(c.status == "official" and c.from_on <= on <= c.to_on for c in known)


def _conflict(market: str, on: date, old: CalendarDay | None, new: CalendarDay | None) -> str:
    was = f"{old.kind} ({old.name_en}; {old.source_ref})" if old else "an ordinary day"
    now = f"{new.kind} ({new.name_en}; {new.source_ref})" if new else "an ordinary day"
    return f"{market} {on}: stored as {was}, the import says {now}"


def _grown(known: Sequence[Coverage], span: Coverage) -> Coverage | None:
    """The coverage row to write for a span, or None when it is covered as well already."""
    first = span.from_on
    for old in sorted(known, key=lambda old: old.from_on):
        as_good = old.status == "official" or old.status == span.status
        if as_good and old.from_on <= first <= old.to_on:
            if old.to_on >= span.to_on:
                return None
            if span.status == "provisional" or old.from_on != span.from_on:
                first = old.to_on + timedelta(days=1)
    return Coverage(span.market, first, span.to_on, span.status, span.source_ref)


def _write_days(tx: Connection, change: _Change, entered_by: str, approved_by: str | None) -> None:
    gone = [*change.removed, *(day.on for day in change.changed)]
    if gone:
        where = (calendar_day.c.market == change.market) & calendar_day.c.on_date.in_(gone)
        tx.execute(delete(calendar_day).where(where))
    rows = [_row(day, entered_by, approved_by) for day in (*change.added, *change.changed)]
    if rows:
        tx.execute(insert(calendar_day), rows)


def _write_coverage(
    tx: Connection, spans: Iterable[Coverage], entered_by: str, entered_at: datetime
) -> None:
    for span in spans:
        table = calendar_coverage
        same = (table.c.market == span.market) & (table.c.from_on == span.from_on)
        tx.execute(delete(table).where(same))
        tx.execute(
            insert(table).values(
                market=span.market,
                from_on=span.from_on,
                to_on=span.to_on,
                status=span.status,
                source_ref=span.source_ref,
                entered_by=entered_by,
                entered_at=entered_at,
            )
        )


def _row(day: CalendarDay, entered_by: str, approved_by: str | None) -> dict[str, Any]:
    return {
        "market": day.market,
        "on_date": day.on,
        "kind": day.kind,
        "opens": day.opens,
        "closes": day.closes,
        "break_from": day.break_from,
        "break_to": day.break_to,
        "name_zh": day.name_zh,
        "name_en": day.name_en,
        "source_ref": day.source_ref,
        "published_on": day.published_on,
        "status": day.status,
        "entered_by": entered_by,
        "approved_by": approved_by,
    }


def _coverage(conn: Connection, market: str) -> list[Coverage]:
    table = calendar_coverage
    query = select(table).where(table.c.market == market).order_by(table.c.from_on)
    return [
        Coverage(row.market, row.from_on, row.to_on, row.status, row.source_ref)
        for row in conn.execute(query)
    ]


def _days(conn: Connection, market: str) -> dict[date, CalendarDay]:
    table = calendar_day
    query = select(table).where(table.c.market == market).order_by(table.c.on_date)
    return {
        row.on_date: CalendarDay(
            market=row.market,
            on=row.on_date,
            kind=row.kind,
            name_zh=row.name_zh,
            name_en=row.name_en,
            source_ref=row.source_ref,
            published_on=row.published_on,
            status=row.status,
            opens=row.opens,
            closes=row.closes,
            break_from=row.break_from,
            break_to=row.break_to,
        )
        for row in conn.execute(query)
    }
