"""Stock Connect calendars: a day trades when both the mainland and Hong Kong trade."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

from outreach.core.market import MARKETS, CalendarDay, Coverage, Status
from outreach.core.trading_calendar import TradingCalendar


def derive_stock_connect(
    a: TradingCalendar, hk: TradingCalendar, market: Literal["SB", "NB"]
) -> TradingCalendar:
    """The southbound (SB) or northbound (NB) calendar, over the days both markets cover.

    Southbound keeps Hong Kong hours, so a Hong Kong half day is a morning southbound. Northbound
    keeps mainland hours, also on a Hong Kong half day (HKEX, Stock Connect FAQ).
    """
    hours = hk if market == "SB" else a
    coverage = tuple(_shared(market, a, hk))
    days: dict[date, CalendarDay] = {}
    for span in coverage:
        for step in range((span.to_on - span.from_on).days + 1):
            day = _day(market, span.from_on + timedelta(days=step), a, hk, hours)
            if day is not None:
                days[day.on] = day
    known = MARKETS[market]
    return TradingCalendar(
        market, known.zone, known.hours, coverage, days, a.provisional and hk.provisional
    )


def _shared(market: str, a: TradingCalendar, hk: TradingCalendar) -> Iterator[Coverage]:
    for mainland in a.coverage:
        for hong_kong in hk.coverage:
            first = max(mainland.from_on, hong_kong.from_on)
            last = min(mainland.to_on, hong_kong.to_on)
            if first <= last:
                status: Status = (
                    "official"
                    if mainland.status == hong_kong.status == "official"
                    else "provisional"
                )
                source = f"{mainland.source_ref}; {hong_kong.source_ref}"
                yield Coverage(market, first, last, status, source)


def _day(
    market: str, on: date, a: TradingCalendar, hk: TradingCalendar, hours: TradingCalendar
) -> CalendarDay | None:
    mainland, hong_kong = a.days.get(on), hk.days.get(on)
    shut = next((day for day in (mainland, hong_kong) if day and day.kind == "closed"), None)
    row = shut or hours.days.get(on)
    if row is None:
        return None
    return CalendarDay(
        market=market,
        on=on,
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
