"""One window of e-mails: whose turn it is, and what became of each."""

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final

from outreach.channels.smtp_clerk import NEEDS_UTF8, TOO_LARGE, Clerk
from outreach.channels.smtp_pace import Pace, Paces, asks_for_less
from outreach.channels.smtp_wire import Letter, Offers
from outreach.core.model import About, Message, Outcome, unavailable

# Seconds after which no further message of a window is begun: its lease may be running out.
_PATIENCE: Final = 30.0
# Seconds a window stays open for domains that must let time pass, once nobody else has anything to
# send: the next window has letters that need not wait. One of slow domains alone stays to the end.
_LINGER: Final = 0.25
_LATE: Final = unavailable("late", "the window took too long; the message was not begun")


class Lane:
    """Letters that wait behind each other: those of one domain, or of all that may go at once."""

    __slots__ = ("letters", "pace")

    def __init__(self, pace: Pace | None) -> None:
        self.pace = pace
        self.letters: deque[Letter] = deque()


class Window:
    """The desk of one `send`: its letters, and what became of them.

    A domain with a pace has a lane of its own, all others share one. The lanes take turns, so that
    a slow domain holds up nobody but itself.
    """

    def __init__(self, messages: Sequence[Message], clerk: Clerk, paces: Paces, now: float) -> None:
        self.now = now  # moved on by whoever waits for the answers
        self.waiting = len(messages)  # messages that have not been begun
        self.answered = False  # whether a server has taken, or refused, any message
        self.servers: set[Offers] = set()  # what those that are connected offer
        self._ends_at = now + _PATIENCE
        self._mixed = False  # whether a lane has run empty: then not all is slow here
        self._lingers_until = inf
        self._asleep_until = 0.0  # before, no lane has a letter that may go
        self._outcomes: list[tuple[int, Outcome]] = []
        self._clerk, self._paces = clerk, paces
        # Letters one server cannot take, by what the server that can take them offers.
        self._meant: dict[Offers, deque[Letter]] = {}
        self._common = Lane(None)
        self._lanes: dict[str, Lane] = {}
        self._turns: deque[Lane] = deque((self._common,))
        paces.begin_window()
        if paces.any:
            for message in messages:
                self._lane(message).letters.append(Letter(message))
        else:
            self._common.letters.extend(map(Letter, messages))

    def take(self, offers: Offers) -> Letter | None:
        """The next letter whose turn it is, made out for a server; nothing when none may go now."""
        if self.now > self._ends_at:
            self.give_up(_LATE)
        while self.waiting and (letter := self._next(offers)) is not None:
            self.waiting -= 1
            problem = self._clerk.make_out(letter, offers)
            if problem is None:
                return letter
            if not self._redirected(letter, offers, problem):
                self._note(letter, problem)
        return None

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self.answered = True
        if outcome.code:
            outcome = self._heed(letter, outcome)
        elif letter.pace is not None:
            letter.pace.ease()
        if letter.pace is not None:
            self._release(letter)
        self._outcomes.append((letter.message.id, outcome))

    def put_back(self, letter: Letter, why: Outcome | None, *, first: bool) -> None:
        """A letter that certainly did not go out takes its turn again. `why`: what was said, where
        that may be of its domain."""
        if why is not None:
            self._heed(letter, why)
        self._release(letter)
        self.waiting += 1
        letters = self._lane(letter.message).letters
        if first:
            letters.appendleft(letter)
        else:
            letters.append(letter)

    def wait(self) -> float:
        """Seconds until a letter may go that must wait for its domain; infinite when none waits.

        What there is no time to wait for is given up as late."""
        if not self.waiting or not self._asleep_until:
            return inf
        ends_at = min(self._ends_at, self._lingers_until)
        if self.now >= ends_at or ends_at < self._asleep_until < inf:
            self.give_up(_LATE)
            return inf
        return max(0.0, min(self._asleep_until, ends_at) - self.now)

    def give_up(self, why: Outcome) -> None:
        """Nothing more of this window is begun."""
        for letters in (*self._meant.values(), *(lane.letters for lane in self._turns)):
            while letters:
                self._note(letters.popleft(), why)
        self.waiting = 0

    @property
    def known(self) -> int:
        """Outcomes that nobody has been told of."""
        return len(self._outcomes)

    def drain(self) -> list[tuple[int, Outcome]]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    # --- turns -------------------------------------------------------------------------------

    def _next(self, offers: Offers) -> Letter | None:
        if self._meant and (meant := self._meant.get(offers)):
            return meant.popleft()
        turns, now = self._turns, self.now
        if len(turns) == 1:
            return self._common.letters.popleft() if self._common.letters else None
        if now < self._asleep_until:
            return None
        wakes, answers = inf, False
        for _ in range(len(turns)):
            lane = turns[0]
            turns.rotate(-1)
            if not lane.letters:
                continue
            pace = lane.pace
            if pace is not None:
                if pace.full:
                    answers = answers or not pace.timed  # it goes on with the next answer
                    continue
                if pace.next_at > now:
                    wakes = min(wakes, pace.next_at)
                    continue
                if not pace.begin(now):
                    wakes = min(wakes, pace.next_at)
                    continue
            if pace is None or not pace.timed:
                self._lingers_until = inf
            self._asleep_until = 0.0
            letter = lane.letters.popleft()
            letter.pace = pace
            self._mixed = self._mixed or not lane.letters
            return letter
        self._asleep_until = wakes
        if answers:
            self._lingers_until = inf
        elif self._mixed and self._lingers_until == inf:
            self._lingers_until = now + _LINGER
        return None

    def _lane(self, message: Message) -> Lane:
        if not self._paces.any:
            return self._common
        domain = _domain(message)
        lane = self._lanes.get(domain)
        if lane is None:
            pace = self._paces.of(domain)
            if pace is None:
                return self._common
            lane = self._lanes[domain] = Lane(pace)
            self._turns.append(lane)
        return lane

    def _heed(self, letter: Letter, outcome: Outcome) -> Outcome:
        """Where a domain asked for less, its letters leave the common lane for one of their own.
        The outcome then speaks of no more than its message: the sender need not wait.

        421 closes the connection, and mostly speaks of it: of a domain only when that has a lane.
        """
        if not asks_for_less(outcome):
            return outcome
        of_domain = letter.pace is not None and outcome.code[:3] == "421"
        if outcome.about is not About.MESSAGE and not of_domain:
            return outcome
        domain = _domain(letter.message)
        self._paces.slow(domain, self.now)
        if domain not in self._lanes:
            waiting, self._common.letters = self._common.letters, deque()
            for other in waiting:
                self._lane(other.message).letters.append(other)
        return outcome._replace(about=About.MESSAGE)

    def _redirected(self, letter: Letter, offers: Offers, problem: Outcome) -> bool:
        """Whether a letter this server cannot take waits for another that can."""
        if problem.code not in (NEEDS_UTF8, TOO_LARGE):
            return False
        for other in self.servers:
            if other != offers and self._clerk.make_out(letter, other) is None:
                self._release(letter)
                self.waiting += 1
                self._meant.setdefault(other, deque()).append(letter)
                return True
        return False

    def _release(self, letter: Letter) -> None:
        pace = letter.pace
        if pace is not None:
            pace.end(self.now)
            letter.pace = None
            self._asleep_until = 0.0

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        if letter.pace is not None:
            self._release(letter)
        self._outcomes.append((letter.message.id, outcome))


def _domain(message: Message) -> str:
    return message.to.rpartition("@")[2].lower()
