"""The LMTP door: 250 means that a mail is stored; whatever else happens, the sender keeps it."""

import smtplib
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from outreach.core.bounce import LARGEST
from outreach.service.lmtp import LmtpDoor


@contextmanager
def door(taken: list[bytes], trouble: Exception | None = None) -> Iterator[smtplib.LMTP]:
    def store(mail: bytes) -> None:
        if trouble is not None:
            raise trouble
        taken.append(mail)

    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = LmtpDoor("127.0.0.1", port, store)
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
    with door([], RuntimeError("disk full")) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("", ["b@bounces.example.com"], b"Subject: x\r\n\r\n")
        assert refused.value.smtp_code == 451
        assert b"disk" not in refused.value.smtp_error
        client.noop()


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
            LmtpDoor("127.0.0.1", other.getsockname()[1], print).start()
