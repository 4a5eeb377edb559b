"""Overrides and what they change: typhoons, an extended holiday, a day of mourning, a half day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from outreach.core.calendar_difference import differing_closures, differing_days, state
from outreach.core.calendar_effects import touched
from outreach.core.calendar_override import (
    Action,
    Override,
    OverrideKind,
    Step,
    contradiction,
    name_for,
    overridden,
    refusal,
    standing,
)
from outreach.core.campaign import OnClosure, OnDay
from outreach.core.market import Coverage
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()
CN = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)
HK = TradingCalendar.of(
    "HK", [Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX")], []
)
US = replace(
    TradingCalendar.of(
        "US", [Coverage("US", date(2025, 1, 1), date(2025, 12, 31), "official", "NYSE")], []
    )
)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def told(market: str, on: str, kind: OverrideKind, opens: str = "", closes: str = "") -> Override:
    return Override(
        market,
        date.fromisoformat(on),
        kind,
        time.fromisoformat(opens) if opens else None,
        time.fromisoformat(closes) if closes else None,
        "临时休市",
        "unscheduled closure",
        "as announced",
        "notice",
    )


@pytest.mark.parametrize(
    ("calendar", "override", "words"),
    [
        pytest.param(CN, told("CN_A", "2026-10-08", "closed"), None, id="an extended holiday"),
        pytest.param(
            CN, told("CN_A", "2026-10-10", "open"), "2026-10-10 is a Saturday, on which CN_A",
            id="open on a Saturday on which people work",
        ),
        pytest.param(
            HK, told("HK", "2026-09-06", "half", closes="12:00"), "2026-09-06 is a Sunday",
            id="half a Sunday",
        ),
        pytest.param(HK, told("HK", "2026-09-08", "closed"), None, id="a typhoon"),
        pytest.param(HK, told("HK", "2026-09-08", "half", closes="12:00"), None, id="a morning"),
        pytest.param(HK, told("HK", "2026-09-08", "late_open", "13:30"), None, id="late open"),
        pytest.param(US, told("US", "2025-01-09", "closed"), None, id="a day of mourning"),
        pytest.param(
            HK, told("HK", "2026-09-08", "open", "13:30", "12:00"), "would open at 13:30",
            id="opens after it closes",
        ),
        pytest.param(
            HK, told("HK", "2026-09-08", "late_open", "16:30"), "open at 16:30 and close at 16:00",
            id="opens after the regular close",
        ),
        pytest.param(
            HK, told("HK", "2026-09-08", "closed", closes="12:00"), "has no hours",
            id="closed with hours",
        ),
        pytest.param(HK, told("HK", "2026-09-08", "half"), "--closes", id="half without a time"),
        pytest.param(HK, told("HK", "2026-09-08", "late_open"), "--opens", id="late, no time"),
        pytest.param(
            HK, told("HK", "2026-09-08", "half", closes="16:00"), "no early close",
            id="half at the regular close",
        ),
        pytest.param(
            HK, told("HK", "2026-09-08", "late_open", "09:30"), "no late opening",
            id="late at the regular opening",
        ),
        pytest.param(
            CN, told("CN_A", "2027-01-04", "open"), "not covered", id="open beyond coverage"
        ),
        pytest.param(
            CN, told("CN_A", "2026-10-01", "closed"), "is closed in CN_A already", id="shut anyway"
        ),
        pytest.param(
            CN, told("CN_A", "2026-09-30", "open"), "nothing would change", id="open anyway"
        ),
        pytest.param(
            CN, replace(told("CN_A", "2026-10-08", "closed"), reason=" "), "reason and a source",
            id="no reason",
        ),
        pytest.param(
            CN, replace(told("CN_A", "2026-10-08", "closed"), source_ref=""), "a source",
            id="no source",
        ),
    ],
)  # fmt: skip
def test_an_override_that_contradicts_itself_is_told(
    calendar: TradingCalendar, override: Override, words: str | None
) -> None:
    wrong = contradiction(override, calendar)

    if words is None:
        assert wrong is None
    else:
        assert wrong is not None
        assert words in wrong.en
        assert wrong.zh


def test_an_extended_holiday_is_one_closure_with_its_own_name() -> None:
    name = name_for(CN, date(2026, 10, 8), "closed")
    extended = told("CN_A", "2026-10-08", "closed")
    after = overridden(CN, [replace(extended, name_zh=name.zh, name_en=name.en)])

    (changed,) = differing_closures(CN, after, date(2026, 9, 20))
    assert changed.before is not None
    assert changed.after is not None
    assert changed.before.key == changed.after.key == "CN_A-2026-10-01"
    assert (changed.before.reopen, changed.after.reopen) == (date(2026, 10, 8), date(2026, 10, 9))
    assert changed.after.holiday.zh == "国庆节"


def test_a_closure_apart_from_any_holiday_has_a_plain_name() -> None:
    assert name_for(HK, date(2026, 9, 8), "closed").zh == "临时休市"
    assert name_for(CN, date(2026, 10, 10), "open").zh == "公告开市"


def test_a_typhoon_makes_a_closure_of_its_own() -> None:
    after = overridden(HK, [told("HK", "2026-09-08", "closed")])

    (changed,) = differing_closures(HK, after, date(2026, 9, 1))
    assert changed.before is None
    assert changed.after is not None
    assert (changed.after.key, changed.after.reopen) == ("HK-2026-09-08", date(2026, 9, 9))


def test_a_withdrawn_holiday_is_a_closure_that_is_gone() -> None:
    after = overridden(CN, [told("CN_A", "2026-09-25", "open")])

    (changed,) = differing_closures(CN, after, date(2026, 9, 1))
    assert changed.before is not None
    assert changed.before.key == "CN_A-2026-09-25"
    assert changed.after is None


def test_a_late_opening_changes_hours_and_no_closure() -> None:
    after = overridden(HK, [told("HK", "2026-09-08", "late_open", "13:30")])

    (day,) = differing_days(HK, after, date(2026, 1, 1), date(2026, 12, 31))
    assert (day.on, str(day.before), str(day.after)) == (
        date(2026, 9, 8), "open 09:30-16:00", "late_open 13:30-16:00",
    )  # fmt: skip
    assert differing_closures(HK, after, date(2026, 1, 1)) == []
    assert state(HK, date(2026, 9, 6)).kind == "closed"


def test_days_only_one_side_covers_are_no_difference() -> None:
    shorter = TradingCalendar.of("CN_A", SHIPPED.coverage[:1], SHIPPED.days)

    assert differing_days(CN, shorter, date(2025, 1, 1), date(2026, 12, 31)) == []


# --- occurrences -------------------------------------------------------------------------------

NOW = datetime(2026, 9, 20, 7, 30, tzinfo=UTC)


def test_a_closure_notice_keeps_its_key_and_changes_its_expiry_when_the_holiday_is_extended() -> (
    None
):
    after = overridden(CN, [told("CN_A", "2026-10-08", "closed")])
    rule = OnClosure(kind="closure", market="CN_A")

    (changed,) = touched(rule, {"CN_A": CN}, {"CN_A": after}, NOW, SHANGHAI)
    assert changed.before is not None
    assert changed.after is not None
    assert changed.before.key == changed.after.key == "CN_A-2026-10-01"
    assert changed.after.expires_at == datetime(2026, 10, 9, 1, 30, tzinfo=UTC)


def test_a_closure_notice_changes_its_key_when_the_holiday_begins_earlier() -> None:
    after = overridden(CN, [told("CN_A", "2026-09-30", "closed")])
    rule = OnClosure(kind="closure", market="CN_A")

    (changed,) = touched(rule, {"CN_A": CN}, {"CN_A": after}, NOW, SHANGHAI)
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before.key, changed.after.key) == ("CN_A-2026-10-01", "CN_A-2026-09-30")


def test_a_late_reopening_moves_the_expiry_of_the_notice() -> None:
    after = overridden(CN, [told("CN_A", "2026-10-08", "late_open", "13:00")])
    rule = OnClosure(kind="closure", market="CN_A")

    (changed,) = touched(rule, {"CN_A": CN}, {"CN_A": after}, NOW, SHANGHAI)
    assert changed.after is not None
    assert changed.after.expires_at == datetime(2026, 10, 8, 5, tzinfo=UTC)


def test_other_markets_and_other_rules_are_left_alone() -> None:
    after = overridden(HK, [told("HK", "2026-09-08", "closed")])
    both = {"HK": HK}, {"HK": after}

    assert touched(OnClosure(kind="closure", market="CN_A"), *both, NOW, SHANGHAI) == []
    assert touched(OnDay(kind="day"), *both, NOW, SHANGHAI) == []


# --- steps -------------------------------------------------------------------------------------


def steps(*taken: tuple[Action, str]) -> list[Step]:
    return [Step(action, actor) for action, actor in taken]


PROPOSED = steps(("propose", "li"))
IN_FORCE = steps(("propose", "li"), ("approve", "wang"))
ENDING = [*IN_FORCE, Step("withdraw", "li")]


@pytest.mark.parametrize(
    ("taken", "now"),
    [
        (PROPOSED, "proposed"),
        (IN_FORCE, "in_force"),
        ([*PROPOSED, Step("withdraw", "li")], "withdrawn"),
        (ENDING, "withdrawing"),
        ([*ENDING, Step("approve", "wang")], "withdrawn"),
    ],
)
def test_where_an_override_stands(taken: Sequence[Step], now: str) -> None:
    assert standing(taken) == now


@pytest.mark.parametrize(
    ("taken", "action", "actor", "words"),
    [
        (PROPOSED, "approve", "wang", None),
        (PROPOSED, "approve", "li", "somebody else"),
        (PROPOSED, "approve", " LI ", "somebody else"),
        (steps(("propose", "Li")), "approve", "li", "somebody else"),
        (PROPOSED, "withdraw", "li", None),
        (IN_FORCE, "approve", "zhao", "in force already"),
        (IN_FORCE, "withdraw", "wang", None),
        (ENDING, "withdraw", "wang", "waits for approval"),
        (ENDING, "approve", "li", "somebody else"),
        (ENDING, "approve", "wang", None),
        ([*ENDING, Step("approve", "wang")], "approve", "zhao", "withdrawn"),
        ([*PROPOSED, Step("withdraw", "li")], "withdraw", "li", "withdrawn"),
    ],
)
def test_no_one_alone_changes_the_calendar(
    taken: list[Step], action: Action, actor: str, words: str | None
) -> None:
    why = refusal(taken, action, actor)

    assert (why is None) == (words is None)
    if words is not None:
        assert why is not None
        assert words in why.en
