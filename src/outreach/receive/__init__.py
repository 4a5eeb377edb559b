"""Leg 3: what comes back is stored as it came, and then applied: receipts, replies, clicks.

A door checks who speaks, hands the event to `take_in`, answers that it has it, and lets `apply`
make of it what it means. What is handed in twice is stored once; applying it twice changes nothing.
"""

from outreach.receive.applied import Answering, Applied, apply
from outreach.receive.events import Event, Reader, Readers, reader_of, take_in
from outreach.receive.mailboxes import TookIn, look_at, source_of, take_mails
from outreach.receive.returned import REPORT, mail_reader

__all__ = [
    "REPORT",
    "Answering",
    "Applied",
    "Event",
    "Reader",
    "Readers",
    "TookIn",
    "apply",
    "look_at",
    "mail_reader",
    "reader_of",
    "source_of",
    "take_in",
    "take_mails",
]
