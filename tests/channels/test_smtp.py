"""The SMTP channel against a server that cuts, hangs, refuses and comes back."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP
from hashlib import sha256

import pytest

from outreach.channels import Adapter, ChannelUnavailable
from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_session import Server
from outreach.core.mime import Letterhead, Unwritable
from outreach.core.model import unavailable
from outreach.core.words import Channel, State
from tests.channels.cases import CASES, letters, mail, results, states
from tests.channels.mta import CUT, HANG, Answer, Mta, Running, Taken, running, usual

LETTERHEAD = Letterhead("notice@broker.example", "示例证券")
PIPELINED = ("PIPELINING", "8BITMIME", "SIZE 10240000", "SMTPUTF8")
STEPWISE = ("8BITMIME",)
BOTH = pytest.mark.parametrize("offers", [PIPELINED, STEPWISE], ids=["pipelined", "stepwise"])


class Case:
    """A server and a channel to it."""

    def __init__(self, server: Running, channel: SmtpChannel, taken: list[Taken]) -> None:
        self.server, self.channel, self.taken = server, channel, taken

    def arrived(self) -> Counter[int]:
        return Counter(int(item.to.split("@")[0].removeprefix("user")) for item in self.taken)


@contextmanager
def case(
    offers: tuple[str, ...] = PIPELINED,
    answer: Answer = usual,
    *,
    each: Callable[[int], Answer] | None = None,
    connections: int = 3,
    timeout: float = 5.0,
    drip: bool = False,
) -> Iterator[Case]:
    """`answer` for every connection alike, or `each` by the number of the connection from 0."""
    taken: list[Taken] = []

    def make(number: int) -> Mta:
        return Mta(*offers, answer=each(number) if each else answer, taken=taken)

    with running(make, drip=drip) as server:
        address = Server("127.0.0.1", server.port, "none", timeout=timeout)
        channel = SmtpChannel(address, LETTERHEAD, connections=connections)
        try:
            yield Case(server, channel, taken)
        finally:
            channel.close()


def at(verb: str, number: int, said: str) -> Answer:
    """Says it to the `number`th command of its kind on a connection."""
    return lambda asked, _argument, count: said if (asked, count) == (verb, number) else None


@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
@BOTH
def test_shared_case(shared: Callable[[Adapter], None], offers: tuple[str, ...]) -> None:
    with case(offers) as found:
        shared(found.channel)
        assert found.server.faults == []


@BOTH
def test_every_message_arrives_once_with_the_bytes_of_its_digest(offers: tuple[str, ...]) -> None:
    messages = [mail(id_, text=f"第{id_}封\n.\n..\n.dots\n") for id_ in range(1, 61)]
    with case(offers) as found:
        outcomes = results(found.channel, messages)

        assert found.arrived() == Counter(range(1, 61))
        assert found.server.faults == []
        assert len(found.server.mtas) <= 3
    digests = {item.to: sha256(item.content).digest() for item in found.taken}
    for message in messages:
        assert outcomes[message.id].digest == digests[message.to]
        assert outcomes[message.id].provider_ref.startswith("Ok: queued as Q")


def test_a_slow_connection_holds_up_no_other() -> None:
    others_done = threading.Event()

    def each(number: int) -> Answer:
        def answer(verb: str, _argument: str, count: int) -> str | None:
            if number == 0 and (verb, count) == ("END", 1):
                others_done.wait(10)
            elif number == 1 and (verb, count) == ("END", 5):
                others_done.set()
            return None

        return answer

    with case(each=each, connections=2) as found:
        assert set(states(found.channel, letters(Channel.EMAIL, 20)).values()) == {State.ACCEPTED}
        assert len(found.server.mtas) == 2
        assert others_done.is_set()


@pytest.mark.parametrize("text", [".", ".first\n", "one\r.two\r\n", "one\n.two", "...\n\n.\n"])
def test_a_line_that_begins_with_a_dot_arrives_whole(text: str) -> None:
    with case(connections=1) as found:
        outcomes = results(found.channel, [mail(1, text=text), mail(2, html=text), mail(3)])

        assert found.server.faults == []
        assert [sha256(item.content).digest() for item in found.taken] == [
            outcomes[id_].digest for id_ in (1, 2, 3)
        ]
        lines = text.replace("\r\n", "\n").replace("\r", "\n").encode().split(b"\n")
        assert b"\r\n\r\n" + b"\r\n".join(lines) + b"\r\n--" in found.taken[0].content


@pytest.mark.parametrize("text", [".", "a\n.\n..\nb", "é" + "." * 300, "." * 1000])
def test_a_dot_that_an_encoding_puts_at_the_start_of_a_line_arrives(text: str) -> None:
    with case(("PIPELINING",), connections=1) as found:
        outcomes = results(found.channel, [mail(1, text=text), mail(2)])

        assert found.server.faults == []
        assert [sha256(item.content).digest() for item in found.taken] == [
            outcomes[id_].digest for id_ in (1, 2)
        ]
        plain = message_from_bytes(found.taken[0].content, policy=SMTP).get_body(("plain",))
        assert plain is not None
        assert plain.get_content() == text.replace("\n", "\r\n")


def test_an_outcome_is_told_while_the_next_one_is_waited_for() -> None:
    told = threading.Event()

    def answer(verb: str, _argument: str, number: int) -> str | None:
        if (verb, number) == ("END", 2):
            assert told.wait(10)
        return None

    with case(answer=answer, connections=1) as found:
        outcomes = found.channel.send(letters(Channel.EMAIL, 5))
        id_, outcome = next(outcomes)
        assert (id_, outcome.state) == (1, State.ACCEPTED)
        told.set()
        assert {o.state for _, o in outcomes} == {State.ACCEPTED}


def test_replies_that_come_byte_by_byte_are_read() -> None:
    with case(drip=True) as found:
        assert set(states(found.channel, letters(Channel.EMAIL, 12)).values()) == {State.ACCEPTED}


def test_a_large_message_fills_the_socket_and_still_arrives() -> None:
    html = "<p>国庆节休市安排</p>\n" * 60_000
    with case(connections=1) as found:
        outcomes = results(found.channel, [mail(1, html=html), mail(2), mail(3, html=html)])

        assert found.arrived() == Counter([1, 2, 3])
        assert {item.to: sha256(item.content).digest() for item in found.taken} == {
            f"user{id_}@ok.test": outcomes[id_].digest for id_ in (1, 2, 3)
        }


@BOTH
def test_refused_and_deferred_recipients_stop_no_other(offers: tuple[str, ...]) -> None:
    def answer(verb: str, argument: str, _number: int) -> str | None:
        if verb != "RCPT":
            return None
        if "reject.test" in argument:
            return "550 5.1.1 <x@reject.test>: user unknown"
        return "451 4.3.2 try again later" if "defer.test" in argument else None

    domains = ("ok.test", "reject.test", "defer.test")
    messages = [mail(id_, to=f"user{id_}@{domains[id_ % 3]}") for id_ in range(1, 46)]
    with case(offers, answer) as found:
        outcomes = results(found.channel, messages)
        assert found.server.faults == []

    expected = (State.ACCEPTED, State.FAILED, State.READY)
    assert {id_: outcome.state for id_, outcome in outcomes.items()} == {
        id_: expected[id_ % 3] for id_ in range(1, 46)
    }
    assert (outcomes[1].code, outcomes[1].detail) == (
        "550 5.1.1",
        "<x***@reject.test>: user unknown",
    )
    assert outcomes[2].code == "451 4.3.2"


# --- connections that end --------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_connection_cut_within_an_envelope_loses_and_doubts_nothing(
    offers: tuple[str, ...], verb: str
) -> None:
    with case(offers, at(verb, 4, CUT)) as found:
        found_states = states(found.channel, letters(Channel.EMAIL, 40))

        assert set(found_states.values()) == {State.ACCEPTED}
        assert found.arrived() == Counter(range(1, 41))


@BOTH
def test_a_connection_cut_instead_of_the_last_answer_leaves_one_in_doubt(
    offers: tuple[str, ...],
) -> None:
    def first_only(number: int) -> Answer:
        return at("END", 3, CUT) if number == 0 else usual

    with case(offers, each=first_only, connections=1) as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 10))

        doubted = [id_ for id_, outcome in outcomes.items() if outcome.state is State.IN_DOUBT]
        assert doubted == [3]
        assert outcomes[3].code == "connection_lost"
        assert found.arrived() == Counter(set(range(1, 11)) - {3})


def test_a_connection_cut_within_the_message_leaves_it_in_doubt() -> None:
    def first_only(number: int) -> Answer:
        return (lambda verb, _a, _n: CUT if verb == "BODY" else None) if number == 0 else usual

    with case(each=first_only, connections=2) as found:
        found_states = states(found.channel, letters(Channel.EMAIL, 10))

    assert Counter(found_states.values()) == {State.ACCEPTED: 9, State.IN_DOUBT: 1}


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "END"])
def test_421_after_some_messages_costs_none_of_the_others(
    offers: tuple[str, ...], verb: str
) -> None:
    with case(offers, at(verb, 5, "421 4.7.0 too many messages, come back")) as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 60))

        arrived = found.arrived()
        assert set(arrived.values()) == {1}
        for id_, outcome in outcomes.items():
            assert (outcome.state is State.ACCEPTED) == (id_ in arrived)
        if verb == "END":
            assert {o.code for o in outcomes.values()} == {"", "421 4.7.0"}
        else:
            assert len(arrived) == 60


@BOTH
def test_an_address_at_which_the_server_always_hangs_up_stops_no_other(
    offers: tuple[str, ...],
) -> None:
    def answer(verb: str, argument: str, _number: int) -> str | None:
        return CUT if verb == "RCPT" and "user3@" in argument else None

    for connections in (1, 4):
        with case(offers, answer, connections=connections) as found:
            outcomes = results(found.channel, letters(Channel.EMAIL, 30))

        assert outcomes.pop(3) == unavailable("connection_lost", "the server hung up")
        assert {outcome.state for outcome in outcomes.values()} == {State.ACCEPTED}


@pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 mx.test idle\r\n"])
def test_a_connection_closed_between_windows_is_noticed(farewell: bytes) -> None:
    with case() as found:
        states(found.channel, letters(Channel.EMAIL, 20))
        found.server.hang_up(farewell)

        second = states(found.channel, letters(Channel.EMAIL, 20, first=21))

        assert set(second.values()) == {State.ACCEPTED}
        assert found.arrived() == Counter(range(1, 41))


def test_connections_are_kept_between_windows() -> None:
    with case(connections=1) as found:
        for first in (1, 11, 21):
            states(found.channel, letters(Channel.EMAIL, 10, first))

        assert len(found.server.mtas) == 1


def test_a_connection_long_idle_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.smtp_switchboard._STALE", -1.0)
    with case(connections=1) as found:
        for first in (1, 11):
            states(found.channel, letters(Channel.EMAIL, 10, first))

        assert len(found.server.mtas) == 2


def test_a_server_that_allows_fewer_connections_gets_fewer() -> None:
    def second_refused(number: int) -> Answer:
        return at("CONNECT", 0, "421 4.7.0 too many connections") if number else usual

    with case(each=second_refused, connections=8) as found:
        assert set(states(found.channel, letters(Channel.EMAIL, 40)).values()) == {State.ACCEPTED}


def test_a_window_that_nobody_finishes_leaves_the_next_one_clean() -> None:
    with case(connections=2) as found:
        iterator = found.channel.send(letters(Channel.EMAIL, 50))
        next(iterator)
        iterator.close()  # type: ignore[attr-defined]

        second = states(found.channel, letters(Channel.EMAIL, 20, first=51))

        assert set(second.values()) == {State.ACCEPTED}
        assert set(range(51, 71)) <= set(found.arrived())
        assert not set(range(1, 51)) <= set(found.arrived())


# --- servers that do not serve ---------------------------------------------------------------


def test_a_server_that_stops_answering_leaves_one_message_a_connection_in_doubt() -> None:
    with case(answer=at("END", 2, HANG), timeout=0.3, connections=2) as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 20))

        doubted = [o for o in outcomes.values() if o.state is State.IN_DOUBT]
        assert {outcome.code for outcome in doubted} == {"timeout"}
        assert 1 <= len(doubted) <= 2
        waiting = [o for o in outcomes.values() if o.state is State.READY]
        assert len(waiting) + len(doubted) + len(found.arrived()) == 20
        assert waiting[0].detail == "no answer within 0.3 seconds"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (at("CONNECT", 0, HANG), "no answer within 0.3 seconds"),
        (at("MAIL", 1, HANG), "no answer within 0.3 seconds"),
        (at("CONNECT", 0, CUT), "the server hung up"),
        (at("MAIL", 1, CUT), "the server hung up"),
        (at("CONNECT", 0, "554 5.7.1 not you"), "refused: 554 5.7.1 not you"),
        (at("MAIL", 1, "not smtp"), "the server's answer makes no sense"),
        (
            lambda verb, _a, _n: "550 5.7.1 sender rejected" if verb == "MAIL" else None,
            "the server does not serve this sender: 550 5.7.1 sender rejected",
        ),
        (
            lambda verb, _a, _n: "530 5.7.0 authentication required" if verb == "RCPT" else None,
            "the server does not serve this sender: 530 5.7.0 authentication required",
        ),
    ],
)
def test_a_server_that_serves_nobody_is_one_sentence(answer: Answer, sentence: str) -> None:
    with case(answer=answer, timeout=0.3) as found:
        with pytest.raises(ChannelUnavailable) as caught:
            list(found.channel.send(letters(Channel.EMAIL, 20)))

        assert str(caught.value) == f"127.0.0.1:{found.server.port}: {sentence}"
        assert found.taken == []


def test_nothing_is_said_of_a_window_that_turns_out_to_be_unavailable() -> None:
    refuses = at("MAIL", 1, "550 5.7.1 sender rejected")
    with case(answer=refuses, connections=1) as found:
        iterator = found.channel.send([mail(1, subject="two\nlines"), mail(2)])

        with pytest.raises(ChannelUnavailable, match="sender rejected"):
            next(iterator)


def test_connections_that_were_never_used_may_be_closed_by_the_server() -> None:
    unwritable = [mail(id_, subject="two\nlines") for id_ in range(1, 41)]
    with case(connections=4) as found:
        while len(found.server.commands) < 4:
            assert set(states(found.channel, unwritable).values()) == {State.FAILED}
        found.server.hang_up()

        second = states(found.channel, letters(Channel.EMAIL, 20, first=51))

        assert set(second.values()) == {State.ACCEPTED}


def test_a_sender_refused_in_the_middle_leaves_the_rest_unsent() -> None:
    with case(answer=at("MAIL", 3, "550 5.7.1 quota exceeded"), connections=1) as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 5))

    assert [outcomes[id_].state for id_ in range(1, 6)] == [State.ACCEPTED] * 2 + [State.READY] * 3
    assert outcomes[4].code == "550 5.7.1"


def test_nobody_listens_on_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    channel = SmtpChannel(Server("127.0.0.1", port, "none"), LETTERHEAD)

    with pytest.raises(ChannelUnavailable, match=rf"^127.0.0.1:{port}: connection refused$"):
        list(channel.send([mail()]))
    channel.close()


def test_a_login_is_never_sent_in_the_clear() -> None:
    server = Server("mail.broker.example", 25, "none", username="notice", password="secret")
    channel = SmtpChannel(server, LETTERHEAD)

    with pytest.raises(ChannelUnavailable, match="a login needs TLS"):
        list(channel.send([mail()]))
    assert "secret" not in repr(server)


def test_a_window_that_comes_late_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.smtp_window._PATIENCE", -1.0)
    with case() as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 3))

        assert {(o.state, o.code) for o in outcomes.values()} == {(State.READY, "late")}
        assert found.taken == []


# --- what the server offers ------------------------------------------------------------------


def test_without_8bitmime_the_message_is_ascii() -> None:
    with case(("PIPELINING",)) as found:
        results(found.channel, [mail(1)])

        assert found.server.faults == []
        assert found.taken[0].content.isascii()
        assert found.server.mtas[0].commands[1] == "MAIL FROM:<notice@broker.example>"


def test_size_is_told_and_a_message_over_it_is_never_sent() -> None:
    with case(("PIPELINING", "8BITMIME", "SIZE 2000")) as found:
        outcomes = results(found.channel, [mail(1), mail(2, html="<p>休市</p>\n" * 1000), mail(3)])

        size = len(found.taken[0].content)
        command = f"MAIL FROM:<notice@broker.example> SIZE={size} BODY=8BITMIME"
        assert found.server.mtas[0].commands[1] == command
        assert found.arrived() == Counter([1, 3])
    assert (outcomes[2].state, outcomes[2].code) == (State.FAILED, "552 5.3.4")


def test_an_internationalised_address_needs_smtputf8() -> None:
    with case(PIPELINED, connections=1) as found:
        assert states(found.channel, [mail(1, to="用户@例子.中国")]) == {1: State.ACCEPTED}
        assert found.server.commands[1].endswith(" BODY=8BITMIME SMTPUTF8")
        assert found.taken[0].to == "用户@例子.中国"
    with case(STEPWISE, connections=1) as found:
        outcomes = results(
            found.channel, [mail(1, to="用户@例子.中国"), mail(2, to="wang@例子.中国"), mail(3)]
        )
        assert outcomes[1].code == "smtputf8"
        assert found.taken[0].to == "wang@xn--fsqu00a.xn--fiqs8s"
        assert b"To: wang@xn--fsqu00a.xn--fiqs8s" in found.taken[0].content
        assert found.server.faults == []


@pytest.mark.parametrize(
    ("to", "original"),
    [
        ("user@ok.test", "rfc822;user@ok.test"),
        ("a+b=c@ok.test", "rfc822;a+2Bb+3Dc@ok.test"),
        (
            "用户+1@例子.中国",
            "utf-8;\\x{7528}\\x{6237}\\x{2B}1@\\x{4F8B}\\x{5B50}.\\x{4E2D}\\x{56FD}",
        ),
        ("wang@例子.中国", "utf-8;wang@\\x{4F8B}\\x{5B50}.\\x{4E2D}\\x{56FD}"),
    ],
)
def test_where_dsn_is_offered_a_report_will_name_our_message(to: str, original: str) -> None:
    with case((*PIPELINED, "DSN"), connections=1) as found:
        assert states(found.channel, [mail(31, to=to)]) == {31: State.ACCEPTED}

        _, sender, recipient, *_ = found.server.commands
        assert " RET=HDRS ENVID=m31.r7 " in sender + " "
        assert recipient == f"RCPT TO:<{to}> NOTIFY=FAILURE,DELAY ORCPT={original}"
        assert found.server.faults == []


def test_the_sender_needs_a_plain_address() -> None:
    for address in ("", "notice", "通知@broker.example", "a@b.cn\r\nRCPT TO:<x@y.z>"):
        with pytest.raises(Unwritable):
            SmtpChannel(Server("127.0.0.1", 25, "none"), Letterhead(address))
