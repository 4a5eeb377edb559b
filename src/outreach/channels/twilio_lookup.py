"""Asking Twilio what it lists for the numbers of messages in doubt."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from outreach.channels import Asked, ChannelUnavailable
from outreach.channels.http_wire import Came, HttpWire, Lost
from outreach.core.receipt import Receipt
from outreach.core.twilio_list import SKEW, Listed, Wanted, matched, read_page

# Pages of fifty that are read for one number: no client is written to so often in a day.
MOST_PAGES: Final = 20


class _Page(NamedTuple):
    """A page to be asked for."""

    number: str
    target: str  # empty: the first
    pages: int


def find(
    wire: HttpWire,
    request: Callable[[str, str], bytes],
    messages: Sequence[Asked],
    senders: frozenset[str],
    now: Callable[[], datetime],
) -> Iterator[tuple[int, Receipt | None]]:
    """What Twilio knows of each message. `request` writes the one for a number's list, or for a
    further page of it. Raises `ChannelUnavailable` when the list cannot be had."""
    wanted = [
        Wanted(one.id, one.to, one.handed_at, one.until, one.content_digest, one.held)
        for one in messages
    ]
    since = {one.to: one.since for one in sorted(wanted, key=lambda one: one.since, reverse=True)}
    todo = deque(_Page(number, "", 1) for number in since)
    listed: dict[str, list[Listed]] = {number: [] for number in since}
    for asked, came in wire.exchange(todo, lambda page: request(page.number, page.target)):
        try:
            page = read_page(_said(came), now())
        except ValueError as error:
            raise ChannelUnavailable(f"Twilio: its list cannot be read: {error}") from error
        listed[asked.number] += page.messages
        # The newest come first, those that wait to be sent before them.
        further = page.oldest_at is not None and page.oldest_at >= since[asked.number] - SKEW
        if page.next_target and further:
            if asked.pages >= MOST_PAGES:
                raise ChannelUnavailable(
                    "Twilio: a number has too many messages to be looked through"
                )
            todo.append(_Page(asked.number, page.next_target, asked.pages + 1))
    every = [entry for entries in listed.values() for entry in entries]
    yield from matched(wanted, every, senders).items()


def _said(came: Came) -> dict[str, Any]:
    if isinstance(came, Lost):
        raise ChannelUnavailable(f"Twilio: {came.words}")
    try:
        said = orjson.loads(came.content)
    except orjson.JSONDecodeError as error:
        raise ChannelUnavailable(f"Twilio: its list is no JSON (HTTP {came.status})") from error
    if not 200 <= came.status < 300 or not isinstance(said, dict):
        code = said.get("code", came.status) if isinstance(said, dict) else came.status
        raise ChannelUnavailable(f"Twilio: it does not show its list: {code}")
    return said
