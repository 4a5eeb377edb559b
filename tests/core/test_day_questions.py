"""Trading day, settlement day and working day are three things (domain.md 3a, 2026)."""

from datetime import date

import pytest

from outreach.core.market import Coverage, Settlement
from outreach.core.stock_connect import derive_stock_connect
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()


def calendar(market: str) -> TradingCalendar:
    paid = {said.trade_on: said for said in SHIPPED.settlements if said.market == market}
    days = [day for day in SHIPPED.days if day.market == "CN_A"]
    mainland = TradingCalendar.of("CN_A", SHIPPED.coverage, days)
    if market == "CN_A":
        return _with(mainland, paid)
    span = Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX")
    return _with(derive_stock_connect(mainland, TradingCalendar.of("HK", [span], []), "SB"), paid)


def _with(plain: TradingCalendar, paid: dict[date, Settlement]) -> TradingCalendar:
    return TradingCalendar(
        plain.market, plain.zone, plain.regular, plain.coverage, plain.days, False, paid
    )


@pytest.mark.parametrize(
    ("on", "session", "working"),
    [
        pytest.param("2026-02-13", True, True, id="the last session before the festival"),
        pytest.param("2026-02-14", False, True, id="a make-up Saturday before it"),
        pytest.param("2026-02-15", False, False, id="the festival"),
        pytest.param("2026-02-23", False, False, id="its last day"),
        pytest.param("2026-02-24", True, True, id="the reopening"),
        pytest.param("2026-02-28", False, True, id="a make-up Saturday after it"),
        pytest.param("2026-01-04", False, True, id="the make-up Sunday of the new year"),
        pytest.param("2026-09-20", False, True, id="a make-up Sunday in September"),
        pytest.param("2026-10-10", False, True, id="a make-up Saturday in October"),
        pytest.param("2026-10-11", False, False, id="an ordinary Sunday"),
    ],
)
def test_a_make_up_day_is_worked_and_not_traded(on: str, session: bool, working: bool) -> None:
    day = date.fromisoformat(on)

    assert calendar("CN_A").is_session(day) is session
    assert calendar("CN_A").is_working_day(day) is working


@pytest.mark.parametrize(
    ("market", "trade_on", "settles_on"),
    [
        pytest.param("CN_A", "2026-02-13", "2026-02-24", id="A-shares of 13 February"),
        pytest.param("SB", "2026-02-12", "2026-02-24", id="southbound of 12 February"),
        pytest.param("SB", "2026-02-13", "2026-02-25", id="southbound of 13 February"),
        pytest.param("CN_A", "2026-02-12", None, id="nobody said: nothing is counted forward"),
        pytest.param("SB", "2026-09-28", None, id="nor for an ordinary day"),
    ],
)
def test_money_moves_when_the_clearing_house_says(
    market: str, trade_on: str, settles_on: str | None
) -> None:
    expected = date.fromisoformat(settles_on) if settles_on else None

    assert calendar(market).settlement_day(date.fromisoformat(trade_on)) == expected


def test_a_day_without_a_session_has_no_settlement() -> None:
    with pytest.raises(ValueError, match="2026-02-14 is not a session"):
        calendar("CN_A").settlement_day(date(2026, 2, 14))


def test_stock_connect_has_no_staff_of_its_own() -> None:
    with pytest.raises(ValueError, match="ask CN_A or HK"):
        calendar("SB").is_working_day(date(2026, 9, 28))


@pytest.mark.parametrize("question", ["is_working_day", "settlement_day"])
def test_neither_is_answered_beyond_coverage(question: str) -> None:
    with pytest.raises(CalendarCoverageError):
        getattr(calendar("CN_A"), question)(date(2027, 1, 4))
