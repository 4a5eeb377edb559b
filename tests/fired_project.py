"""The small project with schedules, its calendars and approvals, to fire at pretended moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from outreach import plan
from outreach.core.market import Coverage
from outreach.feeds import calendar_file
from outreach.project.definition import define
from outreach.project.load import Project, load_project
from outreach.store import calendars, runs
from outreach.store.database import Database
from outreach.store.tables import run
from tests.project.small_project import NOTICE, make_project

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = 'kind = "day"'


def at(text: str) -> datetime:
    """A moment on the clocks of Shanghai, such as "2026-09-28 15:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def put_schedule(
    folder: Path, schedule: str, occurrence: str = DAY, name: str = "notice", more: str = ""
) -> None:
    """Write a campaign with this [schedule] and [occurrence]."""
    text = NOTICE.replace('kind = "day"', occurrence).replace(
        'owner = "operations"\n', f'owner = "operations"\n{more}\n'
    )
    path = folder / "campaigns" / f"{name}.toml"
    path.write_text(f"{text}\n[schedule]\n{schedule}\n", encoding="utf-8")


@dataclass
class Fires:
    """A project in a folder and its database; `now` of each round is handed in."""

    database: Database
    folder: Path

    def __post_init__(self) -> None:
        make_project(self.folder)

    @property
    def project(self) -> Project:
        project, problems = load_project(self.folder / "config.toml")
        assert project is not None, problems
        return project

    def approve(self, moment: str, *names: str) -> None:
        with self.database.begin() as tx:
            for name in names or ("notice",):
                digest = define(self.project, name).approval_digest
                runs.approve(tx, name, digest, "li.m", at(moment), action="approve", note="")

    def calendar(self, moment: str, until: str = "2026-12-31", status: str = "official") -> None:
        """Take in what is shipped of the mainland calendar, as far as a day."""
        shipped, last = calendar_file.shipped(), date.fromisoformat(until)
        coverage = [
            Coverage(c.market, c.from_on, min(c.to_on, last), status, c.source_ref)  # type: ignore[arg-type]
            for c in shipped.coverage
            if c.market == "CN_A" and c.from_on <= last
        ]
        days = [day for day in shipped.days if day.market == "CN_A" and day.on <= last]
        with self.database.begin() as tx:
            calendars.save(tx, coverage, days, entered_by="clerk", entered_at=at(moment))

    def fire(self, moment: str, actor: str = "scheduler") -> list[tuple[str | None, str]]:
        """A round; (occurrence, outcome) of each firing."""
        fired = plan.fire_due(self.database, self.project, at(moment), actor)
        return [(one.key, one.outcome) for one in fired]

    def rows(self) -> list[tuple[str, str, str | None]]:
        """Every run: (occurrence, state, reason)."""
        with self.database.reading() as conn:
            found = conn.execute(select(run).order_by(run.c.campaign, run.c.occurrence)).all()
        return [(one.occurrence, one.state, one.reason) for one in found]

    def rows_with(self, *columns: str) -> Sequence[Any]:
        with self.database.reading() as conn:
            return conn.execute(select(*(run.c[name] for name in columns))).all()
