"""Where returned mail is read: what every kind of mailbox can do, and how its trouble is said.

A mail is moved to the folder of what is done only after it is stored, so a crash at any moment
loses none; one that is read a second time is known by its digest.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from outreach.core.bounce import LARGEST as LARGEST  # bytes: more of a mail is never looked at

PAGE: Final = 50  # mails in memory at once


class MailboxTrouble(Exception):
    """A mailbox cannot be read, or nothing can be moved in it. The sentence holds no secret."""


class Mail(NamedTuple):
    """A mail as it lies in its box."""

    key: str  # how the box calls it
    content: bytes


class Mailbox(Protocol):
    """A box of returned mail. Each method raises `MailboxTrouble`."""

    def pages(self) -> Iterator[Sequence[Mail]]:
        """The mails that are not done, oldest first, some at a time. Reading changes nothing."""
        ...

    def done(self, mails: Sequence[Mail]) -> None:
        """Move mails that are stored to the folder of what is done."""
        ...

    def close(self) -> None: ...
