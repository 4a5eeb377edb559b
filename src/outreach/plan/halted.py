"""Halts as an event: alerts that wait become one run, each key once, and overtake older runs."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from outreach.core.alert import Alert
from outreach.core.campaign import OnHalt
from outreach.core.halt_alerts import Made, Sorted, Telling, alert_of, sort_out
from outreach.core.halt_lines import security_line
from outreach.core.halts import CALENDARS, Halt
from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.run_values import RunValues
from outreach.core.trading_calendar import TradingCalendar
from outreach.core.words import Sentence
from outreach.plan.due import Due, Overtaken
from outreach.plan.event import Passed, due_of, opened_before
from outreach.project.definition import Definition
from outreach.store import calendars, halt_alerts, outbox, runs
from outreach.store.database import Database
from outreach.store.feeds import halts_as_of

# Alerts older than this are of no use to anybody, and are not looked at again.
FORGOTTEN: Final = timedelta(days=40)

_NOTHING: Final = Sentence("no halt waits to be told", "没有待告知的停复牌信息")
_NO_HOLDINGS: Final = Sentence(
    "nobody knows who holds the halted securities: outreach holdings import FILE",
    "尚无持仓数据，无法确定持有人：outreach holdings import 文件",
)


class Halts:
    """The event of campaigns whose occurrence is a halt. A scheduler asks every few seconds: what
    waits is sorted again when a file came in, an alert was settled, or a minute has passed."""

    def __init__(self) -> None:
        # By engine, not by address: a database that was made anew is another one.
        self._kept: WeakKeyDictionary[object, dict[str, tuple[object, _Standing]]] = (
            WeakKeyDictionary()
        )

    def _known(self, conn: Connection, definition: Definition, now: datetime) -> "_Standing":
        known, minute = self._kept.setdefault(conn.engine, {}), int(now.timestamp()) // 60
        mark = (halt_alerts.mark(conn), definition.approval_digest, minute)
        kept = known.get(definition.campaign_id)
        if kept is None or kept[0] != mark:
            kept = known[definition.campaign_id] = mark, _standing(conn, definition, now)
        return kept[1]

    def settle(self, database: Database, definition: Definition, now: datetime) -> Sequence[Passed]:
        """Put on record the alerts that the campaign will never tell; they have no runs."""
        with database.reading() as conn:
            found = self._known(conn, definition, now).sorted
        if not found.aside:
            return ()
        made = {(one.halt.halt_id, one.version, one.event): why for one, why in found.aside}
        name = definition.campaign_id
        with database.begin() as tx:
            if not halt_alerts.settled(tx, name, made):
                halt_alerts.settle(tx, name, made, None, now, outbox.ACTOR)
        return ()

    def pending(self, conn: Connection, definition: Definition, now: datetime) -> Sequence[str]:
        """The next key once the oldest alert has waited for others as long as the campaign says."""
        found, oldest = self._known(conn, definition, now)
        blocked = found.uncovered and oldest is None  # to be said as what blocks it
        wait = timedelta(minutes=_rule(definition).digest_minutes)
        if blocked or (oldest is not None and oldest + wait <= now):
            return [_next_key(conn, definition, now)]
        return []

    def prepare(
        self, conn: Connection, definition: Definition, key: str | None, now: datetime
    ) -> Due | Blocked:
        """A run of everything that waits to be told, without waiting for more. When nothing does,
        the last run of the day, so that to ask again is harmless."""
        name, coming = definition.campaign_id, _next_key(conn, definition, now)
        if key is not None and key != coming:
            run = runs.find(conn, name, key)
            return opened_before(definition, run) if run is not None else _bad_key(key, coming)
        found = _standing(conn, definition, now).sorted
        if found.tell:
            return _due(conn, definition, found.tell, coming, now)
        if found.uncovered:
            return Blocked("calendar", found.uncovered[0].sentence)
        before = halt_alerts.keys_of_day(conn, name, _day(definition, now))
        if key is None and before:
            run = runs.find(conn, name, before[-1])
            if run is not None:
                return opened_before(definition, run)
        return Blocked("nothing_due", _NOTHING)


class _Standing(NamedTuple):
    """What waits, sorted, and since when the oldest of what is to be told has waited."""

    sorted: Sorted
    oldest: datetime | None


def _rule(definition: Definition) -> OnHalt:
    rule = definition.campaign.occurrence
    if not isinstance(rule, OnHalt):
        raise TypeError(f"{definition.campaign_id} does not tell of halts")
    return rule


def _standing(conn: Connection, definition: Definition, now: datetime) -> _Standing:
    rule, name = _rule(definition), definition.campaign_id
    waiting = halt_alerts.waiting(conn, name, rule.markets, now - FORGOTTEN)
    if not waiting:
        return _Standing(Sorted([], [], []), None)
    told = halt_alerts.told(conn, name, {one.halt.halt_id for one in waiting})
    found = sort_out(rule, waiting, told, now, _calendars(conn, rule))
    telling = {one.halt.halt_id for one in found.tell}
    oldest = min((one.at for one in waiting if one.halt.halt_id in telling), default=None)
    return _Standing(found, oldest)


def _calendars(conn: Connection, rule: OnHalt) -> dict[str, TradingCalendar]:
    names = {CALENDARS[market] for market in rule.markets if market in CALENDARS}
    return {name: calendars.load(conn, name) for name in sorted(names)}


def _day(definition: Definition, now: datetime) -> str:
    return now.astimezone(definition.zone).date().isoformat()


def _next_key(conn: Connection, definition: Definition, now: datetime) -> str:
    """`2026-09-28` for the first run of a day, then `2026-09-28.2` and so on."""
    day = _day(definition, now)
    before = len(halt_alerts.keys_of_day(conn, definition.campaign_id, day))
    return f"{day}.{before + 1}" if before else day


def _bad_key(key: str, coming: str) -> Blocked:
    return Blocked(
        "key",
        Sentence(
            f"{key!r} is no run of this campaign; the next is {coming}",
            f"“{key}”不是本活动的期次，下一期为 {coming}",
        ),
    )


# --- a run -----------------------------------------------------------------------------------


class _Told(NamedTuple):
    """What a run tells, and which runs it takes the place of."""

    tellings: Sequence[Telling]
    alerts: tuple[Alert, ...]
    halts: Mapping[str, Halt]
    says: Mapping[str, str]
    overtaken: tuple[int, ...]


def _due(
    conn: Connection, definition: Definition, tellings: Sequence[Telling], key: str, now: datetime
) -> Due | Blocked:
    told = _told(conn, definition, tellings)
    nobody = any(not one.reach for one in told.alerts if one.event != "cancelled")
    if nobody and not halt_alerts.books(conn).holdings:
        return Blocked("nothing_due", _NO_HOLDINGS)
    expires_at = min(one.expires_at for one in tellings)
    occurrence = Occurrence(key, now, expires_at)
    as_of = halts_as_of(conn, sorted({one.market for one in told.alerts}))

    def on_open(tx: Connection, run_id: int) -> None:
        _record(tx, definition, told, run_id, now)

    return due_of(
        conn, definition, occurrence, now,
        on_open=on_open, halts_as_of=as_of, alerts=told.alerts,
        securities=_lines(conn, definition, told, now),
    )  # fmt: skip


def _told(conn: Connection, definition: Definition, tellings: Sequence[Telling]) -> _Told:
    """What the waiting alerts come to, and what runs that they overtake had still to tell."""
    name, books = definition.campaign_id, halt_alerts.books(conn)
    ids = {one.halt.halt_id for one in tellings}
    before = halt_alerts.told(conn, name, ids)
    values = halt_alerts.values_of(conn, {run for some in before.values() for run in some})
    earlier = {run: _by_halt(stored) for run, stored in values.items()}
    alerts = [
        alert_of(one, books, {
            run: earlier[run][one.halt.halt_id] for run in before.get(one.halt.halt_id, ())
        })
        for one in tellings
    ]  # fmt: skip
    says = {one.halt.halt_id: one.says for one in tellings}
    overtaken: list[int] = []
    for run, stored in halt_alerts.going_on(conn, name).items():
        theirs = _by_halt(stored)
        if not ids & theirs.keys():
            continue
        overtaken.append(run)
        for halt_id, one in theirs.items():
            if halt_id not in says:  # whoever the run did not reach hears of it from this one
                alerts.append(_again(one, run))
                says[halt_id] = one.event
    halts = halt_alerts.newest(conn, says)
    return _Told(tellings, tuple(alerts), halts, says, tuple(overtaken))


def _by_halt(stored: bytes) -> dict[str, Alert]:
    return {one.halt_id: one for one in RunValues.load(stored).alerts}


def _again(one: Alert, run: int) -> Alert:
    return Alert(
        one.halt_id, one.version, one.event, one.market, one.symbol, one.reach,
        (*one.besides, run),
    )  # fmt: skip


def _lines(
    conn: Connection, definition: Definition, told: _Told, now: datetime
) -> dict[str, dict[str, dict[str, str]]]:
    """By halt and locale, as the texts take them."""
    known = _calendars(conn, _rule(definition))
    year = now.astimezone(definition.zone).year
    return {
        halt_id: {
            locale: security_line(
                halt, told.says[halt_id], _last_session(halt, told.says[halt_id], known),
                locale, definition.zone, year,
            )
            for locale in definition.template.locales
        }
        for halt_id, halt in told.halts.items()
    }  # fmt: skip


def _last_session(halt: Halt, says: str, known: Mapping[str, TradingCalendar]) -> date | None:
    """The last trading day of a delisting period; None where its end is not known."""
    if says != "delisting" or halt.resume_at is None:
        return None
    calendar = known[CALENDARS[halt.market]]
    day = halt.resume_at.astimezone(calendar.zone).date()
    if calendar.is_session(day) and halt.resume_at > calendar.open_at(day):
        return day
    return calendar.previous_session(day)


def _record(
    tx: Connection, definition: Definition, told: _Told, run_id: int, now: datetime
) -> None:
    """In the transaction that opens the run: the keys it settles, the runs whose place it takes."""
    name = definition.campaign_id
    made: dict[halt_alerts.Key, Made] = {}
    for one in told.tellings:
        halt_id = one.halt.halt_id
        made[halt_id, one.version, one.event] = Made.TOLD
        made |= {(halt_id, other.version, other.event): Made.JOINED for other in one.joined}
        made |= {(halt_id, other.version, other.event): Made.OVER for other in one.over}
    if halt_alerts.settled(tx, name, made):
        raise Overtaken
    halt_alerts.settle(tx, name, made, run_id, now, outbox.ACTOR)
    for run in told.overtaken:
        runs.supersede(tx, run, run_id, now, outbox.ACTOR)
