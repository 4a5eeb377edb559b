"""How fast a sender may be used: windows of permits, days, hours, and how long it will take.

The limits are a provider's or the law's; the rows that all workers reserve from are store.rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from math import ceil
from typing import Final, NamedTuple

from outreach.core.words import Spoken

# A window holds what may go in so long a time: short enough for workers to take turns, and for the
# provider to see an even stream; a worker that comes late gets up to a second's worth.
SLICE: Final = 0.2
SLICE_LATE: Final = 1.0


class Why(Spoken):
    """Why a sender waits."""

    RATE = "rate", "its permits are used up for the moment", "已达当前速率上限"
    URGENT = "urgent", "it leaves the way to urgent messages", "让紧急消息先行"
    DAY = "day", "its day's cap is used up", "已达当日上限"
    HOURS = "hours", "it is outside its sending hours", "不在发送时段内"
    THROTTLED = "throttled", "the provider asked for less", "服务商要求降速"
    ERRORS = "errors", "it had trouble and rests", "故障后暂停"
    STOPPED = "stopped", "a person stopped it", "已被人工停用"


WHYS: Final = {why.value: why for why in Why}


@dataclass(frozen=True, slots=True)
class RampUp:
    """A new sender that works up to its cap: a share of it on the first day, all of it on the last
    of so many days, growing by the same factor each day."""

    days: int
    share: float


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one thing: a sender, an account, a country."""

    per_second: float | None = None
    per_day: int | None = None
    between: tuple[time, time] | None = None  # on the firm's clock
    ramp_up: RampUp | None = None

    def cap(self, first_on: date | None, today: date) -> int | None:
        """The most messages of this day, when its first day of use was `first_on`."""
        if self.per_day is None or self.ramp_up is None:
            return self.per_day
        nth, ramp = (today - (first_on or today)).days, self.ramp_up
        if nth >= ramp.days - 1:
            return self.per_day
        left = 1 - max(nth, 0) / (ramp.days - 1)
        return max(1, round(self.per_day * float(ramp.share**left)))

    def opens_at(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When it may be used again; None when it may now."""
        if self.between is None:
            return None
        opens, closes = self.between
        local = now.astimezone(zone)
        if opens <= local.time() < closes:
            return None
        day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
        return datetime.combine(day, opens, tzinfo=zone).astimezone(now.tzinfo)


class Ask(NamedTuple):
    """One row that permits are reserved from."""

    name: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that limits one sender."""

    sender: str
    own: Limit = field(default_factory=Limit)
    account: Ask | None = None  # shared with other senders
    countries: Mapping[str, Limit] = field(default_factory=dict)  # by phone prefix

    def asks(self, pace: str | None) -> tuple[Ask, ...]:
        """The rows for messages of one pace (see `pace`), always in the same order, so that two
        workers never wait for each other."""
        found = [Ask(self.sender, self.own)] if self.own != Limit() else []
        if self.account is not None:
            found.append(self.account)
        prefix = pace.removeprefix(f"{self.sender} ") if pace else ""
        if pace and prefix in self.countries:
            found.append(Ask(pace, self.countries[prefix]))
        return tuple(sorted(found))

    def pace(self, address: str) -> str | None:
        """The name of the limit of an address's country; None where it has none of its own."""
        return pace_of(self.sender, tuple(self.countries), address)


def pace_of(sender: str, prefixes: tuple[str, ...], address: str) -> str | None:
    """The row of the longest phone prefix an address begins with: `SENDER +852`."""
    found = max((one for one in prefixes if address.startswith(one)), key=len, default=None)
    return f"{sender} {found}" if found else None


def window_of(asks: tuple[Ask, ...], seconds: float, most: int) -> int:
    """How many permits a window asks for: what may go in so many seconds, at least one."""
    rates = [ask.limit.per_second for ask in asks if ask.limit.per_second is not None]
    return max(1, min([most, *(ceil(rate * seconds) for rate in rates)]))


def midnight(now: datetime, zone: tzinfo) -> datetime:
    """When the next day of the firm begins."""
    day = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=zone).astimezone(now.tzinfo)


def today(now: datetime, zone: tzinfo) -> date:
    """The firm's day."""
    return now.astimezone(zone).date()


# --- how long it will take -------------------------------------------------------------------

_FOREVER: Final = 400  # days looked ahead


def ends_at(
    messages: int,
    limit: Limit,
    now: datetime,
    zone: tzinfo,
    *,
    used: int = 0,
    first_on: date | None = None,
    fastest: float = 5_000.0,
) -> datetime:
    """When the last of so many messages goes, if nothing else goes through this limit: at its rate,
    or `fastest` a second; within its hours; so many a day, of which `used` are gone today."""
    rate = limit.per_second or fastest
    at, left, spent = now, messages, used
    first = first_on or today(now, zone)
    for _ in range(_FOREVER):
        at = limit.opens_at(at, zone) or at
        day = today(at, zone)
        if day != today(now, zone):
            spent = 0
        closes = midnight(at, zone)
        if limit.between is not None:
            closes = min(closes, datetime.combine(day, limit.between[1], tzinfo=zone))
        cap = limit.cap(first, day)
        room = left if cap is None else min(left, max(0, cap - spent))
        going = min(room, ceil((closes - at).total_seconds() * rate))
        left -= going
        if left <= 0:
            return at + timedelta(seconds=going / rate)
        at = midnight(at, zone)
        spent = 0
    return at
