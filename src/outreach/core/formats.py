"""How dates and times are written in the two house languages."""

from datetime import date, datetime
from functools import lru_cache
from typing import Final

_WEEKDAYS_ZH: Final = "一二三四五六日"
_WEEKDAYS_EN: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
_MONTHS_EN: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def chinese(locale: str) -> bool:
    return locale.startswith("zh")


@lru_cache(maxsize=8192)
def format_date(day: date, locale: str, year: int) -> str:
    """`10月1日(星期四)` or `Thursday 1 October`; the year is written when it is not `year`."""
    if chinese(locale):
        written = f"{day.month}月{day.day}日(星期{_WEEKDAYS_ZH[day.weekday()]})"
        return written if day.year == year else f"{day.year}年{written}"
    written = f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}"
    return written if day.year == year else f"{written} {day.year}"


def format_time(at: datetime, locale: str, year: int) -> str:
    """A date and a time of day, in the zone `at` is in: `10月1日(星期四)09:30`."""
    joint = "" if chinese(locale) else ", "
    return f"{format_date(at.date(), locale, year)}{joint}{at:%H:%M}"
