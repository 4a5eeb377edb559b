"""One round of the service: read changed files, fire what is due, take over, work what is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from outreach import plan
from outreach.core.campaign import Campaign
from outreach.engine import local
from outreach.engine.waiting import throttled, waiting_rows
from outreach.project.config import Config
from outreach.project.load import Project
from outreach.service.cases import Cases
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.service.feeds import Feeds
from outreach.service.mailboxes import Mailboxes
from outreach.service.reconciling import Reconciling
from outreach.store import marks, partitions, rates, runs
from outreach.store.database import Database, DatabaseProblem

# Beyond this, "now" means something else to us than to the other schedulers of this database.
DRIFT: Final = timedelta(seconds=2)
# How long a run is left alone after a sender gave up.
REST: Final = timedelta(minutes=1)
# How often a run that takes long because its senders are limited says so.
TELL: Final = timedelta(minutes=5)


class Opened(NamedTuple):
    """An engine with its channels, of one thread; `close` lets go of them."""

    engine: local.Local
    close: Callable[[], None]


class Lanes(Protocol):
    """Where runs are worked: here and now, or in threads of their own."""

    def offer(self, urgent: Sequence[int], others: Sequence[int]) -> None: ...


@dataclass
class Service:
    """A scheduler beside any number of others. `round` is all it does; who calls it, and how often,
    is another matter, so a test drives it through a year in seconds."""

    database: Database
    definitions: Definitions
    clock: Callable[[], datetime]
    say: Say
    open_engine: Callable[[Config], Opened]
    actor: str = "scheduler"
    jumped: Callable[[], timedelta | None] = lambda: None  # see clock.jumped
    trusts_clock: bool = False  # do not compare ours with the database's: ours is pretended
    lanes: Lanes | None = None  # None: runs are worked within the round
    feeds: Feeds | None = None  # None: files are taken in by other hands
    cases: Cases | None = None  # None: departments are called by other hands
    mailboxes: Mailboxes | None = None  # None: returned mail is read by other hands
    reconciling: Reconciling | None = None  # None: providers are asked by other hands
    hand_over: Callable[[], object] | None = None  # to workers; None: runs are worked here
    kept_open: Callable[[Config, bytes], None] | None = None  # told of the config with each round
    _bench: "Bench | None" = None
    _said: set[object] = field(default_factory=set)
    _failing: dict[str, str] = field(default_factory=dict)  # by campaign: what stopped its firing
    _resting: dict[int, datetime] = field(default_factory=dict)
    interruptions: dict[int, str] = field(default_factory=dict)
    _stopped: dict[int, frozenset[str]] = field(default_factory=dict)  # by run: why it stands still
    _urgent: dict[str, bool] = field(default_factory=dict)  # by digest of the campaign
    _troubled: bool = False
    _looked_ahead: date | None = None
    _asked: Config | None = None  # by which limits were asked again last

    def round(self, now: datetime) -> None:
        """Do what is due at `now`. Trouble with the database is said once and ends the round."""
        try:
            self._round(now)
        except DatabaseProblem as error:
            self._trouble(str(error))
            return
        if self._troubled:
            self._troubled = False
            self.say("database_back")

    def _round(self, now: datetime) -> None:
        self.definitions.refresh()
        if self.kept_open is not None:
            self.kept_open(self.definitions.config, self.definitions.source)
        if self._jumped() or self._drifts():
            return
        self._ask_limits()
        fired = [
            one
            for project, names in self.definitions.by_project()
            for one in self._fire(project, names, now)
        ]
        self._tell(fired)
        bench = self.bench
        if doubtful := local.take_over(bench.engine, None):
            self.say("in_doubt_after_crash", messages=doubtful)
        self._work(now)
        if self.feeds is not None:
            self.feeds.look(now)
        if self.cases is not None:
            self.cases.look(now)
        if self.mailboxes is not None:
            self.mailboxes.look(now)
        if self.reconciling is not None:
            self.reconciling.look(now)
        if self._looked_ahead != now.date():
            self._look_ahead(now)

    def _look_ahead(self, now: datetime) -> None:
        """Once a day, partitions of the coming months; a month that begins takes its rows."""
        kept = partitions.keep(self.database, now)
        self._looked_ahead = now.date()
        if kept.begun:
            self.say("month_begun", partitions=len(kept.begun))

    def _trouble(self, sentence: str) -> None:
        if not self._troubled:
            self._troubled = True
            self.say("database_trouble", problem=sentence)

    def _ask_limits(self) -> None:
        """A new config may have lifted a cap or hours that senders wait for."""
        config = self.definitions.config
        if self._asked != config:
            with self.database.begin() as tx:
                rates.ask_again(tx)
            self._asked = config

    def _jumped(self) -> bool:
        """Whether our clock jumped a moment ago: then nothing is begun."""
        by = self.jumped()
        if (by is not None) != ("jump" in self._said):
            self._said ^= {"jump"}
            told = {} if by is None else {"seconds": round(by.total_seconds())}
            self.say("clock_steady" if by is None else "clock_jumped", **told)
        return by is not None

    def _drifts(self) -> bool:
        """Whether the database's clock is another than ours: then nothing is fired."""
        if self.trusts_clock:
            return False
        with self.database.reading() as conn:
            drift = marks.drift(conn, self.clock)
        drifts = drift > DRIFT
        if drifts != ("drift" in self._said):
            self._said ^= {"drift"}
            seconds = round(drift.total_seconds(), 1)
            self.say("clock_drift" if drifts else "clock_agrees", seconds=seconds)
        return drifts

    # --- firing ----------------------------------------------------------------------------

    def _fire(self, project: Project, names: list[str], now: datetime) -> list[plan.Fired]:
        try:
            fired = plan.fire_due(self.database, project, now, self.actor, names)
        except DatabaseProblem:
            raise
        except Exception as error:  # one campaign must not keep the others from firing
            if len(names) > 1:
                return [one for name in names for one in self._fire(project, [name], now)]
            self._fails(names[0], type(error).__name__)
            return []
        for name in sorted(self._failing.keys() & set(names)):
            del self._failing[name]
            self.say("campaign_back", campaign=name)
        return fired

    def _fails(self, campaign: str, error: str) -> None:
        """Told when it begins, and again when it is another error."""
        if self._failing.get(campaign) != error:
            self._failing[campaign] = error
            self.say("campaign_failed", campaign=campaign, error=error)

    def _tell(self, fired: Sequence[plan.Fired]) -> None:
        """Each happening once; one that is blocked round after round is no news."""
        blocked = {one for one in fired if one.outcome == "blocked"}
        for one in fired:
            if one.outcome == "known" or one in self._said:
                continue
            language = self.definitions.config.language
            self.say(
                one.outcome, campaign=one.campaign, occurrence=one.key, fires_at=one.fires_at,
                run=one.run, why=one.sentence.in_(language),
            )  # fmt: skip
        self._said -= {one for one in self._said if isinstance(one, plan.Fired)}
        self._said |= blocked

    # --- working ---------------------------------------------------------------------------

    @property
    def bench(self) -> "Bench":
        if self._bench is None:
            self._bench = Bench(self)
        return self._bench

    def _work(self, now: datetime) -> None:
        if self.hand_over is not None:
            self.hand_over()
            return
        self._resting = {k: at for k, at in self._resting.items() if not is_due(at, now, REST)}
        with self.database.reading() as conn:
            due = [one for one in runs.with_work(conn, now) if one[0] not in self._resting]
            for _, digest in due:
                if digest not in self._urgent:
                    content = runs.thaw(conn, digest).content
                    self._urgent[digest] = Campaign.model_validate_json(content).urgent
        urgent = [run for run, digest in due if self._urgent[digest]]
        others = [run for run, digest in due if not self._urgent[digest]]
        if self.lanes is not None:
            self.lanes.offer(urgent, others)
            return
        for run in (*urgent, *others):
            self.bench.work(run)

    def stopped(self, run: int, lines: Sequence[str]) -> None:
        """A sender gave up, or none did. It is told once however often it is tried again."""
        for line in lines:
            if line not in self._stopped.get(run, ()):
                paused = line.startswith(f"run {run}: paused")
                self.say("run_paused" if paused else "sender_stopped", run=run, why=line)
        if lines:
            self._stopped[run] = frozenset(lines)
            self.rests(run)
        elif self._stopped.pop(run, None):
            self.say("sender_back", run=run)

    def interrupted(self, run: int, problem: str) -> None:
        """The database could not be worked with. The run goes on with the first round that can be
        made again, and meanwhile this is told once."""
        if self.interruptions.get(run) != problem:
            self.interruptions[run] = problem
            self.say("run_interrupted", run=run, problem=problem)

    def rests(self, run: int) -> None:
        """Leave a run alone for a while: a sender of it gave up."""
        self._resting[run] = self.clock() + REST

    def close(self) -> None:
        if self.feeds is not None:
            self.feeds.close()
        if self.cases is not None:
            self.cases.close()
        if self.mailboxes is not None:
            self.mailboxes.close()
        if self.reconciling is not None:
            self.reconciling.close()
        if self._bench is not None:
            self._bench.close()


class Bench:
    """One thread's engine; opened again when the config has changed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._config: Config | None = None
        self._opened: Opened | None = None

    @property
    def engine(self) -> local.Local:
        config = self._service.definitions.config
        if self._opened is None or self._config != config:
            self.close()
            self._config, self._opened = config, self._service.open_engine(config)
        return self._opened.engine

    def work(self, run: int) -> None:
        """Work one run as far as it goes now, and say what came of it."""
        service = self._service
        before = self._standing(run)
        ended = local.work(replace(self.engine, sent=self._slow(run)), run)
        after = self._standing(run)
        service.stopped(run, ended.stopped)
        service.interruptions.pop(run, None)
        if before != after:
            service.say("worked", run=run, **after, next_at=ended.next_at)

    def _slow(self, run: int) -> Callable[[int], None]:
        """Tells, as messages go, how long a run takes whose senders are limited; not too often."""
        service = self._service
        said: datetime | None = None

        def sent(_done: int) -> None:
            nonlocal said
            now = service.clock()
            if said is not None and now - said < TELL:
                return
            said, config = now, service.definitions.config
            with service.database.reading() as conn:
                rows = waiting_rows(config, conn, run, now)
            if words := throttled(rows, config.firm.zone):
                service.say("throttled", run=run, pace=words)

        return sent

    def _standing(self, run: int) -> dict[str, object]:
        with self._service.database.reading() as conn:
            found = runs.load(conn, run)
            states = runs.counts(conn, run).get("state", {})
        if found is None:
            return {}
        return {
            "campaign": found["campaign"],
            "occurrence": found["occurrence"],
            "state": found["state"],
            "audience": found["audience"],
            "messages": states,
        }

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None
