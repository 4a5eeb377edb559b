"""Processes that die or stand still while they send: the mail server's own list is the witness."""

import os
import signal
import subprocess
from pathlib import Path
from random import Random

import pytest

from outreach.core.words import State
from tests.faults.witness import WINDOW, Witness, accounted, mail_house, watched
from tests.journeys.house import DEADLINE, House, kill_all, senders_of, until

CLIENTS = 120
TWO = "senders = 2\nin_process_up_to = 0\n"
# Mails the server is given before it stands still: from the very first to the very last.
MOMENTS = [1, WINDOW, *sorted(Random(20260928).sample(range(2, CLIENTS), 2)), CLIENTS]  # noqa: S311


def sent_until(house: House, witness: Witness, moment: int) -> "subprocess.Popen[str]":
    """A run that has given the server so many mails and waits for its answers."""
    witness.hold_at = moment
    process = house.start("run", "notice")
    assert until(witness.held.is_set, process), process.communicate()
    return process


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("engine", "senders"),
    [pytest.param("", 1, id="in one process"), pytest.param(TWO, 2, id="with two senders")],
)
def test_a_run_killed_at_any_moment_loses_nothing_and_sends_nothing_twice(
    tmp_path: Path, database_url: str, engine: str, senders: int, moment: int
) -> None:
    with watched(Witness()) as witness:
        house = mail_house(tmp_path, database_url, witness.port, CLIENTS, engine)
        process = sent_until(house, witness, moment)
        kill_all(process)
        witness.go_on()

        said = house.type("run", "notice")

        states = accounted(house, witness, CLIENTS, senders * WINDOW)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
        assert states[State.IN_DOUBT] > 0  # the mail that was not answered
        assert said.code == 1, said


def test_a_sender_killed_beside_others_costs_its_window_and_no_more(
    tmp_path: Path, database_url: str
) -> None:
    with watched(Witness()) as witness:
        house = mail_house(tmp_path, database_url, witness.port, CLIENTS, TWO)
        process = sent_until(house, witness, CLIENTS // 3)
        os.kill(senders_of(process)[0], signal.SIGKILL)
        witness.go_on()
        _, err = process.communicate(timeout=DEADLINE)

        assert "Traceback" not in err
        states = accounted(house, witness, CLIENTS, WINDOW)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}


def test_a_process_that_stands_still_is_taken_over_and_heals_what_it_left_when_it_wakes(
    tmp_path: Path, database_url: str
) -> None:
    """SIGSTOP, as when a machine is paused: its lease runs out, another goes on, nobody repeats
    what it had in hand; once awake it says what came of that, and begins nothing more."""
    with watched(Witness()) as witness:
        house = mail_house(tmp_path, database_url, witness.port, CLIENTS)
        sleeper = sent_until(house, witness, 2 * WINDOW + 1)
        os.kill(sleeper.pid, signal.SIGSTOP)
        witness.go_on()

        said = house.type("run", "notice")

        states = accounted(house, witness, CLIENTS, WINDOW)
        assert states[State.IN_DOUBT] > 0
        assert said.code == 1, said

        os.kill(sleeper.pid, signal.SIGCONT)
        _, err = sleeper.communicate(timeout=DEADLINE)
        assert "Traceback" not in err
        assert accounted(house, witness, CLIENTS, 0) == {State.ACCEPTED: CLIENTS}
