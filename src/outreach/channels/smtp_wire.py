"""One SMTP connection after its set-up, without the socket: replies in, commands out.

With PIPELINING (RFC 2920) the envelope goes out in one write, and the next envelope follows the end
of the message in the same write, so a message costs one round trip; without it, step by step.
Replies carry no name: each belongs to the oldest command that still waits for one.
"""

import re
from collections import deque
from typing import Final, NamedTuple, Protocol

from outreach.channels.smtp_pace import Pace
from outreach.channels.smtp_reply import LOGIN, REFERENCE, Reply
from outreach.core.model import Message, Outcome, accepted, in_doubt, unavailable
from outreach.core.words import State

MAIL, RCPT, DATA, END, IGNORED = range(5)

_ACCEPTED: Final = State.ACCEPTED
_LONGEST_REPLY: Final = 65536

# A message taken and the next envelope accepted: what a pipelined message is answered by.
_TAKEN_AND_NEXT: Final = re.compile(
    rb"250 (?:\d\.\d{1,3}\.\d{1,3}(?: +|(?=\r)))?([^\r\n]*)\r\n"
    rb"250 [^\r\n]*\r\n250 [^\r\n]*\r\n354 [^\r\n]*\r\n"
).fullmatch


class Offers(NamedTuple):
    """What the server said it can do. `size` is its limit in bytes, 0 for none."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    size: int = 0
    dsn: bool = False


class Letter:
    """A message on its way, and what is written for it: two commands and the data."""

    __slots__ = ("data", "digest", "mail", "message", "pace", "problem", "rcpt")

    data: bytes  # with the end of data
    digest: bytes
    mail: bytes
    rcpt: bytes

    def __init__(self, message: Message) -> None:
        self.message = message
        self.pace: Pace | None = None  # of its domain, while a connection has it
        self.problem: tuple[int, Reply] | None = None


class Desk(Protocol):
    """Where letters come from and where their outcomes go: one window of the channel."""

    def take(self, offers: Offers) -> Letter | None:
        """The next letter, made out for this server, or nothing when there is no more."""
        ...

    def settle(self, letter: Letter, outcome: Outcome) -> None: ...

    def put_back(self, letter: Letter, why: Outcome, *, served: bool) -> None:
        """The letter certainly did not go out and may take another connection.

        `served`: this connection has served others, so the letter is hardly to blame.
        """
        ...

    def stop(self, letter: Letter, code: str, detail: str) -> None:
        """The server does not serve us at all. The letter did not go out."""
        ...

    def busy(self, letter: Letter, why: Outcome) -> None:
        """The server takes nothing from us for now. The letter did not go out."""
        ...


class Garbled(Exception):
    """The server sent something that is no SMTP reply, or a reply nobody waits for."""


def _is_ours(kind: int, reply: Reply, to: str) -> bool:
    if kind == MAIL:
        return reply.of_mail_is_ours(to)
    return reply.of_rcpt_is_ours() if kind == RCPT else reply.code in LOGIN


class Conversation:
    """Letters from a desk, one after another, over one connection."""

    _desk: Desk  # given by `begin`; nothing waits for a reply before

    def __init__(self, offers: Offers) -> None:
        self.offers = offers
        self.served = 0  # letters the server has answered for
        self.closing: Reply | None = None  # the 421 that ended it
        # Kept by whoever owns the socket: whether a byte of the last output has gone out, and
        # whether all of it has.
        self.given = self.flushed = True
        self._waiting: deque[tuple[int, Letter | None]] = deque()
        self._rest = b""
        self._lines: list[bytes] = []
        self._reset = False  # a transaction was broken off and must be cleared first
        self._smooth = False  # the end of one letter and the envelope of the next wait, no more

    @property
    def busy(self) -> bool:
        """Whether the server still owes a reply."""
        return bool(self._waiting)

    def begin(self, desk: Desk) -> bytes:
        """The first command of an idle connection, or nothing when the desk is empty."""
        self._desk = desk
        return self._next()

    def feed(self, data: bytes) -> bytes:
        """Takes what the server sent, whole replies or pieces, and returns what to write next.

        Raises `Garbled`. After a 421 `closing` is set and the connection is of no more use.
        """
        if self._smooth and self.flushed and not self._rest:
            found = _TAKEN_AND_NEXT(data)
            if found is not None:
                return self._go_on(found[1])
            self._smooth = False
        buffer = self._rest + data if self._rest else data
        out = b""
        start = 0
        while (end := buffer.find(b"\n", start)) >= 0:
            line = buffer[start:end]
            start = end + 1
            mark = line[3:4]
            if not line[:3].isdigit() or mark not in b" \r-" or len(self._lines) > 100:
                raise Garbled
            if mark == b"-":
                self._lines.append(line[4:])
            elif line[:3] == b"421":
                self.closing = self._reply(line)
                return b""
            elif out:
                # It would answer a command that has not left us yet.
                raise Garbled
            else:
                out = self._take(line)
                self._lines.clear()
        self._rest = buffer[start:]
        if len(self._rest) > _LONGEST_REPLY:
            raise Garbled
        return out

    def _go_on(self, said: bytes) -> bytes:
        """What `_after_end` to `_after_data` do, for the answers that come nearly always."""
        waiting, desk = self._waiting, self._desk
        letter, following = waiting[0][1], waiting[3][1]
        if letter is None or following is None:  # never so
            raise Garbled
        waiting.clear()
        self.served += 1
        reference = said.decode("utf-8", "replace").strip()[:REFERENCE]
        desk.settle(letter, Outcome(_ACCEPTED, "", "", reference, letter.digest))
        self.given = self.flushed = False
        waiting.append((END, following))
        another = desk.take(self.offers)
        if another is None:
            self._smooth = False
            return following.data
        another.problem = None
        waiting.extend(((MAIL, another), (RCPT, another), (DATA, another)))
        return b"%b%b%bDATA\r\n" % (following.data, another.mail, another.rcpt)

    def lost(self, code: str, detail: str) -> None:
        """The connection is gone: tells the desk of each open letter whether it may be out."""
        waiting, self._waiting = self._waiting, deque()
        why = self.closing.of_line if self.closing else unavailable(code, detail)
        seen: Letter | None = None
        for kind, letter in waiting:
            if letter is None or letter is seen:
                continue
            seen = letter
            if kind == END and self.given:
                # By its place a 421 answers this message: not taken (RFC 5321 4.2.1).
                self._desk.settle(letter, why if self.closing else in_doubt(code, detail))
            elif letter.problem:
                self._refuse(letter)
            else:
                self._desk.put_back(letter, why, served=self.served > 0)

    def _take(self, line: bytes) -> bytes:
        """Gives one reply to the oldest waiting command."""
        waiting = self._waiting
        if not waiting:
            raise Garbled
        code = int(line[:3])
        kind, letter = waiting[0]
        if letter is None:
            waiting.popleft()
            return b"" if self.offers.pipelining else self._next()
        if kind == END:
            return self._after_end(code, letter, line)
        if kind == DATA:
            return self._after_data(code, letter, line)
        if 200 <= code < 300:
            waiting.popleft()
            if self.offers.pipelining:
                return b""
            waiting.append((RCPT, letter) if kind == MAIL else (DATA, letter))
            return letter.rcpt if kind == MAIL else b"DATA\r\n"
        if not 400 <= code < 600:
            raise Garbled
        waiting.popleft()
        letter.problem = letter.problem or (kind, self._reply(line))
        if self.offers.pipelining:
            return b""
        self._reset = kind == RCPT
        self._refuse(letter)
        return self._next()

    def _after_data(self, code: int, letter: Letter, line: bytes) -> bytes:
        if code == 354:
            self._waiting.popleft()
            if letter.problem:
                # RFC 2920 3.1: DATA may be taken although no recipient was; end it empty.
                self._refuse(letter)
                self._waiting.append((IGNORED, None))
                return b".\r\n" + self._next()
            self.given = self.flushed = False
            self._waiting.append((END, letter))
            if not self.offers.pipelining:
                return letter.data
            following = self._next()
            self._smooth = len(self._waiting) == 4
            return letter.data + following
        if not 400 <= code < 600:
            raise Garbled
        self._waiting.popleft()
        letter.problem = letter.problem or (DATA, self._reply(line))
        self._reset = True
        self._refuse(letter)
        return self._next()

    def _after_end(self, code: int, letter: Letter, line: bytes) -> bytes:
        taken = 200 <= code < 300
        if (taken and not self.flushed) or not (taken or 400 <= code < 600):
            raise Garbled
        self._waiting.popleft()
        reply = self._reply(line)
        self.served += 1
        if taken:
            self._desk.settle(letter, accepted(reply.reference, letter.digest))
        else:
            self._desk.settle(letter, reply.of_mail)
        if not self.flushed:
            raise Garbled  # refused in the middle of the message: what follows has no meaning
        return b"" if self.offers.pipelining else self._next()

    def _refuse(self, letter: Letter) -> None:
        if letter.problem is None:
            return
        kind, reply = letter.problem
        self.served += 1
        if _is_ours(kind, reply, letter.message.to):
            self._desk.stop(letter, reply.label, reply.words)
        elif kind == MAIL and reply.code < 500:
            self._desk.busy(letter, reply.of_line)
        else:
            # Who refuses DATA for good has not seen the text, but knows the recipient.
            of_mail = kind == DATA and reply.code < 500
            self._desk.settle(letter, reply.of_mail if of_mail else reply.of_recipient)

    def _next(self) -> bytes:
        waiting = self._waiting
        out = b""
        if self._reset:
            self._reset = False
            waiting.append((IGNORED, None))
            out = b"RSET\r\n"
            if not self.offers.pipelining:
                return out
        letter = self._desk.take(self.offers)
        if letter is None:
            return out
        letter.problem = None
        if self.offers.pipelining:
            waiting.append((MAIL, letter))
            waiting.append((RCPT, letter))
            waiting.append((DATA, letter))
            return b"%b%b%bDATA\r\n" % (out, letter.mail, letter.rcpt)
        waiting.append((MAIL, letter))
        return letter.mail

    def _reply(self, line: bytes) -> Reply:
        text = line[4:].strip()
        if self._lines:
            text = b" ".join((*(part.strip() for part in self._lines), text))
        return Reply(int(line[:3]), text.decode("utf-8", "replace"))
