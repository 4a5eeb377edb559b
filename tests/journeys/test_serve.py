"""The scheduler as a process: stopped, killed, doubled, with broken files and a database that
goes away."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from outreach.core.words import State
from outreach.project.definition import define
from outreach.project.load import load_project
from outreach.store import runs
from outreach.store.database import Database
from tests.fired_project import put_schedule
from tests.journeys.house import House
from tests.journeys.serving import followed_since, serving
from tests.journeys.test_crashes import EACH, WINDOW, accounted, mails, small_house
from tests.project.small_project import change

CLIENTS = 400
DAILY = 'on = "daily"\nat = 10:00:00\nmax_late = "6h"'
BEFORE, DUE = "2026-03-02 09:00", "2026-03-02T10:00:01+08:00"


def daily_house(folder: Path, url: str, clients: int = CLIENTS, engine: str = "") -> House:
    """Many clients, and a notice that is due at 10:00 with one SMS and one e-mail for each."""
    house = small_house(folder, url, clients=clients, engine=engine)
    put_schedule(folder, DAILY)
    change(folder, "campaigns/notice.toml", 'owner = "operations"', EACH)
    house.clock = "2026-03-02T08:00+08:00"
    house.approve("notice")
    followed_since(house, BEFORE)
    return house


def all_settled(house: House, messages: int) -> Callable[[], bool]:
    """Whether every message has an outcome."""
    return lambda: len(house.outcomes()) == messages


def run_states(house: House) -> list[tuple[str, str, str]]:
    """(campaign, occurrence, state) of every run."""
    rows = house.query(lambda conn: runs.listing(conn, limit=1000))
    return sorted((row["campaign"], row["occurrence"], row["state"]) for row in rows)


# --- stopped and killed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("", id="in this process"),
        pytest.param("senders = 2\nin_process_up_to = 0\n", id="with senders"),
    ],
)
def test_asked_to_stop_while_sending_it_finishes_its_window_and_the_next_one_goes_on(
    tmp_path: Path, database_url: str, engine: str
) -> None:
    house = daily_house(tmp_path, database_url, engine=engine)
    house.held_after = WINDOW + WINDOW // 2
    with serving(house, DUE) as first:
        first.until(lambda: mails(house) >= WINDOW)
        first.stops()
    assert len(house.outcomes()) < 2 * CLIENTS
    assert State.IN_DOUBT not in house.outcomes().values()

    house.held_after = None
    with serving(house, DUE) as second:
        second.until(all_settled(house, 2 * CLIENTS))
        second.waits_for("worked", state="finished")
        second.stops()

    accounted(house, 2 * CLIENTS, 0)
    assert run_states(house) == [("notice", "2026-03-02", "finished")]


def test_killed_while_sending_the_next_one_goes_on_and_sends_nothing_twice(
    tmp_path: Path, database_url: str
) -> None:
    house = daily_house(tmp_path, database_url)
    house.held_after = WINDOW + WINDOW // 2
    with serving(house, DUE) as first:
        first.until(lambda: mails(house) >= WINDOW)
        first.killed()

    house.held_after = None
    with serving(house, DUE) as second:
        second.until(all_settled(house, 2 * CLIENTS))
        second.stops()

    accounted(house, 2 * CLIENTS, WINDOW)
    assert len(run_states(house)) == 1


# --- two at once ---------------------------------------------------------------------------------


def test_two_schedulers_at_once_fire_each_occurrence_once(
    tmp_path: Path, database_url: str
) -> None:
    """Three campaigns have each missed four mornings when both wake up."""
    house = daily_house(tmp_path, database_url, clients=5)
    names = ("notice", "second", "third")
    every = f'{DAILY.partition("max_late")[0]}misfire = "all"\nmax_late = "10d"'
    kept = 'kind = "day"\nexpires_after_hours = 400'
    for name in names:
        put_schedule(tmp_path, every, kept, name=name, more='deliver = "each"')
        house.approve(name)
    followed_since(house, BEFORE)
    days = [f"2026-03-{day:02}" for day in (2, 3, 4, 5)]

    with ExitStack() as stack:
        both = [stack.enter_context(serving(house, "2026-03-05T11:00+08:00")) for _ in range(2)]
        wanted = sorted((name, day, "finished") for name in names for day in days)
        both[0].until(lambda: run_states(house) == wanted)
        for one in both:
            one.stops()

    opened = [
        (one["campaign"], one["occurrence"]) for each in both for one in each.events("opened")
    ]
    assert sorted(opened) == sorted((name, day) for name in names for day in days)
    accounted_for(house, len(names) * len(days) * 5 * 2)


def accounted_for(house: House, messages: int) -> None:
    on_disk = house.on_disk()
    assert (len(on_disk), set(on_disk.values())) == (messages, {1})
    assert set(house.outcomes().values()) == {State.ACCEPTED}
    assert house.asked("audit", "verify")["ok"] is True


# --- files ---------------------------------------------------------------------------------------


def test_a_broken_file_dropped_in_while_it_serves_leaves_the_last_good_definition_at_work(
    tmp_path: Path, database_url: str
) -> None:
    house = daily_house(tmp_path, database_url, clients=3)
    house.must("approve", "notice", "--as", "li.na", "--revoke")
    notice = house.folder / "campaigns/notice.toml"
    sound = notice.read_text(encoding="utf-8")
    project, _ = load_project(house.folder / "config.toml")
    assert project is not None
    digest = define(project, "notice").approval_digest
    with serving(house, DUE) as one:
        one.waits_for("blocked", campaign="notice")
        notice.write_text(sound.replace('purpose = "service"', "purpose = servise"))
        said = one.waits_for("definition_broken")
        assert "campaigns/notice.toml:2:" in said["problem"]
        approve(house, digest)  # what it was; the command would read the broken file
        one.waits_for("opened", campaign="notice", occurrence="2026-03-02")
        one.waits_for("worked", state="finished")
        one.stops()

    accounted_for(house, 6)


def approve(house: House, digest: str) -> None:
    database = Database(house.url)
    with database.begin() as tx:
        at = datetime(2026, 3, 2, 2, tzinfo=UTC)
        runs.approve(tx, "notice", digest, "li.na", at, action="approve", note="")
    database.close()


# --- trouble -------------------------------------------------------------------------------------


def allow_connections(url: str, allowed: bool) -> None:
    """Let a PostgreSQL database take connections, or end those it has and refuse others."""
    name = make_url(url).database
    admin = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(allowed).lower()}"))
        if not allowed:
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            conn.execute(text(end), {"name": name})
    admin.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_goes_away_while_sending_leaves_one_window_in_doubt_at_most(
    tmp_path: Path, database_url: str
) -> None:
    house = daily_house(tmp_path, database_url)
    house.held_after = WINDOW + WINDOW // 2
    with serving(house, DUE) as one:
        one.until(lambda: mails(house) >= WINDOW)
        allow_connections(database_url, allowed=False)
        house.gate.unlink()
        one.waits_for("database_trouble")
        allow_connections(database_url, allowed=True)
        one.until(all_settled(house, 2 * CLIENTS))
        one.stops()

    broken = ("run_failed", "campaign_failed", "round_failed")
    assert [said for said in one.said if said["event"] in broken] == []
    accounted(house, 2 * CLIENTS, WINDOW)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_away_for_a_while_is_said_once_and_then_it_goes_on(
    tmp_path: Path, database_url: str
) -> None:
    house = daily_house(tmp_path, database_url, clients=3)
    house.must("approve", "notice", "--as", "li.na", "--revoke")
    with serving(house, DUE) as one:
        one.waits_for("blocked", campaign="notice")
        allow_connections(database_url, allowed=False)
        one.waits_for("database_trouble")
        allow_connections(database_url, allowed=True)
        one.waits_for("database_back")
        house.approve("notice")
        one.waits_for("worked", state="finished")
        one.stops()

    assert len(one.events("database_trouble")) == len(one.events("database_back")) == 1
    accounted_for(house, 6)
