"""From the file to PostgreSQL by the command line, killed in the middle, and back."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from outreach.store import migrate
from outreach.store.database import Database
from tests.conftest import empty_postgres
from tests.journeys.house import House, person, until
from tests.journeys.test_crashes import small_house


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with empty_postgres(postgres_url) as empty:
        yield empty


@pytest.fixture(scope="module")
def worked_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where a run of forty clients went out, in a file."""
    folder = tmp_path_factory.mktemp("worked-in")
    small_house(folder, clients=40).must("run", "notice")
    return folder


@pytest.fixture
def house(worked_in: Path, tmp_path: Path) -> House:
    """A copy of it."""
    return House(shutil.copytree(worked_in, tmp_path / "house"), clock=None)


def move_in(house: House, url: str) -> None:
    """What the command says to do last."""
    config = house.folder / "config.toml"
    config.write_text(f'database = "{url}"\n\n' + config.read_text("utf-8"), encoding="utf-8")


def next_day(house: House) -> None:
    """The second run, on a day that comes after any that the first may have been of."""
    house.clock = "2031-03-03T10:00+08:00"
    house.must("run", "notice")
    house.clock = None


@contextmanager
def held(url: str, table: str, mode: str) -> Iterator[Engine]:
    """Somebody who holds a lock on a table of the target, so that a move stops there."""
    engine = create_engine(url)
    with engine.connect() as conn:
        conn.execute(text(f"LOCK TABLE {table} IN {mode} MODE"))
        yield engine
        conn.rollback()
    engine.dispose()


def untouched(url: str) -> bool:
    """Whether nobody has set the target up."""
    database = Database(url)
    try:
        return migrate.current(database) is None
    finally:
        database.close()


def waits(engine: Engine) -> bool:
    """Whether somebody waits for a lock in this database; others of the server have their own."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    with engine.connect() as conn:
        return bool(conn.execute(text(f"{query} AND wait_event_type = 'Lock'")).first())


def killed_at(house: House, url: str, table: str, mode: str) -> None:
    """kill -9 of a move where it wants to write to a table."""
    database = Database(url)
    migrate.upgrade(database)
    database.close()
    with held(url, table, mode) as engine:
        process = house.start("db", "move", "--to", url)
        assert until(lambda: waits(engine), process), process.communicate()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_everything_goes_over_and_work_goes_on_there(house: House, url: str) -> None:
    before = {
        "log": house.asked("log", "--run", "1"),
        "audit": house.asked("audit", "verify"),
        "runs": house.asked("runs"),
    }
    rehearsed = house.asked("db", "move", "--to", url, "--dry-run")
    moved = house.asked("db", "move", "--to", url)

    assert rehearsed["rows"] == moved["rows"]
    assert rehearsed["rows"]["message"] == 80
    assert moved["root"] == before["audit"]["root"]
    refused = house.type("runs")
    assert refused.code == 3
    assert "was moved to" in refused.err
    assert 'write `database = "postgresql+psycopg://' in refused.err
    assert house.asked("doctor", code=1)["checks"][0]["level"] == "error"

    move_in(house, refused.err.split('"')[1])  # as it says
    assert house.asked("log", "--run", "1") == before["log"]
    assert house.asked("runs") == before["runs"]
    after = house.asked("audit", "verify")
    assert (after["ok"], after["entries"]) == (True, before["audit"]["entries"] + 1)
    house.clients(*(person(n) for n in range(1, 50)))
    next_day(house)
    assert house.asked("runs", "show", "2")["messages"] == {"accepted": 98}
    assert house.asked("audit", "verify")["ok"]


def test_a_second_move_of_a_file_that_was_moved_is_refused(house: House, url: str) -> None:
    house.must("db", "move", "--to", url)
    again = house.type("db", "move", "--to", url)

    assert again.code == 1
    assert "was moved to" in again.err


def test_a_rehearsal_leaves_both_sides_alone(house: House, url: str) -> None:
    said = house.must("db", "move", "--to", url, "--dry-run").out

    assert "Nothing stands against it" in said
    house.must("runs")
    assert untouched(url)


def test_a_move_killed_while_it_copies_leaves_nothing_there(house: House, url: str) -> None:
    killed_at(house, url, "message", "SHARE")
    there = Database(url)

    assert "is being moved to" in house.type("runs").err
    with there.reading() as conn:
        assert conn.execute(text("SELECT count(*) FROM client")).scalar_one() == 0
    there.close()
    assert house.asked("db", "move", "--to", url)["rows"]["message"] == 80
    move_in(house, url)
    assert house.asked("audit", "verify")["ok"]


def test_a_move_killed_after_the_copy_closes_both_until_it_is_run_again(
    house: House, url: str
) -> None:
    killed_at(house, url, "client", "SHARE UPDATE EXCLUSIVE")
    here = house.type("runs").err
    there = House(house.folder / "there", clock=None)
    there.write("config.toml", (house.folder / "config.toml").read_text("utf-8"))
    move_in(there, url)

    assert "the move has not ended; run `outreach db move --to URL` again" in here
    assert "is being moved to from sqlite:" in there.type("runs").err
    assert house.asked("db", "move", "--to", url)["rows"] == {}
    assert [row["id"] for row in there.asked("runs")] == [1]
    assert there.asked("audit", "verify")["ok"]


def test_a_move_killed_between_leaving_and_arriving_is_ended_by_the_next(
    house: House, url: str
) -> None:
    killed_at(house, url, "client", "SHARE UPDATE EXCLUSIVE")
    engine = create_engine(url)
    with engine.connect() as conn:
        conn.execute(text("SELECT 1 FROM audit_head FOR UPDATE"))
        process = house.start("db", "move", "--to", url)
        assert until(lambda: waits(engine), process), process.communicate()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        conn.rollback()
    engine.dispose()
    there = House(house.folder / "there", clock=None)
    there.write("config.toml", (house.folder / "config.toml").read_text("utf-8"))
    move_in(there, url)

    assert "was moved to" in house.type("runs").err
    assert "is being moved to from sqlite:" in there.type("runs").err
    house.must("db", "move", "--to", url)
    assert there.asked("audit", "verify")["ok"]
    assert [row["id"] for row in there.asked("runs")] == [1]


@pytest.mark.parametrize("table", ["message", "client"])
def test_a_move_that_was_cut_short_can_be_undone(house: House, url: str, table: str) -> None:
    killed_at(house, url, table, "SHARE" if table == "message" else "SHARE UPDATE EXCLUSIVE")
    house.must("db", "move", "--undo")

    assert house.asked("audit", "verify")["ok"]
    next_day(house)
    refused = house.type("db", "move", "--to", url)
    if table == "client":  # what had arrived there is of no use any more
        assert "took part in another move" in refused.err
    else:
        assert refused.code == 0, refused


def test_the_way_back_is_open_until_something_happens_there(house: House, url: str) -> None:
    config = house.folder / "config.toml"
    before = config.read_text("utf-8")
    house.must("db", "move", "--to", url)
    assert "--to URL" in house.type("db", "move", "--undo").err
    house.must("db", "move", "--undo", "--to", url)

    assert house.asked("audit", "verify")["ok"]
    move_in(house, url)
    assert "was given up" in house.type("runs").err
    config.write_text(before, encoding="utf-8")
    assert house.type("db", "move", "--undo").code == 1


def test_the_way_back_is_shut_once_something_has_happened_there(house: House, url: str) -> None:
    config = house.folder / "config.toml"
    before = config.read_text("utf-8")
    house.must("db", "move", "--to", url)
    move_in(house, url)
    house.clients(person(99))
    config.write_text(before, encoding="utf-8")
    refused = house.type("db", "move", "--undo", "--to", url)

    assert refused.code == 1
    assert "has gone on: its log has" in refused.err
    assert house.type("runs").code == 3
    house.must("db", "move", "--undo", "--target-is-gone")
    house.must("runs")


def test_nothing_is_moved_while_a_run_is_in_hand(tmp_path: Path, url: str) -> None:
    house = small_house(tmp_path, clients=200)
    house.held_after = 20
    process = house.start("run", "notice")
    try:
        assert until(lambda: len(house.on_disk()) >= 20, process)
        busy = house.type("db", "move", "--to", url)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    left = house.type("db", "move", "--to", url)

    assert "another process has the database open; stop `outreach serve`" in busy.err
    assert left.code == 1
    assert "run 1: 1 windows are being sent" in left.err
    assert untouched(url)
    house.must("runs")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "--to is missing"),
        (("--to", "sqlite:///other.db"), "not to sqlite"),
        (("--to", "nonsense"), "the target cannot be opened"),
        (("--to", "postgresql://u:s3cret@127.0.0.1:1/x"), "cannot be reached"),
        (("--undo",), "was not moved; there is nothing to undo"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    house = small_house(tmp_path, clients=1)
    said = house.type("db", "move", *words)

    assert said.code
    assert says in said.err
    assert "s3cret" not in said.err
    house.must("runs")
