"""Returned mail from a Maildir: a file a mail in new/ and cur/, moved to a folder of its own.

The form is that of qmail's maildir(5); the folder for what is done is one of Maildir++, `.Done`, so
that mail programs show it.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from outreach.feeds.returned_mail import LARGEST, PAGE, Mail, MailboxTrouble

# Not through a link, and without waiting for a writer: a mail is a plain file.
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NO_MAIL: Final = frozenset((errno.EISDIR, errno.ELOOP, errno.ENXIO))  # a folder, a link, a socket


class Maildir:
    """The Maildir at `path`; what is stored goes to its folder `done`."""

    def __init__(self, path: Path, done: str) -> None:
        self._path = path
        self._done = path / f".{done}"

    def pages(self) -> Iterator[Sequence[Mail]]:
        """As of every mailbox. One mail that cannot be read keeps none of the others waiting: its
        trouble is raised at the end."""
        names = iter(self._names())
        trouble: MailboxTrouble | None = None
        while page := list(islice(names, PAGE)):
            mails = []
            for name in page:
                try:
                    mail = self._read(name)
                except MailboxTrouble as error:
                    trouble = trouble or error
                    continue
                mails += [mail] if mail is not None else []
            yield mails
        if trouble is not None:
            raise trouble

    def done(self, mails: Sequence[Mail]) -> None:
        try:
            self._make_folder()
            for mail in mails:
                base = mail.key.rpartition("/")[2].partition(":")[0]
                with suppress(FileNotFoundError):  # somebody else has moved it
                    (self._path / mail.key).rename(self._done / "cur" / f"{base}:2,S")
        except OSError as error:
            raise MailboxTrouble(f"{self._done}: {error.strerror}; correct the rights") from error

    def close(self) -> None:
        """Nothing is kept open."""

    def _names(self) -> list[str]:
        """The mails by the time of their arrival, which their names begin with."""
        found: list[tuple[str, str]] = []
        try:
            for place in ("new", "cur"):
                with os.scandir(self._path / place) as entries:
                    found += [(one.name, f"{place}/{one.name}") for one in entries]
        except OSError as error:
            why = f"{error.strerror}; a Maildir holds new/ and cur/ that this user may read"
            raise MailboxTrouble(f"{self._path / place}: {why}") from error
        return [path for name, path in sorted(found) if not _is_left(name)]

    def _read(self, name: str) -> Mail | None:
        """As much of a mail as is looked at; None where it is gone or is no file."""
        path = self._path / name
        try:
            with os.fdopen(os.open(path, _FLAGS), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return None
                return Mail(name, file.read(LARGEST))
        except FileNotFoundError:
            return None  # a mail program has moved it: it is found again next time
        except OSError as error:
            if error.errno in _NO_MAIL:
                return None
            raise MailboxTrouble(f"{path}: {error.strerror}") from error

    def _make_folder(self) -> None:
        """The folder of what is done, in the name of whom the Maildir belongs to."""
        if (self._done / "cur").is_dir():
            return
        owner = self._path.stat()
        for folder in (self._done, *(self._done / name for name in ("tmp", "new", "cur"))):
            folder.mkdir(mode=stat.S_IMODE(owner.st_mode) | 0o700, exist_ok=True)
            with suppress(PermissionError):
                os.chown(folder, owner.st_uid, owner.st_gid)
        (self._done / "maildirfolder").touch()


def _is_left(name: str) -> bool:
    """Hidden files, and mails a person threw away (flag T)."""
    _, mark, flags = name.partition(":2,")
    return name.startswith(".") or bool(mark and "T" in flags)
