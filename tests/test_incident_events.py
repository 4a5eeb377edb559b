"""Steps of incidents as a scheduler meets them: told once, in time, ahead of everything else."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outreach import dispatch, plan
from outreach.channels import ChannelUnavailable
from outreach.core.incident import Facts, Incident, Kind
from outreach.core.incident_words import STATUSES
from outreach.core.model import Message
from outreach.core.occurrence import Blocked
from outreach.engine import local
from outreach.project.config import Config
from outreach.project.definition import Definition, define
from outreach.service import Opened, Service
from outreach.service.definitions import Definitions
from outreach.service.lanes import Threads
from outreach.store import incidents, runs
from outreach.store.database import Database
from tests.fired_project import Fires, at, put_schedule
from tests.service_engine import opener
from tests.small_run import KEY, Gateway, client
from tests.store.client_book import add

ROOT = Path(__file__).parents[1]
CAMPAIGN = "incident-notice"
ID = "INC-2026-0001"
FIRST = Facts(
    ("login",), at("2026-09-28 09:41"), STATUSES["slow"], next_update_by=at("2026-09-28 10:15")
)
LATER = replace(FIRST, status=STATUSES["partly-back"], next_update_by=at("2026-09-28 10:45"))
NINE_45 = at("2026-09-28 09:45")
DEADLINE = 120.0  # seconds; far more than anything here takes


@dataclass
class Served:
    """A service on the small project with the shipped texts of incidents, and three clients."""

    fires: Fires
    now: datetime = NINE_45
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        for name in (f"campaigns/{CAMPAIGN}.toml", f"templates/{CAMPAIGN}"):
            source, target = ROOT / name, self.fires.folder / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        self.service = self.another("here:1:1")

    @property
    def database(self) -> Database:
        return self.fires.database

    @property
    def definition(self) -> Definition:
        return define(self.fires.project, CAMPAIGN)

    def another(self, owner: str) -> Service:
        """A further scheduler on the same database."""
        return Service(
            self.database,
            Definitions(self.fires.folder / "config.toml", self.say),
            lambda: self.now,
            self.say,
            self.engines(owner),
            trusts_clock=True,
        )

    def engines(self, owner: str) -> Callable[[Config], Opened]:
        """Engines with windows large enough for thousands of clients."""
        small = opener(
            self.database, lambda: self.now, owner, self.gateways, self.stop.is_set
        )  # fmt: skip

        def opened(config: Config) -> Opened:
            engine = small(config).engine
            return Opened(replace(engine, sending=replace(engine.sending, window=50)), lambda: None)

        return opened

    def say(self, event: str, **facts: Any) -> None:
        self.said.append((event, facts))

    def at(self, moment: str) -> None:
        """A round at a moment of the day."""
        self.now = at(f"2026-09-28 {moment}")
        self.service.round(self.now)

    def opened(self, moment: str = "09:45", facts: Facts = FIRST) -> Incident:
        """Put an incident on record, as `incident open --no-wait` does."""
        when = at(f"2026-09-28 {moment}")
        with self.database.begin() as tx:
            return incidents.open_incident(
                tx, "active-clients", facts, CAMPAIGN, when, "li.na", year=2026
            )

    def follows(self, one: Incident, kind: Kind, facts: Facts, moment: str) -> Incident:
        when = at(f"2026-09-28 {moment}")
        with self.database.begin() as tx:
            return incidents.add_step(tx, one, kind, facts, CAMPAIGN, when, "li.na")

    def rows(self) -> list[tuple[str, str, str | None]]:
        return [row for row in self.fires.rows() if row[0].startswith("INC")]

    def texts(self) -> list[str]:
        return [one.parts[0] for gateway in self.gateways.values() for one in gateway.sent]


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Served:
    fires = Fires(database, tmp_path)
    served = Served(fires)
    fires.approve("2026-09-28 08:00", CAMPAIGN)
    with database.begin() as tx:
        add(tx, [client(n) for n in (1, 2, 3)])
    return served


# --- told once, in time ----------------------------------------------------------------------


def test_a_step_on_record_is_told_by_the_scheduler_once(served: Served) -> None:
    served.opened()
    served.at("09:46")
    served.at("09:47")
    served.another("there:2:2").round(served.now)

    assert served.rows() == [(f"{ID}.1", "finished", None)]
    assert len(served.texts()) == 3
    assert [event for event, _ in served.said] == ["opened", "worked"]


def test_a_step_that_was_overtaken_before_it_was_told_is_on_record_as_missed(
    served: Served,
) -> None:
    served.follows(served.opened(), Kind.UPDATE, LATER, "10:14")
    served.at("10:14:05")

    assert served.rows() == [(f"{ID}.1", "missed", "overtaken"), (f"{ID}.2", "finished", None)]
    assert all("进展" in text for text in served.texts())


def test_a_notice_is_stale_half_an_hour_after_the_promised_update(served: Served) -> None:
    served.opened()
    served.at("10:45")

    assert served.rows() == [(f"{ID}.1", "missed", "stale")]
    assert served.texts() == []


def test_it_is_still_told_before_that(served: Served) -> None:
    served.opened()
    served.at("10:44")

    assert served.rows() == [(f"{ID}.1", "finished", None)]


def test_without_approval_it_waits_and_is_missed_for_that(served: Served) -> None:
    digest = served.definition.approval_digest
    with served.database.begin() as tx:
        runs.approve(tx, CAMPAIGN, digest, "li.m", served.now, action="revoke", note="")
    served.opened()
    served.at("09:46")
    served.at("10:45")

    assert [event for event, _ in served.said] == ["blocked", "missed"]
    assert served.rows() == [(f"{ID}.1", "missed", "not_approved")]


def test_what_could_not_be_sent_in_time_expires_with_its_reason(served: Served) -> None:
    served.opened()

    def down() -> None:
        raise ChannelUnavailable("sms-file: the gateway does not answer")

    served.service.definitions.refresh()
    for name in ("sms-file", "mail-file"):
        served.gateways[name] = Gateway(served.fires.project.config.senders[name].channel, 3)
        served.gateways[name].before = down
    served.at("09:46")
    for gateway in served.gateways.values():
        gateway.before = lambda: None
    served.at("10:46")

    with served.database.reading() as conn:
        assert runs.counts(conn, 1)["state"] == {"expired": 3}
    assert served.texts() == []


def test_a_new_step_stops_the_run_of_the_one_before(served: Served) -> None:
    one = served.opened()
    with served.database.reading() as conn:
        due = plan.prepare(conn, served.definition, f"{ID}.1", served.now)
    assert isinstance(due, plan.Due)
    plan.open_run(served.database, due, "li.na", served.now)
    served.follows(one, Kind.UPDATE, LATER, "10:14")
    served.at("10:14:05")

    with served.database.reading() as conn:
        first = runs.load(conn, 1)
    assert first is not None
    assert (first["state"], first["superseded_by"]) == ("superseded", 2)
    assert all("进展" in text for text in served.texts())


def test_a_run_prepared_before_a_newer_step_is_not_opened_after_it(served: Served) -> None:
    one = served.opened()
    with served.database.reading() as conn:
        due = plan.prepare(conn, served.definition, f"{ID}.1", served.now)
    assert isinstance(due, plan.Due)
    served.follows(one, Kind.UPDATE, LATER, "10:14")

    with pytest.raises(plan.Overtaken):
        plan.open_run(served.database, due, "li.na", served.now)
    assert served.rows() == []


@pytest.mark.parametrize("key", ["INC-2026-0001.9", "INC-2026-0009.1", "2026-09-28", None])
def test_a_key_that_names_no_step_is_answered_with_a_sentence(
    served: Served, key: str | None
) -> None:
    served.opened()
    served.at("09:46")
    with served.database.reading() as conn:
        found = plan.prepare(conn, served.definition, key, served.now)

    assert isinstance(found, Blocked)
    assert found.sentence.zh


# --- ahead of everything else ----------------------------------------------------------------


@contextmanager
def bulk(served: Served, clients: int) -> Iterator[None]:
    """A daily notice to thousands, due now, beside the incident."""
    put_schedule(served.fires.folder, 'on = "daily"\nat = 09:44:00\nmax_late = "6h"')
    served.fires.approve("2026-09-28 08:00")
    with served.database.begin() as tx:
        add(tx, [client(n) for n in range(4, clients + 1)])
    served.at("09:43")  # it is followed from now on
    yield


def is_incident(message: Message) -> bool:
    return "INC-2026" in message.parts[0]


def watched(served: Served, on_window: Callable[[int], None]) -> list[bool]:
    """Gateways that note in one list, in order, whether each message tells of the incident, and
    call `on_window` before each window with how many went before."""
    order: list[bool] = []
    for name, sender in served.fires.project.config.senders.items():
        gateway = Gateway(sender.channel, 50)
        gateway.before = lambda: on_window(len(order))
        gateway.script = _noting(order)
        served.gateways[name] = gateway
    return order


def _noting(order: list[bool]) -> Callable[[Message], None]:
    def note(message: Message) -> None:
        order.append(is_incident(message))

    return note


CLIENTS = 2_000


def test_opened_while_a_bulk_run_is_under_way_it_goes_out_before_the_rest(served: Served) -> None:
    """One process and one thread, as `outreach incident open` beside a run: at the third window of
    the bulk run an incident is opened and worked, and the bulk run goes on afterwards."""
    windows = 0

    def on_window(sent: int) -> None:
        nonlocal windows
        windows += 1
        if windows != 3:
            return
        served.opened("09:44")
        with served.database.reading() as conn:
            due = plan.prepare(conn, served.definition, f"{ID}.1", served.now)
        assert isinstance(due, plan.Due)
        run, _ = plan.open_run(served.database, due, "li.na", served.now)
        local.work(served.engines("here:2:2")(served.fires.project.config).engine, run)

    with bulk(served, CLIENTS):
        order = watched(served, on_window)
        served.at("09:45")

    first, last = order.index(True), len(order) - order[::-1].index(True)
    assert order.count(True) == order.count(False) == CLIENTS
    assert order[first:last] == [True] * CLIENTS, "nothing of the bulk run in between"
    assert first == 100


def test_in_one_queue_urgent_batches_are_taken_before_the_rest_of_the_bulk_run(
    served: Served,
) -> None:
    """One sender for whatever is due: the batch in its hands is finished, then the incident."""
    with bulk(served, 600):
        order = watched(served, lambda sent: None)
        sender = served.engines("here:3:3")(served.fires.project.config).engine.sending
        notice = define(served.fires.project, "notice")
        _planned(served, notice, None)
        tally = dispatch.Tally()
        assert dispatch.work(sender, None, tally)  # one batch of the bulk run
        served.opened("09:44")
        _planned(served, served.definition, f"{ID}.1")
        dispatch.drain(sender, None, tally)

    assert order == [False] * 100 + [True] * 600 + [False] * 500


def _planned(served: Served, definition: Definition, key: str | None) -> None:
    """Open a run and plan it to the end."""
    with served.database.reading() as conn:
        due = plan.prepare(conn, definition, key, served.now)
    assert isinstance(due, plan.Due)
    run, _ = plan.open_run(served.database, due, "li.na", served.now)
    plan.work(served.database, run, KEY, lambda: served.now, 100, lambda done: None)


def test_with_two_lanes_it_does_not_wait_for_the_bulk_run(served: Served) -> None:
    """As `outreach serve` works: the lane of the bulk run stands still in a gateway until the
    incident is told to the last client."""
    told, begun = threading.Event(), threading.Event()
    lane: list[str] = []

    def on_window(sent: int) -> None:
        name = threading.current_thread().name
        if name.startswith("bulk") and sent >= 100 and (not lane or name in lane):
            lane.append(name)
            begun.set()
            assert told.wait(DEADLINE), "the incident waited for the bulk run"

    with bulk(served, CLIENTS):
        order = watched(served, on_window)
        lanes = Threads(served.service, served.stop)
        served.service.lanes = lanes
        try:
            served.at("09:45")
            assert begun.wait(DEADLINE), "the bulk run never began"
            before = len(order)
            served.opened("09:45")
            served.at("09:45:10")
            assert until(lambda: order.count(True) == CLIENTS), "it was not told to everybody"
            during = order[before:]
            told.set()
            assert until(lambda: order.count(False) == CLIENTS)
        finally:
            told.set()
            served.stop.set()
            lanes.close()

    assert during == [True] * CLIENTS


def until(so: Callable[[], bool]) -> bool:
    """Wait for something to be so."""
    waited = threading.Event()
    end = datetime.now().astimezone() + timedelta(seconds=DEADLINE)
    while not so():
        if datetime.now().astimezone() > end:
            return False
        waited.wait(0.01)
    return True
