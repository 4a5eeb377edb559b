"""Reconciliation of a service: once a minute it looks which messages in doubt are to be asked
about, asks their providers, and fetches what providers keep until they are asked.

A round only looks whether it is time. Providers are asked beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach import receive
from outreach.project.config import Config
from outreach.receive import reconcile
from outreach.receive.reconcile import Adapters, Reconciled
from outreach.service.beside import Beside
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.store.database import Database

LOOK_EVERY: Final = timedelta(minutes=1)
# How long one that its provider did not know is left alone before it is asked about again.
AGAIN: Final = tuple(timedelta(hours=n) for n in (1, 6, 24, 24, 24, 24, 24, 24))


class Asker(NamedTuple):
    """Channels to ask by; `close` lets go of them."""

    adapters: Adapters
    close: Callable[[], None]


@dataclass
class Reconciling:
    """What a service does about messages in doubt."""

    database: Database
    definitions: Definitions
    clock: Callable[[], datetime]
    say: Say
    open: Callable[[Config], Asker]
    background: bool = False  # in a thread; else within the round
    stopping: Callable[[], bool] = lambda: False
    _look_at: datetime | None = None
    _asked: dict[int, tuple[int, datetime]] = field(default_factory=dict)  # times, and when again
    _unsaved: list[receive.Event] = field(default_factory=list)  # fetched, and not on record yet
    _opened: tuple[Config, Asker] | None = None  # kept while the config stays as it is

    def __post_init__(self) -> None:
        self._beside = Beside("reconciling", self.say)

    def look(self, now: datetime) -> None:
        """Begin to ask, when it is time and the last look is not still at work."""
        if self._beside.busy:
            return
        if not is_due(self._look_at, now, LOOK_EVERY):
            return
        self._look_at = now + LOOK_EVERY
        config = self.definitions.config
        self._beside.begin(lambda: self._work(config, now), background=self.background)

    def close(self) -> None:
        """Wait a little for the provider in hand; what it was not asked is asked by whoever serves
        next."""
        self._beside.close()
        if self._opened is not None and not self._beside.busy:
            self._opened[1].close()
            self._opened = None

    def _adapters(self, config: Config) -> Adapters:
        if self._opened is None or self._opened[0] != config:
            if self._opened is not None:
                self._opened[1].close()
            self._opened = (config, self.open(config))
        return self._opened[1].adapters

    def _work(self, config: Config, now: datetime) -> None:
        done = self._ask(config, self._adapters(config), now)
        zone = ZoneInfo(config.firm.zone)
        while not self.stopping():
            if not receive.apply(self.database, {}, self.clock, zone=zone).events:
                break
        for sender in sorted({*config.senders, *done.troubles}):
            if why := done.troubles.get(sender):
                self._beside.trouble(sender, "provider_not_asked", why, sender=sender)
            else:
                self._beside.fine(sender, "provider_asked_again", sender=sender)

    def _ask(self, config: Config, adapters: Adapters, now: datetime) -> Reconciled:
        resting = {number for number, (_, again) in self._asked.items() if again > now}
        asked = reconcile.questions(self.database, adapters, now, besides=resting)
        done = reconcile.ask(self.database, adapters, asked, now)
        if any(done.asked.values()):
            numbers = reconcile.tally(done)
            self.say("reconciled", asked=numbers["asked"], found=numbers["found"])
        for number in done.unknown:
            times = self._asked.get(number, (0, now))[0]
            if times < len(AGAIN):
                self._asked[number] = (times + 1, now + AGAIN[times])
            else:  # nothing more is to be expected of its provider
                self._asked[number] = (times, datetime.max.replace(tzinfo=now.tzinfo))
        senders = config.senders
        news = reconcile.pull(self.database, adapters, senders, now, self._unsaved)
        return reconcile.merged(done, news)
