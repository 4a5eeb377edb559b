"""An engine for services in tests: memory channels, one for each sender, and a pretended clock."""

from collections.abc import Callable
from datetime import datetime, timedelta

from outreach import dispatch
from outreach.channels import ChannelUnavailable
from outreach.engine import local
from outreach.project.config import Config
from outreach.service import Opened
from outreach.store.database import Database
from tests.small_run import KEY, Gateway


def opener(
    database: Database,
    clock: Callable[[], datetime],
    owner: str = "here:1:1",
    gateways: dict[str, Gateway] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Callable[[Config], Opened]:
    """What a service opens its engine with; `gateways` keeps the channels by sender."""
    known = gateways if gateways is not None else {}

    def opened(config: Config) -> Opened:
        for name, sender in config.senders.items():
            known.setdefault(name, Gateway(sender.channel, 3))
        sending = dispatch.Sending(
            database, known.__getitem__, ChannelUnavailable, KEY, owner, clock,
            3, timedelta(seconds=60), stopping=stopping,
        )  # fmt: skip
        engine = local.Local(sending, page=100, senders=0, in_process_up_to=10_000, command=())
        return Opened(engine, lambda: None)

    return opened
