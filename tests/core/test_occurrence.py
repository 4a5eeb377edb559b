"""Which occurrence a campaign means at a moment: closures and days of 2026, on the dates."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.campaign import Bilingual, OccurrenceRule, OnClosure, OnDay, OnHalt
from outreach.core.occurrence import Blocked, Occurrence, due, from_key
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = calendar_file.shipped()
CALENDARS = {"CN_A": TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)}
CLOSURE = OnClosure(kind="closure")
HALT = OnHalt(kind="halt")
DAY = OnDay(kind="day")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ask(rule: OccurrenceRule, now: str) -> Occurrence | Blocked:
    return due(rule, at(now), CALENDARS, SHANGHAI)


def named(
    rule: OccurrenceRule, key: str, now: str = "2026-09-28T15:30+08:00"
) -> Occurrence | Blocked:
    return from_key(rule, key, at(now), CALENDARS, SHANGHAI)


@pytest.mark.parametrize(
    ("now", "key"),
    [
        pytest.param("2026-09-28T15:30+08:00", "CN_A-2026-10-01", id="three days ahead"),
        pytest.param("2026-09-24T15:30+08:00", "CN_A-2026-09-25", id="the earlier of two"),
        pytest.param("2026-09-25T23:59+08:00", "CN_A-2026-09-25", id="on its first day"),
        pytest.param("2026-09-26T00:00+08:00", "CN_A-2026-10-01", id="under way: the next one"),
        pytest.param("2026-10-02T12:00+08:00", "CN_A-2026-10-01", id="under way, none ahead"),
        pytest.param("2026-10-07T23:59+08:00", "CN_A-2026-10-01", id="its last minute"),
        pytest.param("2026-02-01T00:00+08:00", "CN_A-2026-02-15", id="fourteen days ahead"),
        pytest.param("2026-02-14T10:00+08:00", "CN_A-2026-02-15", id="a make-up Saturday"),
        pytest.param("2025-12-31T15:30+08:00", "CN_A-2026-01-01", id="over the turn of the year"),
        pytest.param("2026-09-30T16:30-07:00", "CN_A-2026-10-01", id="the market's own day counts"),
    ],
)
def test_the_closure_meant_is_the_next_to_begin_else_the_one_under_way(now: str, key: str) -> None:
    occurrence = ask(CLOSURE, now)

    assert isinstance(occurrence, Occurrence)
    assert occurrence.key == key


@pytest.mark.parametrize(
    ("now", "code", "words"),
    [
        pytest.param("2026-01-31T23:59+08:00", "nothing_due", "within 14 days", id="a day early"),
        pytest.param("2026-10-08T00:00+08:00", "nothing_due", "within 14 days", id="just over"),
        pytest.param("2026-12-17T09:00+08:00", "nothing_due", "within 14 days", id="still known"),
        pytest.param("2026-12-18T09:00+08:00", "calendar", "import CN_A-2027.csv", id="unknown"),
        pytest.param("2026-12-31T09:00+08:00", "calendar", "import CN_A-2027.csv", id="last day"),
    ],
)
def test_no_closure_is_invented(now: str, code: str, words: str) -> None:
    blocked = ask(CLOSURE, now)

    assert isinstance(blocked, Blocked)
    assert blocked.code == code
    assert words in blocked.sentence.en


def test_the_national_day_closure_says_what_the_notice_says() -> None:
    occurrence = named(CLOSURE, "CN_A-2026-10-01")

    assert isinstance(occurrence, Occurrence)
    assert occurrence.due_at == datetime(2026, 9, 16, 16, tzinfo=UTC)
    assert occurrence.expires_at == datetime(2026, 10, 8, 1, 30, tzinfo=UTC)
    assert occurrence.values["holiday"] == Bilingual(zh="国庆节", en="National Day")
    assert occurrence.values["close_from"] == date(2026, 10, 1)
    assert occurrence.values["close_to"] == date(2026, 10, 7)
    assert occurrence.values["close_days"] == 7
    assert occurrence.values["last_session"] == date(2026, 9, 30)
    assert occurrence.values["reopen"] == date(2026, 10, 8)
    assert occurrence.values["weekend_closed"] == [date(2026, 9, 20), date(2026, 10, 10)]


@pytest.mark.parametrize(
    ("rule", "key", "words"),
    [
        (CLOSURE, "2026-10-01", "CN_A-2026-10-01"),
        (CLOSURE, "HK-2026-10-01", "CN_A-2026-10-01"),
        (CLOSURE, "CN_A-2026-10-32", "CN_A-2026-10-01"),
        (CLOSURE, "CN_A-2026-10-03", "write it like CN_A-2026-10-01"),
        (CLOSURE, "CN_A-2026-02-14", "write it like CN_A-2026-02-15"),
        (CLOSURE, "CN_A-2026-10-17", "no closure on 2026-10-17"),
        (DAY, "28.9.2026", "2026-09-28"),
    ],
)
def test_a_wrong_key_is_told_the_right_form(rule: OccurrenceRule, key: str, words: str) -> None:
    blocked = named(rule, key)

    assert isinstance(blocked, Blocked)
    assert blocked.code == "key"
    assert words in blocked.sentence.en


@pytest.mark.parametrize("ask_for", ["now", "2026-09-28"])
def test_no_calendar_tells_when_a_halt_comes(ask_for: str) -> None:
    moment = "2026-09-28T15:30+08:00"
    blocked = ask(HALT, moment) if ask_for == "now" else named(HALT, ask_for)

    assert isinstance(blocked, Blocked)
    assert blocked.code == "nothing_due"


def test_a_market_without_a_calendar_blocks_and_says_how_to_import_it() -> None:
    blocked = ask(OnClosure(kind="closure", market="HK"), "2026-09-28T15:30+08:00")

    assert isinstance(blocked, Blocked)
    assert "--from exchange_calendars --market HK --years 2026" in blocked.sentence.en
    assert "尚未导入" in blocked.sentence.zh


@pytest.mark.parametrize(
    ("now", "key", "expires"),
    [
        ("2026-09-28T15:30+08:00", "2026-09-28", "2026-10-01T15:30+08:00"),
        ("2026-09-28T23:30-07:00", "2026-09-29", "2026-10-02T14:30+08:00"),
    ],
)
def test_a_day_is_the_firms_and_expires_hours_after_it_was_asked_for(
    now: str, key: str, expires: str
) -> None:
    occurrence = ask(DAY, now)

    assert isinstance(occurrence, Occurrence)
    assert (occurrence.key, occurrence.expires_at) == (key, at(expires))


def test_a_day_asked_for_later_is_due_on_that_day() -> None:
    past = named(DAY, "2026-09-20")
    coming = named(DAY, "2026-10-20")

    assert isinstance(past, Occurrence)
    assert isinstance(coming, Occurrence)
    assert past.due_at == at("2026-09-20T23:59:59+08:00")
    assert coming.due_at == at("2026-10-20T00:00+08:00")


@settings(max_examples=80, deadline=None)
@given(
    st.datetimes(datetime(2025, 2, 1), datetime(2026, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([CLOSURE, DAY]),
)
def test_a_key_names_the_occurrence_it_came_from(now: datetime, rule: OccurrenceRule) -> None:
    occurrence = due(rule, now, CALENDARS, SHANGHAI)

    if isinstance(occurrence, Occurrence):
        assert from_key(rule, occurrence.key, now, CALENDARS, SHANGHAI) == occurrence
        assert occurrence.due_at <= now < occurrence.expires_at
