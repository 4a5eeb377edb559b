"""A run of something that has not happened, its figures made up: to look at texts, not to send."""

from datetime import datetime
from fractions import Fraction
from typing import Final

from sqlalchemy import Connection

from outreach.core.market_conditions import MarketCondition, OnMarketMove
from outreach.core.market_moves import POINT, Level, Reading, Trigger
from outreach.core.market_values import margin_values, move_values
from outreach.core.occurrence import Occurrence
from outreach.core.sources import Fallen
from outreach.plan.due import Due
from outreach.plan.event import due_of
from outreach.project.definition import Definition
from outreach.store import market

MADE_UP: Final = "made-up"  # no key of an occurrence looks so


def rehearsal(conn: Connection, definition: Definition, now: datetime) -> Due | None:
    """What a run would be opened with if the first condition of a market-move campaign were met
    now; None for any other campaign. A margin notice shows the newest ratio of each client."""
    rule = definition.campaign.occurrence
    if not isinstance(rule, OnMarketMove):
        return None
    zone, year = definition.zone, now.astimezone(definition.zone).year
    condition = rule.conditions[0]
    occurrence = Occurrence(MADE_UP, now, now + rule.useful)
    locales = definition.template.locales
    if (line := condition.margin_below) is not None:
        texts = {locale: margin_values(line, now, locale, zone, year) for locale in locales}
        newest = Fallen(market.newest_ratios(conn), line, 0)
        return due_of(conn, definition, occurrence, now, texts=texts, only=(newest,))
    trigger = _made_up(conn, condition, now)
    texts = {locale: move_values(trigger, locale, zone, year) for locale in locales}
    return due_of(conn, definition, occurrence, now, texts=texts)


def _made_up(conn: Connection, condition: MarketCondition, now: datetime) -> Trigger:
    """The index exactly at the threshold, from where it stands or from 4,000 points."""
    code = str(condition.index)
    known = next((one for one in market.newest_levels(conn) if one.code == code), None)
    level = known or Level(code, now, 4_000 * POINT, 4_000 * POINT)
    if condition.measure == "volatility":
        return Trigger(condition, now, Reading(level, float(condition.threshold), None))
    sign = -1 if condition.measure == "falls" else 1
    moved = 1 + sign * condition.threshold / 100
    at = level._replace(at=now, level=round(level.prev_close * Fraction(moved)))
    return Trigger(condition, now, Reading(at, float(sign * condition.threshold), level.prev_close))
