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


class Opened:
    """One process of the door: it takes in, and applies what came in."""

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
    ) -> None:
        sys.setswitchinterval(_TURN)
        zone = ZoneInfo(config.firm.zone)
        apply = partial(receive.apply, database, readers(config, root), clock, zone=zone)
        self._applier = Applier(apply, say)
        store = partial(receive.take_in, database)
        intake = Intake(store, self._applier.wake, say)
        self.site = Site(config, web, key, secrets, database, clock, say, intake, root)
        self.serving = Serving(self.site, sockets)

    def start(self) -> None:
        self._applier.start()
        self.serving.start()

    def close(self) -> None:
        """Take in what is under way, apply what can be in one more step."""
        self.serving.close()
        self._applier.close()
