"""[feeds] of config.toml: where halt files come from, by hand or fetched."""

from datetime import time
from typing import Final, Literal

from pydantic import Field

from outreach.core.written import Name, Written

Form = Literal[
    "canonical", "sse", "szse", "nasdaq", "nyse", "eastmoney", "jydb", "tushare"
]  # the table of parsers; a test holds the two together
PLACEHOLDERS: Final = ("day", "page", "secret")


class HaltSource(Written):
    """One feed that is fetched by its address, and put into the inbox like any other file."""

    name: Name
    form: Form
    url: str = Field(
        description="{day} or {day:%Y%m%d} is the day on the market's clock, {page} the page of a"
        " feed in pages, {secret} the content of OUTREACH_SECRET_<NAME>."
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="Such as Referer. {secret} may stand in a value."
    )
    markets: tuple[str, ...] = Field((), description="It tells of; left out, those of its form.")
    every_minutes: int = Field(5, ge=1, le=1440)
    between: tuple[time, time] | None = Field(
        None, description="On trading days only, from the one to the other on the market's clock."
    )
    timeout_seconds: float = Field(10.0, gt=0, le=120, description="For one answer to begin.")
    max_mb: int = Field(8, ge=1, le=64, description="A larger answer is refused.")
    tries: int = Field(3, ge=1, le=5, description="At one time, before it counts as a failure.")
    stale_after_minutes: int = Field(60, ge=1, description="Without an answer it is stale.")
    stale_after_failures: int = Field(5, ge=1, description="In a row, and it is stale.")
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")


class HaltFeed(Written):
    """Where halt files are put: by hand, or by whatever fetches them."""

    inbox: str = Field("var/inbox/halts", description="Watched folder; done/ and broken/ in it.")
    own_markets: tuple[str, ...] = Field(
        ("XSHG", "XSHE", "BJSE"),
        description="The markets that lists of the firm's own cover together.",
    )
    sources: tuple[HaltSource, ...] = ()
