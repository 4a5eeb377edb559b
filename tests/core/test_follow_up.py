"""Cases of departments: how often they are handed over, who has them, when they are late."""

from datetime import UTC, date, datetime, timedelta

import pytest

from outreach.core.follow_up import (
    WAITS,
    Action,
    Delivery,
    Step,
    Work,
    after_refusal,
    due_on,
    overdue,
    refusal,
    standing,
    to_try,
)
from outreach.core.market import CalendarDay, Coverage
from outreach.core.trading_calendar import TradingCalendar

AT = datetime(2026, 9, 29, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def steps(*actions: str, apart: timedelta = MINUTE) -> list[Step]:
    return [
        Step(Action(name), "zhou", "", AT + place * apart) for place, name in enumerate(actions)
    ]


@pytest.mark.parametrize(
    ("taken", "delivery", "work"),
    [
        ((), Delivery.WAITING, Work.OPEN),
        (("retry",), Delivery.RETRY, Work.OPEN),
        (("retry", "forwarded"), Delivery.FORWARDED, Work.OPEN),
        (("failed",), Delivery.FAILED, Work.OPEN),
        (("forwarded", "take"), Delivery.FORWARDED, Work.IN_PROGRESS),
        (("take", "note", "close"), Delivery.WAITING, Work.DONE),
        (("forwarded", "take", "close", "reopen"), Delivery.FORWARDED, Work.OPEN),
    ],
)
def test_a_case_stands_where_its_steps_brought_it(
    taken: tuple[str, ...], delivery: Delivery, work: Work
) -> None:
    now_is = standing(steps(*taken))

    assert (now_is.delivery, now_is.work) == (delivery, work)
    assert now_is.actor == ("zhou" if work is not Work.OPEN else "")


def test_a_department_that_is_away_is_tried_for_days_and_then_given_up() -> None:
    story: list[Step] = []
    at = AT
    while (action := after_refusal(standing(story))) is Action.RETRY:
        story.append(Step(action, "outreach", "no answer", at))
        again = standing(story).next_try_at
        assert again is not None
        assert not to_try(standing(story), again - MINUTE)
        assert to_try(standing(story), again)
        at = again

    assert action is Action.FAILED
    assert at - AT == sum(WAITS, timedelta())
    assert timedelta(days=3) < at - AT < timedelta(days=5)


def test_what_was_given_up_is_tried_again_only_when_asked_for_and_then_anew() -> None:
    given_up = standing(steps("retry", "retry", "failed"))

    assert not to_try(given_up, AT + timedelta(days=9))
    assert to_try(given_up, AT, failed_too=True)
    assert after_refusal(given_up) is Action.RETRY


def test_what_was_handed_over_is_never_handed_over_again() -> None:
    assert not to_try(standing(steps("retry", "forwarded")), AT, failed_too=True)


@pytest.mark.parametrize(
    ("taken", "action", "may"),
    [
        ((), Action.TAKE, True), ((), Action.CLOSE, True), ((), Action.REOPEN, False),
        (("take",), Action.TAKE, True), (("close",), Action.CLOSE, False),
        (("close",), Action.TAKE, False), (("close",), Action.NOTE, True),
        (("close",), Action.REOPEN, True), (("close", "reopen"), Action.TAKE, True),
    ],
)  # fmt: skip
def test_a_step_may_be_taken(taken: tuple[str, ...], action: Action, may: bool) -> None:
    assert (refusal(standing(steps(*taken)), action) is None) is may


CALENDAR = TradingCalendar.of(
    "CN_A",
    [Coverage("CN_A", date(2026, 1, 1), date(2026, 12, 31), "official", "notice")],
    [
        *(CalendarDay("CN_A", date(2026, 10, day), "closed", "国庆节", "National Day", "notice")
          for day in range(1, 8)),
        CalendarDay("CN_A", date(2026, 10, 10), "workday", "国庆节", "National Day", "notice"),
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("opened", "days", "due"),
    [
        pytest.param("2026-09-29", 1, "2026-09-30", id="the day before the holiday"),
        pytest.param("2026-09-29", 3, "2026-10-09", id="over the holiday"),
        pytest.param("2026-09-29", 4, "2026-10-10", id="a make-up Saturday is a working day"),
        pytest.param("2026-09-29", 5, "2026-10-12", id="the Monday after it"),
    ],
)
def test_a_department_has_working_days(opened: str, days: int, due: str) -> None:
    found = due_on(date.fromisoformat(opened), days, CALENDAR.is_working_day)

    assert found == date.fromisoformat(due)
    assert not overdue(standing([]), found, found)
    assert overdue(standing([]), found, found + timedelta(days=1))
    assert not overdue(standing(steps("close")), found, found + timedelta(days=1))
