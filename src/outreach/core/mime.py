"""The bytes of an e-mail: a skeleton compiled once for a sender and locale, filled per message.

The standard library builds such a message in about 2 ms; filling a skeleton takes 10 to 20 us.
`email.policy.default` stays the oracle of the tests. The same message always gives the same bytes,
so the digest kept in the send log can be proved again from the archived variables.
"""

import re
from binascii import b2a_base64, b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from struct import Struct
from typing import Final, Literal

from outreach.core.model import Message
from outreach.core.verp import Verp

Encoding = Literal["7bit", "8bit"]

# RFC 5322 2.1.1: no line may be longer than 998 octets, CRLF not counted.
LONGEST_LINE: Final = 998
# RFC 2047 2: an encoded word has at most 75 characters, a line that holds one at most 76.
_WORD_START: Final = b"=?utf-8?b?"
_WORD_END: Final = b"?="
_WORD_ROOM: Final = 45  # octets of text in one encoded word: (75 - 12) / 4 * 3
_LINE: Final = 76

# In quoted-printable a byte beyond ASCII takes three, in base64 each byte takes 1.37: where at most
# one byte in so many is beyond ASCII, quoted-printable is shorter.
_MOSTLY_ASCII: Final = 6

# Line breaks and controls in a header would let a value write headers of its own.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_PLAIN: Final = re.compile(r"[!-~]+(?: [!-~]+)*").fullmatch
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_IN_ADDRESS = r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\"(),:;<>@\[\\\]]+"
_ADDRESS: Final = re.compile(f"{_IN_ADDRESS}@{_IN_ADDRESS}").fullmatch
_URI: Final = re.compile(r"(?:https?://|mailto:)[!#-;=?-~]+").fullmatch


_BODY: Final = (
    b"--=_%b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n"
    b"%b\r\n"
    b"--=_%b\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n"
    b"%b\r\n"
    b"--=_%b--\r\n"
)
_PLAIN_BODY: Final = (
    (_BODY % (b"%s", b"8bit", b"%s", b"%s", b"8bit", b"%s", b"%s")).decode().replace("\r", "")
)


class Unwritable(ValueError):
    """A message cannot be written as an e-mail. The sentence names the place, never the value."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who an e-mail comes from. `mailto` is an optional second way to unsubscribe (RFC 2369).

    `returns` makes the envelope's return addresses; without it what cannot be delivered comes back
    to `address`. It never stands in a message: the last server writes Return-Path (RFC 5321 4.4).
    """

    address: str
    name_zh: str = ""
    name_en: str = ""
    mailto: str = ""
    returns: Verp | None = None

    def name_in(self, locale: str) -> str:
        return self.name_zh if locale.startswith("zh") else self.name_en


class Skeleton:
    """A multipart/alternative message of one sender and locale, with holes for what varies.

    `8bit` needs a server that offers 8BITMIME (RFC 6152). With `7bit` the message is ASCII: a part
    that is ASCII goes as it is, one that mostly is as quoted-printable, any other as base64. A part
    that cannot go as it is, because of a long line or a NUL, is written in one of the latter two
    all the same. The choice goes by the text alone, so the same message is always written alike.
    """

    __slots__ = ("_about", "_eight", "_form", "_mailto", "_opening")

    def __init__(self, letterhead: Letterhead, locale: str, encoding: Encoding) -> None:
        """Raises `Unwritable` when the letterhead or locale cannot stand in a header."""
        self._eight = encoding == "8bit"
        self._mailto = _mailto(letterhead.mailto)
        self._form = _form(letterhead, locale)
        # Of the last message: its subject, time and run, and the headers with these filled in.
        self._about: tuple[str, datetime, int] | None = None
        self._opening = b""

    def fill(self, message: Message) -> bytes:
        """The finished message with CRLF line ends, not dot-stuffed.

        Raises `Unwritable` for an address, subject or link that cannot stand in a header, for a
        text that holds half a character and for a message that is no e-mail.
        """
        id_, run_id, to, _, parts, at, unsubscribe, *_ = message
        if len(parts) != 3:
            raise Unwritable("an e-mail has three parts: subject, text and html")
        subject, text, html = parts
        if self._about != (subject, at, run_id):
            self._open(subject, at, run_id)
        mark = f"m{id_}.r{run_id}"
        body = _eight_bit_body(mark, text, html) if self._eight else None
        if body is None:
            body = self._body(mark.encode(), text, html)
        links = self._unsubscribe(unsubscribe) if unsubscribe else b""
        named = mark.encode()
        return self._opening % (address(to, "To"), named, links, named, body)

    def _open(self, subject: str, at: datetime, run_id: int) -> None:
        written, date = _subject(subject).replace(b"%", b"%%"), _date(at)
        self._opening = self._form % (b"%b", written, date, b"%b", run_id, b"%b", b"%b", b"%b")
        self._about = (subject, at, run_id)

    def _body(self, mark: bytes, text: str, html: str) -> bytes:
        text_encoding, text_body = self._part(text, mark)
        html_encoding, html_body = self._part(html, mark)
        return _BODY % (mark, text_encoding, text_body, mark, html_encoding, html_body, mark)

    def _part(self, content: str, mark: bytes) -> tuple[bytes, bytes]:
        body = _crlf(content)
        ascii_ = content.isascii()
        if (self._eight or ascii_) and _fits(body) and b"--=_" + mark not in body:
            return b"8bit" if self._eight else b"7bit", body
        beyond = 0 if ascii_ else len(body) - len(body.decode("ascii", "ignore"))
        if beyond * _MOSTLY_ASCII <= len(body):
            return b"quoted-printable", quoted_printable(body)
        return b"base64", wrapped_base64(body)

    def _unsubscribe(self, url: str) -> bytes:
        """RFC 8058 asks for an https link; a link without TLS is offered, but not as one click."""
        if not _URI(url):
            raise Unwritable("List-Unsubscribe: the link is not a plain https address")
        links = b"List-Unsubscribe: <%b>%b\r\n" % (url.encode(), self._mailto)
        if url.startswith("https://"):
            links += b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        return links


def address(value: str, header: str) -> bytes:
    """One mailbox without display name, as UTF-8 (RFC 6532 when it is not ASCII)."""
    if not _ADDRESS(value):
        raise Unwritable(f"{header}: this is not one plain e-mail address")
    return value.encode()


def ascii_domain(mailbox: str) -> str:
    """The domain of an address in its ASCII form, as Message-ID and older servers need it."""
    domain = mailbox.rpartition("@")[2]
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Unwritable("the domain of an address has no ASCII form") from error


def quoted_printable(data: bytes) -> bytes:
    """Text with CRLF line ends in lines of at most 76 (RFC 2045 6.7)."""
    # Where there is no line end to go by, the library breaks lines as Unix does.
    return b2a_qp(data).replace(b"=\n", b"=\r\n")


def wrapped_base64(data: bytes) -> bytes:
    """Base64 in lines of 76, each but the last ended by CRLF (RFC 2045 6.8)."""
    flat = b2a_base64(data, newline=False)
    whole, rest = divmod(len(flat), _LINE)
    if not whole:
        return flat
    lines = _rows(whole).unpack_from(flat)
    if not rest:
        return b"\r\n".join(lines)
    return b"\r\n".join((*lines, flat[-rest:]))


@cache
def _rows(count: int) -> Struct:
    # Cutting by one prepared Struct is nearly twice as fast as a loop over slices.
    return Struct(f"{_LINE}s" * count)


def _eight_bit_body(mark: str, text: str, html: str) -> bytes | None:
    """The body of nearly every message, made in one go; nothing when a part needs a closer look."""
    joined = _PLAIN_BODY % (mark, text, mark, html, mark)
    if "\r" in joined or joined.count(f"--=_{mark}") != 3:
        return None
    try:
        body = joined.encode().replace(b"\n", b"\r\n")
    except UnicodeEncodeError:
        return None
    return body if _fits(body) else None


def _crlf(content: str) -> bytes:
    if "\r" in content:
        content = content.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return content.encode().replace(b"\n", b"\r\n")
    except UnicodeEncodeError:
        # Its own words would quote the message.
        raise Unwritable("the text holds half a character (a lone surrogate)") from None


def _fits(body: bytes) -> bool:
    """Whether 8bit may carry it: no NUL and no line over 998 octets (RFC 2045 2.8)."""
    if b"\0" in body:
        return False
    start, size = 0, len(body)
    while size - start > LONGEST_LINE:
        end = body.rfind(b"\n", start, start + LONGEST_LINE + 2)
        if end < 0:
            return False
        start = end + 1
    return True


def _date(at: datetime) -> bytes:
    if at.tzinfo is None:
        raise Unwritable("Date: the time has no time zone")
    return format_datetime(at.astimezone(UTC)).encode()


def _subject(value: str) -> bytes:
    if _CONTROL(value):
        raise Unwritable("Subject: it holds a line break or another control character")
    used = len("Subject: ")
    if len(value) <= _LINE - used and _PLAIN(value) and "=?" not in value:
        return value.encode()
    return _encoded_words(value, used)


def _encoded_words(value: str, used: int) -> bytes:
    """RFC 2047 words, one a line, cut between characters; `used` columns are taken already."""
    data = value.encode()
    size = len(data)
    room = min(_WORD_ROOM, (_LINE - used - 12) // 4 * 3)
    words = []
    start = 0
    while start < size:
        end = start + room
        if end < size:
            while data[end] & 0xC0 == 0x80:  # a continuation byte of UTF-8
                end -= 1
        words.append(_WORD_START + b2a_base64(data[start:end], newline=False) + _WORD_END)
        start, room = end, _WORD_ROOM
    return b"\r\n ".join(words)


def _mailbox(letterhead: Letterhead, name: str) -> bytes:
    mailbox = address(letterhead.address, "From")
    if _CONTROL(name):
        raise Unwritable("From: the name holds a line break or another control character")
    if not name:
        return mailbox
    if not name.isascii():
        return b"%b\r\n <%b>" % (_encoded_words(name, len("From: ")), mailbox)
    if not _ATOMS.fullmatch(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return b"%b <%b>" % (name.encode(), mailbox)


def _mailto(address_: str) -> bytes:
    if not address_:
        return b""
    uri = address_ if address_.startswith("mailto:") else f"mailto:{address_}"
    if not _URI(uri):
        raise Unwritable("List-Unsubscribe: the mailto address is not plain")
    return b",\r\n <%b>" % uri.encode()


def _form(letterhead: Letterhead, locale: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9-]+", locale):
        raise Unwritable("Content-Language: this is not a language tag")
    sender = _mailbox(letterhead, letterhead.name_in(locale)).replace(b"%", b"%%%%")
    domain = ascii_domain(letterhead.address).encode().replace(b"%", b"%%%%")
    lines = (
        b"From: " + sender,
        b"To: %b",
        b"Subject: %b",
        b"Date: %b",
        b"Message-ID: <%b@" + domain + b">",
        b"X-Outreach-Run: %d",
        # RFC 3834 5: tells out-of-office programs to stay silent.
        b"Auto-Submitted: auto-generated",
        b"Content-Language: " + locale.encode(),
        b"%bMIME-Version: 1.0",
        # "=_" occurs in neither base64 nor quoted-printable: there the boundary needs no search.
        b'Content-Type: multipart/alternative; boundary="=_%b"',
        b"",
        b"%b",
    )
    return b"\r\n".join(lines)
