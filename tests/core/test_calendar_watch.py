"""A calendar that runs out: 90 days ahead a warning, at the end an error (A-shares, 2026)."""

from datetime import date

import pytest

from outreach.core.calendar_watch import running_out
from outreach.core.market import Coverage
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()
CN = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)


@pytest.mark.parametrize(
    ("today", "severity"),
    [
        pytest.param("2026-10-01", None, id="91 days before the end"),
        pytest.param("2026-10-02", "warning", id="90 days before the end"),
        pytest.param("2026-12-31", "warning", id="the last day"),
        pytest.param("2027-01-01", "error", id="the day after"),
        pytest.param("2024-12-31", "error", id="before it begins"),
    ],
)
def test_the_end_is_told_in_time(today: str, severity: str | None) -> None:
    ends = running_out(CN, date.fromisoformat(today))

    assert (ends.severity if ends else None) == severity


def test_it_says_when_and_what_to_do() -> None:
    ends = running_out(CN, date(2026, 11, 22))

    assert ends is not None
    assert ends.sentence.en == (
        "the official calendar of CN_A ends on 2026-12-31, in 39 days; import the next year as"
        " soon as the exchange announces it"
    )


def test_a_forecast_is_no_comfort() -> None:
    forecast = Coverage("CN_A", date(2027, 1, 1), date(2027, 12, 31), "provisional", "expected")
    longer = TradingCalendar.of("CN_A", (*SHIPPED.coverage, forecast), SHIPPED.days)

    ends = running_out(longer, date(2026, 11, 22))
    assert ends is not None
    assert ends.severity == "warning"


def test_a_gap_in_coverage_is_an_end() -> None:
    later = Coverage("CN_A", date(2027, 2, 1), date(2027, 12, 31), "official", "SSE")
    gapped = TradingCalendar.of("CN_A", (*SHIPPED.coverage, later), SHIPPED.days)

    ends = running_out(gapped, date(2026, 11, 22))
    assert ends is not None
    assert "ends on 2026-12-31" in ends.sentence.en
