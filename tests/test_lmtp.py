"""The LMTP door: 250 means that a mail is stored; whatever else happens, the sender keeps it."""

import smtplib
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from outreach.core.bounce import LARGEST
from outreach.service.lmtp import LmtpDoor, _Taker


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def door(
    taken: list[bytes], trouble: Exception | None = None, heard: list[Exception] | None = None
) -> Iterator[smtplib.LMTP]:
    told = [] if heard is None else heard

    def store(mail: bytes) -> None:
        if trouble is not None:
            raise trouble
        taken.append(mail)

    one = LmtpDoor("127.0.0.1", free_port(), store, lambda error: told.append(error))
    one.start()
    try:
        with smtplib.LMTP("127.0.0.1", one.port, timeout=10) as client:
            yield client
    finally:
        one.close()


def test_a_mail_is_stored_with_the_address_it_came_to() -> None:
    taken: list[bytes] = []
    with door(taken) as client:
        client.sendmail("", ["b+token@bounces.example.com"], b"Subject: x\r\n\r\n.dot\r\n")

    assert taken == [b"Delivered-To: b+token@bounces.example.com\r\nSubject: x\r\n\r\n.dot\r\n"]


def test_a_mail_that_cannot_be_stored_stays_with_the_sender() -> None:
    heard: list[Exception] = []
    with door([], RuntimeError("disk full"), heard) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("", ["b@bounces.example.com"], b"Subject: x\r\n\r\n")
        assert refused.value.smtp_code == 451
        assert b"disk" not in refused.value.smtp_error
        client.noop()
    assert [str(error) for error in heard] == ["disk full"]


def test_one_recipient_a_mail_the_others_come_in_one_of_their_own() -> None:
    taken: list[bytes] = []
    with door(taken) as client:
        refused = client.sendmail("", ["a@b.example", "c@b.example"], b"Subject: x\r\n\r\n")
        assert {to: code for to, (code, _) in refused.items()} == {"c@b.example": 452}
        client.sendmail("", list(refused), b"Subject: x\r\n\r\n")

    assert [mail.partition(b"\r\n")[0] for mail in taken] == [
        b"Delivered-To: a@b.example", b"Delivered-To: c@b.example",
    ]  # fmt: skip


def test_long_lines_and_long_mails_are_taken_and_cut() -> None:
    taken: list[bytes] = []
    with door(taken) as client:
        client.sendmail("", ["b@x.example"], b"Subject: x\r\n\r\n" + b"a" * 200_000 + b"\r\n")
        long = b"Subject: y\r\n\r\n" + (b"a" * 998 + b"\r\n") * 1_500
        client.sendmail("", ["b@x.example"], long)

    assert len(taken[0]) > 200_000
    assert LARGEST < len(taken[1]) <= LARGEST + 100


def test_a_port_that_is_taken_is_an_error_that_can_be_told() -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            LmtpDoor("127.0.0.1", other.getsockname()[1], print, print).start()


def test_what_goes_wrong_in_a_conversation_is_heard_and_ends_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: object) -> str:
        raise KeyError("nobody expected this")

    heard: list[Exception] = []
    taken: list[bytes] = []
    usual = _Taker.handle_RCPT
    monkeypatch.setattr(_Taker, "handle_RCPT", broken)
    with door(taken, heard=heard) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("", ["b@x.example"], b"Subject: x\r\n\r\n")
        assert [code for code, _ in refused.value.recipients.values()] == [451]
        monkeypatch.setattr(_Taker, "handle_RCPT", usual)
        assert client.sock is not None
        with smtplib.LMTP("127.0.0.1", client.sock.getpeername()[1], timeout=10) as another:
            another.sendmail("", ["b@x.example"], b"Subject: x\r\n\r\n")

    assert [type(error) for error in heard] == [KeyError]
    assert len(taken) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_door_whose_thread_has_ended_says_so_and_gives_its_port_back() -> None:
    def end() -> None:
        raise SystemExit  # of which a thread dies without a word

    one = LmtpDoor("127.0.0.1", free_port(), print, print)
    one.start()
    port, thread = one.port, one._controller._thread
    assert one.is_open
    one._controller.loop.call_soon_threadsafe(end)
    assert thread is not None
    thread.join()
    assert not one.is_open
    one.close()
    with closing(socket.socket()) as knock:
        assert knock.connect_ex(("127.0.0.1", port)) != 0
