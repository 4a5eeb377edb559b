"""Where the conditions of a market-move campaign stand, in words and as plain values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from outreach.core.market_conditions import MarketCondition
from outreach.core.market_moves import Reading, Standing, State
from outreach.core.words import Sentence


@dataclass(frozen=True, slots=True)
class Watched:
    """One condition and where it stands; `waiting` is one that triggered and is not told yet. Of a
    margin line: how many clients are below it now."""

    condition: str  # its slug
    state: State | Literal["waiting"]
    sentence: Sentence
    triggered_at: datetime | None = None  # the newest trigger
    until: datetime | None = None  # nothing is told before, where a cool-down runs
    percent: float | None = None  # what it measures by the newest data
    as_of: datetime | None = None  # of the newest data
    clients_below: int | None = None


def watched(condition: MarketCondition, standing: Standing, waits: bool, zone: ZoneInfo) -> Watched:
    """An index condition and its standing; `waits`: its newest trigger is not told yet."""
    newest, until = standing.newest, None
    if standing.until and (newest is None or newest.level.at < standing.until):
        until = standing.until
    said = condition.sentence
    return Watched(
        condition.slug,
        "waiting" if waits else standing.state,
        Sentence(
            f"{said.en}: {'not told yet, ' if waits else ''}"
            f"{_state_en(condition, standing, until, zone)}{_now_en(newest, zone)}",
            f"{said.zh}：{'尚未发出提示，' if waits else ''}"
            f"{_state_zh(condition, standing, until, zone)}{_now_zh(newest, zone)}",
        ),
        standing.triggered_at,
        until,
        round(newest.percent, 2) if newest else None,
        newest.level.at if newest else None,
    )


def watched_margin(
    condition: MarketCondition, below: int, as_of: datetime | None, zone: ZoneInfo
) -> Watched:
    """A margin line: it is always armed, for whoever falls below it with the next file."""
    said = condition.sentence
    if as_of is None:
        en, zh = "no margin ratio is on record yet", "尚无维持担保比例数据"
        return Watched(condition.slug, "no_data", Sentence(f"{said.en}: {en}", f"{said.zh}：{zh}"))
    at = _at(as_of, zone)
    return Watched(
        condition.slug,
        "armed",
        Sentence(
            f"{said.en}: armed for the next file; {below:,} clients are below it as of {at}",
            f"{said.zh}：等待下一文件；截至 {at} 有 {below:,} 名客户低于该线",
        ),
        as_of=as_of,
        clients_below=below,
    )


def _state_en(
    condition: MarketCondition, standing: Standing, until: datetime | None, zone: ZoneInfo
) -> str:
    match standing.state:
        case "no_data":
            return f"not enough levels of {condition.index} yet"
        case "armed":
            return "armed"
        case "cooling":
            return f"armed, but cooling down until {_at(until, zone)}"
    told = f"triggered at {_at(standing.triggered_at, zone)}"
    back = f"armed again when it is back by {condition.rearm_percent:g} points"
    return f"{told}; {back}" + (f", not before {_at(until, zone)}" if until else "")


def _state_zh(
    condition: MarketCondition, standing: Standing, until: datetime | None, zone: ZoneInfo
) -> str:
    match standing.state:
        case "no_data":
            return f"{condition.index} 行情数据不足"
        case "armed":
            return "待触发"
        case "cooling":
            return f"待触发，冷却至 {_at(until, zone)}"
    told = f"已于 {_at(standing.triggered_at, zone)} 触发"
    back = f"回复 {condition.rearm_percent:g} 个百分点后重新待触发"
    return f"{told}；{back}" + (f"，且不早于 {_at(until, zone)}" if until else "")


def _now_en(newest: Reading | None, zone: ZoneInfo) -> str:
    return f" ({newest.percent:+.2f} % at {_at(newest.level.at, zone)})" if newest else ""


def _now_zh(newest: Reading | None, zone: ZoneInfo) -> str:
    return f"（{_at(newest.level.at, zone)} 为 {newest.percent:+.2f}%）" if newest else ""


def _at(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else "-"
