"""What a campaign makes of halt alerts, on the sessions of 2026: 25 to 27 September are closed."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from outreach.core.alert import Alert, Reach
from outreach.core.campaign import OnHalt
from outreach.core.halt_alerts import Books, Made, Sorted, Waiting, alert_of, sort_out, traded
from outreach.core.halts import Halt
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file
from outreach.feeds.calendar_file import CalendarFile

SHIPPED: CalendarFile = calendar_file.shipped()
CN = TradingCalendar.of(
    "CN_A",
    [one for one in SHIPPED.coverage if one.market == "CN_A"],
    [one for one in SHIPPED.days if one.market == "CN_A"],
)
CALENDARS = {"CN_A": CN, "US": CN}
SHANGHAI = ZoneInfo("Asia/Shanghai")
RULE = OnHalt(kind="halt", markets=("XSHE", "XSHG"))


def at(text: str) -> datetime:
    """Such as "09-24 09:30", on the clocks of Shanghai."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


def halt(
    begins: str,
    ends: str = "",
    status: str = "",
    kind: str = "continuous",
    family: str | None = None,
    symbol: str = "300096",
) -> Halt:
    planned = "planned" if ends else "none"
    return Halt(
        f"XSHE-{symbol}-1", 1, "XSHE", symbol, "示例", "Example", kind, at(begins),
        at(ends) if ends else None, status or planned, None, None, family, None, None, "szse",
    )  # fmt: skip


def waiting(one: Halt, *events: str, since: str = "09-24 08:00") -> list[Waiting]:
    return [Waiting(one, n, event, at(since)) for n, event in enumerate(events, start=1)]


def sorted_at(
    now: str, some: Sequence[Waiting], told: Sequence[str] = (), rule: OnHalt = RULE
) -> Sorted:
    return sort_out(rule, some, told, at(now), CALENDARS)


def says(found: Sorted) -> list[tuple[str, int, str]]:
    return [(one.says, one.version, one.event) for one in found.tell]


def made(found: Sorted) -> list[tuple[str, Made]]:
    return [(one.event, why) for one, why in found.aside]


HALTED = halt("09-24 09:30", "09-28 09:30")  # 300096: "1天" over a holiday


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("09-24 08:00", [("halted", 1, "halted")]),
        ("09-27 12:00", [("halted", 1, "halted")]),
        pytest.param("09-28 09:29", [("halted", 1, "halted")], id="a minute before it resumes"),
        pytest.param("09-28 09:30", [], id="the moment it resumes"),
    ],
)
def test_a_halt_is_told_until_it_resumes(now: str, expected: list[tuple[str, int, str]]) -> None:
    found = sorted_at(now, waiting(HALTED, "halted"))

    assert says(found) == expected
    assert made(found) == ([] if expected else [("halted", Made.STALE)])


@pytest.mark.parametrize(
    ("now", "told"),
    [("09-24 15:00", True), ("09-28 14:59", True), ("09-28 15:00", False), ("10-09 09:00", False)],
)
def test_a_halt_without_an_end_is_news_until_the_close_of_the_next_session(
    now: str, told: bool
) -> None:
    found = sorted_at(now, waiting(halt("09-24 09:30"), "halted", since="09-24 09:20"))

    assert bool(found.tell) is told
    if told:
        assert found.tell[0].expires_at == at("09-28 15:00")


def test_a_halt_of_years_ago_is_stale_and_blocks_nobody() -> None:
    old = HALTED._replace(halt_id="old", halt_at=at("09-24 09:30").replace(year=2019))
    found = sorted_at("09-24 08:00", [*waiting(old, "halted"), *waiting(HALTED, "halted")])

    assert (says(found), made(found)) == ([("halted", 1, "halted")], [("halted", Made.STALE)])
    assert found.uncovered == []


def test_a_halt_whose_next_session_is_not_known_waits_for_the_calendar() -> None:
    found = sorted_at("12-31 09:00", waiting(halt("12-31 09:30"), "halted", since="12-31 08:00"))

    assert (found.tell, found.aside) == ([], [])
    assert [error.market for error in found.uncovered] == ["CN_A"]


def test_what_waits_of_one_halt_is_told_as_one_and_for_the_first_time_as_halted() -> None:
    found = sorted_at("09-24 08:30", waiting(HALTED, "halted", "extended", "corrected"))

    assert says(found) == [("halted", 3, "corrected")]
    assert [one.event for one in found.tell[0].joined] == ["halted", "extended"]


def test_what_follows_is_told_as_what_it_is_to_a_campaign_that_told_of_the_halt() -> None:
    some = waiting(HALTED, "halted", "extended", "corrected")[1:]

    assert says(sorted_at("09-24 08:30", some, [HALTED.halt_id])) == [("corrected", 3, "corrected")]


def test_a_resumption_overtakes_the_halt_alert_that_was_not_told() -> None:
    over = halt("09-24 09:30", "09-28 09:30", "confirmed")
    (telling,) = sorted_at("09-28 10:00", waiting(over, "halted", "resumed")).tell

    assert (telling.says, telling.event, telling.version) == ("resumed", "resumed", 2)
    assert [one.event for one in telling.over] == ["halted"]
    assert telling.expires_at == at("09-29 15:00")


def test_a_halt_that_was_struck_out_before_it_was_told_is_not_told() -> None:
    struck = halt("09-24 09:30", status="cancelled")

    found = sorted_at("09-24 10:00", waiting(struck, "halted", "cancelled"))
    assert (says(found), made(found)) == (
        [], [("halted", Made.OVER), ("cancelled", Made.OVER)],
    )  # fmt: skip
    told = sorted_at("09-24 10:00", waiting(struck, "cancelled"), [struck.halt_id])
    assert says(told) == [("cancelled", 1, "cancelled")]


# --- thresholds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        pytest.param("09-24 10:00", "09-24 10:10", False, id="ten minutes, as an unlimited share"),
        pytest.param("09-24 10:00", "09-24 10:29", False, id="a minute too short"),
        pytest.param("09-24 10:00", "09-24 10:30", True, id="exactly as long"),
        pytest.param("09-24 11:20", "09-24 13:10", False, id="the lunch break is no trading time"),
        pytest.param("09-24 11:10", "09-24 13:10", True, id="twenty minutes and ten"),
        pytest.param("09-24 14:50", "09-28 09:45", False, id="ten and fifteen over a holiday"),
        pytest.param("09-24 14:50", "09-28 09:50", True, id="ten and twenty over a holiday"),
    ],
)
def test_a_pause_with_less_trading_time_than_the_threshold_texts_nobody(
    begins: str, ends: str, told: bool
) -> None:
    found = sorted_at(begins, waiting(halt(begins, ends), "halted", since=begins))

    assert bool(found.tell) is told
    assert made(found) == ([] if told else [("halted", Made.TOO_SHORT)])


def test_a_volatility_pause_without_an_end_waits_until_it_is_long() -> None:
    pause = waiting(halt("09-24 10:00", kind="volatility"), "halted", since="09-24 10:00")

    assert sorted_at("09-24 10:29", pause) == Sorted([], [], [])
    assert says(sorted_at("09-24 10:30", pause)) == [("halted", 1, "halted")]


def test_five_volatility_pauses_of_a_day_text_nobody() -> None:
    pauses = [
        one
        for n in range(5)
        for one in waiting(
            halt(f"09-24 1{n}:00", f"09-24 1{n}:05", "confirmed", "volatility", symbol=f"30000{n}"),
            "halted",
            "resumed",
        )
    ]
    found = sorted_at("09-24 15:00", pauses)

    assert found.tell == []
    assert {why for _, why in found.aside} == {Made.TOO_SHORT}
    assert len(found.aside) == 10


def test_the_resumption_of_a_halt_that_was_told_is_told_however_short_it_was() -> None:
    short = halt("09-24 10:00", "09-24 10:05", "confirmed")

    found = sorted_at("09-24 10:06", waiting(short, "resumed"), [short.halt_id])
    assert says(found) == [("resumed", 1, "resumed")]


def test_families_and_events_that_are_not_chosen_are_left_out() -> None:
    meeting = halt("09-24 09:30", family="召开股东大会")
    rule = RULE.model_copy(update={"leave_out_families": ("召开股东大会",)})
    only_ends = RULE.model_copy(update={"events": ("resumed",)})

    left = [("halted", Made.LEFT_OUT)]
    assert made(sorted_at("09-24 09:30", waiting(meeting, "halted"), rule=rule)) == left
    assert made(sorted_at("09-24 09:30", waiting(HALTED, "halted"), rule=only_ends)) == left
    assert says(sorted_at("09-24 09:30", waiting(meeting, "halted"))) == [("halted", 1, "halted")]


def test_a_delisting_period_is_told_as_such() -> None:
    period = halt("09-24 09:30", "10-22 09:30", kind="delisting_period")

    assert says(sorted_at("09-24 08:00", waiting(period, "delisting"))) == [
        ("delisting", 1, "delisting")
    ]


def test_trading_time_has_no_weekends_and_no_lunch() -> None:
    day = 4 * 60

    assert traded(at("09-24 09:30"), at("09-24 15:00"), CN).total_seconds() == day * 60
    assert traded(at("09-24 09:30"), at("09-28 09:30"), CN).total_seconds() == day * 60
    assert traded(at("09-24 11:30"), at("09-24 13:00"), CN).total_seconds() == 0


# --- whom it concerns ------------------------------------------------------------------------

BOOKS = Books(
    [(at("09-23 18:00"), 1), (at("09-24 08:00"), 2), (at("09-24 18:00"), 3)],
    [(at("09-01 00:00"), 9)],
)
EARLIER = {5: Alert("XSHE-300096-1", 1, "halted", "XSHE", "300096",
                    (Reach("holds", 2), Reach("watches", 9)))}  # fmt: skip
GOT = (Reach("holds", 2, 5), Reach("watches", 9, 5))


@pytest.mark.parametrize(
    ("events", "status", "reach"),
    [
        pytest.param(("halted",), "none", (Reach("holds", 2), Reach("watches", 9)),
                     id="halted: holders as of the close before, and watchers"),
        pytest.param(("extended",), "none", (Reach("holds", 2), Reach("watches", 9), *GOT),
                     id="extended: they, and who got an alert"),
        pytest.param(("resumed",), "confirmed", (Reach("holds", 3), *GOT),
                     id="resumed: who still holds, and who got an alert"),
        pytest.param(("cancelled",), "cancelled", GOT, id="struck out: who got an alert"),
    ],
)  # fmt: skip
def test_each_event_has_its_audience(
    events: tuple[str, ...], status: str, reach: tuple[Reach, ...]
) -> None:
    ends = "09-28 09:30" if status == "confirmed" else ""
    one = halt("09-24 09:30", ends, status)
    told = [] if events == ("halted",) else [one.halt_id]
    now = "09-28 10:00" if ends else "09-24 12:00"
    (telling,) = sorted_at(now, waiting(one, *events, since=now), told).tell

    earlier = {} if events == ("halted",) else EARLIER
    assert alert_of(telling, BOOKS, earlier).reach == reach


def test_without_a_snapshot_of_before_the_halt_the_first_after_it_tells_who_held() -> None:
    late = Books([(at("09-24 18:00"), 3), (at("09-28 18:00"), 4)], [])
    (telling,) = sorted_at("09-24 19:00", waiting(halt("09-24 09:30"), "halted")).tell

    assert alert_of(telling, late, {}).reach == (Reach("holds", 3),)
    assert alert_of(telling, Books([], []), {}).reach == ()
