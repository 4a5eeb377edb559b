"""When a calendar runs out: a warning some months ahead, and an error once it has."""

from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.core.words import Sentence

AHEAD: Final = timedelta(days=90)


class RunningOut(NamedTuple):
    """How badly a calendar ends, and what to do about it."""

    severity: Literal["warning", "error"]
    sentence: Sentence


def running_out(calendar: TradingCalendar, today: date) -> RunningOut | None:
    """Whether official data end within 90 days, or have ended; None where neither."""
    end = _covered_until(calendar, today)
    if end is None:
        why = CalendarCoverageError(calendar.market, today, calendar.covered_to)
        return RunningOut("error", why.sentence)
    if end - today > AHEAD:
        return None
    days = (end - today).days
    return RunningOut(
        "warning",
        Sentence(
            f"the official calendar of {calendar.market} ends on {end}, in {days} days; import the"
            " next year as soon as the exchange announces it",
            f"{calendar.market} 官方日历截至 {end}，还剩 {days} 天；交易所公布后请尽快导入下一年度",
        ),
    )


def _covered_until(calendar: TradingCalendar, today: date) -> date | None:
    """The last day that today's unbroken coverage reaches; None where today is not covered."""
    return next((last for first, last in calendar.spans if first <= today <= last), None)
