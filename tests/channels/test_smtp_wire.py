"""The conversation without a socket: every split, every cut, every mix of answers."""

import re
from collections import Counter, deque
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outreach.channels.smtp_reply import Reply
from outreach.channels.smtp_wire import Conversation, Garbled, Letter, Offers
from outreach.core.model import About, Message, Outcome, refused, unavailable
from outreach.core.words import State
from tests.channels.mta import CUT, Cut, Mta, Taken

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
PIPELINED = Offers(pipelining=True)
STEPWISE = Offers()
BOTH = pytest.mark.parametrize("offers", [PIPELINED, STEPWISE], ids=["pipelined", "stepwise"])


class Pile:
    """A desk that remembers: letters 1 to n, each to `<n>@ok.test`."""

    def __init__(self, count: int) -> None:
        self.queue = deque(letter(id_) for id_ in range(1, count + 1))
        self.outcomes: dict[int, Outcome] = {}
        self.returned: list[int] = []
        self.stopped: list[str] = []

    def take(self, offers: Offers) -> Letter | None:
        return self.queue.popleft() if self.queue else None

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        assert letter.message.id not in self.outcomes
        self.outcomes[letter.message.id] = outcome

    def put_back(self, letter: Letter, why: Outcome, *, served: bool) -> None:
        self.returned.append(letter.message.id)

    def stop(self, letter: Letter, code: str, detail: str) -> None:
        self.returned.append(letter.message.id)
        self.stopped.append(code)

    def busy(self, letter: Letter, why: Outcome) -> None:
        self.settle(letter, why)

    @property
    def states(self) -> dict[int, State]:
        return {id_: outcome.state for id_, outcome in self.outcomes.items()}


def letter(id_: int) -> Letter:
    written = Letter(Message(id_, 7, f"{id_}@ok.test", "en", ("s", "t", "h"), AT, None))
    written.digest = b""
    written.mail = b"MAIL FROM:<notice@broker.example>\r\n"
    written.rcpt = b"RCPT TO:<%d@ok.test>\r\n" % id_
    written.data = b"Subject: %d\r\n\r\n..dot\r\n.\r\n" % id_
    return written


def talk(conversation: Conversation, first: bytes, mta: Mta, step: int = 10**9) -> None:
    """Carries bytes both ways, `step` at a time, until nobody has anything to say."""
    out = first
    while out:
        conversation.given = conversation.flushed = True
        said = mta.feed(out)
        out = b""
        for at in range(0, len(said), step):
            out += conversation.feed(said[at : at + step])


@BOTH
@pytest.mark.parametrize("step", [1, 2, 3, 7, 10**9])
def test_replies_may_be_split_anywhere(offers: Offers, step: int) -> None:
    taken: list[Taken] = []
    mta = Mta(*(["PIPELINING"] if offers.pipelining else []), taken=taken)
    pile, conversation = Pile(5), Conversation(offers)

    talk(conversation, conversation.begin(pile), mta, step)

    assert pile.states == dict.fromkeys(range(1, 6), State.ACCEPTED)
    assert [pile.outcomes[id_].provider_ref for id_ in (1, 5)] == [
        "Ok: queued as Q1",
        "Ok: queued as Q5",
    ]
    assert [item.content for item in taken][:1] == [b"Subject: 1\r\n\r\n.dot\r\n"]
    assert mta.faults == []
    assert not conversation.busy


def test_one_message_costs_one_write_when_pipelined() -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)

    first = conversation.begin(pile)
    second = conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")

    assert first == b"MAIL FROM:<notice@broker.example>\r\nRCPT TO:<1@ok.test>\r\nDATA\r\n"
    assert second == (
        b"Subject: 1\r\n\r\n..dot\r\n.\r\n"
        b"MAIL FROM:<notice@broker.example>\r\nRCPT TO:<2@ok.test>\r\nDATA\r\n"
    )


def test_data_taken_without_a_recipient_is_ended_by_a_lone_dot() -> None:
    pile, conversation = Pile(1), Conversation(PIPELINED)
    conversation.begin(pile)

    assert conversation.feed(b"250 ok\r\n550 5.1.1 no\r\n354 go\r\n") == b".\r\n"
    assert pile.outcomes == {1: refused("550 5.1.1", "no")}
    assert conversation.busy
    assert conversation.feed(b"554 5.5.1 no valid recipients\r\n") == b""
    assert not conversation.busy


def test_a_broken_off_transaction_is_reset_before_the_next() -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)
    conversation.begin(pile)

    out = conversation.feed(b"250 ok\r\n451 4.3.2 later\r\n554 no valid recipients\r\n")

    assert out.startswith(b"RSET\r\nMAIL FROM")
    assert pile.outcomes == {1: unavailable("451 4.3.2", "later")}


@BOTH
@pytest.mark.parametrize(
    ("verb", "said", "state", "code"),
    [
        ("RCPT", "550 5.1.1 no such user", State.FAILED, "550 5.1.1"),
        ("RCPT", "554 refused", State.FAILED, "554"),
        ("RCPT", "451 4.7.1 greylisted", State.READY, "451 4.7.1"),
        ("RCPT", "503 5.5.1 out of step", State.READY, "503 5.5.1"),
        ("RCPT", "554 5.7.1 <x@y.z>: Recipient address rejected: no", State.FAILED, "554 5.7.1"),
        ("MAIL", "552 5.3.4 too big", State.FAILED, "552 5.3.4"),
        ("MAIL", "451 4.3.0 later", State.READY, "451 4.3.0"),
        ("DATA", "554 5.7.1 policy", State.FAILED, "554 5.7.1"),
        ("DATA", "451 4.3.0 later", State.READY, "451 4.3.0"),
        ("END", "554 5.6.0 looks like spam", State.FAILED, "554 5.6.0"),
        ("END", "452 4.3.1 disk full", State.READY, "452 4.3.1"),
        ("END", "550-5.7.1 several\r\n550 5.7.1 lines", State.FAILED, "550 5.7.1"),
    ],
)
def test_a_refusal_concerns_its_own_message_only(
    offers: Offers, verb: str, said: str, state: State, code: str
) -> None:
    def answer(asked: str, _argument: str, number: int) -> str | None:
        return said if asked == verb and number == 2 else None

    for lenient in (False, True):
        taken: list[Taken] = []
        names = ["PIPELINING"] if offers.pipelining else []
        mta = Mta(*names, answer=answer, lenient=lenient, taken=taken)
        pile, conversation = Pile(3), Conversation(offers)

        talk(conversation, conversation.begin(pile), mta)

        assert pile.states == {1: State.ACCEPTED, 2: state, 3: State.ACCEPTED}
        assert pile.outcomes[2].code == code
        assert [item.to for item in taken] == ["1@ok.test", "3@ok.test"]
        assert mta.faults == []


@BOTH
@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("MAIL", "553 5.7.1 sender not owned by user"),
        ("MAIL", "530 5.7.0 authentication required"),
        ("RCPT", "530 5.7.0 authentication required"),
        ("RCPT", "554 5.7.1 <1@ok.test>: Relay access denied"),
        ("RCPT", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
        ("RCPT", "553 5.7.1 <notice@x.example>: Sender address rejected: not owned by user joe"),
        ("RCPT", "550 5.7.1 Client was not authenticated"),
        ("RCPT", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
    ],
)
def test_a_refusal_of_ourselves_blames_no_recipient(offers: Offers, verb: str, said: str) -> None:
    pile, conversation = Pile(1), Conversation(offers)
    mta = Mta(
        *(["PIPELINING"] if offers.pipelining else []),
        answer=lambda asked, _argument, _number: said if asked == verb else None,
        taken=[],
    )

    talk(conversation, conversation.begin(pile), mta)

    assert pile.outcomes == {}
    assert pile.returned == [1]
    assert pile.stopped == [" ".join(said.split()[:2])]


@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n",
        b"2x0 ok\r\n",
        b"250:ok\r\n",
        b"\r\n",
        b"199 what\r\n",
        b"354 go\r\n",
        b"x" * 70_000,
        b"250-a\r\n" * 200,
        b"250 a\r\n250 b\r\n250 no data please\r\n",
        b"250 a\r\n250 b\r\n354 go\r\n250 taken before it was sent\r\n",
    ],
)
def test_nonsense_is_never_taken_for_an_answer(said: bytes) -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)
    conversation.begin(pile)

    with pytest.raises(Garbled):
        conversation.feed(said)
    conversation.given = False
    conversation.lost("garbled", "")

    assert pile.outcomes == {}
    assert 1 in pile.returned


def test_a_reply_nobody_waits_for_is_nonsense() -> None:
    with pytest.raises(Garbled):
        Conversation(PIPELINED).feed(b"250 ok\r\n")


def test_an_acceptance_before_anything_was_written_is_not_believed() -> None:
    pile, conversation = Pile(1), Conversation(PIPELINED)
    first = conversation.begin(pile)
    conversation.given = conversation.flushed = bool(first)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")

    with pytest.raises(Garbled):
        conversation.feed(b"250 ok\r\n")
    conversation.lost("garbled", "")

    assert pile.outcomes == {}
    assert pile.returned == [1]


TAKEN_AND_NEXT = b"250 2.0.0 Ok: queued as A\r\n250 ok\r\n250 ok\r\n354 go\r\n"


def in_full_swing(count: int, more: bytes = b"") -> tuple[Pile, Conversation]:
    """The first letter is written with the envelope of the second, and nothing is answered yet."""
    pile, conversation = Pile(count), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n" + more)
    conversation.given = conversation.flushed = True
    return pile, conversation


def test_the_usual_answers_move_on_by_one_letter() -> None:
    pile, conversation = in_full_swing(3)

    out = conversation.feed(TAKEN_AND_NEXT)

    assert out.startswith(b"Subject: 2\r\n\r\n..dot\r\n.\r\nMAIL FROM")
    assert pile.states == {1: State.ACCEPTED}
    assert pile.outcomes[1].provider_ref == "Ok: queued as A"


def test_what_the_usual_answers_let_go_is_not_in_doubt_before_it_is_written() -> None:
    pile, conversation = in_full_swing(3)
    conversation.feed(TAKEN_AND_NEXT)

    conversation.lost("connection_lost", "the server hung up")

    assert pile.states == {1: State.ACCEPTED}
    assert pile.returned == [2, 3]


@pytest.mark.parametrize(
    ("count", "more", "flushed"),
    [
        (3, b"", False),  # nothing of it has been written to the end
        (3, b"4", True),  # begun as something else
        (1, b"", True),  # no envelope is waiting for an answer
    ],
)
def test_the_usual_answers_at_an_unusual_moment_are_nonsense(
    count: int, more: bytes, flushed: bool
) -> None:
    pile, conversation = in_full_swing(count, more)
    conversation.flushed = flushed

    with pytest.raises(Garbled):
        conversation.feed(TAKEN_AND_NEXT)
    assert len(pile.outcomes) <= 1


def test_after_the_last_letter_no_envelope_is_answered() -> None:
    pile, conversation = in_full_swing(2)
    assert conversation.feed(TAKEN_AND_NEXT) == b"Subject: 2\r\n\r\n..dot\r\n.\r\n"
    conversation.given = conversation.flushed = True

    with pytest.raises(Garbled):
        conversation.feed(TAKEN_AND_NEXT)
    assert pile.states == {1: State.ACCEPTED, 2: State.ACCEPTED}


def test_a_step_is_not_answered_before_it_was_taken() -> None:
    pile, conversation = Pile(1), Conversation(STEPWISE)
    conversation.begin(pile)

    with pytest.raises(Garbled):
        conversation.feed(b"250 to MAIL\r\n250 to what?\r\n")


def test_a_recipient_refused_just_before_the_connection_ends_stays_refused() -> None:
    pile, conversation = Pile(1), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n550 5.1.1 no\r\n")

    conversation.lost("connection_lost", "the server hung up")

    assert pile.outcomes == {1: refused("550 5.1.1", "no")}
    assert pile.returned == []


def test_an_acceptance_before_the_end_was_written_is_not_believed() -> None:
    pile, conversation = Pile(1), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.given, conversation.flushed = True, False

    with pytest.raises(Garbled):
        conversation.feed(b"250 ok\r\n")
    conversation.lost("garbled", "")

    assert pile.states == {1: State.IN_DOUBT}


def test_a_refusal_before_the_end_was_written_counts_and_ends_the_connection() -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.given, conversation.flushed = True, False

    with pytest.raises(Garbled):
        conversation.feed(b"552 5.3.4 too big\r\n")
    conversation.lost("garbled", "")

    assert pile.outcomes == {1: refused("552 5.3.4", "too big")}
    assert pile.returned == [2]


def test_421_after_the_message_means_not_taken_and_sends_the_next_elsewhere() -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.given = conversation.flushed = True

    assert conversation.feed(b"421 4.3.2 shutting down\r\n250 ok\r\n") == b""
    assert conversation.closing == Reply(421, "4.3.2 shutting down")
    conversation.lost("", "")

    assert pile.outcomes == {1: unavailable("421 4.3.2", "shutting down", About.CONNECTION)}
    assert pile.returned == [2]


def test_a_lost_connection_leaves_the_written_message_in_doubt_and_the_next_untouched() -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")
    conversation.given = True

    conversation.lost("connection_lost", "the server hung up")

    assert pile.states == {1: State.IN_DOUBT}
    assert pile.returned == [2]


def test_a_message_of_which_no_byte_went_out_is_not_in_doubt() -> None:
    pile, conversation = Pile(2), Conversation(PIPELINED)
    conversation.begin(pile)
    conversation.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")

    conversation.lost("connection_lost", "the server hung up")

    assert pile.outcomes == {}
    assert pile.returned == [1, 2]


def test_what_the_server_says_of_a_mailbox_is_masked() -> None:
    reply = Reply(550, "5.1.1 <wang.xiaoming@example.com>: unknown user wang@example.com")

    assert reply.label == "550 5.1.1"
    assert reply.words == "<w***@example.com>: unknown user w***@example.com"


@pytest.mark.parametrize(
    ("code", "text", "seconds"),
    [
        (450, "4.2.0 Greylisted, please come back in 00:05:00", 300),
        (451, "4.7.1 Greylisting in action, try again after 5 minutes", 300),
        (
            450,
            "4.2.0 Recipient address rejected: Greylisted for 240 seconds (see http://a.b/c)",
            240,
        ),
        (451, "try again in 2 hours", 7200),
        (450, "4.7.1 wait for 90000 seconds", 14400),
        (450, "4.2.0 Greylisted, see http://postgrey.example/help", 0),
        (452, "4.2.2 mailbox full for 3 mails", 0),
        (550, "5.7.1 blocked for 300 seconds", 0),
        (451, "4.3.0 error 12 in 34 queues", 0),
    ],
)
def test_how_long_a_server_asks_to_wait(code: int, text: str, seconds: int) -> None:
    assert Reply(code, text).wait == seconds


def test_a_greylisted_message_knows_when_it_may_come_back() -> None:
    pile, conversation = Pile(1), Conversation(PIPELINED)
    conversation.begin(pile)

    conversation.feed(b"250 ok\r\n450 4.2.0 come back in 00:04:00\r\n554 no recipients\r\n")

    assert pile.outcomes[1].wait == 240.0


ANSWERS = st.sampled_from(
    [None] * 8
    + ["250 ok", "451 4.3.0 later", "550 5.1.1 no", "421 4.3.2 bye", CUT, "552 5.3.4 big", "junk"]
)


@BOTH
@given(
    answers=st.lists(ANSWERS, max_size=40),
    lenient=st.booleans(),
    step=st.sampled_from([1, 5, 64, 10**9]),
    cut_after=st.one_of(st.none(), st.integers(0, 1500)),
    lose_replies=st.integers(0, 200),
)
@example(answers=[], lenient=False, step=1, cut_after=None, lose_replies=0)
@settings(max_examples=200, deadline=None)
def test_the_client_never_believes_more_and_never_doubts_less_than_the_server_knows(
    offers: Offers,
    answers: list[str | None],
    lenient: bool,
    step: int,
    cut_after: int | None,
    lose_replies: int,
) -> None:
    """Any server, cut at any byte: accepted is within taken, taken within accepted or in doubt."""
    script = deque(answers)

    def answer(verb: str, _argument: str, _number: int) -> str | None:
        said = script.popleft() if verb != "BODY" and script else None
        return None if said == "250 ok" and verb == "DATA" else said

    taken: list[Taken] = []
    mta = Mta(
        *(["PIPELINING"] if offers.pipelining else []), answer=answer, lenient=lenient, taken=taken
    )
    pile, conversation = Pile(6), Conversation(offers)
    _exchange(conversation, pile, mta, step, cut_after, lose_replies)

    believed = {id_ for id_, state in pile.states.items() if state is State.ACCEPTED}
    doubted = {id_ for id_, state in pile.states.items() if state is State.IN_DOUBT}
    really = Counter(int(re.sub(r"@.*", "", item.to)) for item in taken)
    assert believed <= set(really)
    assert set(really) <= believed | doubted
    assert set(really.values()) <= {1}
    told = [*pile.outcomes, *pile.returned, *(left.message.id for left in pile.queue)]
    assert sorted(told) == [1, 2, 3, 4, 5, 6]
    assert not {"nested MAIL", "did not wait for the answer"} & set(mta.faults)


def _exchange(
    conversation: Conversation,
    pile: Pile,
    mta: Mta,
    step: int,
    cut_after: int | None,
    lose_replies: int,
) -> None:
    """Runs to the end of the work or of the connection; after a cut some replies are lost too."""
    out, written = conversation.begin(pile), 0
    while out:
        limit = len(out) if cut_after is None else max(0, min(len(out), cut_after - written))
        written += limit
        conversation.given, conversation.flushed = limit > 0, limit == len(out)
        gone = limit < len(out)
        try:
            said = mta.feed(out[:limit])
        except Cut as cut:
            said, gone = cut.said, True
        if gone:
            said = said[: max(0, len(said) - lose_replies)]
        out = b""
        try:
            for at in range(0, len(said), step):
                out += conversation.feed(said[at : at + step])
                if conversation.closing:
                    break
        except Garbled:
            gone = True
        if out:
            conversation.given = False
        if gone or conversation.closing:
            break
    conversation.lost("connection_lost", "")
