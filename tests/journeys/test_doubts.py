"""A sender dies in the middle of a window; two people settle what it left, and the run goes on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from outreach.channels.file_outbox import FileOutbox
from tests.journeys.house import MONDAY, House
from tests.journeys.test_crashes import small_house

LATER = "2026-09-28T15:35+08:00"  # the lease of the dead sender has run out
WINDOW = 8
WRITTEN = 3  # mails on disk when the sender dies
WHY = ("--why", "looked into the outbox; call 13812345678")


class Died(BaseException):
    """The process ends here: nothing after it runs."""


@pytest.fixture
def house(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    """Twenty clients with an SMS and a mail each; the sender died at its fourth mail."""
    made = small_house(tmp_path, database_url, clients=20)
    made.edit("config.toml", "window = 40", f"window = {WINDOW}")
    made.clock = MONDAY
    write, left = FileOutbox._write_eml, [WRITTEN]

    def until_then(self: FileOutbox, path: str, content: bytes) -> None:
        if left[0] == 0:
            raise Died
        left[0] -= 1
        write(self, path, content)

    monkeypatch.setattr(FileOutbox, "_write_eml", until_then)
    with pytest.raises(Died):
        made.type("run", "notice")
    monkeypatch.undo()
    made.clock = LATER
    return made


def settle(house: House, verdict: str, messages: Iterable[int] = ()) -> Any:
    chosen = [word for one in messages for word in ("--message", str(one))]
    return house.asked("runs", "settle", "1", f"--{verdict}", *chosen, *WHY, "--as", "li.na")


def test_each_message_is_on_disk_as_often_as_two_people_allowed(house: House) -> None:
    ran = house.type("run", "notice")
    assert ran.code == 1
    assert f"run 1: {WINDOW} messages may or may not have gone out" in ran.err
    assert "outreach runs doubts 1" in ran.err
    assert "outreach runs doubts 1" in house.must("runs", "show", "1").out
    listed = house.asked("runs", "doubts")
    doubted = [row["message"] for row in listed["messages"]]
    assert listed["runs"] == {"1": WINDOW}
    assert len(doubted) == WINDOW
    there = [one for one in doubted if house.on_disk()[one]]
    missing = [one for one in doubted if one not in there]
    assert len(there) == WRITTEN

    went = settle(house, "went", there)
    again = settle(house, "resend", missing[1:])
    settle(house, "abandon")
    house.type("run", "notice")
    assert sum(house.on_disk().values()) == 40 - len(missing), "a proposal alone sent something"
    for number in (1, 2, 3):
        words = ("runs", "settle", "1", "--confirm", "--proposal", str(number), "--as")
        refused = house.type(*words, "Li.Na")
        assert (refused.code, len(refused.err.splitlines())) == (5, 1)
        assert "somebody else must confirm" in refused.err
        house.must(*words, "wang.wei")
    assert (went["proposal"], again["proposal"]) == (1, 2)

    house.type("runs", "retry", "1")

    shown = house.asked("runs", "show", "1")
    assert shown["messages"] == {"accepted": 39, "failed": 1}
    assert shown["state"] == "finished"
    planned = {*house.outcomes()} - {missing[0]}
    assert house.on_disk() == dict.fromkeys(planned, 1)
    assert house.asked("audit", "verify")["ok"] is True
    assert house.asked("runs", "doubts") == {"runs": {}, "messages": [], "proposals": []}


def test_what_a_dead_sender_left_is_listed_before_anybody_ran_anything(house: House) -> None:
    (run, *_) = (row["run"] for row in house.asked("runs", "doubts", "1")["messages"])
    said = house.must("runs", "doubts", "1").out

    assert run == 1
    assert f"Run 1: {WINDOW} in doubt." in said
    assert "c1@" not in said
    assert "1380000" not in said
    assert "outreach runs settle 1 --went|--resend|--abandon --why TEXT --as USER" in said


def test_a_proposal_is_shown_until_it_is_confirmed_or_withdrawn(house: House) -> None:
    made = settle(house, "resend")
    assert (made["standing"], len(made["messages"])) == ("proposed", WINDOW)

    said = house.must("runs", "doubts").out
    assert "Proposal 1 of li.na: 8 messages of run 1, resend (looked into the outbox" in said
    assert "13812345678" not in said
    assert "outreach runs settle 1 --confirm --proposal 1 --as USER (not li.na)" in said
    house.must("runs", "settle", "1", "--withdraw", "--as", "li.na")
    assert house.asked("runs", "doubts", "1")["proposals"] == []
    late = house.type("runs", "settle", "1", "--confirm", "--proposal", "1", "--as", "wang.wei")
    assert (late.code, "it has been withdrawn" in late.err) == (5, True)


def test_a_message_settled_meanwhile_is_left_alone_and_said_so(house: House) -> None:
    house.type("run", "notice")
    settle(house, "resend")
    other = house.type("runs", "settle", "1", "--went", *WHY, "--as", "zhao")
    assert (other.code, "proposals wait to be confirmed" in other.err) == (3, True)
    first = house.asked("runs", "doubts", "1")["messages"][0]["message"]
    twice = house.type("runs", "settle", "1", "--went", "--message", str(first), *WHY, "--as", "x")
    assert (twice.code, "is in proposal 1 already" in twice.err) == (3, True)

    house.must("runs", "settle", "1", "--confirm", "--as", "wang.wei")
    again = house.type("runs", "settle", "1", "--confirm", "--proposal", "1", "--as", "wang.wei")

    assert (again.code, "it is confirmed already" in again.err) == (5, True)


def test_nothing_of_a_cancelled_run_is_sent_again(house: House) -> None:
    house.type("run", "notice")
    house.must("runs", "cancel", "1", "--yes")

    refused = house.type("runs", "settle", "1", "--resend", *WHY, "--as", "li.na")

    assert (refused.code, "the run is cancelled" in refused.err) == (5, True)
    settle(house, "abandon")
    house.must("runs", "settle", "1", "--confirm", "--as", "wang.wei")
    assert house.asked("runs", "show", "1")["messages"] == {"accepted": 32, "failed": WINDOW}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--went", "--resend", *WHY), 2, "write one of --went, --resend, --abandon"),
        ((), 2, "write one of --went, --resend, --abandon"),
        (("--went",), 2, "add --why"),
        (("--went", "--why", " "), 2, "add --why"),
        (("--confirm",), 3, "no proposal waits"),
        (("--confirm", "--proposal", "9"), 3, "run 1 has no proposal 9"),
        (("--confirm", "--why", "so"), 2, "leave out --message and --why"),
        (("--went", "--proposal", "1", *WHY), 2, "--proposal goes with"),
        (("--went", "--message", "999", *WHY), 3, "message 999 of run 1 is not in doubt"),
        (("--went", *WHY), 3, "nothing in doubt is left"),
    ],
)
def test_what_is_meant_otherwise_is_refused_in_one_line(
    finished: House, words: tuple[str, ...], code: int, said: str
) -> None:
    refused = finished.type("runs", "settle", "1", *words, "--as", "li.na")

    assert refused.code == code, refused
    assert said in refused.err
    assert len(refused.err.splitlines()) == 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A run that left nothing in doubt."""
    made = small_house(tmp_path_factory.mktemp("finished"), clients=2)
    made.must("run", "notice")
    return made


def test_a_run_that_is_not_there_is_named(finished: House) -> None:
    for words in (("doubts", "9"), ("settle", "9", "--went", *WHY, "--as", "li.na")):
        said = finished.type("runs", *words)
        assert (said.code, "there is no run 9" in said.err) == (3, True)


def test_a_doubt_names_the_client_whom_the_log_names_for_the_message(house: House) -> None:
    house.type("run", "notice")
    doubted = house.asked("runs", "doubts", "1")["messages"]
    logged = {row["message"]: row["client"] for row in house.asked("log", "--state", "in_doubt")}
    assert {one["message"]: one["client"] for one in doubted} == logged
    assert len(logged) == WINDOW
