"""Several relays in one sender: shares, failover, and what is never sent a second time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from outreach.channels import Adapter, ChannelUnavailable
from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_clerk import Clerk
from outreach.channels.smtp_pace import Limit, Paces
from outreach.channels.smtp_relay import Relay
from outreach.channels.smtp_session import Server
from outreach.channels.smtp_window import Window
from outreach.channels.smtp_wire import Offers
from outreach.core.mime import Letterhead
from outreach.core.model import About, accepted, unavailable
from outreach.core.said import about
from outreach.core.words import Channel, State
from tests.channels.cases import CASES, letters, mail, results, states
from tests.channels.mta import CUT, HANG, Answer, Mta, Running, Taken, running, usual
from tests.journeys.house import until

PIPELINED = ("PIPELINING", "8BITMIME")


class Two:
    """Two servers, what arrived at each, and a channel to both."""

    def __init__(self, servers: Sequence[Running], taken: Sequence[list[Taken]]) -> None:
        self.servers, self.taken = servers, taken
        self.addresses = [Server("127.0.0.1", server.port, "none", timeout=5) for server in servers]
        self.channel = SmtpChannel(self.addresses, Letterhead("notice@broker.example"))

    def weighing(self, *weights: int) -> SmtpChannel:
        self.channel = SmtpChannel(
            [replace(at, weight=by) for at, by in zip(self.addresses, weights, strict=True)],
            Letterhead("notice@broker.example"),
        )
        return self.channel

    def relays(self) -> list[Relay]:
        """What the channel thinks of its servers; none before it was used."""
        opened = self.channel._opened
        if opened is None:
            states(self.channel, [mail(999)])
            return self.relays()
        return opened.board._relays

    def resting(self, at: int) -> bool:
        """Whether a server is left alone, with nothing on its way to it."""
        relay = self.relays()[at]
        return relay.resting and not relay.opening

    def nothing_under_way(self) -> bool:
        """Whether every connection that was begun has come to something, which the next window
        hears of: the other server is quick, and would take many windows meanwhile."""
        opened = self.channel._opened
        assert opened is not None
        return len(opened.board._arrived) >= sum(one.opening for one in opened.board._relays)

    def arrived(self) -> Counter[str]:
        return Counter(item.to for taken in self.taken for item in taken)


@contextmanager
def two(
    first: Answer = usual,
    second: Answer = usual,
    offers: tuple[tuple[str, ...], tuple[str, ...]] = (PIPELINED, PIPELINED),
) -> Iterator[Two]:
    taken: list[list[Taken]] = [[], []]

    def make(at: int, answer: Answer) -> Mta:
        return Mta(*offers[at], answer=answer, taken=taken[at])

    with (
        running(lambda _: make(0, first)) as one,
        running(lambda _: make(1, second)) as other,
    ):
        found = Two((one, other), taken)
        try:
            yield found
        finally:
            found.channel.close()


def always(verb: str, said: str) -> Answer:
    return lambda asked, _argument, _number: said if asked == verb else None


def everybody(count: int) -> Counter[str]:
    return Counter(f"user{id_}@ok.test" for id_ in range(1, count + 1))


@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
def test_shared_case(shared: Callable[[Adapter], None]) -> None:
    with two(offers=(PIPELINED, ("8BITMIME", "DSN", "SMTPUTF8"))) as found:
        found.channel = SmtpChannel(
            found.addresses,
            Letterhead("notice@broker.example"),
            domains={"*": Limit(connections=3), "ok.test": Limit(per_second=5000)},
        )
        shared(found.channel)
        assert [fault for server in found.servers for fault in server.faults] == []


def test_small_windows_go_by_weight() -> None:
    with two() as found:
        channel = found.weighing(3, 1)
        first = 1
        while not all(relay.idle for relay in found.relays()):
            states(channel, [mail(first)])
            first += 1
        before = [len(taken) for taken in found.taken]
        for relay in found.relays():
            relay.load = 0.0
        for id_ in range(first, first + 40):
            assert states(channel, [mail(id_)]) == {id_: State.ACCEPTED}

        sent = [len(taken) - was for taken, was in zip(found.taken, before, strict=True)]
        assert sent == [30, 10]
        assert [len(server.mtas) for server in found.servers] == [1, 1]


def test_a_relay_that_was_away_does_not_make_up_for_what_it_missed() -> None:
    with two() as found:
        channel = found.weighing(1, 1)
        first = 1
        while not all(relay.idle for relay in found.relays()):
            states(channel, [mail(first)])
            first += 1
        away, there = found.relays()
        away.load, there.load = 0.0, 50.0
        found.servers[0].hang_up()
        while len(found.servers[0].mtas) < 2 or not away.idle:
            states(channel, [mail(first)])
            first += 1
            assert first < 500

        assert away.load >= 50.0


def test_connections_are_shared_by_weight() -> None:
    with two() as found:
        channel, sent = found.weighing(3, 1), 0
        while sum(len(relay.lines) for relay in found.relays()) < 8:
            states(channel, letters(Channel.EMAIL, 60, first=sent + 1))
            sent += 60
            assert sent < 6000

        assert [len(relay.lines) for relay in found.relays()] == [6, 2]
        assert [len(server.mtas) for server in found.servers] == [6, 2]


@pytest.mark.parametrize(
    "answer",
    [
        always("CONNECT", "421 4.3.2 closed for repairs"),
        always("CONNECT", CUT),
        always("MAIL", "530 5.7.0 authentication required"),
        always("MAIL", "451 4.3.1 queue full"),
        always("MAIL", "421 4.3.2 shutting down"),
        always("RCPT", "554 5.7.1 Relay access denied"),
        always("MAIL", CUT),
        always("DATA", CUT),
        always("MAIL", "not smtp"),
    ],
)
def test_a_relay_that_is_down_or_refuses_us_is_left_alone_and_the_other_takes_all(
    answer: Answer,
) -> None:
    with two(answer) as found:
        sent = 0
        while not sent or not found.resting(0):
            outcomes = states(found.channel, letters(Channel.EMAIL, 60, first=sent + 1))
            assert set(outcomes.values()) == {State.ACCEPTED}
            sent += 60
            assert sent < 1800, "it is still asked"
            assert until(found.nothing_under_way), "a connection came to nothing"
        tried = len(found.servers[0].mtas), len(found.servers[0].commands)

        states(found.channel, letters(Channel.EMAIL, 60, first=sent + 1))

        assert found.arrived() == everybody(sent + 60)
        assert found.taken[0] == []
        assert (len(found.servers[0].mtas), len(found.servers[0].commands)) == tried


def test_a_relay_nobody_listens_at_is_left_alone() -> None:
    with two() as found:
        found.servers[0].stop()

        assert set(states(found.channel, letters(Channel.EMAIL, 60)).values()) == {State.ACCEPTED}
        assert len(found.taken[1]) == 60


def test_a_relay_that_never_greets_holds_nobody_up() -> None:
    with two(always("CONNECT", HANG)) as found:
        found.addresses = [replace(at, timeout=0.5) for at in found.addresses]
        channel = found.weighing(1, 1)

        assert set(states(channel, letters(Channel.EMAIL, 60)).values()) == {State.ACCEPTED}


def test_a_rested_relay_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.smtp_relay._REST", -1.0)
    down = [True]

    def answer(verb: str, _argument: str, _number: int) -> str | None:
        return "421 4.3.2 closed" if verb == "CONNECT" and down[0] else None

    with two(answer) as found:
        states(found.channel, letters(Channel.EMAIL, 60))
        down[0] = False
        sent = 60
        while not found.taken[0]:
            states(found.channel, letters(Channel.EMAIL, 60, first=sent + 1))
            sent += 60
            assert sent < 6000

        assert found.arrived() == everybody(sent)


def test_a_relay_rests_twice_as_long_each_time_until_it_serves_again() -> None:
    def lost(relay: Relay, window: Window, now: float) -> float:
        """It gets a letter, hangs up on it, and rests; for how long."""
        relay.begin(window, resting=False)
        letter = relay.take(Offers())
        assert letter is not None
        relay.put_back(letter, hung_up, served=False)
        relay.rest(hung_up, now)
        return relay.rests_until - now

    hung_up = unavailable("connection_lost", "the server hung up")
    relay = Relay(Server("mx.test", 25), [])
    desk = Window(letters(Channel.EMAIL, 9), Clerk(Letterhead("a@b.cn")), Paces({}), 0.0)

    assert [lost(relay, desk, now) for now in (0.0, 10.0, 30.0)] == [5.0, 10.0, 20.0]
    assert [lost(relay, desk, 100.0) for _ in range(9)][-1] == 300.0

    relay.begin(desk, resting=False)
    letter = relay.take(Offers())
    assert letter is not None
    relay.settle(letter, accepted("Q1"))
    assert lost(relay, desk, 900.0) == 5.0


@pytest.mark.parametrize("said", [CUT, HANG])
def test_what_one_relay_may_have_taken_never_goes_to_the_other(said: str) -> None:
    with two(always("END", said)) as found:
        found.addresses = [replace(at, timeout=0.5) for at in found.addresses]
        outcomes = results(found.weighing(1, 1), letters(Channel.EMAIL, 100))

        doubted = {id_ for id_, outcome in outcomes.items() if outcome.state is State.IN_DOUBT}
        assert 1 <= len(doubted) <= 10
        went = {int(item.to.removeprefix("user").split("@")[0]) for item in found.taken[1]}
        assert went == set(range(1, 101)) - doubted
        assert set(found.arrived().values()) == {1}


def test_a_relay_that_goes_down_in_the_middle_leaves_the_rest_to_the_other() -> None:
    served = []

    def answer(verb: str, _argument: str, _number: int) -> str | None:
        if verb == "END":
            served.append(1)
        gone = len(served) > 20
        if verb == "CONNECT" and gone:
            return "421 4.3.2 going down"
        return CUT if verb == "RCPT" and gone else None

    with two(answer) as found:
        outcomes = states(found.channel, letters(Channel.EMAIL, 300))

        assert set(outcomes.values()) == {State.ACCEPTED}
        assert found.arrived() == everybody(300)
        assert len(found.taken[0]) >= 20


def test_no_relay_serves_and_the_sentence_names_both() -> None:
    refuses = always("MAIL", "530 5.7.0 authentication required")
    with two(refuses, always("CONNECT", "554 5.7.1 not you")) as found:
        with pytest.raises(ChannelUnavailable) as caught:
            list(found.channel.send(letters(Channel.EMAIL, 20)))

        one, other = (server.port for server in found.servers)
        assert str(caught.value) == (
            f"127.0.0.1:{one}: the server does not serve this sender: 530 5.7.0 authentication"
            f" required; 127.0.0.1:{other}: refused: 554 5.7.1 not you"
        )


def test_one_relay_that_refuses_us_is_no_trouble_with_our_account_beside_one_that_is_down() -> None:
    refuses = always("MAIL", "530 5.7.0 authentication required")
    served = []

    def goes_down(verb: str, _argument: str, _number: int) -> str | None:
        if verb == "END":
            served.append(1)
        return CUT if len(served) > 3 and verb in ("CONNECT", "RCPT") else None

    with two(refuses, goes_down) as found:
        outcomes = results(found.channel, letters(Channel.EMAIL, 40))

    waiting = [one for one in outcomes.values() if one.state is State.READY]
    assert len(waiting) > 20
    assert {about(one) for one in waiting} == {About.CONNECTION}


def test_relays_that_are_all_resting_are_all_tried() -> None:
    down = [True]

    def answer(verb: str, _argument: str, _number: int) -> str | None:
        return "421 4.3.2 closed" if verb == "CONNECT" and down[0] else None

    with two(answer, answer) as found:
        with pytest.raises(ChannelUnavailable):
            list(found.channel.send(letters(Channel.EMAIL, 20)))
        down[0] = False

        assert set(states(found.channel, letters(Channel.EMAIL, 20)).values()) == {State.ACCEPTED}


@pytest.mark.parametrize(
    "better", [("PIPELINING", "8BITMIME", "SMTPUTF8"), ("8BITMIME", "SIZE 9000000", "SMTPUTF8")]
)
def test_what_one_relay_cannot_take_goes_to_the_one_that_can(better: tuple[str, ...]) -> None:
    poor = ("PIPELINING", "8BITMIME", "SIZE 5000")
    large = "<p>休市</p>\n" * 1000
    with two(offers=(poor, better)) as found:
        for window in range(3):
            first = window * 100 + 1
            messages = letters(Channel.EMAIL, 97, first)
            messages += [mail(first + 97, to="用户@例子.中国"), mail(first + 98, html=large)]
            assert set(states(found.channel, messages).values()) == {State.ACCEPTED}

        assert len(found.taken[0]) > 0
        assert [fault for server in found.servers for fault in server.faults] == []
