"""What a campaign makes of halt alerts: which it tells, as what, until when, and which it leaves.

An alert key (halt, version, event) is settled once. Several keys of one halt that wait together are
told as one; what is over before it is told is not told; a pause too short to matter texts nobody.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final, Literal, NamedTuple

from outreach.core.alert import Alert, Reach, Via
from outreach.core.campaign import OnHalt
from outreach.core.halts import CALENDARS, DELISTING_PERIOD, Halt
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.core.words import Spoken

# Pauses that mostly end within minutes: while no end is known, their length so far is taken.
PAUSES: Final = frozenset({"volatility", "quote_only"})
# A halt longer than this is long by any threshold; its sessions need not be counted.
LONG: Final = timedelta(days=5)


class Made(Spoken):
    """What a campaign made of an alert."""

    TOLD = "told", "told by the run", "已由该批次告知"
    JOINED = "joined", "told together with a later version", "与后续版本一并告知"
    TOO_SHORT = "too_short", "shorter than the campaign tells of", "时间短于活动设定的下限"
    LEFT_OUT = "left_out", "of a kind the campaign does not tell of", "不在活动告知范围内"
    OVER = "over", "over before it was told", "告知前已结束"
    STALE = "stale", "too old to be of use when it could be told", "可告知时已过时"


MADE: Final = {made.value: made for made in Made}


class Waiting(NamedTuple):
    """An alert key that is not settled, with the newest version of its halt."""

    halt: Halt
    version: int
    event: str
    at: datetime  # when it was stored


class Telling(NamedTuple):
    """A halt to tell of now: `says` is what the text calls it, the key is that of the alert."""

    halt: Halt
    version: int
    event: str
    says: str
    expires_at: datetime
    joined: tuple[Waiting, ...] = ()
    over: tuple[Waiting, ...] = ()  # what a resumption overtook


class Sorted(NamedTuple):
    """What becomes of the waiting alerts; those in neither list go on waiting."""

    tell: list[Telling]
    aside: list[tuple[Waiting, Made]]
    uncovered: list[CalendarCoverageError]  # of alerts that the calendar does not reach


def sort_out(
    rule: OnHalt,
    waiting: Iterable[Waiting],
    told: Collection[str],
    now: datetime,
    calendars: Mapping[str, TradingCalendar],
) -> Sorted:
    """Settle what can be settled now. `told` are the halts this campaign told clients of before.

    `calendars` by name (`core.halts.CALENDARS`). What began before all of them is stale; what lies
    beyond them waits, and nothing is guessed.
    """
    found = Sorted([], [], [])
    ordered = sorted(waiting, key=lambda one: (one.halt.halt_id, one.version, one.at))
    for halt_id, group in groupby(ordered, key=lambda one: one.halt.halt_id):
        some = list(group)
        calendar = calendars[CALENDARS[some[0].halt.market]]
        try:
            one = _settled(rule, some, halt_id in told, now, calendar)
        except CalendarCoverageError as error:
            if not calendar.spans or error.on >= calendar.spans[0][0]:
                found.uncovered.append(error)
                continue
            one = Made.STALE
        if isinstance(one, Telling):
            found.tell.append(one)
        elif one != "wait":
            found.aside.extend((alert, one) for alert in some)
    found.tell.sort(key=lambda one: (one.halt.market, one.halt.symbol, one.halt.halt_at))
    return found


def _settled(
    rule: OnHalt, some: Sequence[Waiting], known: bool, now: datetime, calendar: TradingCalendar
) -> Telling | Made | Literal["wait"]:
    """What becomes of the keys of one halt."""
    left = None if known else _left(rule, some[-1].halt, now, calendar)
    return left or _telling(rule, some, known, now, calendar)


def _left(
    rule: OnHalt, halt: Halt, now: datetime, calendar: TradingCalendar
) -> Made | Literal["wait"] | None:
    """Why a halt that was never told is not told either; `wait` while that cannot be said."""
    if halt.resume_status == "cancelled":
        return Made.OVER
    if halt.reason_family in rule.leave_out_families:
        return Made.LEFT_OUT
    if halt.kind == DELISTING_PERIOD:
        return None
    least = timedelta(minutes=rule.min_duration_minutes)
    if halt.resume_at is not None:
        return Made.TOO_SHORT if traded(halt.halt_at, halt.resume_at, calendar) < least else None
    if halt.kind in PAUSES and traded(halt.halt_at, now, calendar) < least:
        return "wait"
    return None


def _telling(
    rule: OnHalt, some: Sequence[Waiting], known: bool, now: datetime, calendar: TradingCalendar
) -> Telling | Made:
    """The keys of one halt as one thing to tell."""
    last = some[-1]
    halt = last.halt
    says = last.event if known else _first_said(some, now)
    if says not in rule.events:
        return Made.LEFT_OUT
    expires_at = _expires_at(says, halt, last.at, calendar)
    if expires_at <= now:
        return Made.STALE
    if says == "resumed" and not known:
        own = next((one for one in some if one.event == "resumed"), last)
        over = tuple(one for one in some if one is not own)
        return Telling(halt, own.version, own.event, says, expires_at, over=over)
    return Telling(halt, last.version, last.event, says, expires_at, joined=tuple(some[:-1]))


def _first_said(some: Sequence[Waiting], now: datetime) -> str:
    """What a halt is called that clients hear of for the first time."""
    halt = some[-1].halt
    if halt.kind == DELISTING_PERIOD:
        return "delisting"
    over = halt.resume_status == "confirmed" and halt.resume_at and halt.resume_at <= now
    return "resumed" if over else "halted"


def _expires_at(says: str, halt: Halt, at: datetime, calendar: TradingCalendar) -> datetime:
    """An alert is of use until the close of the next session, and never after the resumption that
    it speaks of."""
    begins = {"halted": halt.halt_at, "resumed": halt.resume_at or at}.get(says, at)
    if says == "delisting":
        begins = max(halt.halt_at, at)
    day = begins.astimezone(calendar.zone).date()
    close = calendar.close_at(calendar.next_session(day))
    if says in ("resumed", "cancelled", "delisting") or halt.resume_at is None:
        return close
    return min(close, halt.resume_at)


def traded(start: datetime, end: datetime, calendar: TradingCalendar) -> timedelta:
    """How much trading time lies between two instants; anything beyond `LONG` counts as it is."""
    if end - start > LONG:
        return end - start
    zone = calendar.zone
    first, last = start.astimezone(zone), end.astimezone(zone)
    total = timedelta()
    for day in calendar.sessions(first.date(), last.date()):
        hours = calendar.hours(day)
        parts = [(hours.opens, hours.break_from), (hours.break_to, hours.closes)]
        if hours.break_from is None:
            parts = [(hours.opens, hours.closes)]
        total += sum((_overlap(day, part, start, end, calendar) for part in parts), timedelta())
    return total


def _overlap(
    day: date,
    part: tuple[time | None, time | None],
    start: datetime,
    end: datetime,
    calendar: TradingCalendar,
) -> timedelta:
    opens, closes = (datetime.combine(day, at, calendar.zone) for at in part if at is not None)
    return max(min(end, closes) - max(start, opens), timedelta())


# --- whom it concerns ------------------------------------------------------------------------


class Books(NamedTuple):
    """The snapshots there are: (as of, number), oldest first."""

    holdings: Sequence[tuple[datetime, int]]
    watching: Sequence[tuple[datetime, int]]

    @property
    def holders(self) -> tuple[Reach, ...]:
        """Who holds by the newest snapshot."""
        return _by("holds", self.holdings[-1:])

    @property
    def watchers(self) -> tuple[Reach, ...]:
        """Who watches by the newest snapshot."""
        return _by("watches", self.watching[-1:])

    def holders_before(self, moment: datetime) -> tuple[Reach, ...]:
        """The holdings as of the prior close: the newest snapshot not later than a moment, else the
        first after it: what is halted is not traded, so that one still tells who held it."""
        before = [one for one in self.holdings if one[0] <= moment]
        return _by("holds", before[-1:] or self.holdings[:1])


def _by(via: Via, snapshots: Sequence[tuple[datetime, int]]) -> tuple[Reach, ...]:
    return tuple(Reach(via, number, as_of=as_of) for as_of, number in snapshots)


def alert_of(telling: Telling, books: Books, earlier: Mapping[int, Alert]) -> Alert:
    """What a run tells of a halt, and whom. `earlier` are the alerts of it by run.

    Of a halt: its holders as of the close before it, and those who watch it. Of what follows: they,
    and whoever got an earlier alert. Of a resumption: whoever got one or still holds. Of a halt
    that was struck out: whoever got one.
    """
    halt, says = telling.halt, telling.says
    reach: list[Reach] = []
    if says == "resumed":
        reach += books.holders
    elif says != "cancelled":
        reach += (*books.holders_before(halt.halt_at), *books.watchers)
    for run, alert in earlier.items():
        reach += [replace(one, run=run) for one in alert.reach if one.run is None]
    return Alert(
        halt.halt_id, telling.version, says, halt.market, halt.symbol, tuple(dict.fromkeys(reach))
    )
