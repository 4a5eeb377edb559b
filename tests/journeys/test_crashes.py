"""What a crash may do: every message accounted for, none twice on disk, doubt bounded."""

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from outreach.core.words import State
from tests.journeys.house import DEADLINE, House, kill_all, person, senders_of, until
from tests.project.small_project import change, make_project

WINDOW = 40
CLIENTS = 400
EACH = 'deliver = "each"\nowner = "operations"'


def small_house(folder: Path, url: str = "", clients: int = CLIENTS, engine: str = "") -> House:
    """The small project with many clients, each of whom gets an SMS and an e-mail."""
    make_project(folder)
    change(folder, "campaigns/notice.toml", 'owner = "operations"', EACH)
    config = folder / "config.toml"
    text = config.read_text(encoding="utf-8").partition("[limits.contact_hours]")[0]
    settings = f"\n[engine]\npage = 200\nwindow = {WINDOW}\nlease_seconds = 10\n{engine}"
    database = f'database = "{url}"\n\n' if "postgresql" in url else ""
    config.write_text(database + text + settings, encoding="utf-8")
    house = House(folder, clock=None)
    house.must("db", "upgrade")
    house.clients(*(person(n) for n in range(1, clients + 1)))
    house.approve("notice")
    return house


def accounted(house: House, total: int, doubtful: int) -> None:
    """Every message has one outcome, none is on disk twice, and what was accepted is there."""
    outcomes, on_disk = house.outcomes(), house.on_disk()
    states = Counter(outcomes.values())
    assert house.planned() == len(outcomes) == total
    assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
    assert states[State.IN_DOUBT] <= doubtful
    assert max(on_disk.values()) == 1
    missing = {one for one, state in outcomes.items() if state == State.ACCEPTED} - set(on_disk)
    assert missing == set()
    assert house.asked("audit", "verify")["ok"] is True
    shown = house.asked("runs", "show", "1")["messages"]
    assert shown == {str(state): n for state, n in states.items() if n}


def mails(house: House) -> int:
    return sum(1 for _ in house.folder.glob("var/outbox/*/email/*/*.eml"))


def in_its_middle(house: House) -> subprocess.Popen[str]:
    """A run that has written a window and a half of e-mails, and holds still."""
    house.held_after = WINDOW + WINDOW // 2
    process = house.start("run", "notice")
    assert until(lambda: mails(house) >= WINDOW, process), process.communicate()
    return process


def test_a_run_killed_in_its_middle_goes_on_and_sends_nothing_twice(
    tmp_path: Path, database_url: str
) -> None:
    house = small_house(tmp_path, database_url)
    process = in_its_middle(house)
    kill_all(process)

    said = house.type("run", "notice")

    assert said.code in (0, 1), said
    accounted(house, 2 * CLIENTS, WINDOW)
    again = sum(house.on_disk().values())
    house.type("run", "notice")
    assert sum(house.on_disk().values()) == again


def test_a_run_and_its_senders_killed_together_go_on(tmp_path: Path, database_url: str) -> None:
    house = small_house(tmp_path, database_url, engine="senders = 2\nin_process_up_to = 0\n")
    process = in_its_middle(house)
    assert len(senders_of(process)) == 2
    kill_all(process)

    said = house.type("run", "notice")

    assert said.code in (0, 1), said
    accounted(house, 2 * CLIENTS, 2 * WINDOW)


def test_the_death_of_one_sender_is_made_good_by_the_others(
    tmp_path: Path, database_url: str
) -> None:
    house = small_house(tmp_path, database_url, engine="senders = 2\nin_process_up_to = 0\n")
    process = in_its_middle(house)
    os.kill(senders_of(process)[0], signal.SIGKILL)
    house.gate.unlink()
    _, err = process.communicate(timeout=DEADLINE)

    assert process.returncode in (0, 1), err
    assert "Traceback" not in err
    accounted(house, 2 * CLIENTS, WINDOW)


def test_two_people_who_run_the_same_at_once_send_once(tmp_path: Path, database_url: str) -> None:
    house = small_house(tmp_path, database_url, clients=600)
    both = [house.start("run", "notice") for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=DEADLINE)
        assert (process.returncode, err) == (0, "")

    accounted(house, 1200, 0)


# --- the disk and the database -----------------------------------------------------------------


def test_a_full_disk_stops_the_channel_with_a_line_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = small_house(tmp_path, clients=100)
    write, left = os.write, [60]

    def limited(descriptor: int, content: bytes) -> int:
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        return write(descriptor, content)

    monkeypatch.setattr("outreach.channels.file_outbox.os.write", limited)
    said = house.type("run", "notice")
    monkeypatch.undo()

    assert said.code == 1
    assert "No space left on device" in said.err
    assert len(said.err.strip().splitlines()) <= 3
    run = str(house.asked("runs")[0]["id"])
    ran = house.asked("runs", "retry", run)
    assert ran["messages"] == {"accepted": 200}
    assert dict.fromkeys(house.on_disk(), 1) == house.on_disk()


def test_a_database_held_by_another_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = small_house(tmp_path, clients=3)
    monkeypatch.setattr("outreach.store.database.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(house.folder / "var/outreach.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = house.type("run", "notice")
    other.close()

    assert said.code == 3
    assert "another process holds the database" in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert house.asked("run", "notice")["messages"] == {"accepted": 6}


def test_a_database_at_an_older_revision_is_named(tmp_path: Path) -> None:
    house = small_house(tmp_path, clients=3)
    raw = sqlite3.connect(house.folder / "var/outreach.db")
    raw.execute("UPDATE alembic_version SET version_num = '0000'")
    raw.commit()
    raw.close()
    said = house.type("run", "notice")

    assert said.code == 3
    assert "outreach db upgrade" in said.err


def test_a_broken_database_file_is_named(tmp_path: Path) -> None:
    house = small_house(tmp_path, clients=3)
    for rest in ("-wal", "-shm"):
        (house.folder / f"var/outreach.db{rest}").unlink(missing_ok=True)
    (house.folder / "var/outreach.db").write_bytes(b"not a database" * 1000)
    said = house.type("run", "notice")

    assert said.code == 3
    assert "the file is not an SQLite database" in said.err


def test_a_database_that_was_never_made_is_named(tmp_path: Path) -> None:
    make_project(tmp_path)
    said = House(tmp_path).type("run", "notice")

    assert said.code == 3
    assert "outreach db upgrade" in said.err
