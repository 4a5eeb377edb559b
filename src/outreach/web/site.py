"""What every route works with, opened once a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from outreach.project.config import Config
from outreach.project.web_config import Web
from outreach.store.database import Database
from outreach.web.intake import Intake
from outreach.web.limits import Callers, Rates
from outreach.web.pages import Page, Pages
from outreach.web.public import Public, public
from outreach.web.tally import Tally
from outreach.web.wire import CLOSE, PLAIN, Scope, Send, reply

_BURST = 4  # seconds' worth of requests at once
_TOO_MANY = (PLAIN, (b"retry-after", b"10"), CLOSE)


@dataclass
class Site:
    """The door of one firm. `key` is that of links; `secrets` those of senders, by their name."""

    config: Config
    web: Web
    key: bytes
    secrets: Mapping[str, str | None]
    database: Database
    clock: Callable[[], datetime]
    say: Callable[..., Any]
    intake: Intake
    root: Path  # of the project: profiles of gateways are read from here
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.public: Public = public(self.config, self.web)
        self.pages = Pages(self.config.firm)
        self.zone = ZoneInfo(self.config.firm.zone)
        self.callers = Callers(self.web.trusted_proxies)
        rate = self.web.requests_per_second
        self.rates = Rates(rate, max(1.0, rate * _BURST))

    def allows(self, scope: Scope) -> bool:
        """Whether an address may make one more request that shows no secret."""
        return self.rates.allows(self.callers.address(scope))

    async def refuse(self, scope: Scope, send: Send, status: int, what: str) -> None:
        """Answer a request that shows no secret, or 429 where there were too many of them."""
        self.tally.add(what)
        if self.allows(scope):
            await reply(send, status, _WORDS.get(status, b""))
        else:
            await self.too_many(send)

    async def too_many(self, send: Send) -> None:
        self.tally.add("too_many")
        await reply(send, 429, _WORDS[429], _TOO_MANY)

    async def show(self, send: Send, page: Page) -> None:
        await reply(send, page.status, page.body, self.pages.headers)


_WORDS = {
    403: b"not allowed\n",
    404: b"not found\n",
    429: b"too many requests\n",
}
