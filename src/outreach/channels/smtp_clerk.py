"""Making letters out: the bytes of a message and its envelope, as one server wants them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from outreach.channels.smtp_wire import Letter, Offers
from outreach.core.dkim import Signer, signed
from outreach.core.mime import Encoding, Letterhead, Skeleton, Unwritable, address, ascii_domain
from outreach.core.model import Message, Outcome, refused

# RFC 3461 4.1 and 4.4: we want to hear of failures and delays, and of the mail its header only.
_NOTIFY: Final = b" NOTIFY=FAILURE,DELAY ORCPT="
_PLAIN_XTEXT: Final = re.compile(rb"[!-*,-<>-~]+").fullmatch
TOO_LARGE: Final = "552 5.3.4"
NEEDS_UTF8: Final = "smtputf8"


class Clerk:
    """Makes letters out for one sender; signed ones, where there are signers, as ASCII only."""

    def __init__(self, letterhead: Letterhead, signers: Sequence[Signer] = ()) -> None:
        """Raises `Unwritable` when the sender's address cannot be used."""
        sender = _ascii(letterhead.address)
        if sender is None:
            raise Unwritable("the sender's address needs an ASCII name before the @")
        self._letterhead = replace(letterhead, address=sender)
        self._from = address(sender, "From")
        self._returns = letterhead.returns.writer() if letterhead.returns else None
        self._signers = tuple(signers)
        self._plain: dict[str, Skeleton] = {}  # by locale
        self._eight_bit: dict[str, Skeleton] = {}

    def make_out(self, letter: Letter, offers: Offers) -> Outcome | None:
        """Fills the letter's commands and data; an outcome when it cannot go to this server."""
        message = letter.message
        original = message.to
        plain = original.isascii()
        if not plain and not offers.utf8:
            to = _ascii(original)
            if to is None:
                return refused(NEEDS_UTF8, "the server takes no address beyond ASCII")
            message, plain = message._replace(to=to), True
        try:
            content = self._content(message, offers.eight_bit)
        except Unwritable as error:
            return refused("unwritable", str(error))
        size = len(content)
        if 0 < offers.size < size:
            return refused(TOO_LARGE, f"{size} bytes, and the server takes {offers.size}")
        letter.digest = sha256(content).digest()
        # RFC 5321 4.5.2: a line that begins with a dot gets a second one.
        letter.data = content.replace(b"\n.", b"\n..") + b".\r\n"
        letter.mail = self._mail(message, offers, size, utf8=not plain)
        told = _NOTIFY + original_recipient(original) if offers.dsn else b""
        letter.rcpt = b"RCPT TO:<%b>%b\r\n" % (message.to.encode(), told)
        return None

    def _content(self, message: Message, eight_bit: bool) -> bytes:
        signers = self._signers
        # RFC 6376 5.3: what is signed must be of a kind that no relay has to write anew.
        eight_bit = eight_bit and not signers
        known = self._eight_bit if eight_bit else self._plain
        skeleton = known.get(message.locale)
        if skeleton is None:
            encoding: Encoding = "8bit" if eight_bit else "7bit"
            skeleton = Skeleton(self._letterhead, message.locale, encoding)
            known[message.locale] = skeleton
        content = skeleton.fill(message)
        return signed(signers, content, message.at) if signers else content

    def _mail(self, message: Message, offers: Offers, size: int, *, utf8: bool) -> bytes:
        # A return address of its own tells whose message a report is about.
        sender = self._returns(message.id) if self._returns else self._from
        envelope = b" RET=HDRS ENVID=m%d.r%d" % message[:2] if offers.dsn else b""
        length = b" SIZE=%d" % size if offers.size else b""
        # What is signed is ASCII but for an address: said to be 8bit, a relay might write it anew.
        eight_bit = offers.eight_bit and (utf8 or not self._signers)
        encoding = b" BODY=8BITMIME" if eight_bit else b""
        utf = b" SMTPUTF8" if utf8 else b""
        return b"MAIL FROM:<%b>%b%b%b%b\r\n" % (sender, envelope, length, encoding, utf)


def original_recipient(mailbox: str) -> bytes:
    """The value of ORCPT: xtext (RFC 3461 4), or what RFC 6533 3 makes of a name beyond ASCII."""
    raw = mailbox.encode()
    if _PLAIN_XTEXT(raw):
        return b"rfc822;" + raw
    if mailbox.isascii():
        return b"rfc822;" + b"".join(
            b"%c" % byte if 33 <= byte <= 126 and byte not in b"+=" else b"+%02X" % byte
            for byte in raw
        )
    written = (
        char if "!" <= char <= "~" and char not in "+=\\" else f"\\x{{{ord(char):02X}}}"
        for char in mailbox
    )
    return b"utf-8;" + "".join(written).encode()


def _ascii(mailbox: str) -> str | None:
    """The address with its domain in ASCII; nothing when the name before the @ is not."""
    name = mailbox.rpartition("@")[0]
    if not name.isascii():
        return None
    try:
        return f"{name}@{ascii_domain(mailbox)}"
    except Unwritable:
        return None
