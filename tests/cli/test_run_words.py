"""What a clerk reads when a run is broken off, repeated, cancelled or left unfinished."""

from pathlib import Path

import pytest

from outreach.cli import run as run_room
from tests.journeys.house import House
from tests.journeys.test_crashes import small_house


@pytest.fixture
def house(tmp_path: Path) -> House:
    return small_house(tmp_path, clients=4)


def test_ctrl_c_ends_with_a_sentence_and_code_130(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_room, "work_run", interrupted)
    said = house.type("run", "notice")
    assert said.code == 130
    assert said.err == "interrupted; nothing is lost, run the command again to go on\n"


def test_a_finished_run_is_not_said_to_go_on(house: House) -> None:
    house.must("run", "notice")
    said = house.must("run", "notice")
    assert "nothing more is sent" in said.out
    assert "going on" not in said.out


def test_a_retry_of_no_run_says_only_that_there_is_none(house: House) -> None:
    said = house.type("runs", "retry", "77")
    assert (said.code, said.out) == (3, "")
    assert said.err == "there is no run 77; see `outreach runs`\n"


@pytest.mark.parametrize(
    ("states", "stopped", "lines"),
    [
        ({"accepted": 9, "held": 2}, False, []),
        ({"ready": 3}, False, ["run 5: 3 messages are not sent"]),
        ({"in_doubt": 4}, False, ["run 5: 4 messages may or may not have gone out"]),
        ({"ready": 1, "in_doubt": 4}, True, ["run 5: 1 messages are", "run 5: 4 messages may"]),
        ({"accepted": 9}, True, ["run 5: a sender stopped"]),
    ],
)
def test_only_what_can_still_be_sent_is_said_to_wait_for_another_run(
    states: dict[str, int], stopped: bool, lines: list[str]
) -> None:
    said = run_room._left(5, states, stopped)
    assert len(said) == len(lines)
    assert all(line.startswith(begin) for line, begin in zip(said, lines, strict=True))
    assert all(("run it again" in line) == ("may or may not" not in line) for line in said)
