"""Market moves and margin lines as events: which wait to be told, and what their runs say.

What was told is what has a run, told or missed; the series of levels is folded from there. So two
schedulers, late rows and a restart come to the same keys.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from outreach.core.market_conditions import MarketCondition, OnMarketMove
from outreach.core.market_moves import Trigger
from outreach.core.market_values import margin_values, move_values
from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.sources import Fallen
from outreach.core.trading_calendar import CalendarCoverageError
from outreach.core.words import Missed, Sentence
from outreach.plan.due import Due, Overtaken
from outreach.plan.event import Passed, due_of, opened_before, passed
from outreach.project.definition import Definition
from outreach.store import calendars, market, moves, outbox, runs
from outreach.store.database import Database


class Happened(NamedTuple):
    """Something that came to pass and has no run yet."""

    key: str
    at: datetime
    of: Trigger | market.MarginFile

    def expires_at(self, rule: OnMarketMove) -> datetime:
        return self.at + rule.useful


class MarketMoves:
    """The event `market_move`. A scheduler asks every few seconds: what has happened is worked out
    again when a row has come in, and once a minute, since it also depends on the time."""

    def __init__(self) -> None:
        # By engine, not by address: a database that was made anew is another one.
        self._happened: WeakKeyDictionary[object, dict[str, tuple[object, list[Happened]]]] = (
            WeakKeyDictionary()
        )

    def _known(self, conn: Connection, definition: Definition, now: datetime) -> list[Happened]:
        """What has happened, as far as the calendar tells: `doctor` and `check` speak of its
        end."""
        campaign = definition.campaign_id
        known = self._happened.setdefault(conn.engine, {})
        minute = int(now.timestamp()) // 60
        mark = (moves.mark(conn, campaign), definition.approval_digest, minute)
        kept = known.get(campaign)
        if kept is not None and kept[0] == mark:
            return kept[1]
        try:
            found = _happened(conn, definition, now)
        except CalendarCoverageError:
            found = []
        known[campaign] = mark, found
        return found

    def settle(self, database: Database, definition: Definition, now: datetime) -> Sequence[Passed]:
        """Record as missed what has become too old to be told."""
        rule = _rule(definition)
        with database.reading() as conn:
            stale = [one for one in self._known(conn, definition, now) if _is_over(one, rule, now)]
            dues = [_due(conn, definition, one, now) for one in stale]
        whys = (Missed.STALE if due.values.approved else Missed.NOT_APPROVED for due in dues)
        return passed(database, zip(dues, whys, strict=True), now, outbox.ACTOR)

    def pending(self, conn: Connection, definition: Definition, now: datetime) -> Sequence[str]:
        """What has happened and can still be told."""
        rule = _rule(definition)
        known = self._known(conn, definition, now)
        return [one.key for one in known if not _is_over(one, rule, now)]

    def prepare(
        self, conn: Connection, definition: Definition, key: str | None, now: datetime
    ) -> Due | Blocked:
        """The run of a key, or of what waits now. Nothing is told by data that are too old."""
        rule = _rule(definition)
        if key is not None and (run := runs.find(conn, definition.campaign_id, key)):
            return opened_before(definition, run)
        try:
            waiting = [
                one
                for one in _happened(conn, definition, now)
                if one.key == key or (key is None and not _is_over(one, rule, now))
            ]
        except CalendarCoverageError as error:
            return Blocked("calendar", error.sentence)
        if not waiting:
            return _nothing(rule, key)
        one = waiting[0]
        return _too_old(conn, definition, one, now) or _due(conn, definition, one, now)


def _rule(definition: Definition) -> OnMarketMove:
    rule = definition.campaign.occurrence
    if not isinstance(rule, OnMarketMove):
        raise TypeError(f"{definition.campaign_id} waits for no market move")
    return rule


# --- what has happened -------------------------------------------------------------------------


def _happened(conn: Connection, definition: Definition, now: datetime) -> list[Happened]:
    """What has no run yet, oldest first. A feed that has long been quiet has nothing to tell."""
    rule = _rule(definition)
    since = now - moves.REMEMBERED
    if rule.margin is None and not moves.any_since(conn, rule, since):
        return []
    known = moves.told(conn, definition.campaign_id, now)
    if (margin := rule.margin) is not None:
        return _fallen(conn, definition, margin, known, now)
    zone = calendars.load(conn, rule.calendar).zone
    keys = set(known)
    found: list[Happened] = []
    for trigger in moves.folded(conn, rule, known, now).triggers:
        day, number = trigger.at.astimezone(zone).date(), 1
        while (key := trigger.condition.key(day, number)) in keys:
            number += 1
        keys.add(key)
        found.append(Happened(key, trigger.at, trigger))
    return [one for one in found if one.at >= since]


def _fallen(
    conn: Connection,
    definition: Definition,
    margin: MarketCondition,
    known: Mapping[str, datetime],
    now: datetime,
) -> list[Happened]:
    """The files with which clients newly fell below the line."""
    line = margin.margin_below or "warn"
    found: list[Happened] = []
    for file in market.fallen_below(conn, line, _rearm(margin), now - moves.REMEMBERED):
        day = file.as_of.astimezone(definition.zone).date()
        key = margin.key(day, file.book_id)
        if key not in known:
            found.append(Happened(key, file.as_of, file))
    return found


def _rearm(margin: MarketCondition) -> int:
    return round(margin.rearm_points * 100)


def _is_over(one: Happened, rule: OnMarketMove, now: datetime) -> bool:
    if isinstance(one.of, market.MarginFile) and now - one.at > rule.freshness:
        return True
    return one.expires_at(rule) <= now


# --- what a run of it is opened with -----------------------------------------------------------


def _due(conn: Connection, definition: Definition, one: Happened, now: datetime) -> Due:
    rule, zone = _rule(definition), definition.zone
    occurrence = Occurrence(one.key, one.at, one.expires_at(rule))
    year = now.astimezone(zone).year
    locales = definition.template.locales
    if isinstance(one.of, Trigger):
        moved = {locale: move_values(one.of, locale, zone, year) for locale in locales}
        unless = partial(_unless_told, definition.campaign_id, one.of, now)
        return due_of(conn, definition, occurrence, now, texts=moved, on_open=unless)
    margin = rule.conditions[0]
    line = margin.margin_below or "warn"
    texts = {locale: margin_values(line, one.at, locale, zone, year) for locale in locales}
    fallen = Fallen(one.of.book_id, line, _rearm(margin))
    return due_of(conn, definition, occurrence, now, texts=texts, only=(fallen,))


def _unless_told(
    campaign: str, trigger: Trigger, now: datetime, tx: Connection, run_id: int
) -> None:
    """Refuse to open a run for a slide that another scheduler, which saw other rows, told a moment
    ago by another key."""
    rest = trigger.condition.rest
    before = moves.told(tx, campaign, now, besides=run_id).values()
    if any(at - rest < trigger.at < at + rest for at in before):
        raise Overtaken


def _nothing(rule: OnMarketMove, key: str | None) -> Blocked:
    if key is None:
        return Blocked(
            "nothing_due",
            Sentence("no condition of this campaign has been met", "本活动的触发条件均未满足"),
        )
    named = any(one.named_by(key) for one in rule.conditions)
    example = rule.conditions[0].slug
    wrong = "tells of nothing that has happened" if named else "is no occurrence of this campaign"
    bad = "没有对应的触发事件" if named else "不是本活动的期次"
    return Blocked(
        "key",
        Sentence(
            f"{key!r} {wrong}; keys look like 2026-09-28-{example}",
            f"“{key}”{bad}，期次形如 2026-09-28-{example}",
        ),
    )


def _too_old(
    conn: Connection, definition: Definition, one: Happened, now: datetime
) -> Blocked | None:
    """Why nothing can be told now: the feed has gone quiet, and the market may be elsewhere. In
    the same words as long as it lasts, so that a scheduler tells it once."""
    rule = _rule(definition)
    if not isinstance(one.of, Trigger):
        newest, of = one.at, "margin ratios"
    else:
        code = one.of.reading.level.code
        newest, of = market.newest_level_at(conn, code) or one.at, code
    if now - newest <= rule.freshness:
        return None
    since = newest.astimezone(definition.zone).strftime("%Y-%m-%d %H:%M")
    return Blocked(
        "nothing_due",
        Sentence(
            f"{one.key}: the newest data of {of} are of {since}, older than the"
            f" {rule.max_age_minutes} minutes allowed; put a newer file into the inbox",
            f"{one.key}：{of} 最新数据时间为 {since}，已超过允许的 {rule.max_age_minutes} 分钟，"
            "请放入新文件",
        ),
    )
