"""One window of e-mails: making each out for the server it meets, and what became of it."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from time import monotonic
from typing import Final

from outreach.channels.smtp_wire import Letter, Offers
from outreach.core.mime import Letterhead, Skeleton, Unwritable, address, ascii_domain
from outreach.core.model import Message, Outcome, refused, unavailable

# Seconds after which no further message of a window is begun: its lease may be running out.
_PATIENCE: Final = 30.0
# RFC 3461 4.1 and 4.4: we want to hear of failures and delays, and of the mail its header only.
_NOTIFY: Final = b" NOTIFY=FAILURE,DELAY ORCPT="
_PLAIN_XTEXT: Final = re.compile(rb"[!-*,-<>-~]+").fullmatch
_LATE: Final = "the window took too long; the message was not begun"


class Clerk:
    """Makes letters out: the message's bytes and its envelope, as one server wants them."""

    def __init__(self, letterhead: Letterhead) -> None:
        """Raises `Unwritable` when the sender's address cannot be used."""
        sender = _ascii(letterhead.address)
        if sender is None:
            raise Unwritable("the sender's address needs an ASCII name before the @")
        self._letterhead = replace(letterhead, address=sender)
        self._from = address(sender, "From")
        self._returns = letterhead.returns.writer() if letterhead.returns else None
        self._skeletons: dict[tuple[str, bool], Skeleton] = {}

    def make_out(self, letter: Letter, offers: Offers) -> Outcome | None:
        """Fills the letter's commands and data; an outcome when it cannot go to this server."""
        message = letter.message
        plain = message.to.isascii()
        if not plain and not offers.utf8:
            to = _ascii(message.to)
            if to is None:
                return refused("smtputf8", "the server takes no address beyond ASCII")
            message, plain = message._replace(to=to), True
        try:
            content = self._skeleton(message.locale, offers.eight_bit).fill(message)
        except Unwritable as error:
            return refused("unwritable", str(error))
        size = len(content)
        if 0 < offers.size < size:
            return refused("552", f"{size} bytes, and the server takes {offers.size}")
        letter.digest = sha256(content).digest()
        # RFC 5321 4.5.2: a line that begins with a dot gets a second one.
        if b"\n." in content:
            content = content.replace(b"\n.", b"\n..")
        letter.data = content + b".\r\n"
        letter.mail = self._mail(message, offers, size, utf8=not plain)
        told = _NOTIFY + original_recipient(letter.message.to) if offers.dsn else b""
        letter.rcpt = b"RCPT TO:<%b>%b\r\n" % (message.to.encode(), told)
        return None

    def _mail(self, message: Message, offers: Offers, size: int, *, utf8: bool) -> bytes:
        # A return address of its own tells whose message a report is about.
        command = b"MAIL FROM:<%b>" % (self._returns(message.id) if self._returns else self._from)
        if offers.dsn:
            command += b" RET=HDRS ENVID=m%d.r%d" % (message.id, message.run_id)
        if offers.size:
            command += b" SIZE=%d" % size
        if offers.eight_bit:
            command += b" BODY=8BITMIME"
        if utf8:
            command += b" SMTPUTF8"
        return command + b"\r\n"

    def _skeleton(self, locale: str, eight_bit: bool) -> Skeleton:
        skeleton = self._skeletons.get((locale, eight_bit))
        if skeleton is None:
            skeleton = Skeleton(self._letterhead, locale, "8bit" if eight_bit else "base64")
            self._skeletons[locale, eight_bit] = skeleton
        return skeleton


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
    return (
        b"utf-8;"
        + "".join(
            char if "!" <= char <= "~" and char not in "+=\\" else f"\\x{{{ord(char):02X}}}"
            for char in mailbox
        ).encode()
    )


def _ascii(mailbox: str) -> str | None:
    """The address with its domain in ASCII; nothing when the name before the @ is not."""
    name = mailbox.rpartition("@")[0]
    if not name.isascii():
        return None
    try:
        return f"{name}@{ascii_domain(mailbox)}"
    except Unwritable:
        return None


class Window:
    """The desk of one `send`: its letters, and what became of them."""

    def __init__(self, messages: Sequence[Message], clerk: Clerk) -> None:
        self.open = len(messages)
        self.answered = False  # whether the server has taken, or refused, any message
        self.stopped: tuple[str, str] | None = None
        self._queue = deque(Letter(message) for message in messages)
        self._outcomes: list[tuple[int, Outcome]] = []
        self._clerk = clerk
        self._until = monotonic() + _PATIENCE

    @property
    def waiting(self) -> bool:
        """Whether a message has not been begun."""
        return bool(self._queue)

    def take(self, offers: Offers) -> Letter | None:
        queue = self._queue
        if not queue or self.stopped:
            return None
        if monotonic() > self._until:
            self.give_up("late", _LATE)
            return None
        while queue:
            letter = queue.popleft()
            problem = self._clerk.make_out(letter, offers)
            if problem is None:
                return letter
            self._note(letter, problem)
        return None

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self.answered = True
        self._note(letter, outcome)

    def put_back(self, letter: Letter, code: str, detail: str, *, served: bool) -> None:
        """A letter at which a new connection ended goes behind all the others."""
        if served:
            self._queue.appendleft(letter)
        else:
            self._queue.append(letter)

    def stop(self, letter: Letter, code: str, detail: str) -> None:
        self.stopped = self.stopped or (code, detail)
        self._queue.appendleft(letter)

    def give_up(self, code: str, detail: str) -> None:
        """Nothing more of this window is begun."""
        while self._queue:
            self._note(self._queue.popleft(), unavailable(code, detail))

    def drain(self) -> list[tuple[int, Outcome]]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        self.open -= 1
        self._outcomes.append((letter.message.id, outcome))
