"""A round in which nothing is due is asked for every few seconds, for years: it reads no table in
whole that grows with what was sent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from outreach.project.definition import define
from outreach.service import Service
from outreach.service.definitions import Definitions
from outreach.store import migrate, runs
from outreach.store.database import Database
from outreach.store.tables import metadata
from tests.service_engine import opener

CONFIG: Final = Path(__file__).parents[1] / "config.toml"
NOW: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
# A few rows a year, or a row a process, however many clients there are.
SMALL: Final = {"incident", "incident_step", "schedule_mark", "feed_source", "id_block", "worker"}


def quiet(database: Database) -> Service:
    """A service of the campaigns that are shipped, all approved, after its first rounds."""
    definitions = Definitions(CONFIG, lambda what, **facts: None)
    definitions.refresh()
    definitions.refresh()
    with database.begin() as tx:
        for name, project in definitions.sound.items():
            digest = define(project, name).approval_digest
            runs.approve(tx, name, digest, "li.m", NOW, action="approve", note="")
    service = Service(
        database, definitions, lambda: NOW, lambda what, **facts: None,
        opener(database, lambda: NOW), trusts_clock=True,
    )  # fmt: skip
    service.round(NOW)
    return service


def test_a_quiet_round_reads_no_growing_table_in_whole(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'quiet.db'}")
    migrate.upgrade(database)
    service = quiet(database)
    asked: list[tuple[str, Any]] = []

    @event.listens_for(database.read_engine, "before_cursor_execute")
    def _note(_conn: Any, _cursor: Any, statement: str, given: Any, *_more: Any) -> None:
        asked.append((statement, given))

    service.round(NOW)
    event.remove(database.read_engine, "before_cursor_execute", _note)

    whole = {f"SCAN {name}" for name in metadata.tables.keys() - SMALL}
    with database.reading() as conn:
        steps = [
            (row[3], statement)
            for statement, given in dict.fromkeys(asked)
            for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    assert len(steps) > 20  # the round asked what rounds ask
    assert [one for one in steps if one[0] in whole] == []
