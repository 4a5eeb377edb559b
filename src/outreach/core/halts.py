"""Trading halts in the canonical form: one record, its fields, and the words files use for them."""

from datetime import date, datetime
from typing import Final, NamedTuple

# The last sessions of a security before it is taken off the market (退市整理期). It is no halt:
# trading goes on from `halt_at`, the first session of the period, until `resume_at`.
DELISTING_PERIOD: Final = "delisting_period"
KINDS: Final = (
    "full_day", "intraday", "continuous", "volatility", "market_wide", "quote_only",
    DELISTING_PERIOD,
)  # fmt: skip
RESUME_STATES: Final = ("none", "planned", "confirmed", "cancelled")

# The zone of a market's clock and the minute it opens, for days given without a time.
MARKET_CLOCKS: Final[dict[str, tuple[str, str]]] = {
    "XSHG": ("Asia/Shanghai", "09:30"),
    "XSHE": ("Asia/Shanghai", "09:30"),
    "BJSE": ("Asia/Shanghai", "09:30"),
    "XHKG": ("Asia/Hong_Kong", "09:30"),
    "XNAS": ("America/New_York", "09:30"),
    "XNYS": ("America/New_York", "09:30"),
    "XASE": ("America/New_York", "09:30"),
    "ARCX": ("America/New_York", "09:30"),
    "BATS": ("America/New_York", "09:30"),
    "XLON": ("Europe/London", "08:00"),
}

# Whose sessions a market keeps: the calendar to ask for its days.
CALENDARS: Final[dict[str, str]] = {
    **dict.fromkeys(("XSHG", "XSHE", "BJSE"), "CN_A"),
    **dict.fromkeys(("XNAS", "XNYS", "XASE", "ARCX", "BATS"), "US"),
    "XHKG": "HK",
    "XLON": "UK",
}


class Halt(NamedTuple):
    """One halt as a source states it. `resume_at` is exclusive: trading is on again at it."""

    halt_id: str  # stable: market-symbol-day-sequence
    version: int | None  # None: the source does not count its corrections
    market: str  # MIC
    symbol: str
    name_zh: str
    name_en: str
    kind: str
    halt_at: datetime
    resume_at: datetime | None
    resume_status: str
    reason_code_raw: str | None
    reason_text_raw: str | None
    reason_family: str | None
    announcement_title: str | None
    announcement_url: str | None
    source: str
    isin: str | None = None
    resume_quote_at: datetime | None = None  # quotes are taken from it on, trades from resume_at
    last_halted_on: date | None = None  # as given by feeds that tell the last halted day
    source_updated_at: datetime | None = None  # when the source says it last changed the row
    source_row_sha256: str | None = None  # of the row this version was read from, hex

    def facts(self) -> tuple[object, ...]:
        """What a correction changes: everything but the version, who said so, and in which row."""
        return (*self[2:15], self.resume_quote_at)


class Statement(NamedTuple):
    """What one row of a feed says of one halt, on the way to a `Halt`.

    `halt_at` is None when the row only tells that an earlier halt ends. Sources without a
    resumption say nothing about it; that is never taken for a resumption.
    """

    line: int  # where it stands in its file, or its number among the records
    source: str  # the feed, such as `szse`
    market: str  # MIC
    symbol: str
    name_zh: str = ""
    name_en: str = ""
    kind: str = "continuous"
    halt_at: datetime | None = None
    resume_at: datetime | None = None  # exclusive
    resume_status: str = "none"
    reason_code_raw: str | None = None
    reason_text_raw: str | None = None
    reason_family: str | None = None
    announcement_title: str | None = None
    announcement_url: str | None = None
    halt_id: str | None = None  # only where the source counts halts itself
    version: int | None = None  # only where the source counts its corrections itself
    isin: str | None = None
    resume_quote_at: datetime | None = None
    last_halted_on: date | None = None
    source_updated_at: datetime | None = None
    source_row_sha256: str | None = None
