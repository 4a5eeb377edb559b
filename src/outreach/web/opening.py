"""Everything of one process of the door, put together."""

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach import receive
from outreach.project.config import Config
from outreach.project.web_config import Web
from outreach.store.database import Database
from outreach.web.applier import Applier
from outreach.web.intake import Intake
from outreach.web.readers import readers
from outreach.web.serving import Serving
from outreach.web.site import Site

# Threads that write hold the loop up for at most so long (the default is 5 ms): SQLite's driver
# lets go of the interpreter at every row.
_TURN: Final = 0.0005
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
    """One process of the door. Where others apply what it takes in, `wake` tells them."""

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
        wake: Callable[[], None] | None = None,
    ) -> None:
        sys.setswitchinterval(_TURN)
        self._applier: Applier | None = None
        if wake is None:
            self._applier = applier_of(config, database, root, clock, say)
            wake = self._applier.wake
        intake = Intake(partial(receive.take_in, database), wake, say)
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
