"""Sessions of Hong Kong, New York and London out of the library exchange_calendars.

The library computes most holidays from rules, so what it says of a year the exchange has not yet
announced is a forecast. It knows no notice spans and no make-up working days, which is why A-share
calendars come from the exchange's notice instead.
"""

import warnings
from collections.abc import Mapping
from datetime import date, time, timedelta
from importlib.metadata import version
from typing import Any, Final, Literal, cast

from outreach.core.market import MARKETS, CalendarDay, Coverage, Kind, Status
from outreach.core.stock_connect import derive_stock_connect
from outreach.core.trading_calendar import TradingCalendar

CODES: Final[Mapping[str, str]] = {"HK": "XHKG", "US": "XNYS", "UK": "XLON"}
# Good enough to hold an entered calendar against, not to take one from.
COMPARED: Final[Mapping[str, str]] = {**CODES, "CN_A": "XSHG"}

# What the library calls a day: how we name it in English and in Chinese.
_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "New Year's Day": ("New Year's Day", "元旦"),
    "Good Friday": ("Good Friday", "耶稣受难日"),
    "Easter Monday": ("Easter Monday", "复活节星期一"),
    "Labour Day": ("Labour Day", "劳动节"),
    "Hong Kong Special Region Establishment Day": ("HKSAR Establishment Day", "香港特区成立纪念日"),
    "National Day": ("National Day", "国庆节"),
    "Christmas": ("Christmas Day", "圣诞节"),
    "Weekend Christmas": ("Christmas Day (substitute day)", "圣诞节(补假)"),
    "Boxing Day": ("Boxing Day", "节礼日"),
    "Weekend Boxing Day": ("Boxing Day (substitute day)", "节礼日(补假)"),
    "Dr. Martin Luther King Jr. Day": ("Martin Luther King Jr. Day", "马丁·路德·金纪念日"),
    "President's Day": ("Presidents' Day", "总统日"),
    "Memorial Day": ("Memorial Day", "阵亡将士纪念日"),
    "Juneteenth National Independence Day": ("Juneteenth", "六月节"),
    "July 4th": ("Independence Day", "美国独立日"),
    "Labor Day": ("Labor Day", "美国劳动节"),
    "Thanksgiving": ("Thanksgiving Day", "感恩节"),
    "Early May Bank Holiday": ("Early May bank holiday", "五月初银行假日"),
    "Spring Bank Holiday": ("Spring bank holiday", "春季银行假日"),
    "Summer Bank Holiday": ("Summer bank holiday", "夏季银行假日"),
}
# Festivals of the lunar calendar, which the library lists without a name.
_FESTIVALS: Final = (
    ("chinese_lunar_new_year_dates", "Lunar New Year", "农历新年"),
    ("qingming_festival_dates", "Ching Ming Festival", "清明节"),
    ("chinese_buddhas_birthday_dates", "Birthday of the Buddha", "佛诞"),
    ("dragon_boat_festival_dates", "Tuen Ng Festival", "端午节"),
    ("mid_autumn_festival_dates", "day after the Mid-Autumn Festival", "中秋节翌日"),
    ("double_ninth_festival_dates", "Chung Yeung Festival", "重阳节"),
)
_FESTIVAL_REACH: Final = 3  # days a festival may move for a weekend or another holiday
_UNNAMED: Final = ("market holiday", "休市日")


class CalendarSourceProblem(Exception):
    """The library cannot give the years or the market asked for; the message says what to do."""


def calendar_days(
    market: str, year_from: int, year_to: int, status: Status = "official"
) -> tuple[Coverage, list[CalendarDay]]:
    """The weekdays of these years on which a market is shut, closes early or opens late.

    Raises CalendarSourceProblem for a market or a year the library does not know.
    """
    if market not in CODES:
        wanted = ", ".join(CODES)
        raise CalendarSourceProblem(f"{market} does not come from exchange_calendars; {wanted} do")
    return _calendar_days(market, year_from, year_to, status)


def library_calendar(market: str, year: int) -> TradingCalendar:
    """What the library says of a year, to compare with; Stock Connect derived from both its sides.

    Raises CalendarSourceProblem for a market or a year the library does not know.
    """
    if market in ("SB", "NB"):
        sides = library_calendar("CN_A", year), library_calendar("HK", year)
        return derive_stock_connect(*sides, cast("Literal['SB', 'NB']", market))
    if market not in COMPARED:
        wanted = ", ".join((*COMPARED, "SB", "NB"))
        raise CalendarSourceProblem(f"{market} is unknown to exchange_calendars; {wanted} are not")
    span, days = _calendar_days(market, year, year, "official")
    return TradingCalendar.of(market, [span], days)


def _calendar_days(
    market: str, year_from: int, year_to: int, status: Status
) -> tuple[Coverage, list[CalendarDay]]:
    first, last = date(year_from, 1, 1), date(year_to, 12, 31)
    source = f"exchange_calendars {version('exchange_calendars')}, {COMPARED[market]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, about a coming pandas
        sessions, names = _read(market, first, last)
    days = [
        CalendarDay(
            market=market,
            on=on,
            kind=kind,
            name_zh=zh,
            name_en=en,
            source_ref=source,
            status=status,
            opens=opens,
            closes=closes,
        )
        for on, kind, opens, closes in _differing(market, sessions, first, last)
        for en, zh in (_half_day_name(on, names) if kind == "half" else names.get(on, _UNNAMED),)
    ]
    return Coverage(market, first, last, status, source), days


Sessions = dict[date, tuple[time, time]]
Names = dict[date, tuple[str, str]]


def _read(market: str, first: date, last: date) -> tuple[Sessions, Names]:
    import exchange_calendars

    try:
        library: Any = exchange_calendars.get_calendar(
            COMPARED[market], start=first.isoformat(), end=last.isoformat()
        )
    except ValueError as error:
        raise CalendarSourceProblem(str(error)) from None
    zone = MARKETS[market].zone
    hours = {
        row.Index.date(): (
            row.open.to_pydatetime().astimezone(zone).time(),
            row.close.to_pydatetime().astimezone(zone).time(),
        )
        for row in library.schedule.itertuples()
    }
    names = _festivals(first, last) if market == "HK" else {}
    if library.regular_holidays is not None:  # of Shanghai the library knows days, not names
        listed = library.regular_holidays.holidays(first, last, return_name=True)
        for stamp, name in listed.items():
            names[stamp.date()] = _NAMES.get(str(name), (str(name), str(name)))
    return hours, names


def _festivals(first: date, last: date) -> Names:
    """Each festival's name on its day and the days it may move to; festivals lie far apart."""
    from exchange_calendars import lunisolar_holidays

    names: Names = {}
    for lag in range(_FESTIVAL_REACH + 1):
        for table, en, zh in _FESTIVALS:
            for stamp in getattr(lunisolar_holidays, table):
                on = stamp.date() + timedelta(days=lag)
                if first <= on <= last:
                    names[on] = (en, zh)
    return names


def _differing(
    market: str, sessions: Sessions, first: date, last: date
) -> list[tuple[date, Kind, time | None, time | None]]:
    regular = MARKETS[market].hours
    found: list[tuple[date, Kind, time | None, time | None]] = []
    for step in range((last - first).days + 1):
        on = first + timedelta(days=step)
        hours = sessions.get(on)
        if hours is None:
            if on.weekday() < 5:
                found.append((on, "closed", None, None))
        elif hours[1] < regular.closes:
            found.append((on, "half", None, hours[1]))
        elif hours[0] > regular.opens:
            found.append((on, "late_open", hours[0], None))
    return found


def _half_day_name(on: date, names: Names) -> tuple[str, str]:
    before, after = names.get(on - timedelta(days=1)), names.get(on + timedelta(days=1))
    if (on.month, on.day) == (12, 31):
        return "New Year's Eve", "元旦前夕"
    if after is not None:
        return f"eve of {after[0]}", f"{after[1]}前夕"
    if before is not None:
        return f"day after {before[0]}", f"{before[1]}翌日"
    return "half day", "半日市"
