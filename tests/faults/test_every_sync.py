"""A run killed at every single one of its syncs, or of what it says to servers; a disk that fails.

`strace` counts the calls: what is tested is exactly the moments that a power cut could show.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from outreach.core.words import State
from tests.faults.witness import WINDOW, Witness, accounted, mail_house, watched
from tests.journeys.house import DEADLINE, House

CLIENTS = 2 * WINDOW + 1
MOST = 2000  # calls of so small a run, by far
STEP = 29  # of what is said to PostgreSQL and to the mail server together, every so manieth

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def traced(house: House, inject: str) -> "subprocess.CompletedProcess[str]":
    """The run under strace, which injects a fault into one of its calls."""
    call = inject.partition(":")[0]
    strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}"]
    config = str(house.folder / "config.toml")
    command = [sys.executable, "-m", "outreach", "--config", config, "run", "notice"]
    return subprocess.run(
        [*strace, "-e", f"inject={inject}", *command],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip


@pytest.fixture
def prepared(tmp_path: Path, database_url: str) -> Iterator[tuple[Path, Witness]]:
    """A house with nothing sent, to be begun from again and again."""
    with watched(Witness()) as witness:
        mail_house(tmp_path / "house", database_url, witness.port, CLIENTS)
        yield tmp_path, witness


@contextmanager
def fresh(folder: Path, witness: Witness, number: int) -> Iterator[House]:
    """The house as it was prepared, its database with it."""
    witness.seen.clear()
    house = House(folder / f"copy-{number}", clock=None)
    shutil.copytree(folder / "house", house.folder)
    if "postgresql" not in house.url:
        yield house
        return
    url = make_url(house.url)
    copy = f"{url.database}_{number}"
    house.edit("config.toml", f"/{url.database}?", f"/{copy}?")
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        how = f"TEMPLATE {url.database} STRATEGY FILE_COPY"
        conn.execute(text(f"CREATE DATABASE {copy} {how}"))
        yield house
        conn.execute(text(f"DROP DATABASE {copy} WITH (FORCE)"))
    admin.dispose()


def walked(folder: Path, witness: Witness, call: str, step: int) -> int:
    """Kill a run at every `step`th of its calls of a kind, each time from the beginning, and let
    it go on; how many of them left something in doubt."""
    doubtful = 0
    for number in range(1, MOST, step):
        with fresh(folder, witness, number) as house:
            died = traced(house, f"{call}:signal=KILL:when={number}").returncode != 0
            house.type("run", "notice")
            states = accounted(house, witness, CLIENTS, WINDOW)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}, number
        doubtful += states[State.IN_DOUBT] > 0
        if not died:
            assert number > 5 * step, f"there was no {call} to be killed at"
            return doubtful
    pytest.fail("it never came to an end")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_killed_at_each_of_its_syncs_it_loses_nothing_and_sends_nothing_twice(
    prepared: tuple[Path, Witness],
) -> None:
    assert walked(*prepared, "fdatasync", 1) > 0, "no kill fell between an intent and its outcomes"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_killed_while_it_speaks_to_its_servers_it_loses_nothing_and_sends_nothing_twice(
    prepared: tuple[Path, Witness],
) -> None:
    assert walked(*prepared, "sendto", STEP) > 0, "no kill fell between an intent and its outcomes"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param("fdatasync:error=EIO:when={}", "disk", id="the disk does not sync"),
        pytest.param("pwrite64:error=ENOSPC:when={}+", "disk", id="the disk is full"),
    ],
)
def test_a_disk_that_fails_stops_it_with_a_line_and_the_next_run_goes_on(
    prepared: tuple[Path, Witness], fault: str, said: str
) -> None:
    folder, witness = prepared
    for number in (2, 5, 8, 11, 14):
        with fresh(folder, witness, number) as house:
            ended = traced(house, fault.format(number))
            assert "Traceback" not in ended.stderr, ended.stderr
            if ended.returncode:
                assert said in ended.stderr

            house.type("run", "notice")
            states = accounted(house, witness, CLIENTS, WINDOW)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
