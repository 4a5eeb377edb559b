"""`outreach worker`, `outreach workers` and `outreach run --no-wait`, as they are typed."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outreach.engine import SILENCE
from outreach.store import workers
from outreach.store.database import Database
from outreach.store.tables import worker
from tests.journeys.house import House
from tests.project.small_project import make_project


@pytest.fixture
def house(tmp_path: Path) -> House:
    make_project(tmp_path)
    house = House(tmp_path, clock=None)
    house.must("db", "upgrade")
    return house


@pytest.mark.parametrize("queues", ["mail", "urgent,mail", ","])
def test_a_queue_that_is_none_is_named(house: House, queues: str) -> None:
    said = house.type("worker", "--queues", queues)

    assert said.code == 2
    assert "is no queue; there are urgent, bulk, maint" in said.err


def test_a_run_is_left_to_nobody_where_nobody_else_sends(house: House) -> None:
    said = house.type("run", "notice", "--no-wait")

    assert said.code == 2
    assert '[engine] mode is not "workers"' in said.err


def test_without_a_worker_it_says_how_to_start_one(house: House) -> None:
    assert "outreach worker" in house.must("workers").out
    assert house.asked("workers") == {"workers": [], "jobs": {}, "due": {}, "stalled": []}


def test_who_is_there_is_listed_and_who_fell_silent_is_a_problem(house: House) -> None:
    database = Database(house.url)
    with database.begin() as tx:
        for name in ("w1", "w2"):
            workers.seen(tx, f"elsewhere:{name}:1", name, ["urgent", "bulk"])
        silent = worker.c.name == "w2"
        long_ago = datetime.now(UTC) - timedelta(seconds=SILENCE + 1)
        tx.execute(worker.update().where(silent).values(seen_at=long_ago))
    database.close()

    document = house.asked("workers", code=1)

    assert [(one["name"], one["queues"]) for one in document["workers"]] == [("w1", "urgent,bulk")]
    assert "worker w2 fell silent" in document["stalled"][0]
    assert "worker w2 fell silent" in house.type("workers").err


def test_a_worker_is_known_by_its_machine_as_it_was_started() -> None:
    from outreach.engine.steps import gone, owner

    mine = owner()
    host, pid, started = mine.rsplit(":", 2)

    assert pid == str(os.getpid())
    assert gone([mine]) == []
    assert gone([f"{host}:{pid}:1"]) == [f"{host}:{pid}:1"], "another process had this number"
    assert gone([f"{host}x:{pid}:{started}", f"{host.partition('.')[0]}:{pid}:1"]) == []
