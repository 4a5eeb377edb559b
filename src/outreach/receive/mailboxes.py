"""Mails of a mailbox taken in: a mail is moved to what is done only after it is stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from outreach.core.bounce.returned import ReturnedMail, read_returned
from outreach.core.verp import Verp
from outreach.feeds.returned_mail import Mailbox
from outreach.receive.events import Event, take_in
from outreach.receive.returned import REPORT
from outreach.store.database import Database


@dataclass
class TookIn:
    """What was read of a mailbox."""

    mails: int = 0
    new: int = 0  # not stored before


def source_of(mailbox: str) -> str:
    """What the events of a mailbox are said to come from."""
    return f"mail:{mailbox}"


def take_mails(
    database: Database,
    name: str,
    mailbox: Mailbox,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> TookIn:
    """Store every mail of a mailbox that is not done, page by page; the mails are applied later.

    Whoever stops in the middle loses nothing: what was stored and not moved is read again and known
    by its digest. Raises `MailboxTrouble`.
    """
    took = TookIn()
    for page in mailbox.pages():
        now = clock()
        events = [Event(source_of(name), REPORT, mail.content, now) for mail in page]
        took.new += take_in(database, events)
        mailbox.done(page)
        took.mails += len(page)
        if stopping():
            break
    return took


def look_at(
    mailbox: Mailbox, verp: Verp | None, clock: Callable[[], datetime]
) -> Iterator[ReturnedMail]:
    """What the mails of a mailbox say; nothing is stored and nothing moved."""
    for page in mailbox.pages():
        for mail in page:
            yield read_returned(mail.content, verp, clock())
