"""What is regular about a market, and the facts that make one of its days differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Final, Literal
from zoneinfo import ZoneInfo

from outreach.core.words import Sentence

Kind = Literal["closed", "half", "open", "late_open", "workday"]
Status = Literal["official", "provisional"]


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day that differs from the regular week. Times are the market's wall clock.

    `workday` is a fact about staff, not about the market: a weekend day made a working day for the
    holiday whose name it carries, on which the market stays shut.
    """

    market: str
    on: date
    kind: Kind
    name_zh: str
    name_en: str
    source_ref: str
    published_on: date | None = None
    status: Status = "official"
    opens: time | None = None
    closes: time | None = None
    break_from: time | None = None
    break_to: time | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days, both ends included, that a source speaks of."""

    market: str
    from_on: date
    to_on: date
    status: Status
    source_ref: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """The day on which the money of one day's trades moves, as a clearing house announced it."""

    market: str
    trade_on: date
    settles_on: date
    source_ref: str
    published_on: date | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """Wall-clock hours of one session; no break when `break_from` is None."""

    opens: time
    closes: time
    break_from: time | None = None
    break_to: time | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """What is regular about a market. Its name stands in the middle of a sentence."""

    market: str
    zone: ZoneInfo
    hours: Hours
    name: Sentence


def _market(market: str, zone: str, hours: Hours, en: str, zh: str) -> tuple[str, Market]:
    return market, Market(market, ZoneInfo(zone), hours, Sentence(en, zh))


_SHANGHAI: Final = Hours(time(9, 30), time(15), time(11, 30), time(13))
_HONG_KONG: Final = Hours(time(9, 30), time(16), time(12), time(13))

MARKETS: Final[Mapping[str, Market]] = dict(
    (
        _market("CN_A", "Asia/Shanghai", _SHANGHAI, "the A-share market", "A股"),
        _market("HK", "Asia/Hong_Kong", _HONG_KONG, "the Hong Kong market", "港股"),
        _market("US", "America/New_York", Hours(time(9, 30), time(16)), "the US market", "美股"),
        _market("UK", "Europe/London", Hours(time(8), time(16, 30)), "the UK market", "英股"),
        _market("SB", "Asia/Shanghai", _HONG_KONG, "Southbound Stock Connect", "港股通"),
        _market("NB", "Asia/Hong_Kong", _SHANGHAI, "Northbound Stock Connect", "沪深股通"),
    )
)
