"""Everything of one process of the door, put together."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach import receive
from outreach.core.fault import place_of
from outreach.project.config import Config
from outreach.project.web_config import Web
from outreach.store.database import Database
from outreach.web.applier import Applier
from outreach.web.intake import Intake
from outreach.web.keeper import Far, Store, keep
from outreach.web.readers import readers
from outreach.web.serving import Serving
from outreach.web.site import Site

_EVENTS: Final = 300  # applied in one transaction: some 40 ms in which nothing is taken in


def applier_of(
    config: Config,
    database: Database,
    root: Path,
    clock: Callable[[], datetime],
    say: Callable[..., Any],
) -> Applier:
    """What applies the events of a project's senders and links."""
    zone = ZoneInfo(config.firm.zone)
    apply = partial(receive.apply, database, readers(config, root), clock, _EVENTS, zone=zone)
    return Applier(apply, say)


class Opened:
    """One process of the door. With a `keeper`, it is that process that stores and applies."""

    def __init__(
        self,
        config: Config,
        web: Web,
        database: Database,
        *,
        key: bytes,
        secrets: Mapping[str, str | None],
        root: Path,
        clock: Callable[[], datetime],
        say: Callable[..., Any],
        sockets: list[socket],
        keeper: socket | None = None,
    ) -> None:
        self._applier: Applier | None = None
        store: Store = partial(receive.take_in, database)
        taken: Callable[[], None] = _nobody
        if keeper is not None:
            store = Far(keeper, store)
        else:
            self._applier = applier_of(config, database, root, clock, say)
            taken = self._applier.wake
        intake = Intake(store, taken, say)
        self.site = Site(config, web, key, secrets, database, clock, say, intake, root)
        self.serving = Serving(self.site, sockets)

    def start(self) -> None:
        if self._applier is not None:
            self._applier.start()
        self.serving.start()

    def close(self) -> None:
        """Take in what is under way, and end."""
        self.serving.close()
        if self._applier is not None:
            self._applier.close()


class Keeper:
    """The process that stores and applies what the others take in, a socket for each of them."""

    def __init__(
        self,
        config: Config,
        database: Database,
        *,
        root: Path,
        clock: Callable[[], datetime],
        say: Callable[..., Any],
        sockets: Sequence[socket],
        failed: Callable[[], None],
    ) -> None:
        """`failed` is called when a socket cannot be read any more: this process is of no use."""
        self._database, self._say, self._failed = database, say, failed
        self._applier = applier_of(config, database, root, clock, say)
        self._threads = [
            Thread(target=self._keep, args=(one,), name="keeper", daemon=True) for one in sockets
        ]

    def start(self) -> None:
        self._applier.start()
        for thread in self._threads:
            thread.start()

    def wait_for_others(self, seconds: float) -> None:
        """Until the processes that take in are gone, or so many seconds."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        self._applier.close()

    def _keep(self, one: socket) -> None:
        try:
            keep(one, self._store, self._say)
        except Exception as error:
            self._say("web_keeper_failed", error=type(error).__name__, at=place_of(error))
            self._failed()

    def _store(self, events: Sequence[receive.Event]) -> None:
        receive.take_in(self._database, events)
        self._applier.wake()


def _nobody() -> None:
    """Whoever stores wakes whoever applies."""
