"""Market moves as events, on both databases: once for a slide whoever looks, or missed and why."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from outreach import plan
from outreach.core.margin import Ratio
from outreach.core.market_moves import POINT, Level
from outreach.core.run_values import RunValues
from outreach.core.sources import Fallen
from outreach.plan.due import Due, Overtaken
from outreach.plan.events import EVENTS
from outreach.plan.run import open_run
from outreach.project.definition import Definition, define
from outreach.store import books, market, migrate
from outreach.store.database import Database
from outreach.store.tables import run
from tests.fired_project import Fires, at, put_schedule

EVENT = 'on = "market_event"\nevent = "market_move"'
RULE = """kind = "market_move"
max_age_minutes = 60
expires_after = "4h"
[[occurrence.conditions]]
index = "CSI300"
falls_percent = 3
[[occurrence.conditions]]
index = "CHINEXT"
falls_percent = 5
"""
MARGIN = """kind = "market_move"
max_age_minutes = 120
[[occurrence.conditions]]
margin_below = "close"
rearm_points = 5
"""
KEY = "2026-09-28-CSI300-falls-3-day"


@pytest.fixture
def fires(database: Database, tmp_path: Path) -> Fires:
    """A campaign on two indexes, approved, on Monday 28 September 2026."""
    made = Fires(database, tmp_path)
    put_schedule(tmp_path, EVENT, RULE)
    made.calendar("2026-09-01 09:00")
    made.approve("2026-09-01 09:00")
    return made


def levels(fires: Fires, *rows: tuple[str, float, str]) -> None:
    said = [
        Level(code, at(f"2026-09-{moment}"), round(now * POINT), 4000 * POINT)
        for moment, now, code in rows
    ]
    with fires.database.begin() as tx:
        market.add_levels(tx, said, 1)


def ratios(fires: Fires, moment: str, *percents: float) -> int:
    """A file of ratios, one of each client in turn; the number of its book."""
    when = at(f"2026-09-{moment}")
    said = [Ratio(n, round(p * 100), 15_000, 13_000, when) for n, p in enumerate(percents, 1)]
    with fires.database.begin() as tx:
        book = books.open_book(
            tx, "margins", file="f", digest="d", encoding="utf-8", as_of=when, imported_at=when
        )
        market.add_ratios(tx, said, book)
    return book


def missed(fires: Fires) -> list[tuple[str, str]]:
    with fires.database.reading() as conn:
        rows = conn.execute(select(run.c.occurrence, run.c.reason).where(run.c.state == "missed"))
        return [tuple(row) for row in rows]


def due(fires: Fires, key: str, moment: str) -> tuple[Definition, Due]:
    definition = define(fires.project, "notice")
    with fires.database.reading() as conn:
        found: Any = EVENTS["market_move"].prepare(conn, definition, key, at(moment))
    assert isinstance(found, Due)
    return definition, found


def test_a_slide_is_opened_once_whoever_looks_and_however_often(fires: Fires) -> None:
    levels(fires, ("28 10:30", 3870, "CSI300"))
    assert fires.fire("2026-09-28 10:31", "a") == [(KEY, "opened")]
    assert fires.fire("2026-09-28 10:31", "b") == []
    levels(fires, ("28 10:32", 3800, "CSI300"), ("28 10:32", 3700, "CHINEXT"))
    assert fires.fire("2026-09-28 10:33", "b") == []


def test_two_schedulers_that_see_other_rows_do_not_both_tell(fires: Fires) -> None:
    levels(fires, ("28 10:30", 3870, "CSI300"))
    _, first = due(fires, KEY, "2026-09-28 10:31")
    # A row of another index comes late, and to whoever sees it that one was first.
    levels(fires, ("28 10:25", 3700, "CHINEXT"))
    _, second = due(fires, "2026-09-28-CHINEXT-falls-5-day", "2026-09-28 10:31")
    _, fresh = open_run(fires.database, first, "a", at("2026-09-28 10:31"))
    assert fresh
    with pytest.raises(Overtaken):
        open_run(fires.database, second, "b", at("2026-09-28 10:31"))
    assert fires.fire("2026-09-28 10:32") == []


def test_without_approval_it_waits_and_is_then_missed_for_that(fires: Fires) -> None:
    put_schedule(fires.folder, EVENT, RULE, more='urgent = true\nurgent_why = "x"')
    levels(fires, ("28 10:30", 3870, "CSI300"), ("28 14:20", 3880, "CSI300"))
    assert fires.fire("2026-09-28 10:31") == [(KEY, "blocked")]
    assert fires.fire("2026-09-28 14:29") == [(KEY, "blocked")]
    assert fires.fire("2026-09-28 14:30") == [(KEY, "missed")]
    assert missed(fires) == [(KEY, "not_approved")]
    fires.approve("2026-09-28 14:35")
    assert fires.fire("2026-09-28 14:36") == []


def test_a_quiet_feed_defers_until_it_speaks_again_or_it_is_too_late(fires: Fires) -> None:
    levels(fires, ("28 10:30", 3870, "CSI300"))
    assert fires.fire("2026-09-28 11:31") == [(KEY, "blocked")]
    assert fires.fire("2026-09-28 14:31") == [(KEY, "missed")]
    assert fires.fire("2026-09-28 14:31") == []
    assert missed(fires) == [(KEY, "stale")]


def test_while_a_feed_stays_quiet_the_same_is_said_of_it(fires: Fires) -> None:
    levels(fires, ("28 10:30", 3870, "CSI300"))
    first, later = (
        plan.fire_due(fires.database, fires.project, at(f"2026-09-28 {moment}"), "scheduler")
        for moment in ("11:31", "11:45")
    )
    assert "2026-09-28 10:30" in first[0].sentence.in_("en")
    assert first == later  # a scheduler tells again only what has changed


def test_what_happened_to_one_database_is_not_told_of_another_of_its_name(tmp_path: Path) -> None:
    def fired(level: float) -> list[str]:
        place = tmp_path / "outreach.db"
        place.unlink(missing_ok=True)
        database = Database(f"sqlite:///{place}")
        migrate.upgrade(database)
        fires = Fires(database, tmp_path)
        put_schedule(tmp_path, EVENT, RULE)
        fires.calendar("2026-09-01 09:00")
        fires.approve("2026-09-01 09:00")
        levels(fires, ("28 10:30", level, "CSI300"))
        with database.reading() as conn:
            definition = define(fires.project, "notice")
            keys = EVENTS["market_move"].pending(conn, definition, at("2026-09-28 10:31"))
        database.close()
        return list(keys)

    assert fired(3870) == [KEY]
    assert fired(3990) == []


def test_beyond_the_calendar_nothing_is_told(database: Database, tmp_path: Path) -> None:
    fires = Fires(database, tmp_path)
    put_schedule(tmp_path, EVENT, RULE)
    fires.calendar("2026-09-01 09:00", until="2026-09-27")
    fires.approve("2026-09-01 09:00")
    levels(fires, ("28 10:30", 3870, "CSI300"))
    assert fires.fire("2026-09-28 10:31") == []
    fires.calendar("2026-09-28 10:31")
    assert fires.fire("2026-09-28 10:32") == [(KEY, "opened")]


def test_a_move_of_long_ago_is_neither_told_nor_missed(fires: Fires) -> None:
    levels(fires, ("17 10:30", 3870, "CSI300"), ("28 10:30", 3990, "CSI300"))
    assert fires.fire("2026-09-28 10:31") == []
    assert missed(fires) == []


def test_a_margin_run_names_its_file_and_line_and_is_read_back(fires: Fires) -> None:
    put_schedule(fires.folder, EVENT, MARGIN)
    fires.approve("2026-09-28 09:00")
    book = ratios(fires, "28 10:00", 140, 129, 125)
    ((key, outcome),) = fires.fire("2026-09-28 10:05")
    assert (key, outcome) == (f"2026-09-28-margin-close-{book}", "opened")
    with fires.database.reading() as conn:
        values = RunValues.load(conn.execute(select(run.c["values"])).scalar_one())
    assert values.only == (Fallen(book, "close", 500),)
    assert orjson.loads(values.dump())["only"][0]["kind"] == "fallen"

    ratios(fires, "28 10:10", 140, 128, 131)
    assert fires.fire("2026-09-28 10:15") == []
    old = ratios(fires, "28 10:20", 120, 128, 131)
    key = f"2026-09-28-margin-close-{old}"
    # Its ratios are older than two hours.
    assert fires.fire("2026-09-28 12:21") == [(key, "missed")]
    assert missed(fires) == [(key, "stale")]


def test_by_hand_only_what_happened_can_be_run(fires: Fires) -> None:
    levels(fires, ("28 10:30", 3870, "CSI300"))
    definition = define(fires.project, "notice")
    with fires.database.reading() as conn:
        for key, code in (("2026-09-27-CSI300-falls-3-day", "key"), ("x", "key")):
            found = plan.prepare(conn, definition, key, at("2026-09-28 10:31"))
            assert getattr(found, "code", "") == code
        now = plan.prepare(conn, definition, None, at("2026-09-28 10:31"))
    assert isinstance(now, Due)
    assert now.occurrence.key == KEY
