"""A year of two schedulers on a pretended clock: every occurrence once, as a run or as missed."""

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from outreach import verify
from outreach.core.campaign import ByHand, Campaign, DailyAt, OnMarketEvent, Timed
from outreach.core.market import CalendarDay, Coverage
from outreach.feeds import calendar_file
from outreach.project.definition import define
from outreach.project.load import load_project
from outreach.service import Service
from outreach.service.definitions import Definitions
from outreach.store import calendars, marks, runs
from outreach.store.database import Database
from tests.fired_project import SHANGHAI, at
from tests.service_engine import opener

ROOT = Path(__file__).parents[1]
FIRST, END = at("2026-01-01 00:00"), at("2027-01-01 00:00")
# The two sessions before each closure of 2026, from the exchanges' notices: the notice goes out
# after the close of the first of them. That of New Year 2026 was due in 2025.
CLOSURES = {
    "CN_A-2026-02-15": "2026-02-12 15:30",
    "CN_A-2026-04-04": "2026-04-02 15:30",
    "CN_A-2026-05-01": "2026-04-29 15:30",
    "CN_A-2026-06-19": "2026-06-17 15:30",
    "CN_A-2026-09-25": "2026-09-23 15:30",
    "CN_A-2026-10-01": "2026-09-29 15:30",
    "CN_A-2027-01-01": "2026-12-30 15:30",
}
# New Year's Day, spring festival, Labour Day and National Day push the first session back.
FIRST_SESSIONS = (
    "2026-01-05", "2026-02-02", "2026-03-02", "2026-04-01", "2026-05-06", "2026-06-01",
    "2026-07-01", "2026-08-03", "2026-09-01", "2026-10-08", "2026-11-02", "2026-12-01",
)  # fmt: skip
# Fridays of 2026 without a session.
NO_DIGEST = {"2026-01-02", "2026-02-20", "2026-05-01", "2026-06-19", "2026-09-25", "2026-10-02"}


def days_of_2026() -> Iterator[date]:
    day = FIRST.date()
    while day < END.date():
        yield day
        day += timedelta(days=1)


def moments(name: str, campaign: Campaign) -> dict[str, datetime]:
    """Every occurrence a shipped campaign has in 2026 and when it fires, told without its rule."""
    match campaign.schedule:
        case ByHand() | OnMarketEvent():
            return {}
        case DailyAt(at=hour) if campaign.schedule.on == "daily":
            return {f"{day}": _on(day, hour) for day in days_of_2026()}
    if campaign.schedule.on == "client_event":
        return {f"{day}": _on(day, campaign.schedule.at) for day in days_of_2026()}
    if name == "closure-notice":
        return {key: at(moment) for key, moment in CLOSURES.items()}
    if name == "dormant-reminder":
        return {day: at(f"{day} 10:00") for day in FIRST_SESSIONS}
    if name == "research-digest":
        fridays = (f"{day}" for day in days_of_2026() if day.isoweekday() == 5)
        return {day: at(f"{day} 16:00") for day in fridays if day not in NO_DIGEST}
    pytest.fail(f"{name} is new: write here when it fires in 2026")


def _on(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, SHANGHAI)


def expected(
    campaign: Campaign, fires: dict[str, datetime], rounds: Sequence[datetime]
) -> dict[str, str]:
    """Whether each becomes a run, from the moments at which any scheduler looked."""
    schedule = campaign.schedule
    assert isinstance(schedule, Timed)
    found = {}
    in_order = sorted(fires.items(), key=lambda item: item[1])
    for place, (key, moment) in enumerate(in_order):
        seen = next((one for one in rounds if one >= moment), None)
        if seen is None:
            continue
        later = [other for _, other in in_order[place + 1 :] if other <= seen]
        limit = min(schedule.latest_by, timedelta(seconds=60))
        limit = limit if schedule.misfire == "skip" else schedule.latest_by
        overtaken = schedule.misfire == "latest" and later
        found[key] = "missed" if overtaken or seen - moment > limit else "run"
    return found


class Killed(BaseException):
    """The process of a scheduler ends here."""


@dataclass
class Year:
    """The shipped project, two schedulers on one database, and a clock that jumps."""

    database: Database
    folder: Path
    chance: random.Random
    pace: int  # how far rounds lie apart: a server's are slower to make than a file's
    now: datetime = FIRST
    rounds: list[datetime] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)
    restarts: int = 0

    def set_up(self) -> None:
        for name in ("config.toml", "campaigns", "templates"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.folder / name)
        shipped = calendar_file.shipped()
        with self.database.begin() as tx:
            calendars.save(tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=FIRST)
        project, _ = load_project(self.folder / "config.toml")
        assert project is not None
        self.campaigns = project.campaigns
        # Read once for all: to read it again with every restart takes most of the time.
        self.definitions = Definitions(self.folder / "config.toml", _silent)
        for name in project.campaigns:
            digest = define(project, name).approval_digest
            with self.database.begin() as tx:
                runs.approve(tx, name, digest, "li.m", FIRST, action="approve", note="")

    def next_year_is_published(self) -> None:
        """New Year's Day is a holiday by law; the rest of this week is invented."""
        source = "made for this test"
        span = Coverage("CN_A", date(2027, 1, 1), date(2027, 1, 8), "official", source)
        day = CalendarDay(
            "CN_A",
            date(2027, 1, 1),
            "closed",
            name_zh="元旦",
            name_en="New Year",
            source_ref=source,
        )
        with self.database.begin() as tx:
            calendars.save(tx, [span], [day], entered_by="clerk", entered_at=self.now)

    def service(self, name: str) -> Service:
        """A scheduler; a new process where the last one of this name ended."""
        if name not in self.services:
            self.restarts += 1
            self.services[name] = Service(
                self.database, self.definitions, lambda: self.now, _silent,
                opener(self.database, lambda: self.now, owner=name), actor=name,
                trusts_clock=True, lanes=Nobody(),
            )  # fmt: skip
        return self.services[name]

    def round(self, name: str, dies: bool) -> None:
        """One round of one scheduler; `dies` at its next step in the database."""
        self.rounds.append(self.now)
        if not dies:
            self.service(name).round(self.now)
            return
        with pytest.MonkeyPatch.context() as patch:
            room, step = self.chance.choice([(runs, "open_run"), (marks, "move")])
            patch.setattr(room, step, _killed)
            try:
                self.service(name).round(self.now)
            except Killed:
                if room is runs:  # it ended before its first run, so nothing has come of it
                    self.rounds.pop()
                del self.services[name]

    def live(self) -> None:
        """Both schedulers look at irregular moments; now and then neither is there for days."""
        pauses = sorted(self.chance.sample(range(20, 345), 6))
        published = False
        while self.now < END:
            step = self.chance.choice([20, 3_600, 43_200, 86_400, 160_000]) * self.pace
            self.now += timedelta(seconds=self.chance.uniform(1, step))
            if pauses and self.now > FIRST + timedelta(days=pauses[0]):
                pauses.pop(0)
                self.now += timedelta(days=self.chance.uniform(0.5, 9))
                self.services.clear()
            if not published and self.now > at("2026-12-20 00:00"):
                published = True
                self.next_year_is_published()
            if self.now >= END:
                break
            for name in self.chance.choice([("a",), ("b",), ("b", "a")]):
                self.round(name, self.chance.random() < 0.02)
        self.now = END
        self.round("a", dies=False)


def _silent(event: str, **facts: object) -> None:
    assert event not in ("round_failed", "campaign_failed", "database_trouble"), facts


def _killed(*given: object, **more: object) -> None:
    raise Killed


class Nobody:
    """Runs are opened and wait."""

    def offer(self, urgent: Sequence[int], others: Sequence[int]) -> None: ...


@pytest.mark.parametrize("seed", [2026])
def test_a_year_of_two_schedulers_gives_every_occurrence_once(
    database: Database, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    year = Year(database, tmp_path, chance, pace=2 if database.sqlite else 3)
    year.set_up()
    year.round("a", dies=False)

    year.live()

    told = {
        name: expected(campaign, fires, year.rounds)
        for name, campaign in year.campaigns.items()
        if (fires := moments(name, campaign))
    }
    with database.reading() as conn:
        rows = runs.listing(conn, limit=10_000)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        of_campaign = found.setdefault(row["campaign"], {})
        assert row["occurrence"] not in of_campaign
        of_campaign[row["occurrence"]] = "missed" if row["state"] == "missed" else "run"
    assert found == told
    states = [state for keys in told.values() for state in keys.values()]
    assert states.count("missed") > 20
    assert states.count("run") > 60
    assert year.restarts > 5
    assert verify.verify(database).ok
