"""One window of messages over HTTP: a few threads, one end to it, and what a failure means."""

from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from time import monotonic
from typing import Final

import requests.exceptions as http
from urllib3.exceptions import MaxRetryError, NewConnectionError

from outreach.channels import ChannelUnavailable
from outreach.core.model import Outcome, in_doubt, unavailable
from outreach.core.words import State

# Seconds after which no further request of a window is begun: its lease may be running out.
PATIENCE: Final = 30.0

# Id, outcome, and whether the provider was asked at all.
Told = tuple[int, Outcome, bool]


class Window:
    """What the requests of one send share: whether to go on."""

    def __init__(self) -> None:
        self.until = monotonic() + PATIENCE
        self.stopped: tuple[str, str] | None = None
        self.unavailable = ""

    def stop(self, code: str, words: str) -> None:
        """Begin no further request."""
        self.stopped = self.stopped or (code, words)

    def cannot(self, code: str, words: str) -> Outcome:
        """This message did not go out, and no other of the window will."""
        self.stop(code, words)
        self.unavailable = self.unavailable or words
        return unavailable(code, words)

    def not_begun(self) -> Outcome | None:
        """Why a request is not to begin any more; None where it may."""
        if self.stopped:
            return unavailable(*self.stopped)
        if monotonic() > self.until:
            return unavailable("late", "the window took too long; the message was not begun")
        return None


def told(
    tasks: list[Future[list[Told]]],
    window: Window,
    provider: str,
    unasked: list[tuple[int, Outcome]],
) -> Iterator[tuple[int, Outcome]]:
    """What came of every message, as answers come, and of those nobody was asked about. Raises
    `ChannelUnavailable`, before the first outcome, when the provider took and refused nothing and
    said why it never will."""
    held, answered = unasked, False
    try:
        for task in as_completed(tasks):
            for id_, outcome, asked in task.result():
                held.append((id_, outcome))
                # Before the first answer the window may still turn out to be unavailable.
                answered = answered or (asked and outcome.state is not State.READY)
            if answered:
                yield from held
                held.clear()
    finally:
        window.stop("abandoned", "the window was abandoned")
        for task in tasks:  # requests that are out cannot be called back
            if not task.cancel():
                task.exception()
    if not answered and window.unavailable:
        raise ChannelUnavailable(f"{provider}: {window.unavailable}")
    yield from held


def lost(error: http.RequestException, window: Window, timeout: float) -> Outcome:
    """Without a connection nothing was sent; after that, nobody knows."""
    if isinstance(error, http.ConnectTimeout):
        return window.cannot("connect", f"no connection within {timeout:g} seconds")
    if isinstance(error, http.ProxyError):
        return window.cannot("connect", "the proxy cannot be reached")
    reason = (
        error.args[0].reason if error.args and isinstance(error.args[0], MaxRetryError) else None
    )
    if isinstance(reason, NewConnectionError):
        return window.cannot("connect", "the host cannot be reached")
    if isinstance(error, http.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return window.cannot("connect", "its certificate is not trusted")
    if isinstance(error, http.Timeout):
        return in_doubt("timeout", f"no answer within {timeout:g} seconds")
    return in_doubt("connection_lost", "the connection ended before the answer")
