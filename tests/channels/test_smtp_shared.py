"""Limits of recipient domains hold for all processes of a machine, whoever comes, goes or dies."""

import errno
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_clerk import Clerk
from outreach.channels.smtp_pace import Limit, Paces
from outreach.channels.smtp_session import Server
from outreach.channels.smtp_shared import SOON, SharedLimits
from outreach.channels.smtp_window import Window
from outreach.channels.smtp_wire import Letter, Offers
from outreach.core.mime import Letterhead
from outreach.core.model import accepted
from outreach.core.words import State
from tests.channels.cases import mail, states
from tests.channels.mta import Mta, running

LETTERHEAD = Letterhead("notice@broker.example")
# Another process: it takes a place in qq.com, says so, and stays until it is killed.
HOLDER = """
import sys
from pathlib import Path
from outreach.channels.smtp_shared import SharedLimits
share = SharedLimits(Path(sys.argv[1])).of("qq.com")
print(share.enter(1, 0.0), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "relay.domains"


@pytest.fixture
def both(path: Path) -> Iterator[tuple[SharedLimits, SharedLimits]]:
    with closing(SharedLimits(path)) as one, closing(SharedLimits(path)) as other:
        yield one, other


def window(shared: SharedLimits, limit: Limit, now: float, n: int = 50) -> Window:
    messages = [mail(id_, to=f"user{id_}@qq.com") for id_ in range(1, n + 1)]
    return Window(messages, Clerk(LETTERHEAD), Paces({"qq.com": limit}, shared), now)


def test_a_place_is_one_process_s_until_it_gives_it_back(
    both: tuple[SharedLimits, SharedLimits],
) -> None:
    one, other = (shared.of("qq.com") for shared in both)
    assert [one.enter(2, 0.0), other.enter(2, 0.0)] == [True, True]
    assert [one.enter(2, 0.0), other.enter(2, 0.0)] == [False, False]
    assert both[1].of("163.com").enter(1, 0.0)
    one.leave(0.0)
    assert other.enter(2, 0.0)
    assert not one.enter(2, 0.0)
    other.leave_all()
    assert [one.enter(2, 0.0), one.enter(2, 0.0), one.enter(2, 0.0)] == [True, True, False]


def test_who_closes_or_dies_gives_his_places_back(path: Path) -> None:
    with closing(SharedLimits(path)) as shared:
        mine = shared.of("qq.com")
        with closing(SharedLimits(path)) as other:
            assert other.of("qq.com").enter(1, 0.0)
            assert not mine.enter(1, 0.0)
        assert mine.enter(1, 0.0)
        mine.leave_all()
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            assert not mine.enter(1, 0.0)
            process.kill()
            process.wait()
        assert mine.enter(1, 0.0)


def test_a_rate_is_one_for_all(both: tuple[SharedLimits, SharedLimits]) -> None:
    desks = [window(shared, Limit(0, 5.0), 1000.0) for shared in both]
    sent: list[float] = []
    for step in range(1000):  # ten seconds
        for desk in desks:
            desk.now = 1000.0 + step / 100
            while (letter := desk.take(Offers())) is not None:
                desk.settle(letter, accepted("q"))
                sent.append(desk.now)

    assert 50 <= len(sent) <= 52
    assert all(later - first >= 0.13 for first, later in pairwise(sent))


def test_a_moment_of_a_machine_that_was_started_anew_holds_nobody_up(
    both: tuple[SharedLimits, SharedLimits],
) -> None:
    one, other = (shared.of("qq.com") for shared in both)
    assert one.turn(900_000.0, 1.0) == 0.0
    assert other.turn(900_000.0, 1.0) > 900_000.0
    assert other.turn(5.0, 1.0) == 0.0
    assert one.turn(5.0, 1.0) > 5.0


def test_who_has_all_places_lets_those_who_wait_have_one(
    both: tuple[SharedLimits, SharedLimits],
) -> None:
    one, other = (window(shared, Limit(1), 1000.0) for shared in both)
    held = [taken for taken in [one.take(Offers())] if taken is not None]
    assert other.take(Offers()) is None  # it waits now
    finished = {id(one): 0, id(other): 0}
    hands: dict[int, Letter | None] = {id(one): held[0], id(other): None}
    for step in range(2000):  # two seconds; a mail takes a millisecond
        for desk in (one, other):
            desk.now = 1000.0 + step / 1000
            if (letter := hands[id(desk)]) is not None:
                desk.settle(letter, accepted("q"))
                finished[id(desk)] += 1
            if desk.now >= desk._asleep_until:
                hands[id(desk)] = desk.take(Offers())
            else:
                hands[id(desk)] = None
        assert sum(hand is not None for hand in hands.values()) <= 1

    assert min(finished.values()) == 50


def test_a_window_that_is_over_keeps_no_place(both: tuple[SharedLimits, SharedLimits]) -> None:
    paces = Paces({"qq.com": Limit(1)}, both[0])
    desk = Window([mail(1, to="a@qq.com")], Clerk(LETTERHEAD), paces, 0.0)
    assert desk.take(Offers()) is not None  # and whoever reads the outcomes goes away
    assert not both[1].of("qq.com").enter(1, 0.0)
    paces.end_window()
    assert both[1].of("qq.com").enter(1, 0.0)


def test_two_channels_together_have_no_more_in_the_servers_hands_than_one(path: Path) -> None:
    lock, out, most = threading.Lock(), [0], [0]
    three = threading.Event()

    def answer(verb: str, argument: str, _number: int) -> str | None:
        if verb == "RCPT":  # in the server's hands, until its message is answered
            with lock:
                out[0] += 1
                most[0] = max(most[0], out[0])
                if out[0] > 2:
                    three.set()
        elif verb == "END":
            three.wait(0.01)  # gives a third the time to come, where it may
            with lock:
                out[0] -= 1
        return None

    def send(first: int) -> set[State]:
        channel = SmtpChannel(
            Server("127.0.0.1", server.port, "none", timeout=20), LETTERHEAD, connections=4,
            domains={"qq.com": Limit(2)}, shared=path,
        )  # fmt: skip
        messages = [mail(id_, to=f"user{id_}@qq.com") for id_ in range(first, first + 25)]
        try:
            return set(states(channel, messages).values())
        finally:
            channel.close()

    with (
        running(lambda _: Mta("PIPELINING", answer=answer, taken=[])) as server,
        ThreadPoolExecutor(2) as threads,
    ):
        found = list(threads.map(send, (1, 101)))

    assert found == [{State.ACCEPTED}, {State.ACCEPTED}]
    assert most[0] == 2


def test_a_file_that_cannot_be_made_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("no folder")
    channel = SmtpChannel(
        Server("127.0.0.1", 1, "none"), LETTERHEAD, shared=tmp_path / "run" / "relay.domains"
    )
    with pytest.raises(ChannelUnavailable, match=r"run: file exists$"):
        list(channel.send([mail(1)]))
    channel.close()


def test_a_file_system_without_locks_leaves_nothing_in_doubt(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("outreach.channels.smtp_shared.fcntl.fcntl", none)
    channel = SmtpChannel(Server("127.0.0.1", 1, "none"), LETTERHEAD, shared=path)
    with pytest.raises(ChannelUnavailable, match="no locks available"):
        list(channel.send([mail(1)]))


def test_somebody_looks_again_soon_enough_for_the_wish_to_stand(
    both: tuple[SharedLimits, SharedLimits],
) -> None:
    one, other = (shared.of("qq.com") for shared in both)
    assert one.enter(1, 0.0)
    assert not other.enter(1, 7.0)
    assert one.leave(7.0 + SOON)
    assert one.enter(1, 7.0)
    assert not one.leave(8.0)
