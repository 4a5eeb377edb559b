"""A machine whose clock is set while a run is in its middle: an hour or a day, ahead or back."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.house import House, kill_all, until
from tests.journeys.serving import Serving
from tests.journeys.test_crashes import CLIENTS, WINDOW, accounted, mails, small_house

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
JUMPS = ["+1h", "-1h", "+1d", "-1d"]

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")


@dataclass
class Clock:
    """The clock of the processes of a house, to be set while they run."""

    house: House

    def __post_init__(self) -> None:
        self.house.besides = {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip
        self.jumps("+0")

    @property
    def _file(self) -> Path:
        return self.house.folder / "clock"

    def jumps(self, by: str) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{by}\n", encoding="ascii")
        new.replace(self._file)


def held(house: House, *words: str) -> "subprocess.Popen[str]":
    """A process in the middle of its second window of e-mails."""
    before = mails(house)
    house.held_after = WINDOW + WINDOW // 2
    process = house.start(*words)
    assert until(lambda: mails(house) >= before + WINDOW, process), process.communicate()
    return process


def open_gate(house: House) -> None:
    house.held_after = None
    house.gate.unlink()


@pytest.mark.parametrize("by", JUMPS)
def test_a_run_waits_while_its_clock_is_wrong_and_goes_on_when_it_is_right_again(
    tmp_path: Path, database_url: str, by: str
) -> None:
    house = small_house(tmp_path, database_url)
    clock = Clock(house)
    process = held(house, "run", "notice")
    run = Serving(process)
    clock.jumps(by)
    open_gate(house)
    run.until(lambda: any("jumped" in line for line in run.other))
    went = len(house.outcomes())
    assert went < 2 * CLIENTS

    clock.jumps("+0")
    assert process.wait(60) == 0, run.other
    run.close()

    assert run.other == [line for line in run.other if "the clock of this machine jumped" in line]
    assert len(run.other) == 1
    accounted(house, 2 * CLIENTS, 0)


@pytest.mark.parametrize("by", ["+1h", "-1d"])
def test_a_run_goes_on_by_a_clock_that_stays_as_it_was_set(
    tmp_path: Path, database_url: str, by: str
) -> None:
    house = small_house(tmp_path, database_url)
    clock = Clock(house)
    house.besides["BELIEVED"] = "0.5"
    process = held(house, "run", "notice")
    clock.jumps(by)
    open_gate(house)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert "the clock of this machine jumped" in said
    accounted(house, 2 * CLIENTS, 0)


@pytest.mark.parametrize(
    ("words", "by"),
    [
        pytest.param(("serve", "--every", "0.2"), "+1d", id="serve"),
        pytest.param(("worker",), "-1d", id="worker"),
    ],
)
def test_a_service_or_worker_does_nothing_meanwhile_says_so_and_goes_on(
    tmp_path: Path, database_url: str, words: tuple[str, ...], by: str
) -> None:
    """The run was begun by somebody who was killed."""
    house = small_house(tmp_path, database_url)
    kill_all(held(house, "run", "notice"))
    clock = Clock(house)
    house.haste = "0.5 3 1"
    one = Serving(held(house, "--json", *words))
    try:
        clock.jumps(by)
        open_gate(house)
        told = one.waits_for("clock_jumped")
        assert abs(abs(told["seconds"]) - 86_400) < 60
        clock.jumps("+0")
        one.waits_for("clock_steady")
        one.until(lambda: len(house.outcomes()) == 2 * CLIENTS)
        one.until(lambda: house.asked("runs", "show", "1")["messages"].get("sending", 0) == 0)
        one.stops()
    finally:
        one.close()

    accounted(house, 2 * CLIENTS, WINDOW)
