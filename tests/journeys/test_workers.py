"""Workers on PostgreSQL: any number share a run, and the others make good the death of one."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from outreach.store.database import Database
from tests.journeys.house import House
from tests.journeys.pooler import needs_pgbouncer, pooler
from tests.journeys.serving import Serving
from tests.journeys.test_crashes import CLIENTS, WINDOW, accounted, mails, small_house

HASTE = "0.5 3 1"
MODE = 'mode = "workers"\n'
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Crew:
    """The workers of a house; those left alone are killed in the end."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.all: list[Serving] = []

    def starts(self, name: str, *words: str, held_after: int | None = None) -> Serving:
        """One more worker, as soon as it works."""
        self.house.held_after = held_after
        process = self.house.start("--json", "worker", "--name", name, *words)
        self.house.held_after = None
        one = Serving(process)
        self.all.append(one)
        one.waits_for("working")
        return one

    def held_in_its_middle(self, name: str = "first") -> Serving:
        """A worker that has written a window and a half of e-mails, and holds still."""
        one = self.starts(name, held_after=WINDOW + WINDOW // 2)
        self.house.must("run", "notice", "--no-wait")
        one.until(lambda: mails(self.house) >= WINDOW)
        return one


@contextmanager
def crew_of(house: House) -> Iterator[Crew]:
    house.haste = HASTE
    crew = Crew(house)
    try:
        yield crew
    finally:
        for one in crew.all:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
            one.close()


@pytest.fixture
def crew(tmp_path: Path, database_url: str) -> Iterator[Crew]:
    with crew_of(small_house(tmp_path, database_url, engine=MODE)) as crew:
        yield crew


def states(house: House) -> dict[str, int]:
    shown: dict[str, int] = house.asked("runs", "show", "1")["messages"]
    return shown


def ended(house: House, doubtful: int = 0) -> bool:
    """Whether every message of the run has come to something."""
    so_far = states(house)
    doubt = so_far.get("in_doubt", 0)
    return doubt <= doubtful and so_far.get("accepted", 0) + doubt == 2 * CLIENTS


def jobs(house: House, statement: str) -> list[tuple[object, ...]]:
    database = Database(house.url)
    with database.begin() as tx:
        result = tx.execute(text(statement))
        found = [tuple(row) for row in result] if result.returns_rows else []
    database.close()
    return found


@on_postgresql
def test_two_workers_do_a_run_while_the_command_waits(crew: Crew) -> None:
    house = crew.house
    both = [crew.starts("a"), crew.starts("b", "--concurrency", "2")]

    said = house.asked("run", "notice")

    assert (said["state"], said["messages"]) == ("finished", {"accepted": 2 * CLIENTS})
    assert f"{os.getpid()}" not in {owner.split(":")[1] for owner in house.owners()}
    for one in both:
        one.stops()
    accounted(house, 2 * CLIENTS, 0)
    assert jobs(house, "SELECT * FROM outreach_jobs.procrastinate_jobs WHERE args ? 'ref'") == []
    assert jobs(house, "SELECT * FROM worker") == []


@on_postgresql
def test_without_a_worker_the_command_works_the_run_itself(crew: Crew) -> None:
    said = crew.house.type("run", "notice", as_json=True)

    assert said.code == 0
    assert "no worker is there" in said.err
    accounted(crew.house, 2 * CLIENTS, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_queue_a_worker_finds_its_work_by_the_rows(crew: Crew) -> None:
    first = crew.held_in_its_middle()
    first.killed()
    other = crew.starts("other")

    other.until(lambda: ended(crew.house, WINDOW))

    other.stops()
    accounted(crew.house, 2 * CLIENTS, WINDOW)


def test_two_workers_of_one_name_are_two_and_one_goes_on_without_the_other(crew: Crew) -> None:
    first = crew.held_in_its_middle("same")
    other = crew.starts("same")
    assert [one["name"] for one in crew.house.asked("workers")["workers"]] == ["same", "same"]
    other.until(lambda: len(crew.house.owners()) == 2)
    first.killed()

    other.until(lambda: ended(crew.house, WINDOW))

    other.stops()
    accounted(crew.house, 2 * CLIENTS, WINDOW)


@on_postgresql
def test_the_work_of_a_killed_worker_is_taken_over(crew: Crew) -> None:
    first = crew.held_in_its_middle()
    first.killed()
    other = crew.starts("other")

    other.until(lambda: ended(crew.house, WINDOW))

    other.stops()
    accounted(crew.house, 2 * CLIENTS, WINDOW)
    assert other.events("in_doubt_after_crash")


@on_postgresql
def test_a_worker_that_stood_still_heals_its_doubts_and_is_given_no_further_window(
    crew: Crew,
) -> None:
    """Not on SQLite: one that is stopped while it writes holds the lock of the file for all."""
    zombie = crew.held_in_its_middle()
    zombie.process.send_signal(signal.SIGSTOP)
    other = crew.starts("other")
    other.waits_for("worker_gone", worker="first")
    other.until(lambda: ended(crew.house, WINDOW))
    assert 0 < states(crew.house)["in_doubt"] <= WINDOW
    before = sum(crew.house.on_disk().values())

    crew.house.gate.unlink()
    zombie.process.send_signal(signal.SIGCONT)
    zombie.until(lambda: ended(crew.house))

    # It ended the window it had; every other one was another's.
    assert sum(crew.house.on_disk().values()) - before <= WINDOW
    other.until(lambda: crew.house.asked("runs", "show", "1")["state"] == "finished")
    zombie.stops()
    other.stops()
    accounted(crew.house, 2 * CLIENTS, 0)


@on_postgresql
def test_a_queue_that_was_lost_whole_is_filled_again_from_the_rows(crew: Crew) -> None:
    one = crew.held_in_its_middle()
    jobs(crew.house, "TRUNCATE outreach_jobs.procrastinate_jobs CASCADE")
    crew.house.gate.unlink()

    one.until(lambda: ended(crew.house))

    assert one.events("submitted_again")
    one.stops()
    accounted(crew.house, 2 * CLIENTS, 0)


@on_postgresql
def test_a_scheduler_hands_runs_over_and_sends_nothing_itself(crew: Crew) -> None:
    house = crew.house
    house.must("run", "notice", "--no-wait")
    jobs(house, "TRUNCATE outreach_jobs.procrastinate_jobs CASCADE")
    serving = Serving(house.start("--json", "serve", "--every", "0.2"))
    crew.all.append(serving)
    waiting = "SELECT queueing_lock FROM outreach_jobs.procrastinate_jobs"
    serving.until(lambda: jobs(house, waiting) == [("plan:1",)])
    assert house.planned() == 0

    worker = crew.starts("a")
    worker.until(lambda: ended(house))

    assert str(serving.process.pid) not in {owner.split(":")[1] for owner in house.owners()}
    serving.stops()
    worker.stops()


@on_postgresql
def test_a_worker_that_is_asked_to_stop_ends_its_window_and_leaves_the_rest_to_others(
    crew: Crew,
) -> None:
    first = crew.held_in_its_middle()
    first.stops()
    left = states(crew.house)
    assert left.get("in_doubt", 0) == 0
    assert left["ready"] > 0
    other = crew.starts("other")

    other.until(lambda: ended(crew.house))

    accounted(crew.house, 2 * CLIENTS, 0)


@on_postgresql
@needs_pgbouncer
def test_the_whole_job_goes_through_a_pooler_with_a_worker_killed_in_it(
    tmp_path: Path, database_url: str
) -> None:
    with pooler(database_url) as url, crew_of(small_house(tmp_path, url, engine=MODE)) as crew:
        first = crew.held_in_its_middle()
        assert first.events("working", hears="by polling")
        others = [crew.starts("b"), crew.starts("c")]
        first.killed()

        others[0].until(lambda: ended(crew.house, WINDOW))

        for one in others:
            one.stops()
        accounted(crew.house, 2 * CLIENTS, WINDOW)
