"""From [schedule] to rules, and from their instants to occurrences, with the days of 2026."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from outreach.core.campaign import Bilingual, Campaign, Schedule
from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.schedule import Timing
from outreach.core.segment import Segment, describe
from outreach.core.timetable import (
    MICROSECOND,
    Here,
    audience_on,
    firings,
    markets_of,
    occurrence_at,
    timing,
)
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()
CN_A = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)
HERE = Here(ZoneInfo("Asia/Shanghai"), "CN_A", {"CN_A": CN_A})
CLOSURE = {"kind": "closure"}
HALT = {"kind": "halt"}
DAY = {"kind": "day"}
FROM, UNTIL = "2026-09-14T00:00+08:00", "2026-10-14T00:00+08:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def campaign(schedule: dict[str, Any] | None, occurrence: dict[str, Any]) -> Campaign:
    written: dict[str, Any] = {
        "name": {"zh": "通知", "en": "Notice"},
        "purpose": "service",
        "segment": "active-clients",
        "template": "notice",
        "channels": ["sms"],
        "owner": "operations",
        "occurrence": occurrence,
    }
    return Campaign.model_validate(written | ({"schedule": schedule} if schedule else {}))


def rule_of(made: Campaign) -> Timing:
    rule = timing(made.schedule, HERE)
    assert rule is not None
    return rule


def fired(schedule: dict[str, Any], occurrence: dict[str, Any]) -> list[tuple[str, str]]:
    """Each firing of a month, on the wall in Shanghai, with the key of its occurrence."""
    made = campaign(schedule, occurrence)
    rule = rule_of(made)
    rows = []
    for fires_at in firings(rule, at(FROM), at(UNTIL)):
        found = occurrence_at(made, rule, fires_at, HERE)
        assert isinstance(found, Occurrence), found
        rows.append((f"{fires_at.astimezone(HERE.zone):%m-%d %H:%M}", found.key))
    return rows


@pytest.mark.parametrize(
    ("schedule", "occurrence", "expected"),
    [
        pytest.param(
            {"on": "before_closure", "sessions": 2, "at": "15:30"}, CLOSURE,
            [("09-23 15:30", "CN_A-2026-09-25"), ("09-29 15:30", "CN_A-2026-10-01")],
            id="two sessions before a closure: the closure's key",
        ),
        pytest.param(
            {"on": "before_closure", "sessions": 5, "at": "10:00"}, CLOSURE,
            [("09-18 10:00", "CN_A-2026-09-25"), ("09-23 10:00", "CN_A-2026-10-01")],
            id="five sessions before 国庆 is before 中秋, and is for 国庆 all the same",
        ),
        pytest.param(
            {"on": "session_close", "offset_minutes": 720, "weekdays": ["wednesday"]}, DAY,
            [("09-17 03:00", "2026-09-16"), ("09-24 03:00", "2026-09-23"),
             ("10-01 03:00", "2026-09-30")],
            id="after midnight: the day is that of the session",
        ),
        pytest.param(
            {"on": "monthly", "day": 30, "at": "06:00"}, DAY, [("09-30 06:00", "2026-09-30")],
            id="at six in the morning, while UTC still shows the day before",
        ),
        pytest.param(
            {"on": "weekly", "weekdays": ["monday", "friday"], "at": "09:00"}, DAY,
            [("09-14 09:00", "2026-09-14"), ("09-18 09:00", "2026-09-18"),
             ("09-21 09:00", "2026-09-21"), ("09-25 09:00", "2026-09-25"),
             ("09-28 09:00", "2026-09-28"), ("10-02 09:00", "2026-10-02"),
             ("10-05 09:00", "2026-10-05"), ("10-09 09:00", "2026-10-09"),
             ("10-12 09:00", "2026-10-12")],
            id="weekly heeds no calendar",
        ),
        pytest.param(
            {"on": "monthly", "day": 31, "at": "09:00"}, DAY, [("09-30 09:00", "2026-09-30")],
            id="monthly",
        ),
        pytest.param(
            {"on": "after_closure", "sessions": 1, "at": "08:30"}, DAY,
            [("09-28 08:30", "2026-09-28"), ("10-08 08:30", "2026-10-08")],
            id="on the days the market reopens",
        ),
        pytest.param(
            {"on": "month_first_session", "at": "10:00"}, DAY, [("10-08 10:00", "2026-10-08")],
            id="first session of the month",
        ),
        pytest.param(
            {"on": "month_last_session", "at": "10:00"}, DAY, [("09-30 10:00", "2026-09-30")],
            id="last session of the month",
        ),
        pytest.param(
            {"on": "every_sessions", "sessions": 10, "starts_on": "2026-09-14", "at": "10:00"},
            DAY, [("09-14 10:00", "2026-09-14"), ("09-29 10:00", "2026-09-29")],
            id="every tenth session",
        ),
        pytest.param(
            {"on": "once", "day": "2026-09-28", "at": "10:00", "zone": "Europe/London"}, DAY,
            [("09-28 17:00", "2026-09-28")], id="once, on the clock of London",
        ),
        pytest.param(
            {"on": "once", "day": "2026-09-28", "at": "10:00"}, CLOSURE,
            [("09-28 10:00", "CN_A-2026-10-01")], id="once, for the closure that comes next",
        ),
        pytest.param(
            {"on": "client_event", "event": "opened_on", "days": 7, "at": "10:00"}, DAY,
            [(f"{day:%m-%d} 10:00", day.isoformat())
             for day in (date(2026, 9, 14) + timedelta(days=n) for n in range(30))],
            id="after a client event: every day",
        ),
    ],
)  # fmt: skip
def test_a_month_of_firings_and_their_occurrences(
    schedule: dict[str, Any], occurrence: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert fired(schedule, occurrence) == expected


def test_without_a_schedule_or_on_a_market_event_nothing_fires_by_the_clock() -> None:
    assert campaign(None, DAY).schedule.on == "hand"
    assert timing(campaign(None, DAY).schedule, HERE) is None
    event = campaign({"on": "market_event", "event": "halt"}, HALT)
    assert timing(event.schedule, HERE) is None


def test_two_days_running_have_two_keys_when_they_fall_on_one_date_of_the_firm() -> None:
    """Half past eleven in New York is 00:30 on 8 March in Shanghai, and a day later 23:30 on it."""
    made = campaign({"on": "daily", "at": "11:30", "zone": "America/New_York"}, DAY)
    rule = rule_of(made)
    times = list(firings(rule, at("2026-03-07T12:00Z"), at("2026-03-08T16:00Z")))
    found = [occurrence_at(made, rule, fires_at, HERE) for fires_at in times]

    assert [f"{t.astimezone(HERE.zone):%d %H:%M}" for t in times] == ["08 00:30", "08 23:30"]
    assert [one.key for one in found if isinstance(one, Occurrence)] == ["2026-03-07", "2026-03-08"]


def test_a_late_start_is_the_same_occurrence() -> None:
    made = campaign({"on": "before_closure", "sessions": 2, "at": "15:30"}, CLOSURE)
    rule = rule_of(made)
    due = rule.floor(at("2026-09-30T13:00+08:00"))

    assert due == at("2026-09-29T15:30+08:00")
    found = occurrence_at(made, rule, due, HERE)
    assert isinstance(found, Occurrence)
    assert found.key == "CN_A-2026-10-01"


def test_beyond_the_calendar_the_known_firings_come_first_and_then_the_refusal() -> None:
    rule = rule_of(campaign({"on": "before_closure", "at": "15:30"}, CLOSURE))
    coming = firings(rule, at("2026-09-28T00:00+08:00"), at("2027-03-01T00:00+08:00"))

    assert next(coming) == at("2026-09-30T15:30+08:00")
    with pytest.raises(CalendarCoverageError, match="2027-01-01"):
        next(coming)


def test_a_closure_that_cannot_be_told_blocks_and_a_market_without_calendar_refuses() -> None:
    blocked = occurrence_at(
        campaign({"on": "once", "day": "2026-12-30", "at": "09:00"}, CLOSURE),
        rule_of(campaign({"on": "once", "day": "2026-12-30", "at": "09:00"}, CLOSURE)),
        at("2026-12-30T01:00Z"),
        HERE,
    )
    abroad = timing(campaign({"on": "session_open", "market": "HK"}, DAY).schedule, HERE)

    assert isinstance(blocked, Blocked)
    assert blocked.code == "calendar"
    assert abroad is not None
    with pytest.raises(CalendarCoverageError, match="--market HK"):
        abroad.next_after(at(FROM))


def test_a_client_event_narrows_the_segment_to_those_whose_day_it_is() -> None:
    segment = Segment.model_validate(
        {"name": {"zh": "客户", "en": "Clients"}, "where": {"field": "status", "is": "normal"}}
    )
    after = campaign({"on": "client_event", "event": "opened_on", "days": 7, "at": "10:00"}, DAY)
    before = campaign(
        {"on": "client_event", "event": "assessment_expires_on", "days": -30, "at": "10:00"}, DAY
    )

    narrowed = audience_on(segment, after.schedule, date(2026, 9, 28))
    assert "account opening date is 2026-09-21" in describe(narrowed, "en")
    assert "2026-10-28" in describe(audience_on(segment, before.schedule, date(2026, 9, 28)), "en")
    assert narrowed.name == Bilingual(zh="客户", en="Clients")
    assert audience_on(segment, campaign(None, DAY).schedule, date(2026, 9, 28)) is segment


def test_the_calendars_a_campaign_needs() -> None:
    assert markets_of(campaign(None, DAY), "CN_A") == set()
    assert markets_of(campaign({"on": "session_open"}, DAY), "CN_A") == {"CN_A"}
    assert markets_of(campaign({"on": "session_open", "market": "US"}, HALT), "CN_A") == {
        "US",
        "CN_A",
    }


@pytest.mark.parametrize(("written", "hours"), [("90m", 1.5), ("2h", 2), ("3d", 72)])
def test_max_late_is_a_length_of_time(written: str, hours: float) -> None:
    made = campaign({"on": "daily", "at": "10:00", "max_late": written}, DAY)

    assert made.schedule.on == "daily"
    assert made.schedule.latest_by == timedelta(hours=hours)


@pytest.mark.parametrize(
    "schedule",
    [
        {"on": "daily", "at": "10:00"},
        {"on": "once", "day": "2026-09-28", "at": "10:00", "zone": "Europe/London"},
        {"on": "every_sessions", "sessions": 10, "starts_on": "2026-09-14", "at": "10:00"},
        {"on": "client_event", "event": "opened_on", "at": "10:00", "misfire": "skip"},
    ],
)
def test_a_frozen_schedule_reads_back(schedule: dict[str, Any]) -> None:
    adapter: TypeAdapter[Schedule] = TypeAdapter(Schedule)
    made = campaign(schedule, DAY).schedule

    assert adapter.validate_json(adapter.dump_json(made)) == made


def test_a_year_of_firings_is_strictly_later_each_time_and_has_no_key_twice() -> None:
    for on in ("session_open", "session_close"):
        made = campaign({"on": on}, DAY)
        rule = rule_of(made)
        times = list(firings(rule, at("2026-01-01T00:00Z"), at("2026-12-31T00:00Z")))
        keys = [occurrence_at(made, rule, t, HERE) for t in times]

        assert len(times) == 241
        assert all(earlier < later for earlier, later in pairwise(times))
        assert len({one.key for one in keys if isinstance(one, Occurrence)}) == 241
        assert rule.next_after(times[0] - MICROSECOND) == times[0]
