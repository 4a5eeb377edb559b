"""A project folder whose closure notice has run: one client for each thing that can happen."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import insert
from typer.testing import CliRunner, Result

from outreach.cli import campaigns, explain, log, run, run_report, runs
from outreach.cli.calendar import import_shipped
from outreach.cli.door import Door, Failure
from outreach.store.database import Database
from outreach.store.tables import consent_event
from tests.store import client_book

ROOT = Path(__file__).parents[2]
CLOCK = "2026-09-28T15:30+08:00"
AT = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
# What each client of the book is there for.
BOTH, NO_EMAIL, HELD_BY_LAW, NEW_YORK, NOBODY, SHARER, STOPPED = (f"{n:07}" for n in range(1, 8))

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(runs.app, name="runs")
for command in (
    log.log, explain.explain, run_report.report, run.run, campaigns.approve, campaigns.approvals,
):  # fmt: skip
    app.command()(command)


def outreach(door: Door, *words: str, as_json: bool = False) -> Result:
    """Run a command as if it were typed."""
    door.json = as_json
    return CliRunner().invoke(app, list(words), obj=door)


def refused(result: Result, code: int) -> str:
    """The line a command refused with."""
    assert isinstance(result.exception, Failure), result.exception
    assert result.exception.code == code
    return " ".join(result.exception.lines)


def sent(folder: Path, database: Database) -> Door:
    """Seven clients, an approval by li.m, and run 1 of closure-notice through the file channel."""
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "config.toml", folder / "config.toml")
    door = Door(folder / "config.toml", json=False, _database=database)
    import_shipped(door)
    with database.begin() as tx:
        client_book.add(tx, _clients())
        tx.execute(
            insert(consent_event).values(
                client_id=7, channel="sms", purpose=None, action="withdraw", source="sms_reply",
                captured_at=AT, recorded_at=AT, actor="gateway",
            )
        )  # fmt: skip
    assert outreach(door, "approve", "closure-notice", "--as", "li.m").exit_code == 0
    result = outreach(door, "run", "closure-notice")
    assert result.exit_code == 0, result.output
    return door


def _clients() -> list[dict[str, Any]]:
    def at(n: int) -> dict[str, str]:
        return {**phone(n), "email": f"client{n}@example.com", "email_state": "ok"}

    def phone(n: int) -> dict[str, str]:
        number = f"+861381234{n:04}"
        return {"phone": number, "phone_state": "ok", "phone_country": "CN"}

    facts: list[dict[str, Any]] = [
        at(1),
        phone(2),
        {**at(3), "legal_hold": True},
        {**at(4), "locale": "en", "zone": "America/New_York"},
        {"phone": "12", "phone_state": "invalid"},
        {**at(6), **phone(1)},
        at(7),
    ]
    unknown = {"phone": None, "phone_country": None, "email": None}
    plain = {**unknown, "zone": "Asia/Shanghai", "name": "张三", "country": "CN"}
    return [client_book.row(n, **{**plain, **more}) for n, more in enumerate(facts, start=1)]
