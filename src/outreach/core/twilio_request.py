"""The request that hands a message to Twilio, byte for byte as its own library writes it."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from math import floor
from typing import Final, NamedTuple
from urllib.parse import quote_plus

from outreach.core.http1 import asked, head
from outreach.core.model import Message

# Seconds a message may wait at Twilio. Ten hours is the most and what it does unasked; under 5 is
# advised against: the parameter ValidityPeriod of
# https://www.twilio.com/docs/messaging/api/message-resource
LONGEST: Final = 36_000
SHORTEST: Final = 6


class _Quoted(dict[int, str]):
    """Characters as a form has them, each worked out once: a text is translated in a fifth of the
    time the standard library takes."""

    def __missing__(self, point: int) -> str:
        found = self[point] = quote_plus(chr(point))
        return found


_QUOTED: Final = _Quoted()


def quoted(text: str) -> str:
    """A value of a form. Raises UnicodeEncodeError for half a character."""
    return text.translate(_QUOTED)


class Login(NamedTuple):
    """Who asks, and where: `host` with its port, and what stands before each path."""

    account: str
    token: str
    host: str
    base_path: str = ""

    def __repr__(self) -> str:
        return f"Login({self.account!r}, ...)"

    @property
    def messages(self) -> str:
        """The path of the account's messages."""
        return f"/2010-04-01/Accounts/{self.account}/Messages.json"

    def headers(self) -> dict[str, str]:
        login = b64encode(f"{self.account}:{self.token}".encode()).decode()
        return {
            "Host": self.host,
            "User-Agent": "outreach",
            "Accept": "application/json",
            "Authorization": f"Basic {login}",
        }


def first_lines(login: Login) -> bytes:
    """What begins every request that sends. Raises ValueError where it could not be sent."""
    headers = {**login.headers(), "Content-Type": "application/x-www-form-urlencoded"}
    return head("POST", login.base_path + login.messages, headers)


def list_request(login: Login, number: str, further: str = "") -> bytes:
    """The request for what was sent to a number, or for the page that an earlier one named. No
    date is asked for: what waits at Twilio has none yet, and would be left out."""
    target = further or f"{login.messages}?To={quoted(number)}&PageSize=50"
    if not target.startswith("/"):
        raise ValueError("a further page is no path")
    return head("GET", login.base_path + target, login.headers()) + b"\r\n"


def request(first: bytes, message: Message, sender: str, receipts_url: str, now: datetime) -> bytes:
    """The whole request for one message. `sender` is a number, a registered name, or the SID of a
    messaging service; Twilio reports to `receipts_url`/<message id>."""
    seconds = validity(message.expires_at, now)
    period = "" if seconds is None else f"&ValidityPeriod={seconds}"
    whom = "MessagingServiceSid" if sender.startswith("MG") else "From"
    form = (
        f"To={quoted(message.to)}&StatusCallback={quoted(receipts_url)}%2F{message.id}{period}"
        f"&{whom}={quoted(sender)}&Body={quoted(message.parts[0])}"
    )
    return asked(first, form.encode("ascii"))


def validity(expires_at: datetime | None, now: datetime) -> int | None:
    """How long Twilio may keep a message waiting, in whole seconds: until the notice is of no use.
    None where that is no less than Twilio's own limit."""
    if expires_at is None:
        return None
    left = floor((expires_at - now).total_seconds())
    return None if left >= LONGEST else max(left, SHORTEST)


class Pool:
    """Sender numbers, of which a client always hears from the same.

    A number of the client's own country comes first (its calling code, E.164); among those the
    choice is by rendezvous hashing, so that one number more or less moves only its own clients.
    """

    def __init__(self, senders: Iterable[str]) -> None:
        self._senders = tuple(senders)
        if not self._senders:
            raise ValueError("a pool has at least one sender")
        self._near = _by_country(self._senders)

    def sender(self, to: str) -> str:
        """The sender for a client's number."""
        if len(self._senders) == 1:
            return self._senders[0]
        near = (self._near[code] for n in (2, 3, 4) if (code := to[:n]) in self._near)
        return max(
            next(near, self._senders), key=lambda one: sha256(f"{one} {to}".encode()).digest()
        )


def _by_country(senders: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Those of each calling code, `+1` or `+852`."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    codes = {f"+{code}" for code in COUNTRY_CODE_TO_REGION_CODE}
    found: dict[str, tuple[str, ...]] = {}
    for sender in senders:
        for code in (sender[:n] for n in (2, 3, 4)):
            if code in codes:  # no calling code begins with another
                found[code] = (*found.get(code, ()), sender)
                break
    return found
