"""What a clerk reads when a run is broken off, repeated, cancelled or left unfinished."""

from pathlib import Path

import pytest

from outreach.cli import run as run_room
from outreach.cli.run_words import in_hands, left, to_do
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
    ("state", "states", "stopped", "lines"),
    [
        ("finished", {"accepted": 9}, False, []),
        ("sending", {"accepted": 9, "held": 2}, False, []),
        ("sending", {"ready": 3}, False, ["3 messages not sent yet; nothing is lost"]),
        ("sending", {"ready": 1}, False, ["1 message not sent yet"]),
        ("sending", {"in_doubt": 4}, True, ["4 messages may or may not have gone out"]),
        ("sending", {"ready": 1, "in_doubt": 4}, True, ["1 message not", "4 messages may or"]),
        ("sending", {"accepted": 9}, True, ["a sender stopped"]),
        ("paused", {"ready": 3}, False, ["3 messages wait until somebody says"]),
        ("finished", {"failed": 2}, False, ["2 messages refused for good; `outreach log --run 5"]),
        ("cancelled", {"cancelled": 7, "accepted": 1}, False, []),
        ("cancelled", {"cancelled": 7, "in_doubt": 1}, False, ["1 message may or may not"]),
    ],
)  # fmt: skip
def test_the_end_of_a_run_says_what_is_left_and_what_it_waits_for(
    state: str, states: dict[str, int], stopped: bool, lines: list[str]
) -> None:
    said = left({"run": 5, "state": state, "messages": states}, stopped=stopped)
    assert len(said) == len(lines)
    assert all(part in line for line, part in zip(said, lines, strict=True))
    repeat = [line for line in said if "run it again" in line]
    assert bool(repeat) == (state == "sending" and ("ready" in states or "in_doubt" not in states)
                            and "held" not in states)  # fmt: skip


def test_a_paused_run_is_resumed_and_a_cancelled_one_is_not_offered_to_run() -> None:
    for state, offered in (("paused", "runs resume 1"), ("sending", "run notice")):
        said = to_do({"run": 1, "campaign": "notice", "state": state, "messages": {}})
        assert said[0] == f"outreach {offered}"
    for state in ("cancelled", "finished", "superseded", "missed"):
        said = to_do({"run": 1, "campaign": "notice", "state": state, "messages": {"in_doubt": 1}})
        assert said == ["outreach runs doubts 1", "outreach log --run 1"]


def test_runs_that_cannot_be_moved_say_how_they_stand(house: House) -> None:
    house.must("run", "notice")
    assert (
        house.type("runs", "resume", "1").err == "run 1 is finished, not paused: nothing is left\n"
    )
    assert house.type("runs", "pause", "1").err == "run 1 is finished: nothing of it is under way\n"
    said = house.type("runs", "cancel", "1", "--yes")
    assert (said.code, said.err) == (1, "run 1 is finished: there is nothing left to cancel\n")


def test_cancelling_without_anybody_there_needs_yes(house: House) -> None:
    house.must("run", "notice")
    for words in (("runs", "cancel", "1"), ("--json", "runs", "cancel", "1")):
        said = house.type(*words)
        assert (said.code, said.out) == (2, "")
        assert said.err == "runs cancel 1: nobody is there to ask; add --yes\n"


@pytest.mark.parametrize(
    ("states", "waiting", "handed"),
    [
        ({"ready": 3212, "accepted": 776}, [1995, 1], 1216),
        ({"ready": 1, "held": 7, "sending": 2}, [8], 2),
        ({"ready": 5}, [5], 0),
        ({"accepted": 9}, [], 0),
        ({"ready": 4}, [5], 0),  # a batch given back between the two looks
    ],
)
def test_what_waits_and_what_senders_have_in_hand_add_up_to_what_is_open(
    states: dict[str, int], waiting: list[int], handed: int
) -> None:
    rows = [{"messages": n} for n in waiting]
    assert in_hands({"messages": states, "waiting": rows}) == handed
