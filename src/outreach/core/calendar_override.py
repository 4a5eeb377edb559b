"""Overrides: a day that turns out otherwise than announced, and what would contradict itself."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Final, Literal

from outreach.core.calendar_difference import state
from outreach.core.market import CalendarDay
from outreach.core.trading_calendar import TradingCalendar
from outreach.core.words import Sentence

OverrideKind = Literal["closed", "half", "open", "late_open"]
Action = Literal["propose", "approve", "withdraw"]
Standing = Literal["proposed", "in_force", "withdrawing", "withdrawn"]

_NAMES: Final[dict[OverrideKind, Sentence]] = {
    "closed": Sentence("unscheduled closure", "临时休市"),
    "half": Sentence("early close", "提前收市"),
    "open": Sentence("trading day by announcement", "公告开市"),
    "late_open": Sentence("late opening", "延迟开市"),
}


@dataclass(frozen=True, slots=True)
class Override:
    """What is to be true of one day instead of what the calendar says. Times are wall clock."""

    market: str
    on: date
    kind: OverrideKind
    opens: time | None
    closes: time | None
    name_zh: str
    name_en: str
    reason: str
    source_ref: str

    @property
    def day(self) -> CalendarDay:
        """The row that takes the place of the calendar's own."""
        return CalendarDay(
            market=self.market,
            on=self.on,
            kind=self.kind,
            name_zh=self.name_zh,
            name_en=self.name_en,
            source_ref=self.source_ref,
            opens=self.opens,
            closes=self.closes,
        )


def overridden(calendar: TradingCalendar, overrides: Iterable[Override]) -> TradingCalendar:
    """The calendar with these overrides in force."""
    rows = {override.on: override.day for override in overrides}
    return replace(calendar, days={**calendar.days, **rows}) if rows else calendar


def name_for(calendar: TradingCalendar, on: date, kind: OverrideKind) -> Sentence:
    """What a day is called when nobody named it: a closure that touches a holiday extends it."""
    if kind == "closed":
        for step in (-1, 1):
            day = on + timedelta(days=step)
            while calendar.covers(day) and not calendar.is_session(day):
                row = calendar.day(day)
                if row and row.kind == "closed":
                    return Sentence(row.name_en, row.name_zh)
                day += timedelta(days=step)
    return _NAMES[kind]


def contradiction(override: Override, calendar: TradingCalendar) -> Sentence | None:
    """Why an override cannot be meant as it is written; None when it can.

    `calendar` is the one it would change, provisional data included.
    """
    return (
        _incomplete(override)
        or _outside(override, calendar)
        or _weekend(override)
        or _hours(override, calendar)
    )


def _incomplete(override: Override) -> Sentence | None:
    if not override.reason.strip() or not override.source_ref.strip():
        return Sentence(
            "an override needs a reason and a source; write --reason and --source",
            "须写明原因与来源：请填写 --reason 与 --source",
        )
    if override.kind == "closed" and (override.opens or override.closes):
        return Sentence(
            "a closed day has no hours; leave out --opens and --closes, or choose another kind",
            "休市日没有交易时间：请去掉 --opens 与 --closes，或另选类型",
        )
    if override.kind == "half" and override.closes is None:
        return Sentence(
            "a half day needs its closing time; add --closes",
            "半日市须写明收市时间：请填写 --closes",
        )
    if override.kind == "late_open" and override.opens is None:
        return Sentence(
            "a late opening needs its time; add --opens", "延迟开市须写明开市时间：请填写 --opens"
        )
    return None


def _outside(override: Override, calendar: TradingCalendar) -> Sentence | None:
    if calendar.covers(override.on):
        return None
    return Sentence(
        f"{override.on} is not covered by the calendar of {override.market}, so there is nothing to"
        " override; import the calendar first",
        f"{override.on} 不在 {override.market} 交易日历范围内，无从调整；请先导入日历",
    )


def _weekend(override: Override) -> Sentence | None:
    """An exchange that trades on a weekend announces it; a single day called open is a slip."""
    if override.kind == "closed" or override.on.weekday() < 5:
        return None
    return Sentence(
        f"{override.on} is a {override.on:%A}, on which {override.market} does not trade, also"
        " where people work; if the exchange announced a session, import a calendar file with a row"
        " of kind open",
        f"{override.on} 是周末，{override.market} 不开市（调休工作日亦然）；"
        "如交易所公告开市，请导入含 open 行的日历文件",
    )


def _hours(override: Override, calendar: TradingCalendar) -> Sentence | None:
    regular = calendar.regular
    opens, closes = override.opens or regular.opens, override.closes or regular.closes
    if opens >= closes:
        return Sentence(
            f"the session would open at {opens:%H:%M} and close at {closes:%H:%M};"
            " correct --opens or --closes",
            f"开市 {opens:%H:%M} 不早于收市 {closes:%H:%M}：请更正 --opens 或 --closes",
        )
    if override.kind == "half" and closes >= regular.closes:
        return Sentence(
            f"{closes:%H:%M} is no early close, {override.market} closes at {regular.closes:%H:%M};"
            " correct --closes",
            f"{closes:%H:%M} 并非提前收市，{override.market} 正常 {regular.closes:%H:%M} 收市："
            "请更正 --closes",
        )
    if override.kind == "late_open" and opens <= regular.opens:
        return Sentence(
            f"{opens:%H:%M} is no late opening, {override.market} opens at {regular.opens:%H:%M};"
            " correct --opens",
            f"{opens:%H:%M} 并非延迟开市，{override.market} 正常 {regular.opens:%H:%M} 开市："
            "请更正 --opens",
        )
    before = state(calendar, override.on)
    after = state(overridden(calendar, [override]), override.on)
    if (before.kind, before.hours) == (after.kind, after.hours):
        return Sentence(
            f"{override.on} is {before} in {override.market} already; nothing would change",
            f"{override.market} 在 {override.on} 已是 {before}，无需调整",
        )
    return None


# --- the steps of an override ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One step on record: who did what."""

    action: Action
    actor: str


def standing(steps: Iterable[Step]) -> Standing:
    """Where an override stands after its steps, in their order.

    Two people put it in force and two people take it out of force again, because either changes
    the calendar; one is enough to take back a proposal.
    """
    now: Standing = "proposed"
    for step in steps:
        if step.action == "approve":
            now = "withdrawn" if now == "withdrawing" else "in_force"
        elif step.action == "withdraw":
            now = "withdrawn" if now == "proposed" else "withdrawing"
    return now


def refusal(steps: list[Step], action: Action, actor: str) -> Sentence | None:
    """Why `actor` may not take this step; None when he may."""
    now = standing(steps)
    if now == "withdrawn":
        return Sentence("it has been withdrawn", "该调整已撤回")
    if action == "withdraw":
        if now != "withdrawing":
            return None
        return Sentence("its withdrawal waits for approval already", "撤回申请已在等待复核")
    if now == "in_force":
        return Sentence("it is in force already", "该调整已生效")
    asked = steps[-1].actor
    if asked.strip().casefold() != actor.strip().casefold():
        return None
    return Sentence(
        f"{actor} asked for it, so somebody else must approve it (--as another user)",
        f"{actor} 是申请人，须由他人复核（--as 另一用户）",
    )
