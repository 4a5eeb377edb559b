"""Wall clocks: which day it is for the firm, and when it is open hours where a client is."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from outreach.core.model import CampaignFacts, ContactHours, Facts

_DAYS_SEARCHED = 4  # zones that share an hour at all share one within a day or two


def firm_day(facts: Facts) -> date:
    """The calendar day at the firm: a document valid until today is still valid all day long."""
    return _day(facts.now, facts.campaign.zone)


def moment(at: datetime, zone: str) -> str:
    """An instant as people read it: `2026-11-22 20:59 (Asia/Shanghai)`."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def clocks_of(facts: Facts) -> tuple[ZoneInfo, ...]:
    """The client's own clock; if it is unknown, every clock the client may live by.

    With no candidate zones configured, the firm's clock stands in.
    """
    return clocks_for(facts.candidate.zone, facts.campaign)


def clocks_for(zone: str | None, campaign: CampaignFacts) -> tuple[ZoneInfo, ...]:
    """The clocks a client of this zone (None: unknown) may live by."""
    own = _own_clock(zone) if zone else None
    return own or _all_clocks(campaign.candidate_zones or (campaign.zone,))


@lru_cache(maxsize=4096)
def narrowed(hours: ContactHours, own: str | None) -> ContactHours:
    """Contact hours as far as they are also a client's own (`09:30-12:00`). Hours that share
    nothing with contact hours cannot be kept, and contact hours alone hold."""
    if not own:
        return hours
    opens, closes = map(time.fromisoformat, own.split("-"))
    both = ContactHours(max(hours.opens, opens), min(hours.closes, closes))
    return both if both.opens < both.closes else hours


def is_open(hours: ContactHours, clocks: tuple[ZoneInfo, ...], at: datetime) -> bool:
    """Whether it is contact hours on every one of the clocks; the closing minute is shut."""
    for clock in clocks:  # noqa: SIM110 - all() with a generator costs a microsecond more
        if not hours.opens <= at.astimezone(clock).time() < hours.closes:
            return False
    return True


# A page of candidates shares one moment and few zones, so both are worked out once a page.
@lru_cache(maxsize=256)
def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)
def next_open(hours: ContactHours, clocks: tuple[ZoneInfo, ...], at: datetime) -> datetime:
    """`at` if it is open then, else the next moment at which every clock is in contact hours.

    Clocks that never share an hour give the same time tomorrow: nothing goes out, and the message
    is looked at again until it is stale (`outreach check` refuses such a configuration).
    """
    if is_open(hours, clocks, at):
        return at
    for opening in _openings(hours, clocks, at):
        if opening > at and is_open(hours, clocks, opening):
            return opening
    return at + timedelta(days=1)


@lru_cache(maxsize=4096)
def next_shut(hours: ContactHours, clocks: tuple[ZoneInfo, ...], at: datetime) -> datetime:
    """The next moment after `at` at which contact hours end on one of the clocks."""
    closings = (
        datetime.combine(
            at.astimezone(clock).date() + timedelta(days=day), hours.closes, tzinfo=clock
        ).astimezone(UTC)
        for clock in clocks
        for day in (0, 1)
    )
    return min(closing for closing in closings if closing > at)


def _openings(hours: ContactHours, clocks: tuple[ZoneInfo, ...], at: datetime) -> list[datetime]:
    """The coming openings of each clock, in order: hours shared by all begin with one of them.

    Built on the wall clock: adding 24 hours to an instant opens an hour off when clocks change.
    Both folds, because an opening within the repeated hour of autumn comes twice.
    """
    return sorted(
        datetime.combine(
            at.astimezone(clock).date() + timedelta(days=day), hours.opens, tzinfo=clock
        )
        .replace(fold=fold)
        .astimezone(UTC)
        for clock in clocks
        for day in range(_DAYS_SEARCHED)
        for fold in (0, 1)
    )


@lru_cache(maxsize=1024)
def _own_clock(name: str) -> tuple[ZoneInfo, ...] | None:
    """None for a name that is no time zone: such a client's zone is as good as unknown."""
    try:
        return (ZoneInfo(name),)
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=64)
def _all_clocks(names: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(name) for name in names)
