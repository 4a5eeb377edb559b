"""Where the door is seen from outside: what providers sign, and which paths are ours.

Behind proxies the Host header says whatever the last of them wrote, so addresses are built from
config.toml alone.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from outreach.project.config import Config
from outreach.project.web_config import Web


class Public(NamedTuple):
    """The door as clients and providers see it."""

    origin: str  # https://outreach.example.com
    prefix: str  # path before ours, without a slash at its end: /outreach, or empty
    unsubscribe: str  # path of one-click links, ends with /
    survey: str  # path of survey links, ends with /; empty without surveys

    @property
    def url(self) -> str:
        return self.origin + self.prefix

    def signed(self, raw_path: bytes, query: bytes) -> str:
        """The address a provider asked for: our origin, and path and query as they came."""
        path = raw_path.decode("ascii", "replace")
        return (
            f"{self.origin}{path}?{query.decode('ascii', 'replace')}"
            if query
            else (self.origin + path)
        )


def public(config: Config, web: Web) -> Public:
    """How a config says the door is seen."""
    parts = urlsplit(web.public_url)
    return Public(
        f"{parts.scheme}://{parts.netloc}",
        parts.path.rstrip("/"),
        urlsplit(config.firm.unsubscribe_url).path,
        urlsplit(config.firm.survey_url).path if config.firm.survey_url else "",
    )
