"""The letters to new investors as they ship: one client's 31 days, driven hour by hour."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from outreach.feeds import calendar_file
from outreach.project.definition import define
from outreach.project.load import load_project
from outreach.service import Service
from outreach.service.definitions import Definitions
from outreach.store import audit, calendars, consent, runs
from outreach.store.consent import NewEvent
from outreach.store.database import Database
from outreach.store.tables import client as client_table
from outreach.store.tables import decision, frequency_use, message, run
from tests.fired_project import SHANGHAI, at
from tests.service_engine import opener
from tests.small_run import Gateway, client
from tests.store.client_book import add

ROOT = Path(__file__).parents[1]
STEPS = {
    "new-investor-welcome": 0,
    "new-investor-trading-rules": 1,
    "new-investor-risk-types": 7,
    "new-investor-fraud-warning": 14,
    "new-investor-call-back": 30,
}
HOURS = (time(10), time(16, 30))
# The market is shut from 1 to 7 October 2026; 10 October is a working Saturday without a session.
OPENED = date(2026, 9, 30)


@dataclass
class Firm:
    """The shipped project with the letters to new investors alone, served day by day."""

    database: Database
    folder: Path
    now: datetime = datetime(2026, 9, 29, 9, tzinfo=SHANGHAI)
    gateways: dict[str, Gateway] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("config.toml", "campaigns", "templates"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.folder / name)
        for path in (self.folder / "campaigns").glob("*.toml"):
            if path.stem not in (*STEPS, "segments"):
                path.unlink()
        project, problems = load_project(self.folder / "config.toml")
        assert project is not None, problems
        assert set(project.campaigns) == set(STEPS)
        shipped = calendar_file.shipped()
        with self.database.begin() as tx:
            calendars.save(
                tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=self.now
            )
            for name in project.campaigns:
                digest = define(project, name).approval_digest
                runs.approve(tx, name, digest, "li.m", self.now, action="approve", note="")
        self.service = Service(
            self.database, Definitions(self.folder / "config.toml", _silent), lambda: self.now,
            _silent, opener(self.database, lambda: self.now, gateways=self.gateways),
            trusts_clock=True,
        )  # fmt: skip
        self.round(self.now)

    def round(self, moment: datetime) -> None:
        self.now = moment
        self.service.round(moment)

    def until(self, last: date) -> None:
        """Serve at the hours of the letters, each day up to `last`."""
        for day in _days(self.now.astimezone(SHANGHAI).date(), last):
            for hour in HOURS:
                moment = datetime.combine(day, hour, SHANGHAI)
                if moment > self.now:
                    self.round(moment)

    def letters(self, client_id: int) -> list[tuple[str, date]]:
        """The campaigns whose message went out to a client, and the day each did, in order."""
        handed = {one.id: one.at for each in self.gateways.values() for one in each.sent}
        query = (
            select(message.c.id, run.c.campaign)
            .join(run, run.c.id == message.c.run_id)
            .where(message.c.client_id == client_id)
        )
        with self.database.reading() as conn:
            found = [
                (handed[row.id], row.campaign) for row in conn.execute(query) if row.id in handed
            ]
        return [(name, when.astimezone(SHANGHAI).date()) for when, name in sorted(found)]

    def reasons(self, client_id: int) -> list[tuple[str, str | None]]:
        """What was decided about a client, run by run: (campaign, reason)."""
        query = (
            select(run.c.campaign, decision.c.reason)
            .join(run, run.c.id == decision.c.run_id)
            .where(decision.c.client_id == client_id)
            .order_by(run.c.id)
        )
        with self.database.reading() as conn:
            return [(row.campaign, row.reason) for row in conn.execute(query)]

    def used(self, client_id: int) -> list[datetime]:
        """When each place under the cap was taken by a client, in order."""
        query = select(frequency_use.c.at).where(frequency_use.c.client_id == client_id)
        with self.database.reading() as conn:
            return sorted(conn.execute(query).scalars())

    def opts_out(self, client_id: int) -> None:
        event = NewEvent(client_id, None, "education", "withdraw", "email_link", self.now)
        with self.database.begin() as tx:
            covered = consent.add(tx, [event], recorded_at=self.now, actor="client")
            entry = audit.Entry(self.now, "consent.withdraw", "client", "client", {}, covered)
            audit.append(tx, [entry])


def _silent(event: str, **facts: object) -> None:
    assert event not in ("round_failed", "campaign_failed", "database_trouble"), facts


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


@pytest.fixture
def firm(database: Database, tmp_path: Path) -> Firm:
    return Firm(database, tmp_path)


def arrive(firm: Firm, **clients: dict[str, Any]) -> None:
    """Put clients into the book, by the number in their names."""
    with firm.database.begin() as tx:
        add(tx, [client(int(name[1:]), **facts) for name, facts in clients.items()])


def everything(opened: date = OPENED) -> list[tuple[str, date]]:
    return [(name, opened + timedelta(days=days)) for name, days in STEPS.items()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # 175 runs, a month
def test_each_new_client_gets_the_letters_that_are_theirs_on_their_days(firm: Firm) -> None:
    new: dict[str, Any] = {"opened_on": OPENED, "reactivated_on": None}
    without_mail = {"email": None, "email_state": "missing"}
    arrive(
        firm, c1=new, c2=new | without_mail, c3=new | {"reactivated_on": OPENED},
        c4=new | {"status": "closed"}, c5=new, c6=new,
    )  # fmt: skip
    firm.until(OPENED)
    arrive(firm, c7=new)  # the book hears of the account overnight
    firm.until(OPENED + timedelta(days=1))
    firm.opts_out(5)
    firm.until(OPENED + timedelta(days=8))
    with firm.database.begin() as tx:
        tx.execute(update(client_table).where(client_table.c.id == 6).values(status="closed"))

    firm.until(OPENED + timedelta(days=33))

    assert everything() == [
        ("new-investor-welcome", date(2026, 9, 30)),
        ("new-investor-trading-rules", date(2026, 10, 1)),
        ("new-investor-risk-types", date(2026, 10, 7)),
        ("new-investor-fraud-warning", date(2026, 10, 14)),
        ("new-investor-call-back", date(2026, 10, 30)),
    ]
    assert firm.letters(1) == everything()
    assert firm.letters(2) == everything()  # by SMS
    assert firm.letters(3) == []  # an old account, awake again
    assert firm.letters(4) == []
    assert firm.letters(5) == everything()[:2]
    assert firm.reasons(5)[2:] == [(name, "purpose_opt_out") for name in list(STEPS)[2:]]
    assert firm.letters(6) == everything()[:3]
    next_day = OPENED + timedelta(days=1)
    assert firm.letters(7) == [("new-investor-welcome", next_day), *everything()[1:]]
    # Of three in seven days, the cap: the first is a week old when the third is planned, and for a
    # client of whom the book heard late the third is the last there is room for.
    week = timedelta(days=7)
    assert [firm.used(1)[2] - at < week for at in firm.used(1)[:2]] == [False, True]
    assert [firm.used(7)[2] - at < week for at in firm.used(7)[:2]] == [True, True]
    assert "frequency_cap" not in {reason for _, reason in [*firm.reasons(1), *firm.reasons(7)]}


def test_days_on_which_nothing_ran_are_made_up_for(firm: Firm) -> None:
    arrive(firm, c1={"opened_on": OPENED, "reactivated_on": None})
    firm.round(at("2026-10-06 18:00"))

    firm.round(at("2026-10-09 09:00"))  # down since the 6th; the letter was due on the 7th
    firm.until(date(2026, 10, 9))

    assert firm.letters(1)[-2:] == [
        ("new-investor-risk-types", date(2026, 10, 9)),
        ("new-investor-welcome", date(2026, 10, 9)),
    ]
