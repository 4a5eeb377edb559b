"""App notifications through the firm's own push service: one signed JSON POST a message.

The body is `{"type": "outreach.message", "timestamp", "data": {...}}` as Standard Webhooks 1.0.0
recommends; the service finds the client's devices by the client number in `data.client`. Each
message keeps its `webhook-id` on every attempt.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from outreach.channels import ChannelUnavailable
from outreach.channels.http_line import origin_of
from outreach.channels.http_window import Told, Window, lost, told
from outreach.channels.http_wire import Came, HttpWire, Lost
from outreach.core.campaign import PUSH_PARTS
from outreach.core.http1 import Answer, asked, head
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
from outreach.core.retry_after import retry_after
from outreach.core.standard_webhooks import check_secret, signed
from outreach.core.words import Channel

_OURS: Final = frozenset((401, 403, 404, 405, 421))  # the address or the secret is wrong
_LATER: Final = frozenset((408, 425))  # said before the request was looked at
_MOST_AT_ONCE: Final = 256  # of a window: what a crash may leave in doubt


class Webhook:
    """Sends a window over a few kept connections, one request at a time on each.

    `deduplicates` says that the service takes a `webhook-id` once, as the standard asks: then a
    request without an answer is simply made again. Otherwise it is in doubt.
    """

    channel = Channel.PUSH
    echo = True  # what it reports later names the message by our number
    lookup = False

    def __init__(
        self,
        *,
        url: str,
        secret: str | None,
        deduplicates: bool = False,
        connections: int = 8,
        timeout: float = 10.0,
        ca_file: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises `ChannelUnavailable` without a secret that can sign."""
        place = urlsplit(url)
        self._host = place.hostname or ""
        if why := "it has no secret" if not secret else check_secret(secret):
            raise ChannelUnavailable(f"{self._host}: {why}")
        self._secret, self._now = secret or "", now
        self.idempotent = deduplicates
        self._connections = connections
        target = f"{place.path or '/'}{'?' if place.query else ''}{place.query}"
        self._first: Callable[[dict[str, str]], bytes] = lambda headers: head(
            "POST", target, {"host": place.netloc, **headers}
        )
        try:
            self._wire = HttpWire(origin_of(url, ca_file), connections=connections, timeout=timeout)
        except OSError as error:
            why = error.strerror or "no certificate"
            raise ChannelUnavailable(f"{self._host}: {ca_file} cannot be read: {why}") from error

    @property
    def window(self) -> int:
        """Enough to keep every connection busy for a while."""
        return min(_MOST_AT_ONCE, max(64, 8 * self._connections))

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One request a message. `ChannelUnavailable` when the service took and refused none of
        them and cannot be reached, or does not know our signature."""
        window, todo = Window(), deque[tuple[Message, bytes]]()
        unasked: list[tuple[int, Outcome]] = []
        for message in messages:
            body = _body(message)
            if isinstance(body, Outcome):
                unasked.append((message.id, body))
            else:
                todo.append((message, body))
        yield from told(self._answers(todo, window), window, self._host, unasked)

    def close(self) -> None:
        self._wire.close()

    def _answers(
        self, todo: deque[tuple[Message, bytes]], window: Window
    ) -> Generator[Told, Any, None]:
        yield from _not_begun(todo, window)
        for (message, body), came in self._wire.exchange(todo, self._request):
            yield message.id, self._outcome(came, body, window), True
            yield from _not_begun(todo, window)

    def _request(self, one: tuple[Message, bytes]) -> bytes:
        message, body = one
        id_ = f"outreach_{message.run_id}_{message.id}"
        return asked(self._first(signed(self._secret, id_, body, self._now())), body)

    def _outcome(self, came: Came, body: bytes, window: Window) -> Outcome:
        if isinstance(came, Lost):
            if came.begun and self.idempotent:
                return unavailable(came.code, came.words, About.CONNECTION)
            return lost(came, window)
        label, words = f"http_{came.status}", _words(came)
        if 200 <= came.status < 300:
            return accepted(_reference(came), sha256(body).digest())
        if came.status == 429:
            window.stop(label, words)
            return throttled(label, words, retry_after(came.headers))
        if came.status in _LATER:
            return unavailable(label, words)
        if came.status in _OURS or 300 <= came.status < 400:
            whole = f"it does not take our requests: {came.status} {words}".rstrip()
            return window.cannot(label, whole, About.ACCOUNT)
        if came.status < 500:
            return refused(label, words)
        if self.idempotent:
            return unavailable(label, words, About.CONNECTION)
        return in_doubt(label, words, About.CONNECTION)


def _not_begun(todo: deque[tuple[Message, bytes]], window: Window) -> Iterator[Told]:
    """The messages that are not asked for any more, once there is a reason."""
    while todo and (why := window.not_begun()):
        yield todo.popleft()[0].id, why, False


def _body(message: Message) -> bytes | Outcome:
    if len(message.parts) != len(PUSH_PARTS):
        return refused("unwritable", "a notification has two parts: its title and its text")
    title, text = message.parts
    document = {
        "type": "outreach.message",
        "timestamp": message.at,
        "data": {
            "message": message.id,
            "run": message.run_id,
            "client": message.to,
            "locale": message.locale,
            "title": title,
            "text": text,
            "expires_at": message.expires_at,
        },
    }
    try:
        return orjson.dumps(document, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:
        return refused("unwritable", "the text holds half a character (a lone surrogate)")


def _reference(came: Answer) -> str:
    """What the service calls the message, where it answers with an `id`."""
    try:
        said = orjson.loads(came.content)
    except orjson.JSONDecodeError:
        return ""
    found = said.get("id") if isinstance(said, dict) else None
    return str(found)[:200] if isinstance(found, str | int) else ""


def _words(came: Answer) -> str:
    """The beginning of what it said, addresses masked."""
    return masked_text(" ".join(came.content[:400].decode("utf-8", "replace").split()))[:200]
