"""SMS through Twilio: one request a message, never repeated, for a send has no idempotency key.

The codes are those of Twilio's error dictionary. A code that is not in these tables may be our own
fault, so the message waits instead of being called undeliverable.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests.exceptions as http
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from outreach.channels.http_window import Told, Window, lost, told
from outreach.core.model import Message, Outcome, accepted, in_doubt, refused, unavailable
from outreach.core.words import Channel

# The number cannot be written to, ever: none at all, no subscriber, a landline, a foreign plan.
_RECIPIENT: Final = frozenset((21201, 21211, 21214, 21217, 21604, 21614, 30005, 30006))
_OPTED_OUT: Final = frozenset((21610,))
# The text cannot be sent: empty, over 1,600 characters, blocked, or filtered as spam.
_TEXT: Final = frozenset((21602, 21617, 30004, 30007))
REFUSED: Final = _RECIPIENT | _OPTED_OUT | _TEXT

# Our account or sender: nobody's message goes out until a person has looked.
OURS: Final = frozenset(
    (20003, 20404, 21212, 21408, 21606, 21608, 21612, 21703, 21704, 30002, 30024, 30032, 30034)
)
# Twilio itself does not know whether it took the message.
AMBIGUOUS: Final = frozenset((20500, 20503, 30410))

_THREADS: Final = 8
_NUMBER = re.compile(r"(\+?\d{3})\d{2,}(\d{4})")


class TwilioSms:
    """Sends a window over a few threads, a client each, for the library promises no more.

    `address` is a sender number or a messaging service (MG...). Twilio reports on each message to
    `receipts_url`/<message id>. `base_url` takes the place of every Twilio host, for tests.
    """

    channel = Channel.SMS
    window = 64

    def __init__(
        self,
        *,
        account: str,
        token: str | None,
        address: str,
        receipts_url: str,
        timeout: float = 10.0,
        base_url: str | None = None,
    ) -> None:
        self._account, self._token = account, token or ""
        self._timeout, self._base_url = timeout, base_url
        self._sender = {"messaging_service_sid" if address.startswith("MG") else "from_": address}
        self._receipts_url = receipts_url.rstrip("/")
        self._own = threading.local()
        self._clients: list[Any] = []
        self._pool: ThreadPoolExecutor | None = None

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One request a message. `ChannelUnavailable` when Twilio took and refused none of them
        and cannot be reached, or refuses our account or sender.
        """
        if not messages:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="twilio")
        window = Window()
        tasks = [self._pool.submit(self._one, message, window) for message in messages]
        yield from told(tasks, window, "Twilio", [])

    def close(self) -> None:
        """Waits for requests under way, then closes the connections."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        for client in self._clients:
            client.session.close()
        self._clients.clear()
        self._own = threading.local()

    def _one(self, message: Message, window: Window) -> list[Told]:
        if why := window.not_begun():
            return [(message.id, why, False)]
        if len(message.parts) != 1:
            return [(message.id, refused("unwritable", "an SMS has one part: its text"), False)]
        try:
            digest = sha256(message.parts[0].encode()).digest()
        except UnicodeEncodeError:
            words = "the text holds half a character (a lone surrogate)"
            return [(message.id, refused("unwritable", words), False)]
        return [(message.id, self._request(message, digest, window), True)]

    def _request(self, message: Message, digest: bytes, window: "Window") -> Outcome:
        try:
            sent = self._client().messages.create(
                to=message.to,
                body=message.parts[0],
                status_callback=f"{self._receipts_url}/{message.id}",
                **self._sender,
            )
        except (TwilioRestException, TwilioServiceException) as error:
            return _read(error, window)
        except http.RequestException as error:
            return lost(error, window, self._timeout)
        except ValueError:
            # A 2xx that is no JSON, perhaps from a proxy: Twilio may have the message.
            return in_doubt("no_json", "the answer was no JSON")
        if not sent.sid:
            return in_doubt("no_sid", "the answer named no message")
        return accepted(str(sent.sid), digest)

    def _client(self) -> Any:
        client = getattr(self._own, "client", None)
        if client is None:
            wire = _Http(self._timeout, self._base_url)
            self._clients.append(wire)
            client = self._own.client = Client(self._account, self._token, http_client=wire)
        return client


class _Http(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's client, able to talk to another host. Retries stay off: they would send twice."""

    def __init__(self, timeout: float, base_url: str | None) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base_url) if base_url else None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if self._base is not None:
            asked = urlsplit(url)
            path = self._base.path.rstrip("/") + asked.path
            url = urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))
        return super().request(method, url, *args, **kwargs)


def _read(error: Any, window: Window) -> Outcome:
    """What Twilio's refusal means, by code first and HTTP status after."""
    status, code = int(error.status), int(error.code or error.status)
    label, words = str(code), _words(error)
    if code in AMBIGUOUS or status >= 500 or status == 408:
        return in_doubt(label, words)
    if code in OURS or status in (401, 403):
        return window.cannot(label, f"the account or sender is refused: {label} {words}")
    if code in REFUSED:
        return refused(label, words)
    return unavailable(label, words)


def _words(error: Any) -> str:
    """Twilio's own words, numbers masked."""
    said = getattr(error, "msg", None) or getattr(error, "title", None) or ""
    said = str(said).removeprefix("Unable to create record: ")
    return _NUMBER.sub(r"\1****\2", said)[:200]
