"""What the texts of a market-move notice and of a margin notice may print."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core.formats import chinese, format_time
from outreach.core.margin import Ratio
from outreach.core.market_conditions import MarginLine, MarketCondition
from outreach.core.market_moves import POINT, Level, Reading, Trigger
from outreach.core.words import Sentence

MOVE_NAMES: Final = frozenset({"index_name", "index_level", "index_before", "move", "trigger_at"})
# Of a client by himself; `margin_ratio` is a fact about his account.
MARGIN_PER_CLIENT: Final[dict[str, Sentence]] = {
    "margin_ratio": Sentence(
        "the client's margin ratio, in e-mail only", "维持担保比例（仅限邮件）"
    ),
    "warn_line": Sentence("the client's warning line", "警戒线"),
    "close_line": Sentence("the client's liquidation line", "平仓线"),
}
MARGIN_NAMES: Final = frozenset({"line_name", "ratio_at", *MARGIN_PER_CLIENT})
# An SMS is read by whoever holds the telephone: what is personal stays out of it.
EMAIL_ONLY: Final = frozenset({"margin_ratio"})
_LINES: Final[dict[MarginLine, tuple[str, str]]] = {
    "warn": ("警戒线", "warning line"),
    "close": ("平仓线", "liquidation line"),
}


def move_values(trigger: Trigger, locale: str, zone: ZoneInfo, year: int) -> dict[str, object]:
    """The facts of a trigger, formatted; moments are on the firm's clock. A percentage is cut, not
    rounded, so that no notice says more than the market did."""
    level = trigger.reading.level
    return {
        "index_name": _name(level, locale),
        "index_level": _points(level.level),
        "index_before": _points(trigger.reading.base or level.prev_close),
        "move": _move(trigger, locale),
        "trigger_at": format_time(trigger.at.astimezone(zone), locale, year),
    }


def margin_values(
    line: MarginLine, as_of: datetime, locale: str, zone: ZoneInfo, year: int
) -> dict[str, object]:
    """What is the same for every client of a margin notice."""
    zh, en = _LINES[line]
    return {
        "line_name": zh if chinese(locale) else en,
        "ratio_at": format_time(as_of.astimezone(zone), locale, year),
    }


def own_margin(ratio: Ratio | None) -> tuple[str | None, str | None, str | None]:
    """Ratio and lines of one client, in the order of `MARGIN_PER_CLIENT`."""
    if ratio is None:
        return None, None, None
    return _percent(ratio.ratio), _percent(ratio.warn_line), _percent(ratio.close_line)


def _name(level: Level, locale: str) -> str:
    names = (level.name_zh, level.name_en) if chinese(locale) else (level.name_en, level.name_zh)
    return next((name for name in names if name), level.code)


def _points(level: int) -> str:
    return f"{level / POINT:,.2f}"


def _percent(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole:,}.{rest:02}%"


def _move(trigger: Trigger, locale: str) -> str:
    condition, much = trigger.condition, _much(trigger.reading)
    sessions, minutes = condition.over_sessions or 1, condition.over_minutes
    zh = chinese(locale)
    if condition.measure == "volatility":
        if zh:
            return f"近{sessions}个交易日年化波动率达{much}"
        return f"showed an annualised volatility of {much} over {sessions} sessions"
    fell = condition.measure == "falls"
    if zh:
        over = f"{minutes}分钟内" if minutes else f"{sessions}个交易日累计"
        return f"{over if minutes or sessions > 1 else '当日'}{'下跌' if fell else '上涨'}{much}"
    verb = "fell" if fell else "rose"
    if minutes:
        return f"{verb} {much} within {minutes} minutes"
    return f"{verb} {much} " + (f"over {sessions} sessions" if sessions > 1 else "on the day")


def _much(reading: Reading) -> str:
    if reading.base is None:
        return f"{reading.percent:.2f}%"
    hundredths = Fraction(abs(reading.level.level - reading.base) * 10_000, reading.base)
    return _percent(int(hundredths))


def sample_market(locale: str, day: date) -> dict[str, object]:
    """The values of a move and of a margin notice that are made up."""
    zone = ZoneInfo("Asia/Shanghai")
    at = datetime(day.year, day.month, day.day, 10, 30, tzinfo=zone)
    level = Level("CSI300", at, 3_876 * POINT, 4_000 * POINT, "沪深300指数", "CSI 300 Index")
    condition = MarketCondition(index="CSI300", falls_percent=3)
    trigger = Trigger(condition, at, Reading(level, -3.1, 4_000 * POINT))
    ratio = Ratio(1, 12_845, 15_000, 13_000, at)
    closed = at + timedelta(hours=4, minutes=30)
    own: Mapping[str, object] = dict(zip(MARGIN_PER_CLIENT, own_margin(ratio), strict=True))
    return {
        **move_values(trigger, locale, zone, day.year),
        **margin_values("close", closed, locale, zone, day.year),
        **own,
    }
