"""Whose turn it is in a window, and how fast each recipient domain is served."""

import threading
from collections import Counter
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_clerk import Clerk
from outreach.channels.smtp_pace import Limit, Pace, Paces, asks_for_less
from outreach.channels.smtp_session import Server
from outreach.channels.smtp_window import Window
from outreach.channels.smtp_wire import Letter, Offers
from outreach.core.mime import Letterhead
from outreach.core.model import About, Outcome, accepted, in_doubt, refused, unavailable
from outreach.core.words import State
from tests.channels.cases import mail, results
from tests.channels.mta import Mta, Taken, running

LETTERHEAD = Letterhead("notice@broker.example")
OFFERS = Offers(pipelining=True, eight_bit=True)
TOO_MANY = unavailable("450 4.7.28", "too many messages from your network")


def window(domains: list[str], limits: dict[str, Limit], now: float = 0.0) -> Window:
    messages = [mail(id_, to=f"u{id_}@{domain}") for id_, domain in enumerate(domains, 1)]
    return Window(messages, Clerk(LETTERHEAD), Paces(limits), now)


def taken(desk: Window, most: int = 1000) -> list[Letter]:
    found: list[Letter] = []
    while len(found) < most and (letter := desk.take(OFFERS)) is not None:
        found.append(letter)
    return found


def domains_of(letters: list[Letter]) -> list[str]:
    return [letter.message.to.partition("@")[2] for letter in letters]


def test_without_limits_messages_go_in_their_order() -> None:
    desk = window(["qq.com", "163.com"] * 5, {})

    assert [letter.message.id for letter in taken(desk)] == list(range(1, 11))


def test_domains_take_turns_and_a_full_one_holds_up_no_other() -> None:
    desk = window(["qq.com"] * 6 + ["163.com"] * 3 + ["a.test", "b.test"], {"qq.com": Limit(2)})

    first = taken(desk)

    assert Counter(domains_of(first)) == {"qq.com": 2, "163.com": 3, "a.test": 1, "b.test": 1}
    assert domains_of(first)[:4] in (
        ["qq.com", "163.com", "qq.com", "163.com"], ["163.com", "qq.com", "163.com", "qq.com"],
    )  # fmt: skip
    desk.settle(next(letter for letter in first if "qq" in letter.message.to), accepted("q"))
    assert domains_of(taken(desk)) == ["qq.com"]


def test_the_star_is_for_each_other_domain_alone_and_capitals_do_not_matter() -> None:
    desk = window(
        ["a.test", "A.Test", "b.test", "qq.com", "QQ.com"], {"*": Limit(1), "qq.com": Limit(2)}
    )

    assert Counter(domain.lower() for domain in domains_of(taken(desk))) == {
        "a.test": 1, "b.test": 1, "qq.com": 2,
    }  # fmt: skip


def test_a_letter_that_comes_back_gives_its_place_free() -> None:
    desk = window(["qq.com"] * 2, {"qq.com": Limit(1)})
    (letter,) = taken(desk)

    desk.put_back(letter, unavailable("connection_lost"), first=True)

    assert taken(desk) == [letter]


def test_a_rate_is_kept_over_every_second() -> None:
    desk = window(["qq.com"] * 200, {"qq.com": Limit(per_second=20)}, now=100.0)
    begun = []
    while desk.now < 105:
        for letter in taken(desk):
            begun.append(desk.now)
            desk.settle(letter, accepted("q"))
        desk.now += 0.001

    assert 99 <= len(begun) <= 101
    for first in begun:
        assert sum(first <= at < first + 1 for at in begun) <= 21


def test_the_wait_is_until_the_next_may_go() -> None:
    desk = window(["qq.com"] * 3, {"qq.com": Limit(per_second=2)}, now=50.0)
    assert len(taken(desk)) == 1
    assert taken(desk) == []

    assert 0.45 <= desk.wait() <= 0.5
    desk.now = 50.5
    assert len(taken(desk)) == 1


def test_a_domain_that_asks_for_less_gets_one_at_a_time_and_then_more_again() -> None:
    desk = window(["slow.test"] * 40 + ["ok.test"] * 5, {})
    first = taken(desk, 10)
    desk.settle(first[0], TOO_MANY)

    after = taken(desk)
    assert domains_of(after) == ["ok.test"] * 5
    for letter in (*first[1:], *after):
        desk.settle(letter, accepted("q"))
    assert taken(desk) == []
    desk.now += 1.0
    again = taken(desk)
    assert len(again) == 1
    for _ in range(6):
        desk.settle(again[-1], accepted("q"))
        desk.now += 1.0
        again += taken(desk)
    assert len(again) > 7, "it is served at full speed again"


def served(desk: Window) -> Counter[str]:
    """Serves a window until it ends; the codes of its outcomes."""
    while True:
        while hand := taken(desk):
            for letter in hand:
                desk.settle(letter, accepted("q"))
        wait = desk.wait()
        if wait == inf:
            return Counter(outcome.code for _, outcome in desk.drain())
        desk.now += wait + 0.001


def test_what_there_is_no_time_for_comes_back_as_not_begun() -> None:
    desk = window(["qq.com"] * 100, {"qq.com": Limit(per_second=2)})

    assert served(desk) in ({"": 61, "late": 39}, {"": 60, "late": 40})
    assert desk.now <= 30.1
    assert desk.waiting == 0


def test_a_window_does_not_stay_open_for_slow_domains_alone() -> None:
    desk = window(["qq.com"] * 100 + ["ok.test"] * 100, {"qq.com": Limit(per_second=10)})

    codes = served(desk)

    assert desk.now <= 0.3
    assert codes == {"": 103, "late": 97}


def test_limits_for_all_domains_keep_no_window_open_for_the_slowest() -> None:
    limits = {"*": Limit(connections=4), "qq.com": Limit(connections=1, per_second=20)}
    desk = window(["qq.com"] * 50 + ["a.test", "b.test"] * 50, limits)

    codes = served(desk)

    assert desk.now <= 0.4
    assert codes[""] >= 100
    assert codes["late"] >= 40


def test_slow_answers_make_nobody_late_before_the_window_is_over() -> None:
    desk = window(["a.test"] * 3 + ["b.test"], {"*": Limit(connections=1)})
    sent = 0
    while desk.waiting:
        hand = taken(desk)
        assert taken(desk) == []
        desk.now += 4.0
        assert desk.wait() > 0
        for letter in hand:
            desk.settle(letter, accepted("q"))
            sent += 1

    assert sent == 4


@pytest.mark.parametrize(
    ("outcome", "less"),
    [
        (unavailable("450 4.7.28", "Gmail has detected an unusual rate of mail"), True),
        (unavailable("421 4.7.0", "Too many connections from your IP"), True),
        (unavailable("451 4.3.2", "Please slow down"), True),
        (unavailable("450 4.2.1", "The user is receiving mail at a rate that prevents more"), True),
        (unavailable("451", "RP:TRC 发送过于频繁"), True),
        (unavailable("452 4.5.3", "Error: too many recipients"), True),
        (unavailable("450 4.2.0", "Greylisted, see http://postgrey.example/help"), False),
        (unavailable("451 4.7.1", "Greylisting in action, please come back later"), False),
        (unavailable("452 4.2.2", "mailbox full"), False),
        (unavailable("connection_lost", "the server hung up"), False),
        (refused("550 5.7.1", "too many complaints"), False),
        (in_doubt("timeout", "rate"), False),
    ],
)
def test_who_asks_for_less(outcome: Outcome, less: bool) -> None:
    assert asks_for_less(outcome) is less


def test_421_speaks_of_the_connection_unless_the_domain_has_a_lane() -> None:
    closing = unavailable("421 4.7.0", "too many messages", About.RATE)
    for limits, next_go, whose in (
        ({}, 9, About.RATE),
        ({"qq.com": Limit(20)}, 0, About.MESSAGE),
    ):
        desk = window(["qq.com"] * 10, limits)
        (letter,) = taken(desk, 1)
        desk.settle(letter, closing)
        assert len(taken(desk)) == next_go
        assert desk.drain()[0][1].about is whose


def test_what_speaks_of_the_whole_sender_slows_no_domain() -> None:
    desk = window(["qq.com"] * 10, {"qq.com": Limit(20)})
    (letter,) = taken(desk, 1)
    desk.settle(letter, unavailable("450 4.7.1", "Error: too much mail from 192.0.2.1", About.RATE))

    assert len(taken(desk)) == 9
    assert desk.drain()[0][1].about is About.RATE


def test_a_pace_goes_back_to_what_is_configured() -> None:
    pace = Pace(Limit(4, 10.0))
    for _ in range(10):
        pace.slow(0.0)
    pace.begin(60.0)
    assert pace.full
    assert 119 <= pace.next_at <= 120
    for _ in range(20):
        pace.ease()
    assert not pace.full
    pace.begin(1000.0)
    pace.begin(1000.1)
    assert 1000.1 < pace.next_at <= 1000.2


ACTIONS = st.lists(
    st.sampled_from(
        ["take", "take", "take", "accept", "accept", "many", "full", "back", "tick", "late"]
    ),
    max_size=80,
)


@given(
    domains=st.lists(st.sampled_from(["a.test", "b.test", "c.test"]), min_size=1, max_size=30),
    limits=st.dictionaries(
        st.sampled_from(["a.test", "b.test", "*"]),
        st.builds(Limit, st.integers(0, 3), st.sampled_from([0.0, 0.5, 5.0])),
        max_size=3,
    ),
    actions=ACTIONS,
)
@settings(max_examples=100, deadline=None)
def test_every_message_comes_out_once_and_no_domain_has_more_than_it_takes(
    domains: list[str], limits: dict[str, Limit], actions: list[str]
) -> None:
    desk = window(domains, limits)
    hand: list[Letter] = []
    for action in actions:
        if action == "take":
            hand += taken(desk, 1)
            for domain, count in Counter(domains_of(hand)).items():
                limit = limits.get(domain, limits.get("*", Limit()))
                assert not limit.connections or count <= limit.connections
        elif action in ("tick", "late"):
            desk.now += 0.3 if action == "tick" else 31.0
            desk.wait()
        elif hand:
            letter = hand.pop(0)
            if action == "back":
                desk.put_back(letter, TOO_MANY, first=False)
            else:
                desk.settle(letter, accepted("q") if action == "accept" else TOO_MANY)
    for letter in hand:
        desk.settle(letter, accepted("q"))
    desk.give_up(unavailable("late"))

    assert sorted(id_ for id_, _ in desk.drain()) == list(range(1, len(domains) + 1))
    assert desk.waiting == 0


def test_a_slow_domain_gets_its_connections_and_the_others_all_the_rest() -> None:
    others_done = threading.Event()
    arrived: list[Taken] = []
    at_once: list[int] = []

    def answer(verb: str, argument: str, _number: int) -> str | None:
        if verb == "END" and argument.endswith("slow.test"):
            at_once.append(1)
            assert others_done.wait(20)
            at_once.append(-1)
        elif verb == "END" and len([item for item in arrived if "ok.test" in item.to]) >= 57:
            others_done.set()
        return None

    messages = [
        mail(id_, to=f"user{id_}@{'slow.test' if id_ % 4 == 0 else 'ok.test'}")
        for id_ in range(1, 81)
    ]
    with running(lambda _: Mta("PIPELINING", answer=answer, taken=arrived)) as server:
        channel = SmtpChannel(
            Server("127.0.0.1", server.port, "none", timeout=20),
            LETTERHEAD,
            connections=4,
            domains={"slow.test": Limit(connections=2)},
        )
        outcomes = results(channel, messages)
        channel.close()

    assert others_done.is_set()
    assert {outcome.state for outcome in outcomes.values()} <= {State.ACCEPTED, State.READY}
    sent = sum(item.to.endswith("slow.test") for item in arrived)
    assert sent >= 2
    most = out = 0
    for step in at_once:
        out += step
        most = max(most, out)
    assert most <= 2
