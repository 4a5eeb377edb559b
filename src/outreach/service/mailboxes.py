"""Returned mail of a service: mailboxes are read when it is time, and what came in is applied.

A round only looks whether it is time. A slow mail server is waited for in a thread of its own.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from outreach import receive
from outreach.feeds.returned_mail import Mailbox, MailboxTrouble
from outreach.project.bounce_config import ImapMailbox, LmtpDoor, MaildirMailbox
from outreach.project.config import Config, SmppSender
from outreach.receive import Applied, Event
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.service.refused import say_refused
from outreach.store.database import Database, DatabaseProblem

if TYPE_CHECKING:
    from outreach.service import lmtp

# How often what came in is applied, when no mailbox is due.
APPLY_EVERY: Final = timedelta(seconds=2)
_PATIENCE: Final = 10.0  # seconds a stopping service waits for the mails in hand

Open = Callable[[str, ImapMailbox | MaildirMailbox], Mailbox]


@dataclass
class Mailboxes:
    """What a service does about returned mail. Whatever goes wrong is said once, and again when it
    goes wrong in another way; a round never fails by it."""

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
    _troubles: dict[str, str] = field(default_factory=dict)  # what was said of what
    _thread: threading.Thread | None = None

    def look(self, now: datetime) -> None:
        """Read the mailboxes that are due, and apply what came in, unless the last is at work."""
        if self._thread is not None and self._thread.is_alive():
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
        if not self.background:
            self._work(config, boxes)
            return
        self._thread = threading.Thread(
            target=self._work, args=(config, boxes), name="mailboxes", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait a little for the mails in hand: what is left is read by whoever serves next."""
        for _, door in self._doors.values():
            door.close()
        self._doors.clear()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    # --- reading ----------------------------------------------------------------------------

    def _work(self, config: Config, boxes: dict[str, ImapMailbox | MaildirMailbox]) -> None:
        try:
            for name, box in boxes.items():
                if not self.stopping():
                    self._read(name, box)
            while not self.stopping():
                done = self.apply(config)
                self._tell(done)
                if not done.events:
                    break
            self._fine("database", "mailboxes_back")
        except DatabaseProblem as error:
            self._trouble("database", "mailboxes_trouble", str(error))
        except Exception as error:  # the rounds must go on; the next look tries again
            self._trouble("database", "mailboxes_failed", type(error).__name__)

    def _read(self, name: str, box: ImapMailbox | MaildirMailbox) -> None:
        opened: Mailbox | None = None
        try:
            opened = self.open(name, box)
            took = receive.take_mails(self.database, name, opened, self.clock, self.stopping)
        except MailboxTrouble as error:
            self._trouble(name, "mailbox_trouble", str(error), mailbox=name)
        else:
            self._fine(name, "mailbox_back", mailbox=name)
            if took.mails:
                self.say("mailbox_read", mailbox=name, mails=took.mails, new=took.new)
        finally:
            if opened is not None:
                opened.close()

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
            if wanted.get(name) != as_it_was:
                door.close()
                del self._doors[name]
        for name in sorted(wanted.keys() - self._doors.keys()):
            self._open_door(name, wanted[name])

    def _open_door(self, name: str, box: LmtpDoor) -> None:
        from outreach.service import lmtp

        door = lmtp.LmtpDoor(box.host, box.port, self._storing(name))
        try:
            door.start()
        except OSError as error:
            why = f"cannot listen on {box.host} port {box.port}: {error.strerror or error}"
            self._trouble(name, "mailbox_trouble", why, mailbox=name)
            return
        self._doors[name] = (box, door)
        self._fine(name, "mailbox_back", mailbox=name)
        self.say("lmtp_listening", mailbox=name, address=f"{box.host}:{box.port}")

    def _storing(self, name: str) -> Callable[[bytes], int]:
        def store(mail: bytes) -> int:
            event = Event(receive.source_of(name), receive.REPORT, mail, self.clock())
            return receive.take_in(self.database, [event])

        return store

    # --- saying -----------------------------------------------------------------------------

    def _trouble(self, what: str, event: str, why: str, **facts: object) -> None:
        if self._troubles.get(what) != why:
            self._troubles[what] = why
            self.say(event, why=why, **facts)

    def _fine(self, what: str, event: str, **facts: object) -> None:
        if self._troubles.pop(what, None) is not None:
            self.say(event, **facts)


def _every(box: ImapMailbox | MaildirMailbox) -> timedelta:
    return timedelta(seconds=box.every_seconds)


def _hears(config: Config) -> bool:
    """Whether something comes in that is applied here: returned mail, or what message centres
    deliver."""
    centres = (isinstance(sender, SmppSender) for sender in config.senders.values())
    return bool(config.bounces.mailboxes) or any(centres)
