"""What is coming: every firing of every campaign, for how many clients, and what stands in its way.

Reads only. Days beyond the official calendar are looked up in the provisional one and marked so:
provisional data plan, and never send.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core.campaign import (
    AfterClientEvent,
    Campaign,
    OnClosure,
    OnHalt,
    OnMarketEvent,
    OnMarketMove,
    Timed,
)
from outreach.core.closure_told import only_those
from outreach.core.market_words import Watched
from outreach.core.occurrence import Blocked, Occurrence
from outreach.core.schedule import Once, Timing
from outreach.core.segment import Segment
from outreach.core.sources import Source
from outreach.core.timetable import Here, firings, markets_of, occurrence_at, timing
from outreach.core.trading_calendar import CalendarCoverageError
from outreach.core.words import Sentence
from outreach.project.check_campaigns import check_campaigns
from outreach.project.definition import define
from outreach.project.load import Project
from outreach.store import audience, calendars, closures_told, feeds, halts, moves, runs


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a firing would send nothing as things stand."""

    code: Literal[
        "faulty", "disabled", "not_approved", "calendar", "provisional", "occurrence", "over",
        "halt_feed_stale",
    ]  # fmt: skip
    sentence: Sentence


_OVER: Final = Obstacle("over", Sentence("its moment has passed", "其时点已过"))


@dataclass(frozen=True, slots=True)
class Coming:
    """A firing, or what a campaign waits for instead: an event, a person, or a calendar.

    One that waits for a time and has no `fires_at` has none in the period. `day` is the schedule's
    own day; `run` a run that has this occurrence already.
    """

    campaign: str
    waits_for: Literal["time", "market_event", "hand", "calendar"]
    obstacles: tuple[Obstacle, ...]
    clients: int | None = None
    fires_at: datetime | None = None
    day: date | None = None
    occurrence: str | None = None
    run: int | None = None
    watched: tuple[Watched, ...] = ()  # the conditions of a market move


def coming(conn: Connection, project: Project, now: datetime, until: datetime) -> list[Coming]:
    """Everything that fires later than `now` and not later than `until`, then what has no time."""
    firm, faults = project.config.firm, _faults(project)
    sound = {name: one for name, one in project.campaigns.items() if name not in faults}
    markets = {market for one in sound.values() for market in markets_of(one, firm.market)}
    known = {market: calendars.load(conn, market) for market in markets}
    official = Here(ZoneInfo(firm.zone), firm.market, known)
    rows = [Coming(name, "hand", (Obstacle("faulty", said),)) for name, said in faults.items()]
    for name, campaign in sound.items():
        rows += _Agenda(conn, project, name, campaign, official, now, until).rows()
    return sorted(rows, key=lambda row: (row.fires_at is None, row.fires_at or now, row.campaign))


def asked(conn: Connection, project: Project, segment: Segment, now: datetime) -> audience.Asked:
    """What a segment is asked against at this moment, outside any run."""
    zone = ZoneInfo(project.config.firm.zone)
    today = now.astimezone(zone).date()
    lists = {file: project.client_numbers(file) for file in segment.list_files}
    if not segment.asks_for_halts:
        return audience.Asked(today, lists)
    securities = {(one.market, one.symbol) for one in halts.in_force(conn, now)}
    return audience.Asked(today, lists, securities, audience.newest_holdings(conn))


def _faults(project: Project) -> Mapping[str, Sentence]:
    """Campaigns that `check` refuses, with the first line it says of each."""
    names = {file.name: campaign for campaign, file in project.campaign_files.items()}
    found: dict[str, Sentence] = {}
    for problem in sorted(check_campaigns(project)):
        if problem.severity == "error" and problem.file in names:
            line = f"{problem.key}: {problem.wrong}, {problem.write}"
            found.setdefault(names[problem.file], Sentence(line, line))
    return found


@dataclass
class _Agenda:
    """One campaign's part of it."""

    conn: Connection
    project: Project
    name: str
    campaign: Campaign
    official: Here
    now: datetime
    until: datetime

    def rows(self) -> Iterator[Coming]:
        schedule, standing = self.campaign.schedule, tuple(self._standing())
        forecast = self.official._replace(
            calendars={
                market: calendar.with_provisional()
                for market, calendar in self.official.calendars.items()
            }
        )
        yield from self._corrections(standing)
        rule = timing(schedule, forecast)
        if rule is None:
            waits: Literal["market_event", "hand"] = (
                "market_event" if isinstance(schedule, OnMarketEvent) else "hand"
            )
            row = Coming(self.name, waits, (*standing, *self._stale()), self._count())
            yield replace(row, watched=tuple(self._watched()))
            return
        clients, quiet = self._clients_by_day(), True
        try:
            for fires_at in firings(rule, self.now, self.until):
                quiet = False
                yield self._firing(rule, fires_at, forecast, standing, clients)
            if quiet:
                over = (_OVER,) if isinstance(rule, Once) and rule.floor(self.now) else ()
                yield Coming(self.name, "time", (*standing, *over))
        except CalendarCoverageError as error:
            behind = Obstacle("calendar", error.sentence)
            yield Coming(self.name, "calendar", (*standing, behind))

    def _corrections(self, standing: tuple[Obstacle, ...]) -> Iterator[Coming]:
        """Closures that were told with dates no longer true: due at once."""
        rule = self.campaign.occurrence
        if not isinstance(rule, OnClosure):
            return
        by_itself = isinstance(self.campaign.schedule, Timed)
        calendars = self.official.calendars
        for one in closures_told.owed(self.conn, self.name, rule, calendars, self.now):
            if one.key is not None:
                yield Coming(
                    self.name, "time" if by_itself else "hand", standing,
                    self._count(only_those(one.told)), self.now if by_itself else None,
                    occurrence=one.key,
                )  # fmt: skip

    def _stale(self) -> Iterator[Obstacle]:
        """The markets whose alerts would wait, since nobody told lately of their halts."""
        rule = self.campaign.occurrence
        if not isinstance(rule, OnHalt):
            return
        oldest = self.now - timedelta(hours=rule.max_age_hours)
        known = feeds.freshness(self.conn, rule.markets)
        stale = [market for market, as_of in known.items() if as_of is None or as_of < oldest]
        if stale:
            hours = rule.max_age_hours
            yield Obstacle(
                "halt_feed_stale",
                Sentence(
                    f"alerts about {', '.join(stale)} would wait: no whole file told of halts there"
                    f" in the last {hours} hours; outreach halts import FILE",
                    f"{'、'.join(stale)}的提醒将暂缓：最近 {hours} 小时没有完整的停复牌数据；"
                    "outreach halts import 文件",
                ),
            )

    def _watched(self) -> Sequence[Watched]:
        """Where the conditions of a market move stand, as far as the calendar tells."""
        move = self.campaign.occurrence
        if not isinstance(move, OnMarketMove):
            return ()
        try:
            return moves.watch(self.conn, self.name, move, self.now, self.official.zone)
        except CalendarCoverageError:
            return ()

    def _firing(
        self,
        rule: Timing,
        fires_at: datetime,
        forecast: Here,
        standing: tuple[Obstacle, ...],
        clients: "_Clients",
    ) -> Coming:
        found = occurrence_at(self.campaign, rule, fires_at, forecast)
        day = rule.day_of(fires_at)
        obstacles = [*standing]
        key = None
        if isinstance(found, Blocked):
            code: Literal["calendar", "occurrence"] = (
                "calendar" if found.code == "calendar" else "occurrence"
            )
            obstacles.append(Obstacle(code, found.sentence))
        else:
            key = found.key
            obstacles += self._forecast_only(fires_at, found)
        ran = runs.revised(self.conn, self.name, key) if key else None
        number = int(ran["id"]) if ran is not None else None
        return Coming(
            self.name, "time", tuple(obstacles), clients.on(day), fires_at, day, key, number
        )

    def _forecast_only(self, fires_at: datetime, found: Occurrence) -> Iterator[Obstacle]:
        """Nothing, where the official calendar says the same."""
        rule = timing(self.campaign.schedule, self.official)
        try:
            if rule is not None and rule.floor(fires_at) == fires_at:
                said = occurrence_at(self.campaign, rule, fires_at, self.official)
                if not isinstance(said, Blocked):
                    return
        except CalendarCoverageError:
            pass
        yield Obstacle(
            "provisional",
            Sentence(
                f"{found.key} rests on provisional calendar data; import the official calendar",
                f"{found.key} 依据的是暂定日历数据，请导入官方日历",
            ),
        )

    def _standing(self) -> Iterator[Obstacle]:
        """What stands in the way of every firing."""
        if not self.campaign.enabled:
            yield Obstacle(
                "disabled",
                Sentence(
                    "it is not enabled; set enabled = true in its file",
                    "活动未启用，请在文件中设置 enabled = true",
                ),
            )
        needed = self.project.config.approval.required_for
        if self.campaign.purpose not in needed:
            return
        digest = define(self.project, self.name).approval_digest
        if runs.standing_approval(self.conn, self.name, digest) is None:
            yield Obstacle(
                "not_approved",
                Sentence(
                    f"nobody has approved it as it stands: outreach approve {self.name} --as USER",
                    f"当前版本尚未审批：outreach approve {self.name} --as 审批人",
                ),
            )

    # --- for whom --------------------------------------------------------------------------

    def _count(self, only: Sequence[Source] = ()) -> int:
        segment = self.project.segment(self.campaign.segment)
        question = asked(self.conn, self.project, segment, self.now)
        return audience.count(self.conn, segment, replace(question, only=only))

    def _clients_by_day(self) -> "_Clients":
        schedule = self.campaign.schedule
        if not isinstance(schedule, AfterClientEvent):
            return _Clients(self._count())
        segment = self.project.segment(self.campaign.segment)
        back = timedelta(days=schedule.days)
        margin = timedelta(days=1)  # the schedule's clock may show another date than UTC
        by_day = audience.count_by_day(
            self.conn,
            segment,
            asked(self.conn, self.project, segment, self.now),
            schedule.event,
            self.now.date() - margin - back,
            self.until.date() + margin - back,
        )
        return _Clients(0, {day + back: n for day, n in by_day.items()})


@dataclass(frozen=True, slots=True)
class _Clients:
    """How many clients a firing is for: the whole segment, or those whose day it is."""

    whole: int
    by_day: Mapping[date, int] | None = None

    def on(self, day: date) -> int:
        return self.whole if self.by_day is None else self.by_day.get(day, 0)
