"""What a service does about returned mail: in time, troubles told once, and whose text it was."""

import re
import smtplib
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from outreach.feeds.returned_mail import Mail, MailboxTrouble
from outreach.project.bounce_config import LmtpDoor, MaildirMailbox
from outreach.project.config import SmppSender
from outreach.receive import Applied
from outreach.service.mailboxes import Mailboxes
from outreach.store.database import Database, DatabaseProblem
from outreach.store.tables import raw_event
from tests.small_run import NOW


@dataclass
class Box:
    """A mailbox that holds some mails, and may be out of order."""

    mails: list[bytes] = field(default_factory=list)
    why: str = ""
    closed: int = 0

    def pages(self) -> Iterator[Sequence[Mail]]:
        if self.why:
            raise MailboxTrouble(self.why)
        if self.mails:
            yield [Mail(str(number), mail) for number, mail in enumerate(self.mails)]

    def done(self, mails: Sequence[Mail]) -> None:
        self.mails = self.mails[len(mails) :]

    def close(self) -> None:
        self.closed += 1


@dataclass
class Served:
    database: Database
    boxes: dict[str, Box]
    configured: dict[str, Any]
    applied: list[Applied] = field(default_factory=list)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    now: datetime = NOW
    senders: dict[str, Any] = field(default_factory=dict)

    def mailboxes(self) -> Mailboxes:
        definitions: Any = SimpleNamespace(
            config=SimpleNamespace(
                bounces=SimpleNamespace(mailboxes=self.configured), senders=self.senders
            )
        )
        return Mailboxes(
            self.database, definitions, lambda: self.now, lambda e, **f: self.said.append((e, f)),
            lambda name, _: self.boxes[name],
            lambda _: self.applied.pop(0) if self.applied else Applied(),
        )  # fmt: skip

    def events(self) -> list[str]:
        return [event for event, _ in self.said]

    def stored(self) -> Counter[str]:
        with self.database.reading() as conn:
            return Counter(conn.execute(select(raw_event.c.source)).scalars())


def maildir(every: int = 60) -> MaildirMailbox:
    return MaildirMailbox(kind="maildir", path="x", every_seconds=every)


def test_each_mailbox_is_read_when_it_is_time(database: Database) -> None:
    boxes = {"slow": Box([b"1"]), "quick": Box([b"2"])}
    served = Served(database, boxes, {"slow": maildir(60), "quick": maildir(10)})
    mailboxes = served.mailboxes()
    for seconds in range(0, 61, 5):
        mailboxes.look(NOW + timedelta(seconds=seconds))

    assert (boxes["slow"].closed, boxes["quick"].closed) == (2, 7)
    assert served.stored() == {"mail:slow": 1, "mail:quick": 1}
    assert served.said == [
        ("mailbox_read", {"mailbox": "slow", "mails": 1, "new": 1}),
        ("mailbox_read", {"mailbox": "quick", "mails": 1, "new": 1}),
    ]


def test_a_mailbox_is_read_again_after_the_clock_was_put_back(database: Database) -> None:
    box = Box()
    mailboxes = Served(database, {"b": box}, {"b": maildir(10)}).mailboxes()
    mailboxes.look(NOW + timedelta(days=1))
    mailboxes.look(NOW)
    mailboxes.look(NOW + timedelta(seconds=5))
    mailboxes.look(NOW + timedelta(seconds=10))

    assert box.closed == 3


@pytest.mark.parametrize("centre", [False, True])
def test_what_a_message_centre_delivered_is_applied_where_there_is_no_mailbox(
    database: Database, centre: bool
) -> None:
    """Receipts and STOPs come over SMPP, too; nobody else applies them without a door."""
    served = Served(database, {}, {}, applied=[Applied(2), Applied(1)])
    if centre:
        sender = SmppSender(kind="smpp", address="10690000", host="smsc", system_id="outreach")
        served.senders = {"sms-centre": sender}
    served.mailboxes().look(NOW)

    assert served.applied == ([] if centre else [Applied(2), Applied(1)])


def test_trouble_with_one_mailbox_is_said_once_and_stops_no_other(database: Database) -> None:
    boxes = {"broken": Box(why="mx:993: no answer in time"), "sound": Box([b"1"])}
    served = Served(database, boxes, {"broken": maildir(1), "sound": maildir(1)})
    mailboxes = served.mailboxes()
    for seconds in range(3):
        mailboxes.look(NOW + timedelta(seconds=seconds))
    boxes["broken"].why = ""
    mailboxes.look(NOW + timedelta(seconds=9))

    assert served.events() == ["mailbox_trouble", "mailbox_read", "mailbox_back"]
    assert served.said[0][1] == {"mailbox": "broken", "why": "mx:993: no answer in time"}


def test_a_mail_that_is_read_again_is_stored_once(database: Database) -> None:
    box = Box([b"the same", b"the same", b"another"])
    served = Served(database, {"b": box}, {"b": maildir(1)})
    mailboxes = served.mailboxes()
    mailboxes.look(NOW)
    box.mails = [b"another"]
    mailboxes.look(NOW + timedelta(seconds=1))

    assert [facts["new"] for _, facts in served.said] == [2, 0]


def test_what_came_of_it_is_said_and_a_refused_text_names_its_run(database: Database) -> None:
    applied = [
        Applied(3, returned={"hard": 2, "content": 1}, refused={(7, "content"): 1}),
        Applied(1, returned={"policy": 1}, refused={(7, "policy"): 1}),
    ]
    served = Served(database, {"b": Box()}, {"b": maildir()}, applied)
    served.mailboxes().look(NOW)

    assert served.said == [
        ("returned_mail", {"hard": 2, "content": 1}),
        ("content_refused", {"campaign": "", "run": 7, "mails": 1}),
        ("returned_mail", {"policy": 1}),
        ("sender_refused", {"campaign": "", "run": 7, "mails": 1}),
    ]


def test_a_mail_that_could_not_be_stored_stays_in_its_box(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise DatabaseProblem("the disk is full")

    box = Box([b"1", b"2"])
    served = Served(database, {"b": box}, {"b": maildir(1)})
    mailboxes = served.mailboxes()
    monkeypatch.setattr("outreach.receive.mailboxes.take_in", full)
    mailboxes.look(NOW)
    assert (len(box.mails), served.events()) == (2, ["mailboxes_trouble"])
    monkeypatch.undo()
    mailboxes.look(NOW + timedelta(seconds=1))

    assert box.mails == []
    assert served.stored() == {"mail:b": 2}


def test_a_fault_of_ours_with_one_mailbox_stops_no_other_and_nothing_that_came_in(
    database: Database,
) -> None:
    boxes = {"sound": Box([b"1"])}  # opening the other fails with a KeyError
    applied = [Applied(1, returned={"hard": 1})]
    served = Served(database, boxes, {"broken": maildir(1), "sound": maildir(1)}, applied)
    mailboxes = served.mailboxes()
    mailboxes.look(NOW)
    mailboxes.look(NOW + timedelta(seconds=1))
    boxes["broken"] = Box()
    mailboxes.look(NOW + timedelta(seconds=2))

    assert served.events() == ["mailbox_trouble", "mailbox_read", "returned_mail", "mailbox_back"]
    assert served.said[0][1]["mailbox"] == "broken"
    assert re.fullmatch(r"KeyError at .*test_service_mailboxes\.py:\d+", served.said[0][1]["why"])


def test_whatever_goes_wrong_with_what_came_in_a_round_goes_on(database: Database) -> None:
    served = Served(database, {"b": Box([b"1"])}, {"b": maildir(1)})
    mailboxes = served.mailboxes()
    usual = mailboxes.apply

    def broken(_: object) -> Applied:
        raise ZeroDivisionError

    mailboxes.apply = broken
    mailboxes.look(NOW)
    mailboxes.apply = usual
    mailboxes.look(NOW + timedelta(seconds=2))

    assert served.events() == ["mailbox_read", "mailboxes_failed", "mailboxes_back"]


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_lmtp_door_follows_the_config(database: Database, port: int) -> None:
    served = Served(database, {}, {"door": LmtpDoor(kind="lmtp", port=port)})
    mailboxes = served.mailboxes()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        mailboxes.look(NOW)
        mailboxes.look(NOW)
    mailboxes.look(NOW)
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("", ["b+x@bounces.example.com"], b"Subject: x\r\n\r\n")
        served.configured.clear()
        mailboxes.look(NOW)
        with closing(socket.socket()) as knock:
            assert knock.connect_ex(("127.0.0.1", port)) != 0
    finally:
        mailboxes.close()

    assert served.events() == ["mailbox_trouble", "mailbox_back", "lmtp_listening"]
    assert served.stored() == {"mail:door": 1}


def test_a_mail_that_a_door_cannot_store_is_said(
    database: Database, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise DatabaseProblem("the disk is full")

    served = Served(database, {}, {"door": LmtpDoor(kind="lmtp", port=port)})
    mailboxes = served.mailboxes()
    mailboxes.look(NOW)
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
            with monkeypatch.context() as patch:
                patch.setattr("outreach.receive.take_in", full)
                for _ in range(2):
                    with pytest.raises(smtplib.SMTPDataError):
                        client.sendmail("", ["b+x@bounces.example.com"], b"Subject: x\r\n\r\n")
            client.sendmail("", ["b+x@bounces.example.com"], b"Subject: x\r\n\r\n")
    finally:
        mailboxes.close()

    assert served.events() == ["lmtp_listening", "mailbox_trouble", "mailbox_back"]
    assert served.said[1][1] == {"mailbox": "door", "why": "the disk is full"}
    assert served.stored() == {"mail:door": 1}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_door_that_died_is_opened_again_and_said(database: Database, port: int) -> None:
    def end() -> None:
        raise SystemExit

    served = Served(database, {}, {"door": LmtpDoor(kind="lmtp", port=port)})
    mailboxes = served.mailboxes()
    mailboxes.look(NOW)
    try:
        controller = mailboxes._doors["door"][1]._controller
        thread = controller._thread
        assert thread is not None
        controller.loop.call_soon_threadsafe(end)
        thread.join()
        mailboxes.look(NOW)
        with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("", ["b+x@bounces.example.com"], b"Subject: x\r\n\r\n")
    finally:
        mailboxes.close()

    assert served.events() == [
        "lmtp_listening", "mailbox_trouble", "mailbox_back", "lmtp_listening",
    ]  # fmt: skip
    assert served.stored() == {"mail:door": 1}
