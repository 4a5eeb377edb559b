"""What a mail server says: its code, its words, what it asks for, and whom it speaks of."""

import re
from typing import Final, NamedTuple

from outreach.channels.smtp_pace import asks_for_less
from outreach.core.bounce.report import Kind
from outreach.core.bounce.texts import said
from outreach.core.model import About, Outcome, refused, unavailable

# Where the fault is ours: login missing, wrong or too weak (RFC 4954 6). No recipient is to blame.
LOGIN: Final = frozenset((530, 534, 535, 538))
_OUT_OF_STEP: Final = 503  # commands in the wrong order, which no recipient can mend
_TOO_LARGE: Final = 552  # RFC 1870 6.1: the one refusal of MAIL that speaks of the message
REFERENCE: Final = 200  # characters kept of a reply

# What a relay says to every recipient of a sender it does not know, or of one that did not log in.
# Postfix says so at RCPT of the client, the HELO name and the sender's address too.
_US = re.compile(
    r"\brelay|rcpthosts|not authenticated|authentication (?:is )?required|not logged in"
    r"|(?:client host|sender address|helo command) rejected",
    re.IGNORECASE,
)
# Postfix, when one client passes its limits (smtpd_client_*_rate_limit), whoever it writes to.
_TOO_MUCH_FROM_US = re.compile(r"error: too (?:many|much) \w+ from ", re.IGNORECASE)
_FULL: Final = 452  # RFC 5321 4.2.3: insufficient system storage
# How long a server asks to wait: "in 00:05:00", "for 300 seconds", "after 5 minutes".
_WAIT = re.compile(
    r"\b(?:in|for|after|within|another)\s+"
    r"(?:(\d{1,2}):(\d\d):(\d\d)|(\d{1,5})\s*(s|m|h)(?:ecs?|econds?|ins?|inutes?|ours?)?)\b",
    re.IGNORECASE,
)
_LONGEST_WAIT: Final = 4 * 3600.0
_STATUS = re.compile(r"(\d\.\d{1,3}\.\d{1,3})(?:\s+|$)")
_MAILBOX = re.compile(r"([^\s<>@])[^\s<>@]*(?=@)")


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def label(self) -> str:
        """The code with its enhanced status (RFC 3463) when there is one: `550 5.1.1`."""
        status = _STATUS.match(self.text)
        return f"{self.code} {status[1]}" if status else str(self.code)

    @property
    def reference(self) -> str:
        """What the server said, without the status: the queue id, after an accepted message."""
        status = _STATUS.match(self.text)
        return (self.text[status.end() :] if status else self.text)[:REFERENCE]

    @property
    def wait(self) -> float:
        """Seconds the server asked us to wait, four hours at most; 0 when it did not."""
        found = _WAIT.search(self.text) if self.code < 500 else None
        if found is None:
            return 0.0
        hours, minutes, seconds, number, unit = found.groups()
        if number:
            asked = int(number) * {"s": 1, "m": 60, "h": 3600}[unit.lower()]
        else:
            asked = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        return min(float(asked), _LONGEST_WAIT)

    @property
    def words(self) -> str:
        """The same with the names of mailboxes masked, for logs."""
        return _MAILBOX.sub(r"\1***", self.reference)

    @property
    def of_line(self) -> Outcome:
        """The outcome of a message that the server would not begin with, or hung up on: a temporary
        answer that speaks of the server, or of how much comes from us."""
        return self._later(self._pace(About.CONNECTION))

    @property
    def of_recipient(self) -> Outcome:
        """The outcome of a message whose recipient was not taken."""
        if self.code >= 500 and self.code != _OUT_OF_STEP:
            return refused(self.label, self.words)
        from_us = _TOO_MUCH_FROM_US.search(self.text) is not None
        return self._later(About.RATE if from_us else About.MESSAGE)

    @property
    def of_mail(self) -> Outcome:
        """The outcome of a message that was not taken as a whole, for what it says or for want of
        room."""
        if self.code >= 500:
            about = About.CONTENT if self._of_content() else About.MESSAGE
            return refused(self.label, self.words, about)
        # RFC 3463 3.4: X.3.X speaks of the mail system.
        full = self.code == _FULL or self._status.startswith("4.3.")
        return self._later(About.CONNECTION if full else About.MESSAGE)

    @property
    def _status(self) -> str:
        found = _STATUS.match(self.text)
        return found[1] if found else ""

    def _of_content(self) -> bool:
        """Whether the text was refused, which others of a run have too: as the words say, else by
        X.6.x, and X.7.1 as filters use it (RFC 3463 3.7, 3.8)."""
        kind = said(f"{self.label} {self.text}")
        if kind is not None:
            return kind is Kind.CONTENT
        return self._status == "5.7.1" or self._status.startswith("5.6.")

    def _later(self, about: About) -> Outcome:
        return unavailable(self.label, self.words, about, self.wait)

    def _pace(self, otherwise: About) -> About:
        return About.RATE if asks_for_less(self._later(otherwise)) else otherwise

    def of_mail_is_ours(self, to: str) -> bool:
        """Whether a refusal of MAIL is about us, which no recipient can mend. It speaks of the
        message only by its SIZE, or by SMTPUTF8 for the sake of the recipient `to`."""
        if self.code in LOGIN:
            return True
        return self.code >= 500 and self.code != _TOO_LARGE and to.isascii()

    def of_rcpt_is_ours(self) -> bool:
        """Whether a refusal of RCPT is about us."""
        if self.code in LOGIN:
            return True
        return self.code >= 500 and _US.search(self.text) is not None
