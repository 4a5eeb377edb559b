"""One window of messages over HTTP: one end to it, and what a failure means."""

from collections.abc import Generator, Iterator
from time import monotonic
from typing import Any, Final

from outreach.channels import ChannelUnavailable
from outreach.channels.http_wire import NOT_SENT, Lost
from outreach.core.model import About, Outcome, in_doubt, unavailable
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

    def cannot(self, code: str, words: str, about: About = About.CONNECTION) -> Outcome:
        """This message did not go out, and no other of the window will."""
        self.stop(code, words)
        self.unavailable = self.unavailable or words
        return unavailable(code, words, about)

    def not_begun(self) -> Outcome | None:
        """Why a request is not to begin any more; None where it may."""
        if self.stopped:
            return unavailable(*self.stopped)
        if monotonic() > self.until:
            return unavailable("late", "the window took too long; the message was not begun")
        return None


def told(
    answers: Generator[Told, Any, None],
    window: Window,
    provider: str,
    unasked: list[tuple[int, Outcome]],
) -> Iterator[tuple[int, Outcome]]:
    """What came of every message, as answers come, and of those nobody was asked about. Raises
    `ChannelUnavailable`, before the first outcome, when the provider took and refused nothing and
    said why it never will."""
    held, answered = unasked, False
    try:
        for id_, outcome, asked in answers:
            held.append((id_, outcome))
            # Before the first answer the window may still turn out to be unavailable.
            answered = answered or (asked and outcome.state is not State.READY)
            if answered:
                yield from held
                held.clear()
    finally:
        answers.close()
    if not answered and window.unavailable:
        raise ChannelUnavailable(f"{provider}: {window.unavailable}")
    yield from held


def lost(what: Lost, window: Window) -> Outcome:
    """Without a connection nothing was sent; after that, nobody knows."""
    if what is NOT_SENT:
        return window.not_begun() or unavailable("late", what.words)
    if not what.begun:
        return window.cannot(what.code, what.words)
    return in_doubt(what.code, what.words, About.CONNECTION)
