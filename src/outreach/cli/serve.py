"""`outreach serve`: the scheduler, which fires campaigns and sends for them until it is stopped."""

import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, Door, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from outreach.project.config import Config
    from outreach.service import Opened, Service
    from outreach.service.cases import Ways
    from outreach.service.reconciling import Asker


def serve(
    context: typer.Context,
    every: Annotated[
        float, typer.Option(min=0.2, max=60, help="Seconds between two looks at what is due.")
    ] = 5.0,
) -> None:
    """Fire campaigns by their schedules and send what is due, until SIGTERM or Ctrl-C."""
    from outreach import clock
    from outreach.cli.kept_open import KeptOpen
    from outreach.cli.message_centres import Centres
    from outreach.cli.web import Processes
    from outreach.cli.worker import queue
    from outreach.engine import stop
    from outreach.service import Service
    from outreach.service.definitions import Definitions
    from outreach.service.live import Live

    door: Door = context.obj
    database = door.database
    door.now()  # refuses a pretended clock where real clients could be written to
    pretended, asked = clock.pretended() is not None, stop.on_signals()
    lines = Lines(door)
    definitions = Definitions(door.config_path, lines)
    definitions.refresh()
    if not definitions.sound:
        raise Failure(
            BAD_DATA,
            "nothing can be served: config.toml or every campaign has a fault; `outreach check`"
            " says where and what to write",
        )

    def opened(config: "Config") -> "Opened":
        return _opened(door, config, asked.is_set)

    service = Service(
        database, definitions, door.now, lines, opened, door.actor, clock.jumped,
        trusts_clock=pretended,
    )  # fmt: skip
    _works_beside(service, door, asked.is_set)
    if door.config.engine.mode == "workers":
        service.hand_over = queue(door).hand_over
    kept = KeptOpen([Processes(door, lines), Centres(door, lines)], lines)
    service.kept_open = kept.follow
    try:
        kept.open(definitions.config, definitions.source)
        lines("serving", campaigns=len(definitions.sound), database=database.url.get_backend_name())
        Live(service, asked, every, pretended=pretended).run()
    finally:
        kept.close()
    database.close()


def _works_beside(service: "Service", door: Door, stopping: "Callable[[], bool]") -> None:
    """What a service does beside its rounds, each in a thread of its own."""
    from outreach.cli.mailboxes import applying, opening
    from outreach.service.cases import Cases
    from outreach.service.feeds import Feeds
    from outreach.service.mailboxes import Mailboxes
    from outreach.service.reconciling import Reconciling

    given = (door.database, service.definitions, door.now, service.say)
    service.feeds = Feeds(*given, door.actor, background=True, stopping=stopping)
    service.cases = Cases(
        *given, lambda config: _departments(door, config), background=True, stopping=stopping
    )
    service.mailboxes = Mailboxes(
        *given, opening(door.root), applying(door), background=True, stopping=stopping
    )
    service.reconciling = Reconciling(
        *given, lambda config: _asker(door, config), background=True, stopping=stopping
    )


def _opened(door: Door, config: "Config", stopping: Any) -> "Opened":
    """Engine and channels by the config as it stands; the database stays the one it is."""
    from outreach.cli.engine import Adapters, engine
    from outreach.service import Opened

    now = Door(door.config_path, door.json, _config=config, _database=door.database)
    adapters = Adapters(now)
    return Opened(engine(now, adapters, stopping=stopping), adapters.close)


def _asker(door: Door, config: "Config") -> "Asker":
    """Channels to ask providers by, of a thread of their own."""
    from outreach.cli.engine import Adapters
    from outreach.service.reconciling import Asker

    adapters = Adapters(Door(door.config_path, door.json, _config=config, _database=door.database))
    return Asker(adapters, adapters.close)


def _departments(door: Door, config: "Config") -> "Ways":
    """The departments by the config as it stands."""
    from outreach.cli.departments import departments

    return departments(Door(door.config_path, door.json, _config=config, _database=door.database))


class Lines:
    """One line a happening on stderr: for people, or as JSON."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._zone = ZoneInfo(door.config.firm.zone)

    def __call__(self, event: str, **facts: Any) -> None:
        at = self._door.now()
        if self._door.json:
            import orjson

            line = orjson.dumps({"at": at, "event": event, **facts}, default=str).decode()
        else:
            said = (f"{name}={self._plain(value)}" for name, value in facts.items() if value)
            line = " ".join([self._plain(at), event, *said])
        # Whoever reads may be gone, or the disk full: the work goes on without being told of.
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def _plain(self, value: Any) -> str:
        if isinstance(value, datetime):
            return f"{value.astimezone(self._zone):%Y-%m-%dT%H:%M:%S%z}"
        if isinstance(value, dict):
            return ",".join(f"{key}:{n}" for key, n in value.items()) or "none"
        text = str(value)
        return f'"{text}"' if " " in text else text
