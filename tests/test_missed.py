"""What was missed is sent later on purpose, once, while it is true; the miss stays on record."""

from pathlib import Path

import pytest

from outreach.store.tables import audit_entry
from tests.journeys.house import House, person
from tests.journeys.serving import fired
from tests.journeys.test_serve import daily_house

LATE = ("--even-though-missed", "--why", "the server stood still")


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """A daily notice at 10:00 that nobody fired until 17:00 on 2 March 2026."""
    made = daily_house(tmp_path, database_url, clients=2)
    assert fired(made, "2026-03-02 17:00", "notice") == [("notice", "2026-03-02", "missed")]
    made.clock = "2026-03-02T17:05+08:00"
    return made


def states(house: House) -> list[tuple[str, str, str | None]]:
    return [(row["occurrence"], row["state"], row["reason"]) for row in house.asked("runs")][::-1]


def test_a_missed_occurrence_is_sent_when_somebody_wants_it_and_says_why(house: House) -> None:
    refused = house.type("run", "notice", "--occurrence", "2026-03-02")
    assert refused.code == 5
    assert "--occurrence 2026-03-02 --even-though-missed --why REASON" in refused.err

    ran = house.asked("run", "notice", "--occurrence", "2026-03-02", *LATE)

    assert (ran["occurrence"], ran["messages"]) == ("2026-03-02.2", {"accepted": 4})
    assert states(house) == [("2026-03-02", "missed", "late"), ("2026-03-02.2", "finished", None)]
    detail = house.query(
        lambda conn: conn.execute(
            audit_entry.select().where(audit_entry.c.kind == "run.though_missed")
        ).one()
    )
    assert "the server stood still" in str(detail)
    assert house.asked("audit", "verify")["ok"] is True


def test_it_is_sent_once_whoever_asks_again(house: House) -> None:
    words = ("run", "notice", "--occurrence", "2026-03-02", *LATE)
    house.must(*words)
    house.clients(*(person(n) for n in range(1, 5)))

    again = house.asked(*words)

    assert again["messages"] == {"accepted": 4}
    assert house.asked("run", "notice", "--occurrence", "2026-03-02.2")["run"] == again["run"]
    assert fired(house, "2026-03-02 17:30", "notice") == []
    assert len(states(house)) == 2


@pytest.mark.parametrize(
    ("clock", "words", "code", "says"),
    [
        pytest.param(
            "2026-03-06T00:00:01+08:00", ("--occurrence", "2026-03-02", *LATE), 5,
            "2026-03-02.2 expired at", id="stale",
        ),
        pytest.param(
            None, ("--occurrence", "2026-03-02", "--even-though-missed"), 2, "add --why",
            id="without a reason",
        ),
        pytest.param(
            None, ("--occurrence", "2026-03-01", *LATE), 2, "2026-03-01 was not missed",
            id="not missed",
        ),
    ],
)  # fmt: skip
def test_it_is_refused(
    house: House, clock: str | None, words: tuple[str, ...], code: int, says: str
) -> None:
    house.clock = clock or house.clock

    said = house.type("run", "notice", *words)

    assert (said.code, says in said.err) == (code, True), said
    assert house.on_disk() == {}


def test_what_nobody_approved_is_not_sent_late_either(house: House) -> None:
    house.must("approve", "notice", "--as", "li.na", "--revoke")

    said = house.type("run", "notice", "--occurrence", "2026-03-02", *LATE)

    assert said.code == 5
    assert "nobody has approved" in said.err
