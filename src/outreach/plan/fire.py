"""Fire what is due: open the run of every occurrence whose time came, or record why it was missed.

Followed campaign by campaign from a mark in the database to now. Every firing in between ends as a
run or as a missed one, under the key a person would name it by, so schedulers may run twice, stop
anywhere and start again: the pair of campaign and occurrence is unique.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core.campaign import Campaign, Timed
from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.run_values import RunValues
from outreach.core.schedule import SessionsBeforeClosure, Timing
from outreach.core.timetable import (
    MICROSECOND,
    Here,
    firings,
    markets_of,
    occurrence_at,
    timing,
)
from outreach.core.trading_calendar import CalendarCoverageError
from outreach.core.words import Missed, Sentence
from outreach.plan.corrections import fire_corrections
from outreach.plan.due import Due, Overtaken
from outreach.plan.fire_events import OVERTAKEN, Fired, fire_events
from outreach.plan.prepare import prepare
from outreach.plan.run import open_run
from outreach.project.definition import Definition, define
from outreach.project.load import Project
from outreach.store import calendars, marks, runs
from outreach.store.database import Database

# How late a firing of a `skip` schedule may start: a scheduler looks every few seconds.
GRACE: Final = timedelta(seconds=60)
# An idle mark is moved this often; in between, nothing fired that it would have to remember.
IDLE: Final = timedelta(minutes=1)


def fire_due(
    database: Database,
    project: Project,
    now: datetime,
    actor: str,
    campaigns: Collection[str] | None = None,
) -> list[Fired]:
    """Settle every firing up to now, of all campaigns or of those named. Safe to repeat, and to do
    from several processes at once. A campaign seen for the first time fires from now on."""
    chosen = {
        name: campaign
        for name, campaign in sorted(project.campaigns.items())
        if campaigns is None or name in campaigns
    }
    with database.reading() as conn:
        followed = marks.load(conn)
        official = _here(conn, project, chosen)
    fired = fire_events(database, project, chosen, now, actor)
    fired += fire_corrections(database, project, chosen, official.calendars, now, actor)
    moves: dict[str, tuple[datetime, datetime]] = {}
    new: list[str] = []
    for name, campaign in chosen.items():
        since = followed.get(name)
        rule = timing(campaign.schedule, official) if campaign.enabled else None
        if since is None:
            new += [name] if rule else []
            continue
        came: list[Fired] = []
        until = now  # what does not fire has nothing to make up for either
        if rule:
            schedule = _Schedule(database, project, name, rule, official, now, actor)
            came, until = schedule.settle(since)
        fired += came
        if until > since and (came or until - since >= IDLE):
            moves[name] = (since, until)
    if new or moves:
        with database.begin() as tx:
            marks.first_seen(tx, new, now)
            marks.move(tx, moves)
    return fired


def _here(conn: Connection, project: Project, campaigns: Mapping[str, Campaign]) -> Here:
    firm = project.config.firm
    markets = {market for one in campaigns.values() for market in markets_of(one, firm.market)}
    known = {market: calendars.load(conn, market) for market in markets}
    return Here(ZoneInfo(firm.zone), firm.market, known)


class _Firing(NamedTuple):
    """One instant of a schedule, and by which calendars it is told."""

    at: datetime
    rule: Timing
    here: Here
    last: bool  # of those that came
    provisional: bool


class _Obstacle(NamedTuple):
    """Why a firing cannot start now, and what it is missed for when that lasts."""

    reason: Missed
    sentence: Sentence


@dataclass(frozen=True)
class _Schedule:
    """One campaign's schedule, being followed to now."""

    database: Database
    project: Project
    name: str
    rule: Timing
    official: Here
    now: datetime
    actor: str

    @cached_property
    def campaign(self) -> Campaign:
        return self.project.campaigns[self.name]

    @cached_property
    def definition(self) -> Definition:
        return define(self.project, self.name)

    @property
    def late_limit(self) -> timedelta:
        schedule = self.campaign.schedule
        if not isinstance(schedule, Timed):  # nothing fires it, so nothing is late
            return timedelta()
        return min(GRACE, schedule.latest_by) if schedule.misfire == "skip" else schedule.latest_by

    def settle(self, since: datetime) -> tuple[list[Fired], datetime]:
        """What became of each firing later than `since`, and until when all are settled."""
        came, unknown = _known_firings(self.rule, since, self.now)
        until = (came or [since])[-1] if unknown else self.now
        due = [_Firing(at, self.rule, self.official, at == came[-1], False) for at in came]
        due += self._forecast(until) if unknown else []
        fired = [self._settled(one) for one in due]
        waiting = [one.fires_at for one in fired if one.outcome == "blocked" and one.fires_at]
        if unknown and not any(one.provisional for one in due):
            fired.append(Fired(self.name, None, None, "blocked", None, unknown))
        return fired, min([until, *(at - MICROSECOND for at in waiting)])

    def _forecast(self, since: datetime) -> list[_Firing]:
        """What would fire by provisional data, where the official ones have ended."""
        known = {
            market: calendar.with_provisional()
            for market, calendar in self.official.calendars.items()
        }
        here = self.official._replace(calendars=known)
        rule = timing(self.campaign.schedule, here)
        if rule is None:
            return []
        came, _unknown = _known_firings(rule, since, self.now)
        return [_Firing(at, rule, here, at == came[-1], True) for at in came]

    def _settled(self, firing: _Firing) -> Fired:
        found = occurrence_at(self.campaign, firing.rule, firing.at, firing.here)
        key = _fallback_key(firing) if isinstance(found, Blocked) else found.key
        with self.database.reading() as conn:
            existing = runs.revised(conn, self.name, key)
        if existing is not None:
            return self._known(firing, key, int(existing["id"]))
        schedule = self.campaign.schedule
        if getattr(schedule, "misfire", "") == "latest" and not firing.last:
            return self._missed(firing, found, key, _because(Missed.OVERTAKEN))
        start = self._start(firing, found)
        if self.now - firing.at > self.late_limit:
            why = _because(Missed.LATE)
            if isinstance(start, _Obstacle) and start.reason is not Missed.STALE:
                why = start
            return self._missed(firing, found, key, why)
        if isinstance(start, Due):
            return self._opened(firing, start)
        if start.reason is Missed.STALE:
            return self._missed(firing, found, key, start)
        return Fired(self.name, key, firing.at, "blocked", None, start.sentence)

    def _start(self, firing: _Firing, found: Occurrence | Blocked) -> Due | _Obstacle:
        """What the run would be opened with, or what stands in its way."""
        if isinstance(found, Blocked):
            return _blocked(found)
        if firing.provisional:
            return _because(Missed.PROVISIONAL)
        with self.database.reading() as conn:
            due = prepare(conn, self.definition, found.key, self.now)
        if isinstance(due, Blocked):
            return _blocked(due)
        if min(found.expires_at, due.occurrence.expires_at) <= self.now:
            return _because(Missed.STALE)
        if not due.values.approved:
            return _because(Missed.NOT_APPROVED)
        if due.occurrence.due_at > self.now:
            return _because(Missed.NOT_DUE)
        return due

    # --- what goes on record ---------------------------------------------------------------

    def _opened(self, firing: _Firing, due: Due) -> Fired:
        try:
            run, fresh = open_run(self.database, due, self.actor, self.now)
        except Overtaken:  # the next round finds what is true now
            return Fired(self.name, due.occurrence.key, firing.at, "blocked", None, OVERTAKEN)
        if not fresh:
            return self._known(firing, due.occurrence.key, run)
        said = Sentence(f"run {run} is opened", f"已开启批次 {run}")
        return Fired(self.name, due.occurrence.key, firing.at, "opened", run, said)

    def _known(self, firing: _Firing, key: str, run: int) -> Fired:
        said = Sentence(f"run {run} has it already", f"批次 {run} 已包含此期次")
        return Fired(self.name, key, firing.at, "known", run, said)

    def _missed(
        self, firing: _Firing, found: Occurrence | Blocked, key: str, why: _Obstacle
    ) -> Fired:
        over = firing.at + self.late_limit if isinstance(found, Blocked) else found.expires_at
        today = self.now.astimezone(self.definition.zone).date()
        occurrence = Occurrence(key, firing.at, over)
        values = RunValues(key, firing.at, over, today.year, approved=False, constants={})
        due = Due(self.definition, occurrence, values, None)
        run, fresh = open_run(self.database, due, self.actor, self.now, missed=why.reason)
        if not fresh:
            return self._known(firing, key, run)
        return Fired(self.name, key, firing.at, "missed", run, why.sentence)


def _known_firings(
    rule: Timing, since: datetime, until: datetime
) -> tuple[list[datetime], Sentence | None]:
    """The firings in between as far as the calendar tells, and why it tells no further."""
    came: list[datetime] = []
    try:
        for at in firings(rule, since, until):
            came.append(at)  # one by one: what was told before the error counts
    except CalendarCoverageError as error:
        return came, error.sentence
    return came, None


def _because(reason: Missed) -> _Obstacle:
    return _Obstacle(reason, reason.sentence)


def _blocked(found: Blocked) -> _Obstacle:
    reason = Missed.CALENDAR if found.code == "calendar" else Missed.NOTHING_DUE
    return _Obstacle(reason, found.sentence)


def _fallback_key(firing: _Firing) -> str:
    """What to call a firing whose occurrence cannot be told: its closure where that is known, else
    its day."""
    day = firing.rule.day_of(firing.at)
    if isinstance(firing.rule, SessionsBeforeClosure):
        return firing.rule.closure_of(day).key
    return day.isoformat()
