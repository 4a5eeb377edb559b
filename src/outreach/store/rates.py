"""Permits: how many messages may go when, reserved from one row a limit by all workers.

Each row holds a virtual clock (GCRA): the moment the next message may go. To reserve is one UPDATE,
so workers queue at the row and take turns; nobody counts, and nobody polls.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from outreach.core.rate import WHYS, Ask, Why
from outreach.store.tables import sender_rate, window

_LATELY: Final = 20_000  # windows looked back, for there is no search by time
_SECOND: Final = 1_000_000  # of the clocks
# Permits are given so far ahead: a worker waits for its turn up to so long, with the batch in hand.
HORIZON: Final = timedelta(seconds=5)
# A clock further ahead than anybody may have moved it was moved by a machine whose own had jumped.
_FAR: Final = timedelta(minutes=1)
# What a worker that comes a little late may still catch up.
_CREDIT: Final = timedelta(milliseconds=200)
# So long after an urgent window bulk leaves its sender alone.
_AFTER_URGENT: Final = timedelta(seconds=1)
# How far two machines may disagree about the time.
SKEW: Final = timedelta(seconds=5)
When = datetime | ColumnElement[datetime]  # a moment, or the place of one in a statement
# A provider that asks for less and does not say for how long: twice as long each time.
_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)


class Denied(NamedTuple):
    """No permit for now. `left`: what the day's cap still leaves, where that is why."""

    name: str
    until: datetime
    why: Why
    left: int = 0


class Moment(NamedTuple):
    """Now, for a reservation."""

    at: datetime
    day: date  # of the firm
    next_day: datetime
    by_database: bool = False  # PostgreSQL's own clock serves the machines of all workers


def reserve(
    tx: Connection, ask: Ask, n: int, moment: Moment, *, urgent: bool, first_on: date | None
) -> float | None:
    """Reserve n permits of one limit; the seconds until the first may be used, None when there are
    none. `first_on`: the first day of its ramp-up, as far as it is known."""
    us = _now_us(moment)
    clock, step = sender_rate.c.clock, 0
    where = [sender_rate.c.name == ask.name, _free(moment.at)]
    if ask.limit.per_second is not None:
        step = round(n * _SECOND / ask.limit.per_second)
        where.append(or_(clock < us + _us(HORIZON), clock > us + _us(_FAR) + 2 * step))
    if not urgent:
        urgent_until = sender_rate.c.urgent_until
        where.append(or_(urgent_until <= us, urgent_until > us + _us(_FAR)))
    same_day = sender_rate.c.day == moment.day
    used = case((same_day, sender_rate.c.used), else_=0)
    cap = ask.limit.cap(first_on, moment.day)
    if cap is not None:
        where.append(used + n <= cap)
    late = us - _us(_CREDIT)
    begins = case((and_(clock > late, clock <= us + _us(_FAR) + 2 * step), clock), else_=late)
    values: dict[str, Any] = {
        "clock": begins + step,
        "day": moment.day,
        "used": used + n,
        "first_on": func.coalesce(sender_rate.c.first_on, moment.day),
        "why": None,
    }
    if urgent:
        values["urgent_until"] = us + _us(_AFTER_URGENT) + step
    statement = update(sender_rate).where(*where).values(values)
    wait = tx.execute(statement.returning(clock - step - us)).scalar_one_or_none()
    return None if wait is None else max(0.0, int(wait) / _SECOND)


def denied(conn: Connection, ask: Ask, n: int, moment: Moment, *, urgent: bool) -> Denied | None:
    """Why one limit gave no permits, and until when; None when it would now."""
    query = select(sender_rate, _now_us(moment).label("us"))
    row = conn.execute(query.where(sender_rate.c.name == ask.name)).mappings().first()
    if row is None:
        return None
    if _holds(row, moment.at):
        return Denied(ask.name, row["not_before"], WHYS[row["why"] or "rate"])
    cap = ask.limit.cap(row["first_on"], moment.day)
    used = row["used"] if row["day"] == moment.day else 0
    if cap is not None and used + n > cap:
        return Denied(ask.name, moment.next_day, Why.DAY, cap - used)
    over = timedelta(microseconds=row["clock"] - row["us"]) - HORIZON
    rate = ask.limit.per_second
    if rate is not None and timedelta() <= over < _FAR + 2 * timedelta(seconds=n / rate):
        return Denied(ask.name, moment.at + over + timedelta(milliseconds=20), Why.RATE)
    left = timedelta(microseconds=row["urgent_until"] - row["us"])
    if not urgent and timedelta() < left < _FAR:
        return Denied(ask.name, moment.at + left, Why.URGENT)
    return None


def first_days(conn: Connection, names: Sequence[str]) -> dict[str, date]:
    """The first day each of these limits was ever used on."""
    where = and_(sender_rate.c.name.in_(names), sender_rate.c.first_on.is_not(None))
    rows = conn.execute(select(sender_rate.c.name, sender_rate.c.first_on).where(where))
    return {row.name: row.first_on for row in rows}


def prepare(tx: Connection, names: Iterable[str]) -> None:
    """Make the rows of limits that have none yet."""
    _insert(tx, [{"name": name, "clock": 0, "urgent_until": 0, "used": 0} for name in names])


def hold(tx: Connection, name: str, until: datetime, why: Why, now: datetime) -> None:
    """Let nobody use a sender before a moment; an earlier moment changes nothing."""
    prepare(tx, [name])
    earlier = or_(_free(now), sender_rate.c.not_before < until)
    values = {"not_before": until, "since_at": now, "why": why.value}
    tx.execute(update(sender_rate).where(sender_rate.c.name == name, earlier).values(values))


def throttle(tx: Connection, name: str, seconds: float, now: datetime) -> datetime:
    """A provider asked for less: nobody uses the sender for so long, or, where it named no time,
    for twice as long as the last time. Returns until when."""
    prepare(tx, [name])
    query = select(sender_rate).where(sender_rate.c.name == name).with_for_update()
    row = tx.execute(query).mappings().one()
    pause = timedelta(seconds=seconds) if seconds > 0 else _PAUSE
    if seconds <= 0 and row["why"] == Why.THROTTLED and row["since_at"] <= now:
        if row["not_before"] > now:  # another worker heard the same a moment ago
            return row["not_before"]  # type: ignore[no-any-return]
        last = row["not_before"] - row["since_at"]
        if now < row["not_before"] + 2 * last + _PAUSE:
            pause = min(2 * last, _LONGEST_PAUSE)
    until = now + pause
    if _holds(row, now) and row["not_before"] > until:
        return row["not_before"]  # type: ignore[no-any-return]
    values = {"not_before": until, "since_at": now, "why": Why.THROTTLED.value}
    tx.execute(update(sender_rate).where(sender_rate.c.name == name).values(values))
    return until


def release(tx: Connection, name: str) -> bool:
    """Let a sender that waits go on now; False when it did not wait."""
    where = and_(sender_rate.c.name == name, sender_rate.c.not_before.is_not(None))
    values = {"not_before": None, "since_at": None, "why": None}
    return tx.execute(update(sender_rate).where(where).values(values)).rowcount == 1


def ask_again(tx: Connection) -> None:
    """Somebody is at hand, who may have changed a cap or hours: limits whose day or hours were
    over are asked again, and wait again where they still are."""
    over = sender_rate.c.why.in_([Why.DAY.value, Why.HOURS.value])
    values = {"not_before": None, "since_at": None, "why": None}
    tx.execute(update(sender_rate).where(over).values(values))


def waiting(
    sender: ColumnElement[str], pace: ColumnElement[str], now: When, soon: When
) -> ColumnElement[bool]:
    """The condition that a sender, or the country's limit a batch comes under, waits. `soon` is
    SKEW after `now`."""
    name = sender_rate.c.name
    return select(name).where(or_(name == sender, name == pace), _waits(now, soon)).exists()


def holds(conn: Connection, now: datetime) -> dict[str, tuple[datetime, Why]]:
    """The limits that wait now: until when, and why."""
    rows = conn.execute(select(sender_rate).where(_waits(now, now + SKEW))).mappings()
    return {row["name"]: (row["not_before"], WHYS[row["why"] or "rate"]) for row in rows}


def standing(conn: Connection) -> dict[str, RowMapping]:
    """Every row as it stands."""
    rows = conn.execute(select(sender_rate).order_by(sender_rate.c.name)).mappings()
    return {row["name"]: row for row in rows}


def last_minute(conn: Connection, now: datetime) -> dict[str, int]:
    """How many messages each sender was given within the last minute."""
    newest = select(func.coalesce(func.max(window.c.id), 0)).scalar_subquery()
    size = case((window.c.batch_id.is_(None), 1), else_=window.c.last_id - window.c.first_id + 1)
    query = (
        select(window.c.sender, func.sum(size))
        .where(window.c.id > newest - _LATELY, window.c.intent_at > now - timedelta(minutes=1))
        .group_by(window.c.sender)
    )
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def _waits(now: When, soon: When) -> ColumnElement[bool]:
    # A moment noted by a clock that was ahead of ours, and has been put back since, counts no more.
    return and_(sender_rate.c.not_before > now, sender_rate.c.since_at <= soon)


def _free(now: datetime) -> ColumnElement[bool]:
    until, since = sender_rate.c.not_before, sender_rate.c.since_at
    return or_(until.is_(None), until <= now, since > now + SKEW)


def _holds(row: RowMapping, now: datetime) -> bool:
    until, since = row["not_before"], row["since_at"]
    return until is not None and until > now and since <= now + SKEW


def _us(length: timedelta) -> int:
    return round(length.total_seconds() * _SECOND)


def _now_us(moment: Moment) -> ColumnElement[int]:
    if moment.by_database:
        return cast(func.extract("epoch", func.clock_timestamp()) * _SECOND, BigInteger)
    return literal(round(moment.at.timestamp() * _SECOND), BigInteger)


def _insert(tx: Connection, rows: list[dict[str, Any]]) -> None:
    kind: Any = sqlite if tx.dialect.name == "sqlite" else postgresql
    tx.execute(kind.insert(sender_rate).on_conflict_do_nothing(), rows)
