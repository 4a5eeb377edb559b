"""SMS through Twilio: one request a message, never repeated, for a send has no idempotency key.

What an answer means stands in `core.twilio_codes`. The library's own client takes 1.9 ms of a core
for a message, most of it outside the network: sending has a wire of its own, and the library is
what its requests are compared with.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from outreach.channels import Asked, ChannelUnavailable
from outreach.channels.http_line import origin_of
from outreach.channels.http_window import Told, Window, lost, told
from outreach.channels.http_wire import Came, HttpWire, Lost
from outreach.core.http1 import Answer
from outreach.core.masking import masked_text
from outreach.core.model import (
    About,
    Message,
    Outcome,
    accepted,
    in_doubt,
    refused,
    throttled,
    unavailable,
)
from outreach.core.receipt import Receipt
from outreach.core.retry_after import retry_after
from outreach.core.twilio_codes import Meaning, meaning_of, until_tomorrow
from outreach.core.twilio_request import Login, Pool, first_lines, list_request, request
from outreach.core.words import Channel

_API: Final = "https://api.twilio.com"
_MOST_AT_ONCE: Final = 256  # of a window: what a crash may leave in doubt


class TwilioSms:
    """Sends a window over a few kept connections, one request at a time on each.

    `address` is a sender number or a messaging service (MG...); `pool` are sender numbers in its
    place, of which a client always hears from the same. Twilio reports on each message to
    `receipts_url`/<message id>. `base_url` takes the place of Twilio's, for tests.
    """

    channel = Channel.SMS
    echo = True  # our number is in the path of the callback
    lookup = True
    idempotent = False

    def __init__(
        self,
        *,
        account: str,
        token: str | None,
        address: str,
        receipts_url: str,
        pool: Sequence[str] = (),
        connections: int = 16,
        timeout: float = 10.0,
        base_url: str | None = None,
        ca_file: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        base = base_url or _API
        place = urlsplit(base)
        self._senders = tuple(pool) or (address,)
        self._pool = Pool(self._senders)
        self._receipts_url, self._now = receipts_url.rstrip("/"), now
        self._connections = connections
        try:
            self._login = Login(account, token or "", place.netloc, place.path.rstrip("/"))
            self._first = first_lines(self._login)
            self._wire = HttpWire(
                origin_of(base, ca_file), connections=connections, timeout=timeout
            )
        except ValueError as error:
            raise ChannelUnavailable(f"Twilio: {error}; look at its account and token") from error
        except OSError as error:
            why = error.strerror or "no certificate"
            raise ChannelUnavailable(f"Twilio: {ca_file} cannot be read: {why}") from error

    @property
    def window(self) -> int:
        """Enough to keep every connection busy for a while."""
        return min(_MOST_AT_ONCE, max(64, 8 * self._connections))

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One request a message. `ChannelUnavailable` when Twilio took and refused none of them
        and cannot be reached, or refuses our account or sender.
        """
        window, todo = Window(), deque[Message]()
        unasked: list[tuple[int, Outcome]] = []
        for message in messages:
            if why := _unwritable(message):
                unasked.append((message.id, why))
            else:
                todo.append(message)
        yield from told(self._answers(todo, window), window, "Twilio", unasked)

    def find(self, messages: Sequence[Asked]) -> Iterator[tuple[int, Receipt | None]]:
        """What Twilio lists of messages in doubt; None where no entry can only be that message."""
        from outreach.channels.twilio_lookup import find

        write = partial(list_request, self._login)
        yield from find(self._wire, write, messages, frozenset(self._senders), self._now)

    def close(self) -> None:
        self._wire.close()

    def _answers(self, todo: deque[Message], window: Window) -> Generator[Told, Any, None]:
        yield from _not_begun(todo, window)

        def write(message: Message) -> bytes | None:
            return None if window.not_begun() else self._request(message)

        for message, came in self._wire.exchange(todo, write):
            yield message.id, _outcome(came, message, window, self._now()), True
            yield from _not_begun(todo, window)

    def _request(self, message: Message) -> bytes:
        sender = self._pool.sender(message.to)
        return request(self._first, message, sender, self._receipts_url, self._now())


def _not_begun(todo: deque[Message], window: Window) -> Iterator[Told]:
    """The messages that are not asked for any more, once there is a reason."""
    while todo and (why := window.not_begun()):
        yield todo.popleft().id, why, False


def _unwritable(message: Message) -> Outcome | None:
    if len(message.parts) != 1:
        return refused("unwritable", "an SMS has one part: its text")
    try:
        message.parts[0].encode()
    except UnicodeEncodeError:
        return refused("unwritable", "the text holds half a character (a lone surrogate)")
    return None


def _outcome(came: Came, message: Message, window: Window, now: datetime) -> Outcome:
    if isinstance(came, Lost):
        return lost(came, window)
    said = _json(came.content)
    if not 200 <= came.status < 300:
        return _read(came, said or {}, window, now)
    # A 2xx that names no message, perhaps from a proxy: Twilio may have it.
    if said is None:
        return in_doubt("no_json", "the answer was no JSON", About.CONNECTION)
    sid = said.get("sid")
    if not isinstance(sid, str) or not sid:
        return in_doubt("no_sid", "the answer named no message", About.CONNECTION)
    return accepted(sid[:64], sha256(message.parts[0].encode()).digest())


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else {}


def _read(came: Answer, said: dict[str, Any], window: Window, now: datetime) -> Outcome:
    """What Twilio's refusal means."""
    number = said.get("code")
    code = number if isinstance(number, int) else 0
    label, words = str(code or came.status), _words(said)
    match meaning_of(code, came.status):
        case Meaning.SLOW:
            window.stop(label, words)
            return throttled(label, words, retry_after(came.headers))
        case Meaning.TOMORROW:
            window.stop(label, words)
            return throttled(label, words, until_tomorrow(now))
        case Meaning.DOUBT:
            return in_doubt(label, words, About.CONNECTION)
        case Meaning.OURS:
            whole = f"the account or sender is refused: {label} {words}".rstrip()
            return window.cannot(label, whole, About.ACCOUNT)
        case Meaning.CONTENT:
            return refused(label, words, About.CONTENT)
        case Meaning.OPTED_OUT:
            return refused(label, words, About.OPTED_OUT)
        case None | Meaning.SOFT:
            return unavailable(label, words)
        case _:
            return refused(label, words)


def _words(said: dict[str, Any]) -> str:
    """Twilio's own words, numbers masked."""
    return masked_text(str(said.get("message") or said.get("title") or ""))[:200]
