"""Which firings become runs and which are missed, on both databases, at the moments of 2026."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert

from outreach import plan, verify
from outreach.core.run_values import RunValues
from outreach.core.trading_calendar import CalendarCoverageError
from outreach.project.definition import define
from outreach.store import calendars, marks, runs
from outreach.store.database import Database
from outreach.store.tables import calendar_day
from tests.fired_project import Fires, at, put_schedule
from tests.small_run import KEY, client
from tests.store.client_book import add

DAILY = 'on = "daily"\nat = 10:00:00\nmax_late = "6h"'
CLOSURE = 'kind = "closure"\nmarket = "CN_A"'
BEFORE = 'on = "before_closure"\nsessions = 2\nat = 15:30:00\nmax_late = "22h"'
MONDAY = "2026-03-02"


@pytest.fixture
def fires(database: Database, tmp_path: Path) -> Fires:
    return Fires(database, tmp_path)


def started(fires: Fires, schedule: str, moment: str, occurrence: str = 'kind = "day"') -> None:
    """Approved, its calendar in, and seen by a scheduler at this moment."""
    put_schedule(fires.folder, schedule, occurrence)
    fires.calendar(moment)
    fires.approve(moment)
    assert fires.fire(moment) == []


def test_a_campaign_fires_once_at_its_moment(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 09:00")

    assert fires.fire("2026-03-02 09:59:59") == []
    assert fires.fire("2026-03-02 10:00") == [("2026-03-02", "opened")]
    assert fires.fire("2026-03-02 10:00:05") == []
    assert fires.rows() == [("2026-03-02", "planning", None)]


def test_what_fired_before_a_campaign_was_first_seen_is_nobodys_business(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 10:30")

    assert fires.fire("2026-03-02 11:00") == []
    assert fires.rows() == []


@pytest.mark.parametrize(
    ("misfire", "seen_again", "expected"),
    [
        pytest.param("latest", "03-02 10:00", ["opened"], id="on time"),
        pytest.param("skip", "03-02 10:01", ["opened"], id="a minute is no delay"),
        pytest.param("skip", "03-02 10:01:01", ["late"], id="skip starts nothing late"),
        pytest.param("latest", "03-02 16:00", ["opened"], id="as late as allowed"),
        pytest.param("latest", "03-02 16:00:01", ["late"], id="a second too late"),
        pytest.param("all", "03-02 16:00:01", ["late"], id="all a second too late"),
        pytest.param("latest", "03-04 11:00", ["overtaken", "overtaken", "opened"], id="latest"),
        pytest.param("latest", "03-04 17:00", ["overtaken", "overtaken", "late"], id="none left"),
        pytest.param("all", "03-04 11:00", ["late", "late", "opened"], id="all in time"),
        pytest.param("skip", "03-04 11:00", ["late", "late", "late"], id="skip them all"),
    ],
)
def test_what_passed_while_nothing_ran(
    fires: Fires, misfire: str, seen_again: str, expected: list[str]
) -> None:
    started(fires, f'{DAILY}\nmisfire = "{misfire}"', "2026-03-02 09:00")

    fired = fires.fire(f"2026-{seen_again}")

    keys = ["2026-03-02", "2026-03-03", "2026-03-04"][: len(expected)]
    assert [key for key, _ in fired] == keys
    assert fires.rows() == [
        (key, "planning", None) if word == "opened" else (key, "missed", word)
        for key, word in zip(keys, expected, strict=True)
    ]
    assert fires.fire(f"2026-{seen_again}") == []


def test_all_fires_each_that_is_not_too_late(fires: Fires) -> None:
    started(
        fires, 'on = "daily"\nat = 10:00:00\nmisfire = "all"\nmax_late = "2d"', f"{MONDAY} 09:00"
    )

    fires.fire("2026-03-05 09:00")

    assert fires.rows() == [
        ("2026-03-02", "missed", "late"),
        ("2026-03-03", "planning", None),
        ("2026-03-04", "planning", None),
    ]


def test_a_notice_that_is_over_is_missed_however_late_it_may_be(fires: Fires) -> None:
    # Spring festival of 2026: the last session is 13 February, the market reopens on the 24th.
    long = BEFORE.replace("22h", "30d")
    started(fires, long, "2026-02-11 12:00", CLOSURE)

    assert fires.fire("2026-02-24 09:30") == [("CN_A-2026-02-15", "missed")]
    assert fires.rows() == [("CN_A-2026-02-15", "missed", "stale")]


def test_a_notice_that_is_not_over_may_be_that_late(fires: Fires) -> None:
    started(fires, BEFORE.replace("22h", "30d"), "2026-02-11 12:00", CLOSURE)

    assert fires.fire("2026-02-24 09:29") == [("CN_A-2026-02-15", "opened")]


# --- what stands in the way ------------------------------------------------------------------


def test_one_approved_in_time_fires_late(fires: Fires) -> None:
    put_schedule(fires.folder, DAILY)
    fires.fire("2026-03-02 09:00")

    assert fires.fire("2026-03-02 10:00") == [("2026-03-02", "blocked")]
    assert fires.fire("2026-03-02 13:00") == [("2026-03-02", "blocked")]
    assert fires.rows() == []
    fires.approve("2026-03-02 13:30")
    assert fires.fire("2026-03-02 13:31") == [("2026-03-02", "opened")]
    assert fires.fire("2026-03-02 13:32") == []


def test_one_never_approved_is_missed_with_that_reason(fires: Fires) -> None:
    put_schedule(fires.folder, DAILY)
    fires.fire("2026-03-02 09:00")

    assert fires.fire("2026-03-02 16:00") == [("2026-03-02", "blocked")]
    assert fires.fire("2026-03-02 16:00:01") == [("2026-03-02", "missed")]
    fires.approve("2026-03-02 16:10")
    assert fires.fire("2026-03-02 16:11") == []
    assert fires.rows() == [("2026-03-02", "missed", "not_approved")]


def test_an_approval_of_other_words_counts_for_nothing(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 09:00")
    put_schedule(fires.folder, DAILY.replace("6h", "5h"))

    assert fires.fire("2026-03-02 10:00") == [("2026-03-02", "blocked")]


def test_beyond_the_calendar_nobody_knows_what_fires(fires: Fires) -> None:
    put_schedule(fires.folder, 'on = "session_close"\nmax_late = "6h"')
    fires.approve("2026-03-02 09:00")
    fires.fire("2026-03-02 09:00")

    assert fires.fire("2026-03-03 15:00") == [(None, "blocked")]
    fires.calendar("2026-03-03 16:00")
    assert fires.fire("2026-03-03 16:01") == [("2026-03-02", "missed"), ("2026-03-03", "opened")]


def test_forecast_days_send_nothing(fires: Fires) -> None:
    put_schedule(fires.folder, 'on = "session_close"\nmax_late = "6h"')
    fires.approve("2026-03-02 09:00")
    fires.calendar("2026-03-02 09:00", status="provisional")
    fires.fire("2026-03-02 09:00")

    assert fires.fire("2026-03-02 15:00") == [("2026-03-02", "blocked")]
    assert fires.fire("2026-03-02 21:00:01") == [("2026-03-02", "missed")]
    assert fires.rows() == [("2026-03-02", "missed", "provisional")]
    # Once it is official, the day that was missed stays missed and the next one fires.
    fires.calendar("2026-03-03 09:00")
    assert fires.fire("2026-03-03 15:00") == [("2026-03-02", "known"), ("2026-03-03", "opened")]
    assert fires.fire("2026-03-03 15:01") == []


def test_the_last_closure_of_a_calendar_waits_for_the_next_year(fires: Fires) -> None:
    """The calendar of 2026 ends on a Thursday: whether Friday is a holiday stands in the next."""
    put_schedule(fires.folder, BEFORE, CLOSURE)
    fires.calendar("2026-12-01 09:00")
    fires.approve("2026-12-01 09:00")
    fires.fire("2026-12-01 09:00")

    assert fires.fire("2026-12-30 16:00") == [(None, "blocked")]
    with fires.database.reading() as conn, pytest.raises(CalendarCoverageError):
        calendars.load(conn, "CN_A").next_closure(date(2026, 12, 1))


def test_one_that_is_not_enabled_makes_up_for_nothing_later(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 09:00")
    put_schedule(fires.folder, DAILY, more="enabled = false")
    assert fires.fire("2026-03-09 09:00") == []
    put_schedule(fires.folder, DAILY)

    assert fires.fire("2026-03-09 10:00") == [("2026-03-09", "opened")]
    assert len(fires.rows()) == 1


# --- by hand and by several ------------------------------------------------------------------


def test_what_somebody_ran_by_hand_is_neither_fired_nor_missed(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 09:00")
    with fires.database.reading() as conn:
        due = plan.prepare(conn, define(fires.project, "notice"), None, at("2026-03-02 09:30"))
    assert isinstance(due, plan.Due)
    run, _ = plan.open_run(fires.database, due, "clerk", at("2026-03-02 09:30"))

    assert fires.fire("2026-03-02 20:00") == [("2026-03-02", "known")]
    assert fires.rows() == [("2026-03-02", "planning", None)]
    assert [tuple(row) for row in fires.rows_with("id", "opened_by")] == [(run, "clerk")]


def test_by_hand_and_by_schedule_give_the_same_run(fires: Fires) -> None:
    started(fires, BEFORE, "2026-09-28 09:00", CLOSURE)
    now = at("2026-09-29 15:30")
    with fires.database.reading() as conn:
        due = plan.prepare(conn, define(fires.project, "notice"), None, now)
    assert isinstance(due, plan.Due)

    assert fires.fire("2026-09-29 15:30") == [("CN_A-2026-10-01", "opened")]

    assert plan.open_run(fires.database, due, "clerk", now)[1] is False
    (row,) = fires.rows_with("values", "approval_id", "expires_at")
    assert row.values == due.values.dump()
    assert (row.approval_id, row.expires_at) == (due.approval_id, due.occurrence.expires_at)


def test_two_schedulers_at_once_fire_each_occurrence_once(fires: Fires) -> None:
    started(fires, f'{DAILY}\nmisfire = "all"', "2026-03-02 09:00")
    for moment in ("2026-03-02 10:00", "2026-03-03 10:00", "2026-03-06 10:00"):
        with ThreadPoolExecutor(4) as pool:
            rounds = list(pool.map(lambda n, m=moment: fires.fire(m, f"s{n}"), range(4)))
        first = [key for fired in rounds for key, outcome in fired if outcome != "known"]
        assert len(set(first)) == len(first)

    assert fires.rows() == [
        ("2026-03-02", "planning", None),
        ("2026-03-03", "planning", None),
        ("2026-03-04", "missed", "late"),
        ("2026-03-05", "missed", "late"),
        ("2026-03-06", "planning", None),
    ]


@pytest.mark.parametrize("call", ["open_run", "move"])
def test_a_scheduler_may_end_at_any_moment(
    fires: Fires, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(fires, f'{DAILY}\nmisfire = "all"\n', "2026-03-02 09:00")
    room = runs if call == "open_run" else marks
    done = getattr(room, call)
    left = 0

    def ends_here(*given: object, **more: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return done(*given, **more)

    monkeypatch.setattr(room, call, ends_here)
    for calls in range(5):
        left = calls
        try:
            fires.fire("2026-03-05 11:00")
        except KeyboardInterrupt:
            continue
    monkeypatch.undo()
    fires.fire("2026-03-05 11:00")

    assert [row[1:] for row in fires.rows()] == [("missed", "late")] * 3 + [("planning", None)]


def test_a_scheduler_whose_clock_lags_does_no_harm(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 09:00")
    fires.fire("2026-03-02 10:00")

    assert fires.fire("2026-03-02 09:55") == []
    assert fires.fire("2026-03-02 10:01") == []
    assert len(fires.rows()) == 1


def test_a_missed_one_is_on_record_and_the_record_stands(fires: Fires) -> None:
    started(fires, DAILY, "2026-03-02 09:00")
    fires.fire("2026-03-02 17:00")

    (row,) = fires.rows_with("state", "reason", "opened_by", "finished_at", "values")
    values = RunValues.load(row.values)
    assert (row.state, row.reason, row.opened_by) == ("missed", "late", "scheduler")
    assert row.finished_at == at("2026-03-02 17:00")
    assert (values.key, values.due_at) == ("2026-03-02", at("2026-03-02 10:00"))
    assert verify.verify(fires.database).ok
    with fires.database.begin() as tx:
        tx.exec_driver_sql("UPDATE run SET reason = 'stale'")
    assert not verify.verify(fires.database).ok


# --- after a client event --------------------------------------------------------------------

SERIES = 'on = "client_event"\nevent = "opened_on"\ndays = {}\nat = 10:00:00'


@pytest.mark.parametrize("days", [0, 1, 7, 14, 30])
def test_a_series_goes_to_those_whose_day_it_is(fires: Fires, days: int) -> None:
    started(fires, SERIES.format(days), "2026-03-02 09:00")
    opened = [
        date(2026, 3, 2),
        date(2026, 3, 1),
        date(2026, 2, 23),
        date(2026, 2, 16),
        date(2026, 1, 31),
    ]
    with fires.database.begin() as tx:
        add(tx, [client(n, opened_on=day) for n, day in enumerate(opened, start=1)])
        add(tx, [client(9, opened_on=None)])
    fires.fire("2026-03-02 10:00")

    assert audience(fires) == {"2026-03-02": [[0, 1, 7, 14, 30].index(days) + 1]}


def test_a_day_made_up_for_goes_to_those_whose_day_it_was(fires: Fires) -> None:
    started(fires, SERIES.format(1), "2026-03-02 09:00")
    with fires.database.begin() as tx:
        add(tx, [client(n, opened_on=date(2026, 3, n)) for n in range(1, 7)])

    fires.fire("2026-03-05 09:00")

    assert audience(fires) == {"2026-03-02": [1], "2026-03-03": [2], "2026-03-04": [3]}


def test_a_day_run_by_hand_goes_to_those_whose_day_it_is(fires: Fires) -> None:
    started(fires, SERIES.format(7), "2026-03-02 09:00")
    with fires.database.begin() as tx:
        add(tx, [client(n, opened_on=date(2026, 3, n)) for n in range(1, 7)])
    definition, now = define(fires.project, "notice"), at("2026-03-12 12:00")
    with fires.database.reading() as conn:
        due = plan.prepare(conn, definition, "2026-03-11", now)
        assert isinstance(due, plan.Due)
        assert plan.Job.of(definition, due.values, KEY, now).count(conn) == 1
    plan.open_run(fires.database, due, "clerk", now)

    assert audience(fires) == {"2026-03-11": [4]}


def audience(fires: Fires) -> dict[str, list[int]]:
    """By occurrence: the clients its run is for, from what the database keeps of it."""
    found = {}
    with fires.database.reading() as conn:
        for row in fires.rows_with("id"):
            run = runs.load(conn, row.id)
            assert run is not None
            job = plan.reopened(conn, run, KEY)
            found[run["occurrence"]] = [one[0] for one in job.page(conn, 0, 100)]
    return found


def test_dates_that_changed_while_a_run_was_being_opened_are_looked_at_again(fires: Fires) -> None:
    put_schedule(fires.folder, BEFORE, CLOSURE)
    fires.calendar("2026-09-29 15:00")
    fires.approve("2026-09-29 15:00")
    with fires.database.reading() as conn:
        known = plan.prepare(conn, define(fires.project, "notice"), None, at("2026-09-29 15:30"))
    assert isinstance(known, plan.Due)
    with fires.database.begin() as tx:  # a typhoon: one more day
        tx.execute(insert(calendar_day).values(
            market="CN_A", on_date=date(2026, 10, 8), kind="closed", name_zh="台风",
            name_en="Typhoon", source_ref="notice", status="official", entered_by="clerk",
        ))  # fmt: skip

    with pytest.raises(plan.Overtaken):
        plan.open_run(fires.database, known, "slow", at("2026-09-29 15:31"))
    assert fires.rows() == []
