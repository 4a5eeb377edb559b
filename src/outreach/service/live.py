"""The service on the real clock: a round every few seconds, and APScheduler wakes it at each firing
besides."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from outreach.core.fault import place_of
from outreach.core.schedule import Timing
from outreach.core.timetable import MICROSECOND, Here, markets_of, timing
from outreach.service.due import is_due
from outreach.service.lanes import Threads
from outreach.service.rounds import Service
from outreach.store import calendars
from outreach.store.database import DatabaseProblem

# How often triggers are held against the calendars, which an import may have changed.
LOOK_AGAIN: Final = timedelta(minutes=1)
# What is due is found from marks in the database, so a late wake-up is as good as one in time, and
# none may be dropped.
JOB_DEFAULTS: Final = {"misfire_grace_time": None, "coalesce": False, "max_instances": 1}


class RuleTrigger(BaseTrigger):  # type: ignore[misc]
    """A schedule rule as APScheduler asks for it."""

    def __init__(self, rule: Timing) -> None:
        self.rule = rule

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The next instant; None when there is none, or the calendar does not tell."""
        try:
            return self.rule.next_after(previous_fire_time or now - MICROSECOND)
        except Exception:  # would end the scheduler's thread; the rounds fire it, or say why not
            return None


class Live:
    """A service that runs until it is asked to stop."""

    def __init__(
        self, service: Service, stop: threading.Event, every: float, *, pretended: bool
    ) -> None:
        # APScheduler warns by itself; what happens is said by the service.
        logging.getLogger("apscheduler").addHandler(logging.NullHandler())
        logging.getLogger("apscheduler").propagate = False
        self._service, self._stop = service, stop
        self._pretended = pretended  # APScheduler has the real clock: its wake-ups would be wrong
        self._round = threading.Lock()
        self._every = every
        self._look_at: datetime | None = None
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=JOB_DEFAULTS)
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED)

    def run(self) -> None:
        """Serve until `stop` is set, then finish what is in hand."""
        threads = Threads(self._service, self._stop)
        self._service.lanes = threads
        self._scheduler.start()
        # By a clock that nobody sets: APScheduler sleeps until a moment, and when the clock is put
        # back a day meanwhile, it sleeps a day longer.
        self._wake()
        while not self._stop.wait(self._every):
            self._wake()
        self._service.say("stopping")
        self._scheduler.shutdown(wait=True)
        threads.close()
        self._service.close()
        self._service.say("stopped")

    def _wake(self) -> None:
        """One round. One that breaks off says why; the next is a few seconds away."""
        with self._round:
            if self._stop.is_set():
                return
            try:
                self._look(self._service.clock())
            except Exception as error:
                # Not what it says: a database's words may hold a client's.
                self._service.say("round_failed", error=type(error).__name__, at=place_of(error))

    def _look(self, now: datetime) -> None:
        self._service.round(now)
        if not self._pretended and is_due(self._look_at, now, LOOK_AGAIN):
            self._look_at = now + LOOK_AGAIN
            self._set_triggers(now)

    def _set_triggers(self, now: datetime) -> None:
        """A job for each campaign that fires by the clock, at the moment it fires next."""
        try:
            wanted = {f"campaign {name}": rule for name, rule in self._rules().items()}
        except DatabaseProblem:
            return  # the next round says so
        for job in self._scheduler.get_jobs():
            if job.id not in wanted:
                job.remove()
        for name, rule in wanted.items():
            trigger, job = RuleTrigger(rule), self._scheduler.get_job(name)
            fires_at = trigger.get_next_fire_time(None, now)
            if job is not None and job.next_run_time != fires_at:
                job.remove()
                job = None
            if job is None and fires_at is not None:
                self._scheduler.add_job(self._wake, trigger, id=name)

    def _rules(self) -> dict[str, Timing]:
        found: dict[str, Timing] = {}
        for project, names in self._service.definitions.by_project():
            firm = project.config.firm
            followed = {name: project.campaigns[name] for name in names}
            markets = {m for one in followed.values() for m in markets_of(one, firm.market)}
            with self._service.database.reading() as conn:
                known = {market: calendars.load(conn, market) for market in markets}
            here = Here(ZoneInfo(firm.zone), firm.market, known)
            for name, campaign in followed.items():
                rule = timing(campaign.schedule, here) if campaign.enabled else None
                if rule is not None:
                    found[name] = rule
        return found

    def _missed(self, event: JobExecutionEvent) -> None:
        self._service.say("wake_up_missed", job=event.job_id)
