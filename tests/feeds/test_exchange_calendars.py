"""Hong Kong, New York and London out of the library, and Stock Connect derived from them."""

from datetime import UTC, date, datetime, time

import pytest

from outreach.core.market import CalendarDay
from outreach.core.stock_connect import derive_stock_connect
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file
from outreach.feeds.exchange_calendars import CalendarSourceProblem, calendar_days


def calendar(market: str) -> TradingCalendar:
    coverage, days = calendar_days(market, 2026, 2026)
    return TradingCalendar.of(market, [coverage], days)


def a_shares() -> TradingCalendar:
    return calendar_file.shipped().calendar("CN_A")


@pytest.fixture(scope="module")
def hk() -> TradingCalendar:
    return calendar("HK")


def row(calendar: TradingCalendar, on: str) -> CalendarDay:
    found = calendar.day(date.fromisoformat(on))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("on", "kind", "en", "zh"),
    [
        ("2026-02-16", "half", "eve of Lunar New Year", "农历新年前夕"),
        ("2026-02-17", "closed", "Lunar New Year", "农历新年"),
        ("2026-04-03", "closed", "Good Friday", "耶稣受难日"),
        ("2026-04-07", "closed", "Ching Ming Festival", "清明节"),
        ("2026-05-25", "closed", "Birthday of the Buddha", "佛诞"),
        ("2026-06-19", "closed", "Tuen Ng Festival", "端午节"),
        ("2026-07-01", "closed", "HKSAR Establishment Day", "香港特区成立纪念日"),
        ("2026-10-19", "closed", "Chung Yeung Festival", "重阳节"),
        ("2026-12-31", "half", "New Year's Eve", "元旦前夕"),
    ],
)
def test_hong_kong_days_have_their_names(
    hk: TradingCalendar, on: str, kind: str, en: str, zh: str
) -> None:
    found = row(hk, on)

    assert (found.kind, found.name_en, found.name_zh) == (kind, en, zh)


def test_a_hong_kong_half_day_ends_at_noon(hk: TradingCalendar) -> None:
    assert row(hk, "2026-12-24").closes == time(12)
    assert hk.close_at(date(2026, 12, 24)) == datetime(2026, 12, 24, 4, tzinfo=UTC)


def test_southbound_2026_has_236_days(hk: TradingCalendar) -> None:
    south = derive_stock_connect(a_shares(), hk, "SB")

    assert len(south.sessions(date(2026, 1, 1), date(2026, 12, 31))) == 236
    assert not south.is_session(date(2026, 4, 3))
    assert south.close_at(date(2026, 12, 24)) == datetime(2026, 12, 24, 4, tzinfo=UTC)
    for shut in ("2026-04-07", "2026-05-25", "2026-07-01", "2026-10-19", "2026-12-25"):
        assert not south.is_session(date.fromisoformat(shut))


def test_southbound_is_shut_from_good_friday_through_qingming(hk: TradingCalendar) -> None:
    south = derive_stock_connect(a_shares(), hk, "SB")

    closure = south.next_closure(date(2026, 4, 1))
    assert (closure.close_from, closure.close_to) == (date(2026, 4, 3), date(2026, 4, 7))
    assert closure.holiday.zh == "耶稣受难日、清明节"


def test_northbound_is_shut_while_hong_kong_trades_and_the_mainland_does_not(
    hk: TradingCalendar,
) -> None:
    north = derive_stock_connect(a_shares(), hk, "NB")

    for shut in ("2026-01-02", "2026-02-16", "2026-02-20", "2026-02-23", "2026-05-04",
                 "2026-05-05", "2026-09-25", "2026-10-02", "2026-10-05", "2026-10-06",
                 "2026-10-07"):  # fmt: skip
        assert hk.is_session(date.fromisoformat(shut))
        assert not north.is_session(date.fromisoformat(shut))
    assert north.close_at(date(2026, 12, 24)) == datetime(2026, 12, 24, 7, tzinfo=UTC)


def test_new_york_and_london_open_and_close_on_their_own_clocks() -> None:
    us, uk = calendar("US"), calendar("UK")

    assert us.close_at(date(2026, 11, 27)) == datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert row(us, "2026-11-27").name_en == "day after Thanksgiving Day"
    assert us.open_at(date(2026, 3, 9)) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)
    closure = uk.closures(date(2026, 12, 1), date(2026, 12, 30))[0]
    assert (closure.close_from, closure.close_to) == (date(2026, 12, 25), date(2026, 12, 28))
    assert closure.weekend_closed == ()


@pytest.mark.parametrize("market", ["HK", "US", "UK"])
def test_every_session_agrees_with_the_library(market: str) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exchange_calendars

        code = {"HK": "XHKG", "US": "XNYS", "UK": "XLON"}[market]
        library = exchange_calendars.get_calendar(code, start="2026-01-01", end="2026-12-31")

    ours = calendar(market)
    assert ours.sessions(date(2026, 1, 1), date(2026, 12, 31)) == [
        stamp.date() for stamp in library.sessions
    ]
    for stamp in library.early_closes:
        assert ours.close_at(stamp.date()) == library.session_close(stamp).to_pydatetime()


@pytest.mark.parametrize(("market", "year"), [("CN_A", 2026), ("HK", 2060), ("SB", 2026)])
def test_what_the_library_cannot_give_is_refused(market: str, year: int) -> None:
    with pytest.raises(CalendarSourceProblem):
        calendar_days(market, year, year)
