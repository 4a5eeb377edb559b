"""How fast each recipient domain may be served: as it is configured, and as it asks for less."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from outreach.channels.smtp_shared import SOON, Share, SharedLimits
from outreach.core.model import Outcome
from outreach.core.words import State

_SLOWEST: Final = 60.0  # seconds between two messages, at most
_FIRST: Final = 1.0  # seconds between two messages once a domain has asked for less
_LATENESS: Final = 0.05
_MOST: Final = 10_000  # domains that are remembered
# What servers say that want less from us, Gmail and the large Chinese ones among them. A greylist
# ("4.7.1 try again later") does not speak of pace.
_TOO_MANY: Final = re.compile(
    r"^4\d\d 4\.7\.28\b|too (?:many|much|fast|frequent)|\brates?\b|rate.?limit|throttl|slow down"
    r"|frequen|limit exceeded|exceeded .{0,40}limit|过多|频繁|过快",
    re.IGNORECASE,
).search


def asks_for_less(outcome: Outcome) -> bool:
    """Whether a server that did not take a message wants fewer of them."""
    return outcome.state is State.READY and (
        _TOO_MANY(f"{outcome.code} {outcome.detail}") is not None
    )


class Limit(NamedTuple):
    """How much a domain takes at once and in a second; 0 is as much as there is."""

    connections: int = 0
    per_second: float = 0.0


class Pace:
    """One domain, as long as the channel is open. With a `share` it goes by what other processes
    have in hand, too."""

    __slots__ = ("_at_once", "_gap", "_share", "_usual", "next_at", "out")

    def __init__(self, limit: Limit, share: Share | None = None) -> None:
        self._usual = limit
        self._share = share
        self._at_once = limit.connections
        self._gap = 1 / limit.per_second if limit.per_second else 0.0
        self.next_at = 0.0
        self.out = 0  # letters in a connection's hands

    @property
    def full(self) -> bool:
        return 0 < self._at_once <= self.out

    @property
    def timed(self) -> bool:
        """Whether time must pass between two messages."""
        return self._gap > 0

    @property
    def unlimited(self) -> bool:
        return not self._at_once and not self._gap

    def begin(self, now: float) -> bool:
        """Takes a letter in hand; False where another process was quicker, and `next_at` is when to
        look again."""
        if self._share is not None:
            waits = self._turn(self._share, now)
            if waits:
                self.next_at = waits
                return False
        elif self._gap:
            # What was lost by looking late is made good, but no more than that.
            self.next_at = max(self.next_at, now - min(self._gap / 2, _LATENESS)) + self._gap
        self.out += 1
        return True

    def _turn(self, share: Share, now: float) -> float:
        """0 when the turn is ours, else the moment to look again."""
        if self._at_once and not share.enter(self._at_once, now):
            return now + SOON
        waits = share.turn(now, self._gap) if self._gap else 0.0
        if waits and self._at_once:
            share.leave(now)
        return waits

    def end(self, now: float) -> None:
        """A letter is out of hand."""
        self.out -= 1
        if self._share is not None and self._share.leave(now):
            self.next_at = max(self.next_at, now + 2 * SOON)  # so that who waits finds the place

    def clear(self) -> None:
        """Nothing is in hand."""
        self.out = 0
        if self._share is not None:
            self._share.leave_all()

    def slow(self, now: float) -> None:
        """The domain asked for less: one at a time, and twice as long between two."""
        self._at_once = 1
        self._gap = min(max(self._gap * 2, _FIRST), _SLOWEST)
        self.next_at = now + self._gap

    def ease(self) -> None:
        """It took one: back to what is usual by halves."""
        usual = 1 / self._usual.per_second if self._usual.per_second else 0.0
        if self._gap > usual:
            self._gap = usual + (self._gap - usual) / 2
            if self._gap - usual < 0.05:
                self._gap, self._at_once = usual, self._usual.connections


class Paces:
    """The domains that are not served at full speed."""

    def __init__(self, limits: Mapping[str, Limit], shared: SharedLimits | None = None) -> None:
        """`limits` by domain in small letters; `*` is for all that are not named. `shared`: where
        they are kept together with other processes."""
        self._shared = shared
        self._limits = {name: limit for name, limit in limits.items() if name != "*"}
        self._other = limits.get("*", Limit())
        self._known: dict[str, Pace] = {}
        self.any = bool(limits)  # whether some domain may need a lane of its own

    def of(self, domain: str) -> Pace | None:
        """The pace of a domain; nothing when it is served as fast as can be."""
        found = self._known.get(domain)
        if found is None:
            limit = self._limits.get(domain, self._other)
            if limit == (0, 0.0):
                return None
            found = self._known[domain] = self._new(domain, limit)
        return found

    def slow(self, domain: str, now: float) -> Pace:
        pace = self._known.get(domain)
        if pace is None:
            pace = self._new(domain, self._limits.get(domain, self._other))
            self._known[domain] = pace
        pace.slow(now)
        self.any = True
        return pace

    def begin_window(self) -> None:
        """Nothing is in anybody's hands; what does not matter any more is forgotten."""
        for domain, pace in tuple(self._known.items()):
            pace.clear()
            if pace.unlimited or len(self._known) > _MOST:
                del self._known[domain]

    def end_window(self) -> None:
        """Nothing is in anybody's hands any more; other processes may have the places."""
        for pace in self._known.values():
            pace.clear()

    def _new(self, domain: str, limit: Limit) -> Pace:
        return Pace(limit, self._shared.of(domain) if self._shared is not None else None)
