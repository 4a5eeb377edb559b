"""Conditions on the market as a campaign file writes them: a move, a volatility, a margin line."""

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from outreach.core.words import Sentence
from outreach.core.written import Written

Measure = Literal["falls", "rises", "volatility"]
MarginLine = Literal["warn", "close"]

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_MEASURES: Final = ("falls_percent", "rises_percent", "volatility_percent")
INDEX_CODE: Final = r"^[A-Z0-9][A-Z0-9.]{0,15}$"
Percent = Annotated[float | None, Field(gt=0, le=1000)]


class MarketCondition(Written):
    """One condition: an index and how far it must move, or a line of the margin ratio.

    One slide triggers once. The condition is armed again when the measure has come back by
    `rearm_percent` and `cool_down` has passed since it triggered.
    """

    index: str | None = Field(
        None, pattern=INDEX_CODE, description="Index code as the feed writes it, such as CSI300."
    )
    falls_percent: Percent = Field(None, description="Triggers at a fall of so much, or more.")
    rises_percent: Percent = Field(None, description="Triggers at a rise of so much, or more.")
    volatility_percent: Percent = Field(
        None, description="Triggers at an annualised volatility of so much, or more."
    )
    over_sessions: int | None = Field(
        None, ge=1, le=250, description="Against the close so many sessions ago; 1 is the last."
    )
    over_minutes: int | None = Field(
        None, ge=1, le=480, description="Within so many minutes of one session."
    )
    rearm_percent: float = Field(
        1.0, gt=0, le=100, description="How far the measure must come back, in percentage points."
    )
    cool_down: str = Field(
        "1d", pattern=r"^\d{1,4}[mhd]$", description="The least time between two triggers."
    )
    margin_below: MarginLine | None = Field(
        None, description="Clients newly below their warn or close line, in place of an index."
    )
    rearm_points: float = Field(
        5.0, ge=0, le=100,
        description="How far above the line a client must have been again, in points of the ratio.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _says_one_thing(self) -> "MarketCondition":
        # Not by what was written: a frozen campaign has every key.
        written = {
            name
            for name, field in type(self).model_fields.items()
            if getattr(self, name) != field.default
        }
        measures = [name for name in _MEASURES if getattr(self, name) is not None]
        if self.margin_below is not None:
            if odd := sorted(written - {"margin_below", "rearm_points"}):
                raise ValueError(f"has {odd[0]} beside margin_below, remove one of them")
            return self
        if self.index is None:
            raise ValueError('names no index, write index = "CSI300" or margin_below = "warn"')
        if len(measures) != 1:
            raise ValueError(
                f"has {len(measures) or 'no'} measures, write one of " + ", ".join(_MEASURES)
            )
        if "rearm_points" in written:
            raise ValueError("has rearm_points, write rearm_percent for an index")
        if self.over_sessions and self.over_minutes:
            raise ValueError("has two windows, write over_sessions or over_minutes")
        if self.volatility_percent and (self.over_sessions or 0) < 5:
            raise ValueError("needs a window, write over_sessions = 20 (5 or more)")
        if self.rearm_percent >= self.threshold:
            raise ValueError("would never be armed again, write a smaller rearm_percent")
        return self

    @property
    def measure(self) -> Measure:
        if self.falls_percent is not None:
            return "falls"
        return "rises" if self.rises_percent is not None else "volatility"

    @property
    def threshold(self) -> Fraction:
        """In percent, exactly as it was written."""
        written = self.falls_percent or self.rises_percent or self.volatility_percent or 0
        return Fraction(str(written))

    @property
    def rearm(self) -> Fraction:
        """How far the measure must come back, in percentage points."""
        return Fraction(str(self.rearm_percent))

    @property
    def rest(self) -> timedelta:
        """The least time between two triggers."""
        return timedelta(**{_UNITS[self.cool_down[-1]]: int(self.cool_down[:-1])})

    @property
    def slug(self) -> str:
        """What the condition is called in keys: `CSI300-falls-3-day`, `margin-warn`."""
        if self.margin_below is not None:
            return f"margin-{self.margin_below}"
        return f"{self.index}-{self.measure}-{_number(self.threshold)}-{self._window}"

    @property
    def _window(self) -> str:
        if self.over_minutes:
            return f"{self.over_minutes}-minutes"
        return f"{self.over_sessions}-sessions" if (self.over_sessions or 1) > 1 else "day"

    @property
    def sentence(self) -> Sentence:
        """The condition in words."""
        if self.margin_below is not None:
            zh = {"warn": "警戒线", "close": "平仓线"}[self.margin_below]
            return Sentence(
                f"margin ratio newly below the {self.margin_below} line",
                f"维持担保比例新跌破{zh}",
            )
        much = _number(self.threshold)
        if self.measure == "volatility":
            return Sentence(
                f"{self.index} volatility of {much} % over {self.over_sessions} sessions",
                f"{self.index} {self.over_sessions} 个交易日年化波动率达 {much}%",
            )
        en, zh = ("falls", "下跌") if self.measure == "falls" else ("rises", "上涨")
        over_en, over_zh = _span(self.over_sessions, self.over_minutes)
        return Sentence(
            f"{self.index} {en} {much} % {over_en}", f"{self.index} {over_zh}{zh} {much}%"
        )

    def key(self, day: date, number: int) -> str:
        """The occurrence key of a trigger; `number` is 1 for the first of a day, or a book."""
        tail = f"-{number}" if self.margin_below is not None or number > 1 else ""
        return f"{day.isoformat()}-{self.slug}{tail}"

    def named_by(self, key: str) -> tuple[date, int] | None:
        """Day and number out of a key of this condition; None for any other key."""
        found = re.fullmatch(rf"(\d{{4}}-\d\d-\d\d)-{re.escape(self.slug)}(?:-(\d{{1,9}}))?", key)
        if found is None or (self.margin_below is not None and found[2] is None):
            return None
        try:
            return date.fromisoformat(found[1]), int(found[2] or 1)
        except ValueError:
            return None


class OnMarketMove(Written):
    """Fires when one of its conditions on the market is met. Key: 2026-09-28-CSI300-falls-3-day;
    for a margin line, 2026-09-28-margin-warn-17 with the number of the file that told it."""

    kind: Literal["market_move"]
    conditions: tuple[MarketCondition, ...] = Field(min_length=1, max_length=20)
    calendar: str = Field("CN_A", description="The market whose sessions count.")
    max_age_minutes: int = Field(
        60, ge=1, le=10080, description="Nothing is told by levels or ratios older than this."
    )
    expires_after: str = Field(
        "4h",
        pattern=r"^[1-9]\d{0,3}[mhd]$",
        description="How long after it a move is worth telling.",
    )

    @field_validator("conditions")
    @classmethod
    def _of_one_kind(cls, conditions: tuple[MarketCondition, ...]) -> tuple[MarketCondition, ...]:
        if len(conditions) > 1 and any(one.margin_below is not None for one in conditions):
            raise ValueError(
                "has a margin line beside other conditions, write a campaign for each of them"
            )
        slugs = [one.slug for one in conditions]
        if twice := {slug for slug in slugs if slugs.count(slug) > 1}:
            raise ValueError(f"has {min(twice)} twice, remove one of them")
        return conditions

    @property
    def margin(self) -> MarketCondition | None:
        """The condition on a margin line, where that is what the campaign is about."""
        return self.conditions[0] if self.conditions[0].margin_below is not None else None

    @property
    def useful(self) -> timedelta:
        """How long after the move it is worth telling."""
        return timedelta(**{_UNITS[self.expires_after[-1]]: int(self.expires_after[:-1])})

    @property
    def freshness(self) -> timedelta:
        """How old the newest data may be."""
        return timedelta(minutes=self.max_age_minutes)


def _number(value: Fraction) -> str:
    return f"{float(value):g}"


def _span(sessions: int | None, minutes: int | None) -> tuple[str, str]:
    if minutes:
        return f"within {minutes} minutes", f"{minutes} 分钟内"
    if sessions and sessions > 1:
        return f"over {sessions} sessions", f"{sessions} 个交易日累计"
    return "in a day", "单日"
