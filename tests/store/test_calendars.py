"""Calendars in the database: imported once or twice, corrected, refused, and blocked beyond."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import orjson
import pytest

from outreach.core.market import CalendarDay, Coverage
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.feeds import calendar_file
from outreach.store import audit, calendars
from outreach.store.calendars import Saved
from outreach.store.database import Database

SHIPPED = calendar_file.shipped().of("CN_A")
NEW_YEAR = CalendarDay(
    "CN_A", date(2027, 1, 1), "closed", "元旦", "New Year's Day", "SSE notice", date(2026, 12, 22)
)
YEAR = Coverage("CN_A", date(2027, 1, 1), date(2027, 12, 31), "official", "SSE notice")


def save(
    database: Database, coverage: Sequence[Coverage], days: Sequence[CalendarDay], **more: Any
) -> Saved:
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    with database.begin() as tx:
        return calendars.save(tx, coverage, days, entered_by="lin", entered_at=at, **more)


def load(database: Database, market: str = "CN_A") -> TradingCalendar:
    with database.reading() as conn:
        return calendars.load(conn, market)


def test_a_calendar_comes_back_as_it_was_saved(database: Database) -> None:
    saved = save(database, SHIPPED.coverage, SHIPPED.days)

    assert saved.added == len(SHIPPED.days)
    assert saved.coverage == SHIPPED.coverage
    assert load(database) == TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)


def test_the_same_import_again_changes_nothing(database: Database) -> None:
    save(database, SHIPPED.coverage, SHIPPED.days)

    again = save(database, SHIPPED.coverage, SHIPPED.days)

    assert not again.touched
    assert again.unchanged == len(SHIPPED.days)


def test_hours_of_a_half_day_survive(database: Database) -> None:
    span = Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX")
    half = CalendarDay(
        "HK", date(2026, 12, 24), "half", "圣诞节前夕", "Christmas Eve", "HKEX", closes=time(12)
    )
    save(database, [span], [half])

    assert load(database, "HK").day(half.on) == half


def test_nothing_imported_means_nothing_answered(database: Database) -> None:
    with pytest.raises(CalendarCoverageError, match="has not been imported"):
        load(database).is_session(date(2026, 9, 28))


def test_the_turn_of_the_year_is_blocked_until_the_next_year_is_imported(
    database: Database,
) -> None:
    save(database, SHIPPED.coverage, SHIPPED.days)
    with pytest.raises(CalendarCoverageError):
        load(database).next_session(date(2026, 12, 31))

    save(database, [YEAR], [NEW_YEAR])

    assert load(database).next_session(date(2026, 12, 31)) == date(2027, 1, 4)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([], "2027-01-01: stored as closed .*an ordinary day"),
        ([NEW_YEAR, replace(NEW_YEAR, on=date(2027, 1, 4))], "2027-01-04: stored as an ordinary"),
        ([replace(NEW_YEAR, kind="half", closes=time(12))], "the import says half"),
        ([replace(NEW_YEAR, name_zh="新年")], "2027-01-01"),
    ],
)
def test_official_data_that_say_otherwise_are_refused_whole(
    database: Database, days: list[CalendarDay], words: str
) -> None:
    save(database, [YEAR], [NEW_YEAR])

    refused = save(database, [YEAR], days)

    assert len(refused.conflicts) == 1
    assert re.search(words, refused.conflicts[0])
    assert not refused.touched
    assert list(load(database).days.values()) == [NEW_YEAR]


def test_a_correction_replaces_what_was_stored(database: Database) -> None:
    save(database, [YEAR], [NEW_YEAR])
    mourning = replace(NEW_YEAR, on=date(2027, 1, 4), name_zh="休市", name_en="closed")

    saved = save(database, [YEAR], [mourning], replace=True)

    assert (saved.added, saved.removed, len(saved.conflicts)) == (1, 1, 0)
    assert list(load(database).days.values()) == [mourning]


def test_a_forecast_gives_way_to_the_notice(database: Database) -> None:
    forecast = [replace(NEW_YEAR, status="provisional", on=date(2027, 1, day)) for day in (1, 4)]
    save(database, [replace(YEAR, status="provisional")], forecast)
    with pytest.raises(CalendarCoverageError):
        load(database).is_session(date(2027, 1, 5))

    saved = save(database, [YEAR], [NEW_YEAR])

    assert (saved.changed, saved.removed, saved.conflicts) == (1, 1, ())
    assert load(database).is_session(date(2027, 1, 4))


def test_a_forecast_never_takes_the_place_of_the_notice(database: Database) -> None:
    save(database, [YEAR], [NEW_YEAR])
    forecast = replace(YEAR, status="provisional", to_on=date(2028, 12, 31))

    same = save(database, [forecast], [replace(NEW_YEAR, status="provisional")])
    other = save(database, [forecast], [])

    assert same.coverage == (replace(forecast, from_on=date(2028, 1, 1)),)
    assert other.conflicts
    assert load(database).covered_to == date(2027, 12, 31)
    assert load(database).days[NEW_YEAR.on] == NEW_YEAR


def test_stock_connect_is_derived_from_both_sides(database: Database) -> None:
    save(database, SHIPPED.coverage, SHIPPED.days)
    span = Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX")
    friday = CalendarDay("HK", date(2026, 4, 3), "closed", "耶稣受难日", "Good Friday", "HKEX")
    save(database, [span], [friday])

    south = load(database, "SB")

    assert not south.is_session(date(2026, 4, 3))
    assert not south.is_session(date(2026, 2, 16))
    assert south.covered_to == date(2026, 12, 31)


def test_every_change_is_logged_and_nothing_else(database: Database) -> None:
    save(database, [YEAR], [NEW_YEAR])
    save(database, [YEAR], [NEW_YEAR])
    save(database, [YEAR], [])
    save(database, [YEAR], [], replace=True)

    with database.reading() as conn:
        logged = [orjson.loads(entry.detail) for entry in audit.entries(conn)]
    assert [entry["removed"] for entry in logged] == [[], ["2027-01-01"]]
    assert logged[0]["days"] == ["2027-01-01 closed New Year's Day (SSE notice)"]
    assert "2027-01-01: stored as closed" in logged[1]["overruled"][0]
