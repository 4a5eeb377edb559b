"""One mail server of a sender: its connections, how it fares, and the desk it serves."""

from collections.abc import Sequence
from typing import Final

from outreach.channels.smtp_session import Server, Session
from outreach.channels.smtp_window import Window
from outreach.channels.smtp_wire import Conversation, Letter, Offers
from outreach.core.model import About, Outcome, unavailable
from outreach.core.words import State

# Seconds a relay is left alone while others serve: the first time, and at most.
_REST: Final = 5.0
_LONGEST_REST: Final = 300.0
BARREN: Final = 3  # connections in a row that end without having served a message


class Line:
    """One connection at work: its socket, its conversation, and what is still to be written."""

    __slots__ = ("conversation", "deadline", "out", "patience", "relay", "session", "used_at")

    def __init__(self, relay: "Relay", session: Session, now: float) -> None:
        self.relay = relay
        self.session = session
        self.conversation = Conversation(session.offers)
        self.out: bytes | memoryview = b""
        self.patience = relay.server.timeout
        self.deadline = self.used_at = now


class Relay:
    """The desk of the conversations with one server; it hands on to the window.

    A server that is down, or does not serve us, rests for a while if there are others: its letters
    go back to the window, and the others take them.
    """

    window: Window  # given by `begin`

    def __init__(self, server: Server, peers: Sequence["Relay"]) -> None:
        self.server = server
        self.lines: list[Line] = []
        self.idle: list[Line] = []
        self.opening = 0
        self.barren = 0
        self.resting = False
        self.rests_until = 0.0
        self.trouble: Outcome | None = None  # of a message it did not begin with: the last failure
        self.load = 0.0  # letters given, by weight
        self._peers = peers
        self._step = 1 / server.weight
        self._rest = _REST
        self._settled = False  # whether it answered for a letter since it last rested

    def begin(self, window: Window, *, resting: bool) -> None:
        """A new window: what went wrong in the last one is forgotten."""
        if self._settled:
            self._settled, self._rest = False, _REST
        self.window = window
        self.resting = resting
        self.barren = 0
        if not resting:
            self.trouble = None

    def rest(self, why: Outcome, now: float) -> None:
        """Leave it alone for a while."""
        self.trouble = why
        if not self.resting:
            self.resting = True
            self.rests_until = now + self._rest
            self._rest = min(self._rest * 2, _LONGEST_REST)

    @property
    def sentence(self) -> str:
        return f"{self.server.place}: {self.trouble.detail if self.trouble else 'no connection'}"

    # --- the desk ----------------------------------------------------------------------------

    def take(self, offers: Offers) -> Letter | None:
        if self.resting:
            return None
        letter = self.window.take(offers)
        if letter is not None:
            self.load += self._step
        return letter

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self._settled = True
        self.window.settle(letter, outcome if len(self._peers) == 1 else self._named(outcome))

    def _named(self, outcome: Outcome) -> Outcome:
        """With the server's name, where there are several: whose log is to be looked at. What was
        refused is left as it was said, since it is judged by its words."""
        if outcome.state is State.ACCEPTED:
            said = f"{self.server.place}: {outcome.provider_ref}"
            return outcome._replace(provider_ref=said)
        if outcome.state is State.IN_DOUBT:
            return outcome._replace(detail=f"{self.server.place}: {outcome.detail}")
        return outcome

    def put_back(self, letter: Letter, why: Outcome, *, served: bool) -> None:
        # A letter at which a new connection ended goes behind all the others.
        self.window.put_back(letter, why, first=served)

    def stop(self, letter: Letter, code: str, detail: str) -> None:
        words = f"the server does not serve this sender: {code} {detail}"
        self.rest(unavailable(code, words, About.ACCOUNT), self.window.now)
        self.window.put_back(letter, None, first=True)

    def busy(self, letter: Letter, why: Outcome) -> None:
        if any(
            peer is not self and (peer.lines or peer.opening) and not peer.resting
            for peer in self._peers
        ):
            words = f"the server takes nothing now: {why.code} {why.detail}"
            self.rest(why._replace(detail=words), self.window.now)
            self.window.put_back(letter, None, first=True)
        else:
            self.window.settle(letter, why)
