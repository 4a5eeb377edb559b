"""Which step may follow which, and when. A morning of Monday 28 September 2026 in Shanghai."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from outreach.core.incident import (
    Facts,
    Incident,
    Kind,
    Refusal,
    Said,
    Step,
    expires_at,
    from_key,
    incident_id,
    may_follow,
    may_open,
    moment_near,
    next_facts,
    same_opening,
)
from outreach.core.incident_words import FUNCTIONS, functions_in_order, listed

SHANGHAI = ZoneInfo("Asia/Shanghai")
SLOW = Said("登录较慢", "Logging in is slow")
PARTLY = Said("部分功能已恢复", "Partly back")


def at(clock: str, day: int = 28) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 9, day, hour, minute, tzinfo=SHANGHAI)


FIRST = Facts(("login", "orders"), at("09:41"), SLOW, next_update_by=at("10:15"))


def incident(*steps: tuple[Kind, Facts, str]) -> Incident:
    every = ((Kind.OPEN, FIRST, "09:45"), *steps)
    return Incident(
        "INC-2026-0001",
        "active-clients",
        tuple(
            Step(number, kind, facts, "incident-notice", at(clock), "li.na")
            for number, (kind, facts, clock) in enumerate(every, start=1)
        ),
    )


OPEN = incident()
BACK = replace(FIRST, status=Said(), next_update_by=None, resolved_at=at("10:32"))
RESOLVED = incident((Kind.RESOLVE, BACK, "10:35"))
CLOSED = incident((Kind.RESOLVE, BACK, "10:35"), (Kind.AFTERCARE, BACK, "16:00"))
WITHDRAWN = incident((Kind.WITHDRAW, replace(FIRST, next_update_by=None), "09:50"))
LATER = replace(FIRST, status=PARTLY, next_update_by=at("11:00"))


def code(refusal: Refusal | None) -> str | None:
    return refusal.code if refusal else None


@pytest.mark.parametrize(
    ("before", "kind", "expected"),
    [
        pytest.param(OPEN, Kind.UPDATE, None, id="an update of an open one"),
        pytest.param(OPEN, Kind.CORRECT, None, id="a correction of an open one"),
        pytest.param(OPEN, Kind.RESOLVE, None, id="an open one is resolved"),
        pytest.param(OPEN, Kind.WITHDRAW, None, id="an open one is withdrawn"),
        pytest.param(OPEN, Kind.AFTERCARE, "order", id="no after-care before it is resolved"),
        pytest.param(RESOLVED, Kind.UPDATE, "order", id="no update of a resolved one"),
        pytest.param(RESOLVED, Kind.RESOLVE, "order", id="nothing is resolved twice"),
        pytest.param(RESOLVED, Kind.WITHDRAW, "order", id="a resolved one is not withdrawn"),
        pytest.param(RESOLVED, Kind.CORRECT, None, id="what was called resolved is corrected"),
        pytest.param(RESOLVED, Kind.AFTERCARE, None, id="after-care of a resolved one"),
        pytest.param(CLOSED, Kind.CORRECT, "order", id="nothing follows on the after-care"),
        pytest.param(WITHDRAWN, Kind.UPDATE, "order", id="nothing follows on a withdrawal"),
    ],
)
def test_what_may_follow_what(before: Incident, kind: Kind, expected: str | None) -> None:
    again = LATER if kind in (Kind.UPDATE, Kind.CORRECT) else None
    new = again or replace(BACK, resolved_at=at("10:40") if kind is Kind.RESOLVE else None)

    assert code(may_follow(before, kind, new, at("10:50"))) == expected


def test_the_same_step_typed_again_is_known_as_repeated() -> None:
    assert code(may_follow(RESOLVED, Kind.RESOLVE, BACK, at("10:40"))) == "repeated"
    assert code(may_follow(CLOSED, Kind.AFTERCARE, BACK, at("17:00"))) == "repeated"


def test_an_update_that_says_what_was_said_last_is_refused() -> None:
    assert code(may_follow(OPEN, Kind.UPDATE, FIRST, at("10:00"))) == "nothing_new"
    assert code(may_follow(OPEN, Kind.CORRECT, FIRST, at("10:00"))) == "nothing_new"


def test_the_same_words_with_a_later_promise_are_news() -> None:
    later = replace(FIRST, next_update_by=at("10:45"))

    assert may_follow(OPEN, Kind.UPDATE, later, at("10:10")) is None


@pytest.mark.parametrize(
    ("changed", "now", "said"),
    [
        pytest.param({"started_at": at("09:50")}, "09:49", "--started is in the fut", id="start"),
        pytest.param({"started_at": at("09:45", 25)}, "09:46", "three days", id="long ago"),
        pytest.param({"next_update_by": at("10:00")}, "10:00", "--next-update has pass", id="now"),
        pytest.param({"next_update_by": at("09:59")}, "10:00", "--next-update has pass", id="past"),
        pytest.param({"next_update_by": at("10:01", 29)}, "10:00", "a day ahead", id="far ahead"),
        pytest.param({"next_update_by": None}, "10:00", "add --next-update", id="no promise"),
    ],
)  # fmt: skip
def test_times_that_cannot_be_right_are_refused_by_name(
    changed: dict[str, Any], now: str, said: str
) -> None:
    facts = replace(FIRST, status=PARTLY, **changed)

    for refusal in (may_open(facts, (), at(now)), may_follow(OPEN, Kind.UPDATE, facts, at(now))):
        assert refusal is not None
        assert said in refusal.sentence.en


@pytest.mark.parametrize(
    ("back", "said"),
    [
        pytest.param(at("10:41"), "--at is in the future", id="not back yet"),
        pytest.param(at("09:40"), "before the incident began", id="back before it began"),
        pytest.param(None, "add --at", id="nobody says when"),
    ],
)
def test_service_is_back_at_a_moment_that_was(back: datetime | None, said: str) -> None:
    refusal = may_follow(OPEN, Kind.RESOLVE, replace(BACK, resolved_at=back), at("10:40"))

    assert refusal is not None
    assert said in refusal.sentence.en


def test_a_clock_that_went_backwards_is_noticed() -> None:
    assert code(may_follow(OPEN, Kind.UPDATE, LATER, at("09:43"))) == "time"
    assert may_follow(OPEN, Kind.UPDATE, LATER, at("09:44")) is None


def test_a_second_clerk_is_told_of_the_first_ones_incident() -> None:
    orders = replace(FIRST, functions=("orders", "app"))
    refusal = may_open(orders, [OPEN], at("09:50"))

    assert refusal is not None
    assert "INC-2026-0001 is open for login, orders" in refusal.sentence.en
    assert may_open(orders, [OPEN], at("09:50"), another=True) is None
    assert may_open(replace(FIRST, functions=("quotes",)), [OPEN], at("09:50")) is None


def test_an_opening_typed_again_is_the_same_incident_until_it_goes_on() -> None:
    updated = incident((Kind.UPDATE, LATER, "10:14"))

    assert same_opening(FIRST, "active-clients", [OPEN]) is OPEN
    assert same_opening(FIRST, "margin-or-equity-holders", [OPEN]) is None
    assert same_opening(replace(FIRST, status=PARTLY), "active-clients", [OPEN]) is None
    assert same_opening(FIRST, "active-clients", [updated]) is None


def test_an_update_keeps_what_it_does_not_change() -> None:
    before = replace(OPEN, steps=(replace(OPEN.last, facts=replace(FIRST, workaround=PARTLY)),))
    told = next_facts(before, Kind.UPDATE, status=SLOW, next_update_by=at("10:45"))

    assert told.functions == ("login", "orders")
    assert told.started_at == at("09:41")
    assert told.workaround == PARTLY
    cleared = next_facts(before, Kind.UPDATE, workaround=Said(), next_update_by=at("10:45"))
    assert cleared.workaround == Said()


@pytest.mark.parametrize("kind", [Kind.RESOLVE, Kind.WITHDRAW])
def test_what_was_so_while_it_was_open_does_not_outlive_it(kind: Kind) -> None:
    told = next_facts(OPEN, kind, resolved_at=at("10:32"), next_update_by=at("10:45"))

    assert (told.status, told.workaround, told.next_update_by) == (Said(), Said(), None)
    assert (told.resolved_at is None) == (kind is Kind.WITHDRAW)


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.RESOLVE, Kind.CORRECT, Kind.WITHDRAW])
def test_a_step_typed_again_gives_the_same_facts(kind: Kind) -> None:
    def typed(before: Incident) -> Facts:
        return next_facts(
            before, kind, status=PARTLY, next_update_by=at("10:45"), resolved_at=at("10:32")
        )

    once = typed(OPEN)
    after = incident((kind, once, "10:35"))

    assert typed(after) == once
    assert code(may_follow(after, kind, once, at("10:36"))) == "repeated"


def test_the_after_care_remembers_when_service_was_back() -> None:
    assert next_facts(RESOLVED, Kind.AFTERCARE).resolved_at == at("10:32")


def test_a_step_is_stale_at_the_next_one_or_when_the_next_is_overdue() -> None:
    grace, useful = timedelta(minutes=30), timedelta(hours=12)
    both = incident((Kind.UPDATE, LATER, "10:14"))

    assert expires_at(OPEN, OPEN.last, grace, useful) == at("10:45")
    assert expires_at(both, both.steps[0], grace, useful) == at("10:14")
    assert expires_at(RESOLVED, RESOLVED.last, grace, useful) == at("22:35")


@pytest.mark.parametrize(
    ("now", "typed", "meant"),
    [
        pytest.param(at("09:45"), (9, 41), at("09:41"), id="minutes ago"),
        pytest.param(at("09:31"), (9, 41), at("09:41"), id="a slip stays today"),
        pytest.param(at("00:10"), (23, 50), at("23:50", 27), id="before midnight"),
        pytest.param(at("23:50"), (0, 30), at("00:30", 29), id="after midnight"),
    ],
)
def test_a_time_of_day_is_the_nearest_one(
    now: datetime, typed: tuple[int, int], meant: datetime
) -> None:
    assert moment_near(*typed, now) == meant


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("INC-2026-0001.2", ("INC-2026-0001", 2)),
        ("INC-2026-12345.10", ("INC-2026-12345", 10)),
        ("INC-2026-0001", None),
        ("INC-2026-0001.0", None),
        ("INC-2026-1.1", None),
        ("2026-09-28", None),
    ],
)
def test_a_key_names_a_step(key: str, meant: tuple[str, int] | None) -> None:
    assert from_key(key) == meant
    assert incident_id(2026, 1) == "INC-2026-0001"


def test_functions_are_told_in_one_order_in_both_languages() -> None:
    names = functions_in_order(("orders", "login", "orders"))

    assert names == ("login", "orders")
    assert listed(names, "zh-CN") == "登录、委托下单"
    assert listed(names, "en") == "login and order entry"
    with pytest.raises(KeyError):
        functions_in_order(("logn",))


def test_english_names_of_functions_fit_a_plain_text_message() -> None:
    assert all(words.en.isascii() for words in FUNCTIONS.values())
