"""A mail server on its bad days: what it took is known or in doubt, and the run goes on."""

from pathlib import Path
from random import Random

import pytest

from outreach.core.words import State
from tests.channels.mta import CUT, HANG
from tests.faults.witness import WINDOW, Script, Witness, accounted, mail_house, watched, yes
from tests.journeys.house import DEADLINE, until

CLIENTS = 60


def bad(seed: int, *answers: str) -> Script:
    """Every third mail or so gets one of these answers."""
    dice = Random(seed)  # noqa: S311
    return lambda _number: dice.choice((*answers, *[None] * 2 * len(answers)))


@pytest.mark.parametrize(
    ("script", "doubts"),
    [
        pytest.param(bad(1, CUT), True, id="takes the mail and hangs up"),
        pytest.param(bad(2, HANG), True, id="takes the mail and falls silent"),
        pytest.param(bad(3, "what?"), True, id="takes the mail and talks rubbish"),
        pytest.param(bad(4, "451 4.3.0 queue file write error"), False, id="is full for a while"),
        pytest.param(bad(5, CUT, HANG, "what?", "451 4.3.0 later"), True, id="all of it at once"),
    ],
)
def test_whatever_the_server_does_nothing_is_lost_and_nothing_sent_twice(
    tmp_path: Path, database_url: str, script: Script, doubts: bool
) -> None:
    with watched(Witness(script)) as witness:
        house = mail_house(tmp_path, database_url, witness.port, CLIENTS, timeout=0.5)
        house.type("run", "notice")
        witness.script = yes
        house.type("runs", "retry", "1")

        states = accounted(house, witness, CLIENTS, CLIENTS)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
        assert (states[State.IN_DOUBT] > 0) is doubts


def test_a_relay_that_is_full_rests_its_sender_and_takes_the_rest_when_it_has_room(
    tmp_path: Path, database_url: str
) -> None:
    def full(number: int) -> str | None:
        return "452 4.3.1 Insufficient system storage" if number > CLIENTS // 2 else None

    with watched(Witness(full)) as witness:
        house = mail_house(tmp_path, database_url, witness.port, CLIENTS)
        said = house.type("run", "notice")

        assert said.code == 1
        assert "errors of the line in a row: Insufficient system storage" in said.err
        waiting = house.asked("runs", "show", "1")["messages"][State.READY]
        assert waiting == CLIENTS // 2
        # It was not asked once for each of them.
        assert witness.given < CLIENTS // 2 + 2 * WINDOW
        witness.script = yes
        house.type("runs", "retry", "1")
        house.type("run", "notice")
        assert accounted(house, witness, CLIENTS, 0) == {State.ACCEPTED: CLIENTS}


def test_a_server_that_refuses_a_mail_for_good_is_believed(
    tmp_path: Path, database_url: str
) -> None:
    with watched(Witness(bad(6, "554 5.6.0 not like this"))) as witness:
        house = mail_house(tmp_path, database_url, witness.port, CLIENTS)
        said = house.type("run", "notice")

        states = accounted(house, witness, CLIENTS, 0)
        assert set(states) == {State.ACCEPTED, State.FAILED}
        assert states[State.ACCEPTED] == len(witness.seen)
        assert said.code == 1


def test_a_server_that_is_not_there_stops_the_run_with_a_line_and_the_next_run_goes_on(
    tmp_path: Path, database_url: str
) -> None:
    with watched(Witness()) as witness:
        house = mail_house(tmp_path, database_url, 1, CLIENTS)
        said = house.type("run", "notice")

        assert said.code == 1
        assert "127.0.0.1:1" in said.err
        assert house.outcomes() == {}

        house.edit("config.toml", "port = 1\n", f"port = {witness.port}\n")
        house.type("run", "notice")
        assert accounted(house, witness, CLIENTS, 0) == {State.ACCEPTED: CLIENTS}


def test_a_server_that_dies_in_the_middle_leaves_at_most_one_window_in_doubt(
    tmp_path: Path, database_url: str
) -> None:
    witness = Witness(hold_at=CLIENTS // 2)
    with watched(witness) as first:
        house = mail_house(tmp_path, database_url, first.port, CLIENTS)
        process = house.start("run", "notice")
        assert until(first.held.is_set, process), process.communicate()
        dead = first.port
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert f"127.0.0.1:{dead}" in err

    with watched(witness) as second:
        house.edit("config.toml", f"port = {dead}\n", f"port = {second.port}\n")
        house.type("run", "notice")
        house.type("runs", "retry", "1")

        states = accounted(house, second, CLIENTS, WINDOW)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
