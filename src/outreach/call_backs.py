"""Call-backs: who is due until when, the base of the yearly tenth, the draw, and the share done."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core.call_back import TERMS, YEARLY_SHARE, Rule, deadline, ticket, wanted
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.core.words import Sentence
from outreach.store import audit, call_back_years, call_backs
from outreach.store.call_back_years import Base, Draw, Share
from outreach.store.call_backs import NewCase, NewResult, Waiting, Wanted
from outreach.store.database import Database

Tx = Any  # a connection of the store
_PAGE: Final = 5_000  # clients of a base kept in one transaction


class Due(NamedTuple):
    """A call-back to be made. Without a deadline, the trading calendar does not reach that far."""

    deadline: date | None
    overdue: bool
    waiting: Waiting


def due(
    conn: Tx, asked: Wanted, calendar: TradingCalendar, until: date | None = None
) -> Iterator[Due]:
    """Every call-back to be made up to the deadline `until`, those whose time runs out first at the
    top. One whose deadline is unknown is never left out: it stands behind the last known day."""

    @lru_cache(maxsize=4_096)
    def last_day(rule: Rule, since: date) -> date | None:
        try:
            return deadline(rule, since, calendar)
        except CalendarCoverageError:
            return None

    behind = (calendar.covered_to or date.min) + timedelta(days=1)

    def dated(rule: Rule) -> Iterator[tuple[date, Due]]:
        for one in call_backs.due(conn, asked, rule):
            last = last_day(rule, one.since_on)
            if last is not None and until is not None and last > until:
                return  # the longer due, the earlier the deadline
            yield last or behind, Due(last, last is not None and last < asked.today, one)

    for _, one in heapq.merge(*map(dated, Rule), key=lambda pair: pair[0]):
        yield one


def asked_on(conn: Tx, today: date, zone: ZoneInfo, **more: str | None) -> Wanted:
    """What is asked for on a day. New accounts count from those whose 30 days were not over when
    the first client book came: of earlier ones nobody here knows whether they were called."""
    first = call_backs.first_import(conn)
    days = TERMS[Rule.NEW_ACCOUNT].count
    since = first.astimezone(zone).date() - timedelta(days=days) if first else None
    return Wanted(today, since, **more)


def record(
    database: Database, result: NewResult, *, recorded_at: datetime, actor: str
) -> int | Sentence:
    """Put the result of one call on record; 0 where it was there already. A Sentence where nothing
    asked for the call."""
    with database.begin() as tx:
        since = call_backs.grounds(tx, [result.client_id]).get((result.client_id, result.rule))
        if result.rule != Rule.YEARLY and (since is None or since > result.done_on):
            return Sentence(
                f"no {result.rule} call-back was due on {result.done_on}",
                f"{result.done_on} 没有待办的 {result.rule} 回访",
            )
        added, covered = call_backs.add_results(tx, [result], recorded_at=recorded_at, actor=actor)
        if added:
            detail = {"rule": result.rule, "result": result.result, "done_on": result.done_on}
            subject = f"client {result.client_id}"
            entry = audit.Entry(recorded_at, "call_back.done", actor, subject, detail, covered)
            audit.append(tx, [entry])
    return added


# --- the yearly tenth -------------------------------------------------------------------------


def take_base(
    database: Database,
    year: int,
    *,
    at: datetime,
    actor: str,
    zone: ZoneInfo,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Base | Sentence:
    """Keep who the clients at the end of the year before were, from the client book as it is now.
    Its as-of day must not lie before that end. An interrupted one counts for nothing."""
    with database.reading() as conn:
        counted = call_back_years.count_base(conn, year)
        end = date(year - 1, 12, 31)
        if counted.as_of is None or counted.as_of.astimezone(zone).date() < end:
            return _too_early(counted.as_of, end, zone)
        with database.begin() as tx:
            base = counted._replace(id=call_back_years.new_base(tx))
        after = done = 0
        while page := call_back_years.base_page(conn, year, after, _PAGE):
            with database.begin() as tx:
                covered = call_back_years.add_base_clients(tx, base.id or 0, page)
                detail = {"year": year, "clients": len(page)}
                _log(tx, at, "call_back.base_page", actor, base, detail, covered)
            after, done = page[-1][0], done + len(page)
            progress(done, base.clients)
    with database.begin() as tx:
        covered = call_back_years.add_base(tx, base, at, actor)
        detail = {name: getattr(base, name) for name in ("year", "clients", "dormant", "suspended")}
        _log(tx, at, "call_back.base", actor, base, detail, covered)
    return base


def _too_early(as_of: datetime | None, end: date, zone: ZoneInfo) -> Sentence:
    if as_of is None:
        return Sentence("no client book has been imported", "尚未导入客户资料")
    day = as_of.astimezone(zone).date()
    return Sentence(
        f"the newest client book speaks of {day}; import one of {end} or later first",
        f"最新客户资料截至 {day}；请先导入 {end} 或之后的客户资料",
    )


def _log(
    tx: Tx, at: datetime, kind: str, actor: str, base: Base, detail: dict[str, Any], covered: Any
) -> None:
    audit.append(tx, [audit.Entry(at, kind, actor, f"call-back base {base.id}", detail, covered)])


class Coverage(NamedTuple):
    """How much of the yearly tenth is done."""

    base: Base
    done: int
    required: int
    needed: int  # still to be called
    waiting: int  # drawn and not called yet
    by_rule: dict[str, int]
    branches: list[Share]

    @property
    def share(self) -> float:
        """Of the clients of the base, how many were called back, from 0 to 1."""
        return self.done / self.base.clients if self.base.clients else 0.0


def coverage(conn: Tx, year: int) -> Coverage:
    """How many of the clients at the end of the year before were called back in the year."""
    base = call_back_years.base_of(conn, year)
    branches = call_back_years.shares(conn, base)
    done = sum(one.done for one in branches)
    required = wanted(base.clients, YEARLY_SHARE)
    waiting = call_back_years.waiting(conn, base)
    by_rule = call_back_years.done_by_rule(conn, base)
    needed = max(0, required - done)
    return Coverage(base, done, required, needed, waiting, by_rule, branches)


def draw(
    database: Database, year: int, share: Fraction, seed: str, *, at: datetime, actor: str,
    dry_run: bool = False,
) -> Draw:  # fmt: skip
    """Draw as many clients as make up the share of the base together with those called already and
    those drawn before. The same seed over the same clients draws the same ones. A draw of nobody is
    not kept, and has no number."""
    with database.reading() if dry_run else database.begin() as tx:
        if not dry_run:
            audit.append(tx, [])  # others who draw wait until this one is done
        base = call_back_years.base_of(tx, year)
        called = waiting = 0

        def free() -> Iterator[tuple[bytes, int]]:
            nonlocal called, waiting
            for one in call_back_years.standings(tx, base):
                called += one.called
                waiting += one.waiting
                if not (one.called or one.waiting or one.gone):
                    yield ticket(seed, one.client_no), one.client_id

        most = wanted(base.clients, share)
        # How many were called is only known when all have gone by, so the lowest tickets of the
        # whole share are kept, and of those as many as are left to draw.
        lowest = heapq.nsmallest(most, free())
        chosen = [client_id for _, client_id in lowest[: max(0, most - called - waiting)]]
        keep = bool(chosen) and not dry_run
        number = call_back_years.new_draw(tx) if keep else 0
        made = Draw(
            number, year, f"{float(share):g}", seed, base.id, base.clients, called, waiting,
            len(chosen), at, actor,
        )  # fmt: skip
        if keep:
            _keep(tx, made, chosen)
    return made


def _keep(tx: Tx, made: Draw, chosen: Iterable[int]) -> None:
    subject = f"call-back draw {made.id}"
    # Due from the first day of the year on: whatever call was made in it counts.
    since = date(made.year, 1, 1)
    cases = [NewCase(one, Rule.YEARLY.value, since, "") for one in chosen]
    covered = call_back_years.add_draw(tx, made)
    _, drawn = call_backs.add_cases(
        tx, cases, recorded_at=made.drawn_at, actor=made.actor, draw_id=made.id
    )
    detail = {name: getattr(made, name) for name in ("year", "share", "seed", "clients", "drawn")}
    entries = [audit.Entry(made.drawn_at, "call_back.draw", made.actor, subject, detail, covered)]
    if drawn is not None:
        page = {"drawn": made.drawn}
        entries.append(
            audit.Entry(made.drawn_at, "call_back.drawn", made.actor, subject, page, drawn)
        )
    audit.append(tx, entries)
