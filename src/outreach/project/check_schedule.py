"""What is wrong in a campaign's [schedule] although it fits its model: clocks, markets, sense."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Final

from outreach.core.campaign import (
    AroundClosure,
    ByHand,
    Campaign,
    OnceAt,
    OnClosure,
    OnDay,
    OnMarketEvent,
)
from outreach.core.problem import Problem
from outreach.project.check_config import known_market, known_zone
from outreach.project.config import Config
from outreach.project.toml_file import TomlFile

_ON = ("schedule", "on")


# By the kind of occurrence: one of them, and many.
EVENT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "halt": ("a halt", "halts"),
    "incident": ("an incident", "incidents"),
    "market_move": ("a move of the market", "moves of the market"),
}


def check_schedule(config: Config, campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    """Every fault of a campaign's schedule, by itself and beside its occurrence."""
    schedule = campaign.schedule
    market = getattr(schedule, "market", None)
    if market is not None:
        yield from known_market(market, file, ("schedule", "market"))
    if zone := getattr(schedule, "zone", None):
        yield from known_zone(zone, file, ("schedule", "zone"))
    match campaign.occurrence:
        case OnClosure() as closure:
            yield from _for_closure(config, campaign, closure, file)
        case OnDay():
            yield from _for_day(campaign, file)
        case rule:
            yield from _for_event(campaign, rule.kind, file)
    yield from _outside_hours(config, campaign, file)


def _for_closure(
    config: Config, campaign: Campaign, rule: OnClosure, file: TomlFile
) -> Iterator[Problem]:
    schedule = campaign.schedule
    if isinstance(schedule, ByHand | OnceAt):
        return
    if not isinstance(schedule, AroundClosure):
        wrong = f'"{schedule.on}" does not tell which closure is meant'
        write = 'write on = "before_closure" with sessions and at; or "once", or "hand"'
        yield file.problem(_ON, wrong, write)
        return
    if schedule.on == "after_closure":
        wrong = "a notice of a closure is stale once the market has reopened"
        write = 'write on = "before_closure", or occurrence.kind = "day" for a notice after it'
        yield file.problem(_ON, wrong, write)
        return
    yield from _same_market(config, schedule.market, rule.market, "occurrence.market", file)
    # Two days of weekend for every five sessions begun, as if no other closure lay between.
    reach = schedule.sessions + 2 * -(-schedule.sessions // 5)
    if reach > rule.within_days:
        wrong = f"{schedule.sessions} sessions before a closure can be {reach} days before it"
        write = f"write occurrence.within_days = {reach} or more, or fewer sessions"
        yield file.problem(("schedule", "sessions"), wrong, write)


def _for_event(campaign: Campaign, event: str, file: TomlFile) -> Iterator[Problem]:
    schedule = campaign.schedule
    if isinstance(schedule, ByHand) or getattr(schedule, "event", None) == event:
        return
    wrong = f"does not wait for {EVENT_WORDS[event][0]}"
    yield file.problem(_ON, wrong, f'write on = "market_event" with event = "{event}"')


def _for_day(campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    schedule = campaign.schedule
    if isinstance(schedule, AroundClosure) and schedule.on == "before_closure":
        wrong = 'speaks of a closure, which occurrence.kind = "day" has none of'
        write = 'write occurrence.kind = "closure" and its market'
        yield file.problem(_ON, wrong, write)
    if isinstance(schedule, OnMarketEvent):
        many = EVENT_WORDS[schedule.event][1]
        wrong = f'speaks of {many}, which occurrence.kind = "day" has none of'
        write = f'write occurrence.kind = "{schedule.event}", or on = "hand"'
        yield file.problem(("schedule", "event"), wrong, write)


def _same_market(
    config: Config, written: str | None, meant: str, where: str, file: TomlFile
) -> Iterator[Problem]:
    market = written or config.firm.market
    if market != meant:
        path = ("schedule", "market" if written else "on")
        wrong = f"follows {market}, and {where} is {meant}"
        yield file.problem(path, wrong, f'write market = "{meant}" under [schedule]')


def _outside_hours(config: Config, campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    """A time at which nothing may go out yet is legal: everything waits for the opening."""
    schedule = campaign.schedule
    hours = config.limits.contact_hours.get(campaign.purpose)
    at: time | None = getattr(schedule, "at", None)
    abroad = getattr(schedule, "zone", None) not in (None, config.firm.zone)
    if at is None or hours is None or campaign.urgent or abroad:
        return
    if not hours.opens <= at < hours.closes:
        purpose = campaign.purpose.value
        span = f"{hours.opens:%H:%M} to {hours.closes:%H:%M}"
        wrong = f"lies outside the contact hours of {purpose} ({span}), so messages wait for them"
        yield file.warning(("schedule", "at"), wrong, "write a time within them")
