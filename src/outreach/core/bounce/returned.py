"""Whose message a returned mail is about, and what it says of the one address that got it.

A report is believed when it carries a token of ours: only who had the mail can know it. One that
merely names a Message-ID may be anybody's work, so it never silences an address.
"""

import re
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from outreach.core.bounce.parts import LARGEST
from outreach.core.bounce.report import Kind, Returned
from outreach.core.bounce.verdict import classify
from outreach.core.verp import Verp

_OURS: Final = re.compile(r"<m(\d{1,18})\.r\d{1,18}@")  # the Message-ID core.mime writes
_OWN_ID: Final = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{3,500}>)", re.I | re.M)
_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
# The worst comes last: what one address among several is told by.
_MILDNESS: Final = (
    Kind.SUCCESS, Kind.AUTO_REPLY, Kind.DELAYED, Kind.NOT_A_BOUNCE, Kind.SOFT, Kind.POLICY,
    Kind.CONTENT, Kind.HARD, Kind.COMPLAINT,
)  # fmt: skip
_FAILED: Final = frozenset({Kind.HARD, Kind.SOFT, Kind.POLICY, Kind.CONTENT})


class ReturnedMail(NamedTuple):
    """A returned mail, read: the message it is about, and what it says of each recipient."""

    message_id: int | None
    signed: bool  # whether the message is known from a token of ours
    report: bytes  # the same for the same report that came by two ways
    rows: tuple[Returned, ...]
    said_at: datetime


class Judged(NamedTuple):
    """What a returned mail comes to, for the address we wrote to."""

    mail: ReturnedMail
    address: str  # as we wrote to it; where the message is unknown, as the report names it
    kind: Kind
    counts: bool  # whether it counts against the address
    status: str
    diagnostic: str
    action: str = ""  # RFC 3464: delivered, relayed, expanded ...

    @property
    def identity(self) -> bytes:
        """The same report about the same message is one, whichever box it came to."""
        said = f"{self.mail.message_id} {self.mail.signed} {self.kind} {self.address}".encode()
        return sha256(self.mail.report + said).digest()

    @property
    def suppresses(self) -> bool:
        """Whether nothing more may go to the address. Never by an unsigned report."""
        return self.mail.signed and self.kind in (Kind.HARD, Kind.COMPLAINT)

    @property
    def tells(self) -> bool:
        """Whether it says what became of the message. An unsigned report is taken at its word only
        for a failure, which a later receipt can put right."""
        return self.mail.message_id is not None and (self.mail.signed or self.kind in _FAILED)


def read_returned(content: bytes, verp: Verp | None, received_at: datetime) -> ReturnedMail:
    """Read a mail that came to a mailbox for returned mail. Never raises, whatever the bytes are.

    Without `verp` no token can be checked, and no report is believed.
    """
    report = classify(content)
    number = None
    if verp is not None:
        found = (verp.read(address) for address in report.reached)
        number = next((one for one in found if one is not None), None)
        if number is None:  # the report may show the header of our mail as it arrived
            number = next(iter(verp.found_in(content[:LARGEST])), None)
    signed = number is not None
    if number is None and (named := _OURS.match(report.message_id)):
        number = int(named[1])
    return ReturnedMail(number, signed, _report_id(content), report.rows, received_at)


def _report_id(content: bytes) -> bytes:
    """What stays the same when a report is delivered to two boxes: its Message-ID, else its body.
    The header differs, since every server on the way adds to it."""
    end = _HEADER_END.search(content)
    own = _OWN_ID.search(content, 0, end.start() if end else len(content))
    return sha256(own[1] if own else content[end.end() :] if end else content).digest()


def judged(mail: ReturnedMail, address: str | None) -> Judged:
    """What a returned mail says of the address its message went to; None where no message is known.

    A message has one recipient, so one row counts: the one that names the address, else the worst.
    """
    if address is None:
        row = _worst(mail.rows)
        # Nobody's message, or that of a stranger: it is kept for people to read.
        bare = mail._replace(message_id=None, signed=False)
        return Judged(bare, row.recipient, row.kind, False, row.status, row.diagnostic, row.action)
    same = _alike if mail.signed else _equal
    named = [row for row in mail.rows if same(row.recipient, address)]
    if not named and not mail.signed and any(row.recipient for row in mail.rows):
        return judged(mail, None)  # it speaks of somebody else than its message went to
    row = _worst(named or mail.rows)
    kind = row.kind
    if kind is Kind.HARD and not named and row.recipient:
        kind = Kind.SOFT  # the address it was passed on to has gone, which ours may outlive
    counts = mail.signed and (row.counts or kind is not row.kind)
    return Judged(mail, address, kind, counts, row.status, row.diagnostic, row.action)


def _worst(rows: tuple[Returned, ...] | list[Returned]) -> Returned:
    return max(rows, key=lambda row: _MILDNESS.index(row.kind))


def _equal(said: str, address: str) -> bool:
    return said.casefold() == address.casefold()


def _alike(said: str, address: str) -> bool:
    """Whether a report means an address of ours: servers fold the name, drop what follows a + in
    it, and put their own host for the domain."""
    return bool(said) and _bare(said) == _bare(address)


def _bare(address: str) -> str:
    return address.rpartition("@")[0].casefold().partition("+")[0]
