"""Returned mail from a mailbox of a mail server, by IMAP (RFC 3501).

Mails are read without being marked as seen, and moved once they are stored: by MOVE (RFC 6851), or
copied and marked as deleted. What is marked as deleted is not read again, whether or not the server
lets us remove it.
"""

import base64
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

from outreach.core.masking import masked_text
from outreach.feeds.returned_mail import LARGEST, Mail, MailboxTrouble

_PAGE: Final = 25  # mails in one answer of the server
_SPAN: Final = 5_000  # messages asked about at once: the library takes lines of up to 1 MB
_UID: Final = re.compile(rb"\bUID (\d+)")


class Place(NamedTuple):
    """A mailbox: where it is, how to get in, and which folders are meant."""

    host: str
    port: int
    security: str  # tls | starttls | none
    ca_file: str | None
    username: str
    folder: str
    done: str
    timeout: float


class ImapMailbox:
    """One folder of a mailbox. It connects when it is first asked, and checks the certificate."""

    def __init__(self, place: Place, password: str) -> None:
        self._place = place
        self._password = password
        self._connection: imaplib.IMAP4 | None = None
        self._abilities: frozenset[str] = frozenset()
        self._made = False  # whether the folder for what is done was asked for
        self._where = f"{place.host}:{place.port}"

    def pages(self) -> Iterator[Sequence[Mail]]:
        with self._explained():
            imap = self._connection or self._logged_in()
            count = _said_ok(imap.select(_folder(self._place.folder)))[-1]
            uids = _undone(imap, int(count or 0))
        for at in range(0, len(uids), _PAGE):
            with self._explained():
                page = _fetched(imap, uids[at : at + _PAGE])
            yield page

    def done(self, mails: Sequence[Mail]) -> None:
        imap = self._connection
        if imap is None:  # the numbers of mails hold for the connection they were read on
            raise MailboxTrouble(f"{self._where}: the connection ended before mails were moved")
        if not mails:
            return
        with self._explained():
            folder, uids = _folder(self._place.done), ",".join(mail.key for mail in mails)
            if not self._made:
                imap.create(folder)  # refused where it is there already
                self._made = True
            if "MOVE" in self._abilities:
                _said_ok(imap.uid("MOVE", uids, folder))
                return
            _said_ok(imap.uid("COPY", uids, folder))
            _said_ok(imap.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
            if "UIDPLUS" in self._abilities:  # a plain EXPUNGE would remove what others deleted
                _said_ok(imap.uid("EXPUNGE", uids))

    def close(self) -> None:
        imap, self._connection = self._connection, None
        if imap is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                imap.logout()

    # --- the connection -----------------------------------------------------------------------

    def _connected(self) -> imaplib.IMAP4:
        host, port, timeout = self._place.host, self._place.port, self._place.timeout
        if self._place.security == "none":
            return imaplib.IMAP4(host, port, timeout=timeout)
        context = ssl.create_default_context(cafile=self._place.ca_file)
        if self._place.security == "tls":
            return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=timeout)
        imap = imaplib.IMAP4(host, port, timeout=timeout)
        imap.starttls(context)
        return imap

    def _logged_in(self) -> imaplib.IMAP4:
        imap = self._connection = self._connected()
        if "AUTH=PLAIN" in imap.capabilities:
            # Takes every letter a password may have; LOGIN only ASCII.
            given = f"\0{self._place.username}\0{self._password}".encode()
            imap.authenticate("PLAIN", lambda _said: given)
        else:
            imap.login(_quoted(self._place.username), self._password)
        _, answer = imap.capability()
        self._abilities = frozenset(answer[-1].decode("ascii", "replace").upper().split())
        return imap

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Trouble as a sentence; the connection is then of no more use."""
        place = self._where
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not trusted ({error.verify_message})"
            raise self._trouble(f"{place}: {why}") from None
        except (TimeoutError, socket.gaierror) as error:
            said = "no answer in time" if isinstance(error, TimeoutError) else "no such host"
            raise self._trouble(f"{place}: {said}") from None
        except UnicodeEncodeError:  # which would quote a letter of the password
            why = "without AUTH=PLAIN, which it does not offer, name and password must be ASCII"
            raise self._trouble(f"{place}: {why}") from None
        except (imaplib.IMAP4.error, OSError, ssl.SSLError, ValueError) as error:
            # The library quotes the server, who may quote us.
            said = str(error).replace(self._password, "***") if self._password else str(error)
            said = masked_text(said)[:200]
            raise self._trouble(f"{place}: {said or type(error).__name__}") from None

    def _trouble(self, said: str) -> MailboxTrouble:
        imap, self._connection = self._connection, None
        if imap is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                imap.shutdown()
        return MailboxTrouble(said)


def _undone(imap: imaplib.IMAP4, count: int) -> list[str]:
    """The mails that are not marked as deleted; of a very full folder its first ones."""
    for first in range(1, count + 1, _SPAN):
        asked = f"{first}:{min(first + _SPAN - 1, count)}"
        found = _said_ok(imap.uid("SEARCH", asked, "UNDELETED"))
        uids = [uid.decode() for line in found if line for uid in line.split()]
        if uids:
            return uids
    return []


def _fetched(imap: imaplib.IMAP4, uids: Sequence[str]) -> list[Mail]:
    """These mails, as much of each as is looked at. One that somebody removed is left out."""
    wanted = f"(UID BODY.PEEK[]<0.{LARGEST}>)"
    answer: list[Any] = _said_ok(imap.uid("FETCH", ",".join(uids), wanted))
    found: dict[str, bytes] = {}
    for at, part in enumerate(answer):
        if not isinstance(part, tuple):
            continue
        # The number stands before or behind the mail; flags may come in between unasked.
        behind = answer[at + 1] if at + 1 < len(answer) else b""
        number = _UID.search(part[0]) or (_UID.search(behind) if type(behind) is bytes else None)
        if number:
            found[number[1].decode()] = part[1]
    return [Mail(uid, found[uid]) for uid in uids if uid in found]


def _said_ok(answer: tuple[str, list[Any]]) -> list[Any]:
    said, lines = answer
    if said != "OK":
        words = b" ".join(line for line in lines if isinstance(line, bytes))
        raise imaplib.IMAP4.error(words.decode("utf-8", "replace"))
    return lines


def _folder(name: str) -> str:
    """A folder as IMAP takes it: beyond ASCII in modified UTF-7 (RFC 3501 5.1.3)."""
    out: list[str] = []
    for plain, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", name):
        if other:
            coded = base64.b64encode(other.encode("utf-16-be")).decode().rstrip("=")
            out.append(f"&{coded.replace('/', ',')}-")
        else:
            out.append(plain.replace("&", "&-"))
    return _quoted("".join(out))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
