"""Bad days of a mail server, over real sockets: no loss, no double, one clear sentence, and the
channel goes on by itself when the day is better."""

import errno
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import pytest

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_clerk import Clerk
from outreach.channels.smtp_pace import Limit, Paces
from outreach.channels.smtp_session import Server
from outreach.channels.smtp_switchboard import Switchboard
from outreach.channels.smtp_window import Window
from outreach.channels.smtp_wire import Letter, Offers
from outreach.core.mime import Letterhead
from outreach.core.model import Message, Outcome
from outreach.core.words import Channel, State
from tests.channels.cases import letters, results, states
from tests.channels.mta import CUT, HANG, RESET, Answer, usual
from tests.channels.test_smtp import BOTH, LETTERHEAD, at, case

GARBAGE = "HTTP/1.1 400 Bad Request"


def first(answer: Answer) -> Any:
    """On the first connection alone."""
    return lambda number: answer if number == 0 else usual


@BOTH
@pytest.mark.parametrize("fault", [CUT, RESET, GARBAGE])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "END"])
def test_a_connection_that_breaks_loses_nothing_and_doubts_what_it_had(
    offers: tuple[str, ...], fault: str, verb: str
) -> None:
    with case(offers, each=first(at(verb, 4, fault)), connections=1) as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 40))
        arrived = found.arrived()

    doubted = {id_ for id_, one in outcomes.items() if one.state is State.IN_DOUBT}
    accepted = {id_ for id_, one in outcomes.items() if one.state is State.ACCEPTED}
    assert set(arrived.values()) == {1}
    assert accepted <= set(arrived)
    assert set(arrived) <= accepted | doubted
    assert accepted | doubted == set(range(1, 41))
    # A reset may take answers with it that were on their way.
    assert len(doubted) == (verb == "END") or fault == RESET
    assert len(doubted) <= 1


@BOTH
@pytest.mark.parametrize("verb", ["RCPT", "DATA"])
def test_a_server_that_falls_silent_within_an_envelope_leaves_nothing_in_doubt(
    offers: tuple[str, ...], verb: str
) -> None:
    with case(offers, each=first(at(verb, 2, HANG)), connections=2, timeout=0.3) as found:
        outcomes = states(found.channel, letters(Channel.EMAIL, 20))
        assert set(outcomes.values()) == {State.ACCEPTED}
        assert found.arrived() == Counter(range(1, 21))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (at("CONNECT", 0, GARBAGE), "the server's answer makes no sense"),
        (at("CONNECT", 0, RESET), "the server hung up"),
        (at("EHLO", 1, CUT), "the server hung up"),
        (at("EHLO", 1, HANG), "no answer within 0.3 seconds"),
        (at("MAIL", 1, RESET), "the server hung up"),
    ],
)
def test_who_serves_nobody_is_one_sentence_and_is_served_again_when_he_does(
    answer: Answer, sentence: str
) -> None:
    better = threading.Event()

    def day(verb: str, argument: str, number: int) -> str | None:
        return None if better.is_set() else answer(verb, argument, number)

    with case(answer=day, timeout=0.3) as found:
        with pytest.raises(ChannelUnavailable) as caught:
            list(found.channel.send(letters(Channel.EMAIL, 20)))
        assert str(caught.value) == f"127.0.0.1:{found.server.port}: {sentence}"
        better.set()

        assert set(states(found.channel, letters(Channel.EMAIL, 20)).values()) == {State.ACCEPTED}
        assert found.arrived() == Counter(range(1, 21))


@BOTH
def test_a_full_relay_takes_the_rest_when_it_has_room_again(offers: tuple[str, ...]) -> None:
    full = threading.Event()

    def answer(verb: str, _argument: str, number: int) -> str | None:
        if verb == "END" and number == 4:
            full.set()
        return "452 4.3.1 Insufficient system storage" if verb == "MAIL" and full.is_set() else None

    with case(offers, answer, connections=1) as found:
        outcomes = states(found.channel, letters(Channel.EMAIL, 20))
        waiting = [id_ for id_, state in outcomes.items() if state is State.READY]
        assert len(waiting) >= 14
        assert len(waiting) + len(found.arrived()) == 20
        found.server.mtas[0].answer = usual
        again = [one for one in letters(Channel.EMAIL, 20) if one.id in waiting]

        assert set(states(found.channel, again).values()) == {State.ACCEPTED}
        assert found.arrived() == Counter(range(1, 21))


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_that_never_ends_the_handshake(security: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                if security == "starttls":
                    sock.sendall(b"220 mx.test\r\n")
                    sock.recv(1024)
                    sock.sendall(b"250-mx.test\r\n250 STARTTLS\r\n")
                    sock.recv(1024)
                    sock.sendall(b"220 go ahead\r\n")
                while sock.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        channel = SmtpChannel(Server("127.0.0.1", port, security, timeout=0.3), LETTERHEAD)
        with pytest.raises(ChannelUnavailable, match=r"no answer within 0\.3 seconds"):
            list(channel.send(letters(Channel.EMAIL, 5)))
        channel.close()
        thread.join()


@pytest.mark.parametrize("opening", [b"", b"220 mx.test\r\n"], ids=["greeting", "ehlo"])
def test_a_server_that_talks_without_an_end_is_not_listened_to_for_ever(opening: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            sock, _ = listener.accept()
            with sock, suppress(OSError):
                if opening:
                    sock.sendall(opening)
                    sock.recv(1024)
                while True:
                    sock.sendall(b"250-and another thing\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        channel = SmtpChannel(Server("127.0.0.1", port, "none", timeout=0.3), LETTERHEAD)
        with pytest.raises(ChannelUnavailable, match=r"no answer within 0\.3 seconds"):
            list(channel.send(letters(Channel.EMAIL, 5)))
        channel.close()
        thread.join()


# --- our own machine -------------------------------------------------------------------------


def test_an_error_of_ours_in_the_middle_does_not_stand_in_the_way_of_the_next_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with case(connections=2) as found:
        states(found.channel, letters(Channel.EMAIL, 20))

        def broken(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(Clerk, "make_out", broken)
        with pytest.raises(MemoryError):
            list(found.channel.send(letters(Channel.EMAIL, 20, first=21)))
        monkeypatch.undo()

        third = states(found.channel, letters(Channel.EMAIL, 20, first=41))
        assert set(third.values()) == {State.ACCEPTED}


@BOTH
def test_an_error_of_ours_leaves_in_doubt_what_was_in_hand_and_no_more(
    offers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Clerk.make_out

    def poisoned(clerk: Clerk, letter: Letter, offers: Offers) -> Outcome | None:
        if letter.message.id == 30:
            raise ZeroDivisionError
        return usual(clerk, letter, offers)

    monkeypatch.setattr(Clerk, "make_out", poisoned)
    known: dict[int, Outcome] = {}
    with case(offers, connections=2) as found:
        with pytest.raises(ZeroDivisionError):
            for id_, outcome in found.channel.send(letters(Channel.EMAIL, 100)):
                known[id_] = outcome
        monkeypatch.undo()
        arrived = found.arrived()
        again = [one for one in letters(Channel.EMAIL, 100) if one.id not in arrived]
        second = states(found.channel, [one for one in again if _ready(known.get(one.id))])

    accepted = {id_ for id_, one in known.items() if one.state is State.ACCEPTED}
    doubted = {id_ for id_, one in known.items() if one.state is State.IN_DOUBT}
    assert set(range(1, 101)) - set(known) == {30}
    assert accepted <= set(arrived) <= accepted | doubted
    assert len(doubted) <= 2
    assert len(accepted) >= 20
    assert set(second.values()) == {State.ACCEPTED}


def _ready(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.state is State.READY


def test_no_thread_and_no_file_left_leave_nothing_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    def no_file() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with case() as found:
        messages = letters(Channel.EMAIL, 20)
        with monkeypatch.context() as patch:
            patch.setattr("outreach.channels.smtp_switchboard.Thread.start", no_thread)
            with pytest.raises(ChannelUnavailable, match="can't start new thread"):
                list(found.channel.send(messages))
        found.channel.close()
        with monkeypatch.context() as patch:
            patch.setattr("outreach.channels.smtp_switchboard.socket.socketpair", no_file)
            with pytest.raises(ChannelUnavailable, match="too many open files"):
                list(found.channel.send(messages))

        assert set(states(found.channel, messages).values()) == {State.ACCEPTED}


def test_an_error_nobody_expects_while_connecting_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("outreach.channels.smtp_switchboard.connect", broken)
    channel = SmtpChannel(Server("127.0.0.1", 25, "none"), LETTERHEAD)
    with pytest.raises(ChannelUnavailable, match=r"^127\.0\.0\.1:25: ZeroDivisionError$"):
        list(channel.send(letters(Channel.EMAIL, 5)))
    channel.close()


def test_the_end_of_the_program_does_not_wait_for_a_relay_that_never_answers() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, case() as found:
        servers = [
            Server("127.0.0.1", port, "none", timeout=600)
            for port in (silent.getsockname()[1], found.server.port)
        ]
        channel = SmtpChannel(servers, LETTERHEAD)
        assert set(states(channel, letters(Channel.EMAIL, 10)).values()) == {State.ACCEPTED}
        channel.close()
        waiting = [one for one in threading.enumerate() if one.name == "smtp-connect"]
        assert waiting
        assert all(one.daemon for one in waiting)


class Watched:
    """A poll that notes how long it was told to wait, and hears nothing."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def poll(self, seconds: float, _most: int) -> Sequence[tuple[int, int]]:
        self.waits.append(seconds)
        return []


def test_while_every_line_is_busy_nobody_looks_at_the_clock_again_and_again() -> None:
    board = Switchboard([Server("mx.test", 25, "none")], "us.test")
    messages: list[Message] = letters(Channel.EMAIL, 4)
    domain = messages[0].to.rpartition("@")[2]
    window = Window(messages, Clerk(Letterhead("a@b.cn")), Paces({domain: Limit(0, 2.0)}), 0.0)
    assert window.take(Offers()) is not None
    assert window.take(Offers()) is None  # the next goes in half a second
    window.now = 5.0
    assert window.wait() == 0.0  # its turn has come, but no line is idle
    poll: Any = Watched()
    real, board._poll = board._poll, poll
    board.turn(window, 9.0)
    board._poll = real
    board.close()

    assert poll.waits == [1.0]
