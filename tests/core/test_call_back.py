"""Until when a call-back is in time, by the trading days of 2026, and what may be recorded."""

from datetime import date
from fractions import Fraction

import pytest

from outreach.core.call_back import (
    QUESTIONS,
    TERMS,
    Result,
    Rule,
    answers_wrong,
    deadline,
    ticket,
    wanted,
)
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()
CN_A = TradingCalendar.of(
    "CN_A",
    [one for one in SHIPPED.coverage if one.market == "CN_A"],
    [one for one in SHIPPED.days if one.market == "CN_A"],
)
ALL_WELL = dict.fromkeys(QUESTIONS, True)


@pytest.mark.parametrize(
    ("since", "last"),
    [
        pytest.param("2026-09-28", "2026-09-30", id="Monday: Tuesday, Wednesday"),
        pytest.param("2026-09-29", "2026-10-08", id="one session before the holiday, one behind"),
        pytest.param("2026-09-30", "2026-10-09", id="the last session before National Day"),
        pytest.param("2026-10-03", "2026-10-09", id="within the holiday"),
        pytest.param("2026-10-09", "2026-10-13", id="Friday: the make-up Saturday is no session"),
        pytest.param("2026-10-10", "2026-10-13", id="on the make-up Saturday itself"),
        pytest.param("2026-02-13", "2026-02-25", id="over spring festival"),
        pytest.param("2026-12-29", "2026-12-31", id="to the last session of the year"),
    ],
)  # fmt: skip
def test_an_abnormal_account_is_called_within_two_sessions(since: str, last: str) -> None:
    found = deadline(Rule.ABNORMAL, date.fromisoformat(since), CN_A)

    assert found == date.fromisoformat(last)


def test_beyond_the_calendar_no_deadline_is_guessed() -> None:
    with pytest.raises(CalendarCoverageError, match="2027-01-01"):
        deadline(Rule.ABNORMAL, date(2026, 12, 30), CN_A)


@pytest.mark.parametrize("rule", [Rule.NEW_ACCOUNT, Rule.NEW_PERMISSION])
@pytest.mark.parametrize(
    ("since", "last"),
    [
        pytest.param("2026-09-01", "2026-10-01", id="a holiday does not prolong it"),
        pytest.param("2026-09-30", "2026-10-30", id="a day of 31 follows"),
        pytest.param("2026-01-31", "2026-03-02", id="over February"),
        pytest.param("2026-12-31", "2027-01-30", id="beyond the calendar, which it does not need"),
    ],
)
def test_new_accounts_and_permissions_have_thirty_days(rule: Rule, since: str, last: str) -> None:
    assert deadline(rule, date.fromisoformat(since), CN_A) == date.fromisoformat(last)


def test_who_was_drawn_is_called_within_the_year() -> None:
    assert deadline(Rule.YEARLY, date(2026, 1, 5), CN_A) == date(2026, 12, 31)


def test_every_rule_has_a_term_but_the_yearly_one() -> None:
    assert set(TERMS) == set(Rule) - {Rule.YEARLY}


@pytest.mark.parametrize(
    ("clients", "share", "count"),
    [
        (0, Fraction(1, 10), 0), (1, Fraction(1, 10), 1), (10, Fraction(1, 10), 1),
        (11, Fraction(1, 10), 2), (1_000_000, Fraction(1, 10), 100_000),
        # As a binary fraction, 0.12 of this many is a little more than 120.
        (1_000, Fraction("0.12"), 120),
    ],
)  # fmt: skip
def test_a_share_is_rounded_up(clients: int, share: Fraction, count: int) -> None:
    assert wanted(clients, share) == count


def test_a_ticket_hangs_on_seed_and_number_alone() -> None:
    assert ticket("2026", "0001") == ticket("2026", "0001")
    assert len({ticket("2026", "0001"), ticket("2027", "0001"), ticket("2026", "0002")}) == 3
    assert ticket("a", "bc") != ticket("ab", "c")


@pytest.mark.parametrize(
    ("result", "changed", "said"),
    [
        pytest.param(Result.REACHED, {}, None, id="all answered"),
        pytest.param(Result.REACHED, {"no_staff_trading": False}, None, id="a no is an answer"),
        pytest.param(Result.REACHED, {"changes_confirmed": None}, None, id="nothing was changed"),
        pytest.param(Result.REACHED, {"own_will": None}, "no answer to own_will", id="left out"),
        pytest.param(Result.REACHED, {"identity": False}, "not_reached", id="somebody else"),
        pytest.param(Result.REFUSED, {}, "leave the answers out", id="refused, yet answered"),
    ],
)
def test_what_may_stand_with_a_result(
    result: Result, changed: dict[str, bool | None], said: str | None
) -> None:
    wrong = answers_wrong(result, {**ALL_WELL, **changed})

    assert (wrong is None) if said is None else (wrong is not None and said in wrong.en)


def test_who_was_not_reached_has_answered_nothing() -> None:
    assert answers_wrong(Result.NOT_REACHED, dict.fromkeys(QUESTIONS)) is None
