"""What was told of a closure, held against the calendar: which corrections wait, and their keys."""

from datetime import date, time

import pytest

from outreach.core.calendar_override import Override, OverrideKind, overridden
from outreach.core.closure_told import ClosureDates, Told, corrections, parted
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file

CN = calendar_file.shipped().calendar("CN_A")
TODAY = date(2026, 9, 29)
NATIONAL = ClosureDates(date(2026, 10, 1), date(2026, 10, 7), date(2026, 9, 30), date(2026, 10, 8))


def told(run: int, key: str, dates: ClosureDates = NATIONAL, state: str = "finished") -> Told:
    return Told(run, key, state, dates)


def but(*days: str, kind: OverrideKind = "closed") -> TradingCalendar:
    closes = time(11, 30) if kind == "half" else None
    made = [
        Override("CN_A", date.fromisoformat(f"2026-{day}"), kind, None, closes, "x", "x", "x", "x")
        for day in days
    ]
    return overridden(CN, made)


FIRST = told(1, "CN_A-2026-10-01")


def test_what_is_true_needs_no_correction() -> None:
    assert corrections([FIRST], CN, TODAY) == []
    assert corrections([], but("10-08"), TODAY) == []


@pytest.mark.parametrize(
    ("calendar", "today", "key", "reopen"),
    [
        pytest.param(but("10-08"), TODAY, "CN_A-2026-10-01.2", "2026-10-09", id="a day longer"),
        pytest.param(
            but("10-07", kind="open"), TODAY, "CN_A-2026-10-01.2", "2026-10-07", id="shorter"
        ),
        pytest.param(but("09-30"), TODAY, "CN_A-2026-09-30.2", "2026-10-08", id="begins earlier"),
        pytest.param(
            but("10-01", kind="open"), TODAY, "CN_A-2026-10-02.2", "2026-10-08", id="begins later"
        ),
        pytest.param(
            but("10-08"), date(2026, 10, 8), "CN_A-2026-10-01.2", "2026-10-09",
            id="known only on the day it was to reopen",
        ),
        pytest.param(
            but("09-28", "09-29", "09-30"), TODAY, "CN_A-2026-09-25.2", "2026-10-08",
            id="two holidays become one",
        ),
    ],
)  # fmt: skip
def test_other_dates_are_told_once_more_under_a_revision_of_the_closures_key(
    calendar: TradingCalendar, today: date, key: str, reopen: str
) -> None:
    (found,) = corrections([FIRST], calendar, today)

    assert (found.key, found.told) == (key, (FIRST,))
    assert found.closure is not None
    assert found.closure.reopen == date.fromisoformat(reopen)


def test_a_correction_that_was_told_is_not_told_again_and_a_second_change_is() -> None:
    longer = ClosureDates(
        date(2026, 10, 1), date(2026, 10, 8), date(2026, 9, 30), date(2026, 10, 9)
    )
    both = [FIRST, told(2, "CN_A-2026-10-01.2", longer)]

    assert corrections(both, but("10-08"), TODAY) == []
    (withdrawn,) = corrections(both, CN, TODAY)
    assert (withdrawn.key, len(withdrawn.told)) == ("CN_A-2026-10-01.3", 2)


def test_a_half_day_and_what_is_over_correct_nothing() -> None:
    assert corrections([FIRST], but("09-30", kind="half"), TODAY) == []
    assert corrections([FIRST], but("10-08"), date(2026, 10, 9)) == []


def test_a_closure_split_in_two_is_corrected_twice() -> None:
    split = but("10-05", kind="open")

    found = corrections([FIRST], split, TODAY)

    assert [one.key for one in found] == ["CN_A-2026-10-01.2", "CN_A-2026-10-06.2"]


def test_a_closure_that_is_none_any_more_has_nothing_to_tell() -> None:
    none = but("10-01", "10-02", "10-05", "10-06", "10-07", kind="open")

    (found,) = corrections([FIRST], none, TODAY)

    assert (found.key, found.closure) == (None, None)


def test_a_calendar_that_was_never_imported_denies_nothing() -> None:
    assert corrections([FIRST], TradingCalendar.of("CN_A", (), ()), TODAY) == []


def test_a_key_is_parted_from_its_revision() -> None:
    assert parted("CN_A-2026-10-01") == ("CN_A-2026-10-01", 1)
    assert parted("CN_A-2026-10-01.12") == ("CN_A-2026-10-01", 12)


def test_dates_come_back_as_they_were_written() -> None:
    written = {name: str(getattr(NATIONAL, name)) for name in NATIONAL.__dataclass_fields__}

    assert ClosureDates.read(written) == NATIONAL
