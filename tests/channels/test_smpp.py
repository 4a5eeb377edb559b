"""SMS over SMPP: against a message centre nobody here wrote, and one that fails in every way."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from outreach.channels import Adapter, ChannelUnavailable
from outreach.channels.smpp import Habits, SmppChannel
from outreach.channels.smpp_session import Centre as Where
from outreach.channels.smpp_session import Session
from outreach.core.model import (
    About,
    Message,
    accepted,
    refused,
    throttled,
    unavailable,
)
from outreach.core.smpp import ENQUIRE_LINK, RESPONSE, UNBIND, read_short
from outreach.core.smpp_text import read
from outreach.core.words import Channel, State
from tests.certificate import made_certificate, server_side
from tests.channels.cases import AT, CASES, letters, results, sms, states
from tests.channels.smsc import Bound, Centre, obliging, scripted

LONG = "【示例证券】" + "国庆节期间休市安排如下，" * 12 + "详询95000。"  # 155 units: three parts


def channel_of(port: int, **more: Any) -> SmppChannel:
    wire = {"timeout": more.pop("timeout", 5.0), "enquire": more.pop("enquire", 30.0)}
    tls = {name: more.pop(name) for name in ("tls", "ca_file") if name in more}
    where = Where("127.0.0.1", port, "outreach", "secret", **wire, **tls)
    return SmppChannel(where, address=more.pop("address", "+85230001000"), **more)


@contextmanager
def channel(port: int, **more: Any) -> Iterator[SmppChannel]:
    opened = channel_of(port, **more)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def centre() -> Iterator[Centre]:
    pytest.importorskip("smpp34")
    with Centre() as opened:
        yield opened


def texts(taken: Sequence[Any]) -> list[str]:
    return [read(one.short_message, one.data_coding, one.esm_class) for one in taken]


# --- an independent centre --------------------------------------------------------------------


@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
def test_shared_case(shared: Callable[[Adapter], None], centre: Centre) -> None:
    with channel(centre.port) as opened:
        shared(opened)


def test_a_message_arrives_as_it_was_decided(centre: Centre) -> None:
    with channel(centre.port) as opened:
        found = results(opened, [sms(41, "【示例证券】休市通知 𠮷")])[41]
    (taken,) = centre.taken

    assert found == accepted("id1", sha256("【示例证券】休市通知 𠮷".encode()).digest())
    assert texts([taken]) == ["【示例证券】休市通知 𠮷"]
    assert (taken.data_coding, taken.esm_class, taken.registered_delivery) == (8, 0, 1)
    assert (taken.destination_addr, taken.dest_addr_ton, taken.dest_addr_npi) == (
        "12025550041", 1, 1,
    )  # fmt: skip
    assert (taken.source_addr, taken.source_addr_ton, taken.source_addr_npi) == (
        "85230001000", 1, 1,
    )  # fmt: skip


def test_a_text_of_the_centres_own_alphabet_goes_in_it(centre: Centre) -> None:
    with channel(centre.port, address="ExampleSec") as opened:
        results(opened, [sms(1, "[ExampleSec] closed 1 Oct, back at 10:00 @ {HK} €5")])
    (taken,) = centre.taken

    assert taken.data_coding == 0
    assert texts([taken]) == ["[ExampleSec] closed 1 Oct, back at 10:00 @ {HK} €5"]
    assert taken.short_message.count(0x1B) == 5
    assert (taken.source_addr, taken.source_addr_ton) == ("ExampleSec", 5)


def test_a_long_text_goes_in_parts_and_the_last_asks_for_the_receipt(centre: Centre) -> None:
    with channel(centre.port) as opened:
        found = results(opened, [sms(258, LONG), sms(3)])

    parts = [one for one in centre.taken if one.esm_class]
    assert found[258].provider_ref == f"id{centre.taken.index(parts[-1]) + 1}"
    assert [one.short_message[:6] for one in parts] == [
        bytes((5, 0, 3, 2, 3, number)) for number in (1, 2, 3)
    ]
    assert "".join(texts(parts)) == LONG
    assert [one.registered_delivery for one in parts] == [0, 0, 1]
    assert all(len(one.short_message) <= 140 for one in parts)


def test_a_long_text_goes_in_one_where_the_centre_takes_it_so(centre: Centre) -> None:
    with channel(centre.port, habits=Habits(long="payload")) as opened:
        results(opened, [sms(1, LONG)])
    (taken,) = centre.taken

    (payload,) = [one.value for one in taken.tlvs if one.tag == 0x0424]
    assert payload.decode("utf-16-be") == LONG
    assert taken.short_message == b""


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x58, throttled("ESME_RTHROTTLED", "the message centre says ESME_RTHROTTLED")),
        (0x14, throttled("ESME_RMSGQFUL", "the message centre says ESME_RMSGQFUL")),
        (0x08, unavailable("ESME_RSYSERR", "the message centre says ESME_RSYSERR")),
        (0x0B, refused("ESME_RINVDSTADR", "the message centre says ESME_RINVDSTADR")),
    ],
)
def test_a_refusal_means_what_its_status_says(status: int, outcome: Any, centre: Centre) -> None:
    centre.status = lambda _: status
    with channel(centre.port) as opened:
        assert results(opened, [sms()]) == {1: outcome}


def test_a_centre_that_wants_less_gets_no_more_of_the_window(centre: Centre) -> None:
    centre.status = lambda number: 0x58 if number > 20 else 0
    with channel(centre.port, unanswered=5) as opened:
        found = Counter(states(opened, letters(Channel.SMS, 60)).values())

    assert found == {State.ACCEPTED: 20, State.READY: 40}


def test_a_sender_number_the_centre_does_not_know_stops_the_channel(centre: Centre) -> None:
    centre.status = lambda _: 0x0A
    with (
        channel(centre.port) as opened,
        pytest.raises(ChannelUnavailable, match="ESME_RINVSRCADR"),
    ):
        list(opened.send(letters(Channel.SMS, 20)))


def test_a_further_part_that_comes_too_fast_goes_again_and_the_first_does_not(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outreach.channels.smpp._AGAIN", 0.02)
    centre.status = lambda number: 0x58 if number == 2 else 0
    with channel(centre.port) as opened:
        assert states(opened, [sms(1, LONG)]) == {1: State.ACCEPTED}

    assert "".join(texts(centre.taken)) == LONG


def test_a_message_of_which_half_is_taken_is_in_doubt(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outreach.channels.smpp._AGAIN", 0.01)
    centre.status = lambda number: 0x58 if number > 1 else 0
    with channel(centre.port) as opened:
        found = results(opened, [sms(1, LONG)])[1]

    assert (found.state, found.code) == (State.IN_DOUBT, "partly")
    assert found.detail.startswith("1 of 3 parts were taken")


def test_what_the_centre_delivers_is_put_on_record_before_it_hears_that_we_have_it(
    centre: Centre,
) -> None:
    heard: list[bytes] = []
    with channel(centre.port, heard=heard.extend) as opened:
        results(opened, [sms()])
        centre.deliver(b"id:id1 stat:DELIVRD err:000", source_addr="12025550001", esm_class=4)

    said = read_short(heard[0])
    assert centre.acknowledged == [0]
    assert (said.content, said.esm_class) == (b"id:id1 stat:DELIVRD err:000", 4)
    assert said.source.address == "12025550001"


def test_what_cannot_be_put_on_record_is_to_come_again(centre: Centre) -> None:
    def full(_: Sequence[bytes]) -> None:
        raise OSError("disk full")

    with channel(centre.port, heard=full) as opened:
        results(opened, [sms()])
        centre.deliver(b"STOP", source_addr="12025550001")

        assert centre.acknowledged == [0x64]
        assert states(opened, [sms(2)]) == {2: State.ACCEPTED}


# --- a centre that fails ----------------------------------------------------------------------


def test_a_session_without_ears_says_so_when_it_introduces_itself() -> None:
    with scripted() as centre, channel(centre.port) as opened:
        results(opened, [sms()])

        assert centre.heard[0][0] == 2  # bind_transmitter
        assert centre.heard[0][1] == b"outreach\0secret\0\0\x34\0\0\0"


def test_so_many_are_unanswered_at_once_and_no_more() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        waiting = []
        while True:
            command, _, sequence, _ = session.hear()
            if command != 4:
                session.take(command, sequence)
                continue
            waiting.append(sequence)
            if len(waiting) == 3:
                session.sock.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    session.sock.recv(1)
                session.sock.settimeout(None)
                for one in reversed(waiting):
                    session.take(4, one)
                waiting.clear()

    with scripted(script) as centre, channel(centre.port, unanswered=3) as opened:
        assert set(states(opened, letters(Channel.SMS, 9)).values()) == {State.ACCEPTED}


def test_a_connection_that_ends_leaves_what_had_gone_in_doubt_and_the_rest_unsent() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        for _ in range(6):
            command, _, sequence, _ = session.hear()
            if session.centre.submitted() <= 4:
                session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port, unanswered=4) as opened:
        found = results(opened, letters(Channel.SMS, 30))
        tally = Counter((one.state, one.code) for one in found.values())

    assert tally[State.ACCEPTED, ""] == 4
    assert 2 <= tally[State.IN_DOUBT, "connection_lost"] <= 4
    assert tally[State.READY, "connect"] >= 22
    assert sum(tally.values()) == 30


def test_a_connection_that_ends_between_two_parts_leaves_the_message_in_doubt() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port) as opened:
        found = results(opened, [sms(1, LONG)])[1]

    assert (found.state, found.code) == (State.IN_DOUBT, "partly")


def test_what_never_left_our_own_buffer_is_not_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.smpp_session._PARTING", 0.1)
    large = "【示例证券】" + "休市" * 7_000

    def script(session: Bound) -> None:
        session.let_in()
        session.centre.released.wait(20)  # and reads nothing

    habits = Habits(long="payload")
    with (
        scripted(script) as centre,
        channel(centre.port, habits=habits, unanswered=500, timeout=1.0) as opened,
    ):
        found = results(opened, [sms(n, large) for n in range(1, 257)])
        tally = Counter((one.state, one.code) for one in found.values())

    assert tally[State.IN_DOUBT, "timeout"] >= 1
    assert tally[State.READY, "connect"] >= 1
    assert sum(tally.values()) == 256


def test_what_is_told_to_be_unsent_does_not_leave_with_our_farewell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The centre reads on after we gave it up: what we said had not gone must not come to it, for
    it goes again by another session."""
    told, end = threading.Event(), Session._end

    def ended(session: Session, code: str, words: str) -> None:
        end(session, code, words)
        told.set()

    monkeypatch.setattr(Session, "_end", ended)
    large = "【示例证券】" + "休市" * 7_000

    def script(session: Bound) -> None:
        session.let_in()
        told.wait(20)
        while session.hear()[0] != UNBIND:
            pass

    habits = Habits(long="payload")
    with (
        scripted(script) as centre,
        channel(centre.port, habits=habits, unanswered=500, timeout=0.5) as opened,
    ):
        found = results(opened, [sms(n, large) for n in range(1, 257)])
        doubted = sum(one.state == State.IN_DOUBT for one in found.values())

        assert 1 <= centre.submitted() <= doubted < 256


def test_a_fault_of_ours_ends_the_session_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(session: Session, said: object) -> bool:
        if said:
            raise KeyError("138")
        return False

    monkeypatch.setattr(Session, "_hear", breaks)

    def script(session: Bound) -> None:
        session.let_in()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port) as opened:
        (found,) = results(opened, [sms(1)]).values()

    assert (found.state, found.code) == (State.IN_DOUBT, "connection_lost")
    assert found.detail == "reading what the message centre says failed: KeyError"


def test_a_centre_that_never_answers_leaves_messages_in_doubt_and_the_session_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("outreach.channels.smpp_session._PARTING", 0.1)

    def script(session: Bound) -> None:
        session.let_in()
        while True:
            session.hear()

    with scripted(script) as centre, channel(centre.port, timeout=0.3, unanswered=2) as opened:
        found = results(opened, letters(Channel.SMS, 5))

        words = "no answer within 0.3 seconds"
        assert sorted((one.state, one.code, one.detail) for one in found.values()) == sorted(
            [(State.IN_DOUBT, "timeout", words)] * 2 + [(State.READY, "connect", words)] * 3
        )
        assert centre.submitted() == 2


def test_the_next_window_opens_a_new_session() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port) as opened:
        assert states(opened, [sms(1)]) == {1: State.ACCEPTED}
        session = opened._session
        assert session is not None
        session._thread.join(5)

        assert states(opened, [sms(2)]) == {2: State.ACCEPTED}
        assert centre.sessions == 2


def test_a_centre_that_asks_whether_we_are_there_is_answered_between_windows() -> None:
    answered = threading.Event()

    def script(session: Bound) -> None:
        session.let_in()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)
        session.say(0x15, 0, 77)
        while True:
            command, status, sequence, _ = session.hear()
            if (command, status, sequence) == (0x80000015, 0, 77):
                answered.set()
            elif command == 6:
                session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port) as opened:
        results(opened, [sms()])

        assert answered.wait(5)


def test_a_centre_that_falls_silent_is_asked_and_then_given_up() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)
        while True:
            session.hear()

    with scripted(script) as centre, channel(centre.port, enquire=0.05, timeout=1.0) as opened:
        results(opened, [sms()])
        session = opened._session
        assert session is not None
        session._thread.join(5)

        assert session.over == "the message centre fell silent"
        assert centre.heard[-1][0] == 0x15


def test_a_process_that_stood_still_reads_what_came_meanwhile_before_it_despairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a machine that was paused for a minute: the answer has long been there."""
    patience, answered, again = Session._patience, threading.Event(), threading.Event()

    def stands_still(session: Session) -> float:
        if session._asked is not None and not again.is_set():
            answered.wait(10)
            session._asked -= 60.0
        return patience(session)

    monkeypatch.setattr(Session, "_patience", stands_still)

    def script(session: Bound) -> None:
        session.let_in()
        command, _, sequence, _ = session.hear()
        assert command == ENQUIRE_LINK
        session.say(ENQUIRE_LINK | RESPONSE, 0, sequence)
        answered.set()
        assert session.hear()[0] == ENQUIRE_LINK  # it lives, and asks again in its turn
        again.set()
        session.hear()

    with scripted(script) as centre, channel(centre.port, enquire=0.05) as opened:
        opened._session = Session(opened._centre, lambda _: None)
        assert again.wait(10)
        assert opened._session.over == ""


def test_a_centre_that_is_asked_and_answers_is_kept() -> None:
    often = threading.Event()

    def script(session: Bound) -> None:
        session.let_in()
        asked = 0
        while True:
            command, _, sequence, _ = session.hear()
            session.take(command, sequence)
            asked += command == 0x15
            if asked == 3:
                often.set()

    with scripted(script) as centre, channel(centre.port, enquire=0.02) as opened:
        results(opened, [sms()])

        assert often.wait(5)
        assert states(opened, [sms(2)]) == {2: State.ACCEPTED}
        assert centre.sessions == 1


@pytest.mark.parametrize("status", [0x0D, 0x0E, 0x0F, 0x05])
def test_a_centre_that_does_not_let_us_in_stops_the_channel(status: int) -> None:
    with (
        scripted(lambda session: void(session.let_in(status))) as centre,
        channel(centre.port) as opened,
        pytest.raises(ChannelUnavailable, match="does not let us in: ESME_R"),
    ):
        list(opened.send([sms()]))


@pytest.mark.parametrize(
    ("said", "words"),
    [(b"", "hung up"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer as one")],
)
def test_what_is_no_centre_stops_the_channel(said: bytes, words: str) -> None:
    def script(session: Bound) -> None:
        session.hear()
        session.sock.sendall(said)

    with (
        scripted(script) as centre,
        channel(centre.port) as opened,
        pytest.raises(ChannelUnavailable, match=words),
    ):
        list(opened.send([sms()]))


def test_garbage_in_the_middle_loses_what_is_out_and_sends_nothing_twice() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        session.hear()
        session.sock.sendall(b"\0\0\0\0garbage-garbage!")
        session.centre.released.wait(5)

    with scripted(script) as centre, channel(centre.port, unanswered=1) as opened:
        found = results(opened, letters(Channel.SMS, 3))

        assert sorted((one.state, one.code) for one in found.values()) == [
            (State.IN_DOUBT, "connection_lost"),
            (State.READY, "connect"),
            (State.READY, "connect"),
        ]
        assert centre.submitted() == 1


def test_a_refusal_of_the_whole_pdu_is_one_of_the_message() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        _, _, sequence, _ = session.hear()
        session.say(0x80000000, 0x58, sequence)
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port) as opened:
        found = results(opened, [sms()])[1]

    assert (found.state, found.about) == (State.READY, About.RATE)


def test_a_status_of_the_centres_own_lets_the_message_wait_and_blames_nobody() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        _, _, sequence, _ = session.hear()
        session.say(0x80000004, 0x401, sequence)
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    with scripted(script) as centre, channel(centre.port) as opened:
        words = "the message centre says 0x00000401"
        assert results(opened, [sms()]) == {1: unavailable("0x00000401", words)}


def test_nobody_listens() -> None:
    with scripted() as centre:
        port = centre.port
    with (
        channel(port) as opened,
        pytest.raises(ChannelUnavailable, match="cannot be reached"),
    ):
        list(opened.send([sms()]))


def test_over_tls_a_certificate_is_believed_or_nothing_is_told(tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path / "centre.pem")
    with scripted(obliging, server_side(certificate)) as centre:
        with channel(centre.port, tls=True, ca_file=str(certificate)) as opened:
            assert set(states(opened, letters(Channel.SMS, 40)).values()) == {State.ACCEPTED}
        heard = len(centre.heard)
        with (
            channel(centre.port, tls=True) as opened,
            pytest.raises(ChannelUnavailable, match="certificate is not trusted"),
        ):
            list(opened.send([sms()]))

        assert len(centre.heard) == heard


def test_a_window_that_nobody_finishes_does_not_disturb_the_next() -> None:
    with scripted() as centre, channel(centre.port, unanswered=4) as opened:
        iterator = opened.send(letters(Channel.SMS, 60))
        next(iterator)
        iterator.close()  # type: ignore[attr-defined]

        assert set(states(opened, letters(Channel.SMS, 9, first=61)).values()) == {State.ACCEPTED}


def test_a_notice_is_of_use_until_its_end_and_no_longer() -> None:
    now = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
    with scripted() as centre, channel(centre.port, now=lambda: now) as opened:
        results(opened, [sms()._replace(expires_at=now + timedelta(hours=26, seconds=5))])
        (body,) = [body for command, body in centre.heard if command == 4]

    assert read_short(body).validity_period == "000001020005000R"


def test_a_centre_of_the_mainland_gets_its_numbers_as_it_writes_them() -> None:
    habits = Habits(numbers="national")
    mainland = Message(7, 1, "+8613800138000", "zh-CN", ("【示例证券】休市",), AT, None)
    with scripted() as centre, channel(centre.port, habits=habits, address="10690001") as opened:
        found = results(opened, [mainland, sms(2)])
        (body,) = [body for command, body in centre.heard if command == 4]

    assert found[2].code == "not_served"
    said = read_short(body)
    assert (said.target.address, said.source.address, said.source.ton) == (
        "13800138000", "10690001", 0,
    )  # fmt: skip


def test_the_centres_id_is_kept_as_its_receipts_will_write_it() -> None:
    def script(session: Bound) -> None:
        session.let_in()
        _, _, sequence, _ = session.hear()
        session.say(0x80000004, 0, sequence, b"00FF\0")
        command, _, sequence, _ = session.hear()
        session.take(command, sequence)

    habits = Habits(ids="hex_then_decimal")
    with scripted(script) as centre, channel(centre.port, habits=habits) as opened:
        assert results(opened, [sms()])[1].provider_ref == "255"


def void(_: object) -> None:
    pass
