"""Returned mail of a service: mailboxes are read when it is time, and what came in is applied.

A round only looks whether it is time. Mail servers are waited for beside it.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from outreach import receive
from outreach.core.fault import place_of
from outreach.feeds.returned_mail import Mailbox, MailboxTrouble
from outreach.project.bounce_config import ImapMailbox, LmtpDoor, MaildirMailbox
from outreach.project.config import Config, SmppSender
from outreach.receive import Applied, Event
from outreach.service.beside import Beside
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.service.refused import say_refused
from outreach.store.database import Database, DatabaseProblem

if TYPE_CHECKING:
    from outreach.service import lmtp

# How often what came in is applied, when no mailbox is due.
APPLY_EVERY: Final = timedelta(seconds=2)

Open = Callable[[str, ImapMailbox | MaildirMailbox], Mailbox]


@dataclass
class Mailboxes:
    """What a service does about returned mail."""

    database: Database
    definitions: Definitions
    clock: Callable[[], datetime]
    say: Say
    open: Open
    apply: Callable[[Config], Applied]  # the next events that came in, from wherever
    background: bool = False  # in a thread; else within the round
    stopping: Callable[[], bool] = lambda: False
    _apply_at: datetime | None = None
    _due: dict[str, datetime] = field(default_factory=dict)  # by mailbox: when it is read again
    _doors: "dict[str, tuple[LmtpDoor, lmtp.LmtpDoor]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beside = Beside("mailboxes", self.say)

    def look(self, now: datetime) -> None:
        """Read the mailboxes that are due, and apply what came in, unless the last is at work."""
        if self._beside.busy:
            return
        config = self.definitions.config
        self._keep_doors(config)
        boxes = {
            name: box
            for name, box in config.bounces.mailboxes.items()
            if not isinstance(box, LmtpDoor) and is_due(self._due.get(name), now, _every(box))
        }
        applies = _hears(config) and is_due(self._apply_at, now, APPLY_EVERY)
        if not boxes and not applies:
            return
        self._apply_at = now + APPLY_EVERY
        for name, box in boxes.items():
            self._due[name] = now + _every(box)
        self._beside.begin(lambda: self._work(config, boxes), background=self.background)

    def close(self) -> None:
        """Wait a little for the mails in hand: what is left is read by whoever serves next."""
        for _, door in self._doors.values():
            door.close()
        self._doors.clear()
        self._beside.close()

    # --- reading ----------------------------------------------------------------------------

    def _work(self, config: Config, boxes: dict[str, ImapMailbox | MaildirMailbox]) -> None:
        for name, box in boxes.items():
            if not self.stopping():
                self._read(name, box)
        while not self.stopping():
            done = self.apply(config)
            self._tell(done)
            if not done.events:
                break

    def _read(self, name: str, box: ImapMailbox | MaildirMailbox) -> None:
        """Whatever is wrong with one mailbox keeps neither the others nor what came in waiting."""
        try:
            with closing(self.open(name, box)) as opened:
                took = receive.take_mails(self.database, name, opened, self.clock, self.stopping)
        except DatabaseProblem:
            raise
        except Exception as error:
            self._troubled(name, error)
            return
        self._beside.fine(name, "mailbox_back", mailbox=name)
        if took.mails:
            self.say("mailbox_read", mailbox=name, mails=took.mails, new=took.new)

    def _troubled(self, name: str, error: Exception) -> None:
        known = isinstance(error, MailboxTrouble | DatabaseProblem)
        # Not what another error says, which may be a client's name.
        why = str(error) if known else f"{type(error).__name__} at {place_of(error)}"
        self._beside.trouble(name, "mailbox_trouble", why, mailbox=name)

    def _tell(self, done: Applied) -> None:
        if done.returned:
            self.say("returned_mail", **done.returned)
        say_refused(self.database, done, self.say)

    # --- the LMTP door ----------------------------------------------------------------------

    def _keep_doors(self, config: Config) -> None:
        """Open the doors of the config, and close those that are not in it any more."""
        wanted = {
            name: box for name, box in config.bounces.mailboxes.items() if isinstance(box, LmtpDoor)
        }
        for name, (as_it_was, door) in list(self._doors.items()):
            if not door.is_open:
                why = "its thread has ended; the door is opened anew"
                self._beside.trouble(name, "mailbox_trouble", why, mailbox=name)
            if not door.is_open or wanted.get(name) != as_it_was:
                door.close()
                del self._doors[name]
        for name in sorted(wanted.keys() - self._doors.keys()):
            self._open_door(name, wanted[name])

    def _open_door(self, name: str, box: LmtpDoor) -> None:
        from outreach.service import lmtp

        door = lmtp.LmtpDoor(
            box.host, box.port, self._storing(name), lambda error: self._troubled(name, error)
        )
        try:
            door.start()
        except (OSError, RuntimeError) as error:  # no port; no thread
            reason = getattr(error, "strerror", None) or error
            why = f"cannot listen on {box.host} port {box.port}: {reason}"
            self._beside.trouble(name, "mailbox_trouble", why, mailbox=name)
            return
        self._doors[name] = (box, door)
        self._beside.fine(name, "mailbox_back", mailbox=name)
        self.say("lmtp_listening", mailbox=name, address=f"{box.host}:{box.port}")

    def _storing(self, name: str) -> Callable[[bytes], int]:
        def store(mail: bytes) -> int:
            event = Event(receive.source_of(name), receive.REPORT, mail, self.clock())
            new = receive.take_in(self.database, [event])
            self._beside.fine(name, "mailbox_back", mailbox=name)
            return new

        return store


def _every(box: ImapMailbox | MaildirMailbox) -> timedelta:
    return timedelta(seconds=box.every_seconds)


def _hears(config: Config) -> bool:
    """Whether something comes in that is applied here: returned mail, or what message centres
    deliver."""
    centres = (isinstance(sender, SmppSender) for sender in config.senders.values())
    return bool(config.bounces.mailboxes) or any(centres)
