"""What `check` says of a schedule: where it stands, what is wrong, what to write."""

from pathlib import Path

import pytest

from outreach.project.check import check
from tests.project.small_project import change, make_project

AT = "at = 10:00:00\n"


def lines_of(folder: Path, occurrence: str, schedule: str) -> list[str]:
    """The lines of the check, of a project whose notice has these two tables."""
    make_project(folder)
    tables = f'[occurrence]\nkind = "{occurrence}"\n\n[schedule]\n{schedule}\n[values]'
    change(folder, "campaigns/notice.toml", '[occurrence]\nkind = "day"\n\n[values]', tables)
    _, problems = check(folder / "config.toml")
    return [str(problem).removeprefix(f"{folder}/campaigns/notice.toml:") for problem in problems]


@pytest.mark.parametrize(
    ("occurrence", "schedule"),
    [
        ("closure", f'on = "before_closure"\nsessions = 2\n{AT}'),
        ("closure", f'on = "once"\nday = 2026-09-28\n{AT}'),
        ("halt", 'on = "market_event"\nevent = "halt"\n'),
        ("day", f'on = "weekly"\nweekdays = ["monday", "friday"]\n{AT}'),
        ("day", f'on = "after_closure"\n{AT}misfire = "skip"\nmax_late = "30m"\n'),
        ("day", f'on = "client_event"\nevent = "opened_on"\ndays = 30\n{AT}'),
        ("day", 'on = "hand"\n'),
    ],
)
def test_a_schedule_that_makes_sense_is_clean(
    tmp_path: Path, occurrence: str, schedule: str
) -> None:
    assert lines_of(tmp_path, occurrence, schedule) == []


FAULTS = {
    "a closure that a day has none of": (
        "day", f'on = "before_closure"\n{AT}',
        '12: schedule.on: speaks of a closure, which occurrence.kind = "day" has none of,'
        ' write occurrence.kind = "closure" and its market',
    ),
    "a closure notice every day": (
        "closure", f'on = "daily"\n{AT}',
        '12: schedule.on: "daily" does not tell which closure is meant, write on ='
        ' "before_closure" with sessions and at; or "once", or "hand"',
    ),
    "a closure notice after the closure": (
        "closure", f'on = "after_closure"\n{AT}',
        "12: schedule.on: a notice of a closure is stale once the market has reopened, write on ="
        ' "before_closure", or occurrence.kind = "day" for a notice after it',
    ),
    "another market than the closure's": (
        "closure", f'on = "before_closure"\nmarket = "HK"\n{AT}',
        "13: schedule.market: follows HK, and occurrence.market is CN_A,"
        ' write market = "CN_A" under [schedule]',
    ),
    "earlier than the closure is looked for": (
        "closure", f'on = "before_closure"\nsessions = 11\n{AT}',
        "13: schedule.sessions: 11 sessions before a closure can be 17 days before it,"
        " write occurrence.within_days = 17 or more, or fewer sessions",
    ),
    "halts every day": (
        "halt", f'on = "daily"\n{AT}',
        '12: schedule.on: does not wait for a halt, write on = "market_event" with event = "halt"',
    ),
    "halts after an incident": (
        "halt", 'on = "market_event"\nevent = "incident"\n',
        '12: schedule.on: does not wait for a halt, write on = "market_event" with event = "halt"',
    ),
    "a reason family nobody knows": (
        'halt"\nleave_out_families = ["股东大会"]\ncalendar = "CN_A',
        'on = "market_event"\nevent = "halt"\n',
        "10: occurrence.leave_out_families: '股东大会' is no reason family, so nothing is left out"
        ' by it, write one of them, such as "召开股东大会"',
    ),
    "a halt that a day has none of": (
        "day", 'on = "market_event"\nevent = "halt"\n',
        '13: schedule.event: speaks of halts, which occurrence.kind = "day" has none of,'
        ' write occurrence.kind = "halt", or on = "hand"',
    ),
    "a move of the market that a day has none of": (
        "day", 'on = "market_event"\nevent = "market_move"\n',
        '13: schedule.event: speaks of moves of the market, which occurrence.kind = "day" has none'
        ' of, write occurrence.kind = "market_move", or on = "hand"',
    ),
    "a market nobody knows": (
        "day", f'on = "month_first_session"\nmarket = "CN"\n{AT}',
        '13: schedule.market: the market "CN" is not known, write CN_A',
    ),
    "a zone nobody knows": (
        "day", f'on = "daily"\nzone = "Asia/Shangai"\n{AT}',
        '13: schedule.zone: "Asia/Shangai" is not a time zone, write Asia/Shanghai',
    ),
    "a time outside contact hours": (
        "day", 'on = "daily"\nat = 22:00:00\n',
        "13: schedule.at: lies outside the contact hours of service (08:00 to 21:00), so messages"
        " wait for them, write a time within them",
    ),
    "a time with a zone of its own": (
        "day", 'on = "daily"\nat = "10:00+08:00"\n',
        "13: schedule.at: names a zone, write the time alone and zone = ... beside it",
    ),
    "no time": (
        "day", 'on = "daily"\n',
        "11: schedule.at: is missing, write at = 09:00:00",
    ),
    "no kind of schedule": (
        "day", AT,
        "11: schedule.on: is missing, write on = one of after_closure, before_closure,"
        " client_event, daily, every_sessions, hand, market_event, month_first_session,"
        " month_last_session, monthly, once, session_close, session_open, weekly",
    ),
    "an unknown kind of schedule": (
        "day", f'on = "sometimes"\n{AT}',
        '12: schedule.on: "sometimes" is not known, write one of daily, weekly, monthly,'
        " session_open, session_close, before_closure, after_closure, month_first_session,"
        " month_last_session, every_sessions, once, client_event, market_event, hand",
    ),
    "a day that is none": (
        "day", f'on = "weekly"\nweekdays = ["friday", "funday"]\n{AT}',
        '13: schedule.weekdays[1]: "funday" is not known, write one of monday, tuesday, wednesday,'
        " thursday, friday, saturday, sunday",
    ),
    "a length of time in words": (
        "day", f'on = "daily"\n{AT}max_late = "two hours"\n',
        '14: schedule.max_late: "two hours" does not fit,'
        " write a length of time such as 30m, 2h or 1d",
    ),
    "a key of another schedule": (
        "day", f'on = "daily"\n{AT}sessions = 2\n',
        "14: schedule.sessions: is not a known key, remove it; the keys here are misfire,"
        " max_late, zone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_says_what_to_write(tmp_path: Path, fault: str) -> None:
    occurrence, schedule, expected = FAULTS[fault]

    assert lines_of(tmp_path, occurrence, schedule) == [expected]
