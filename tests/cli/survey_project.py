"""A project folder whose satisfaction survey has gone out to seven clients, to two by e-mail."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from outreach.cli import campaigns, clients, consent, explain, follow_ups, preferences, run, survey
from outreach.cli.calendar import import_shipped
from outreach.cli.door import Door
from outreach.store import audit
from outreach.store import consent as ledger
from outreach.store.audit import Entry
from outreach.store.consent import NewEvent
from outreach.store.database import Database
from tests.store import client_book

ROOT = Path(__file__).parents[2]
SENT = "2026-09-28T15:30+08:00"
AGREED = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
PREFERENCES = (
    "客户号,称谓,首选渠道,告知人,告知时间\n"
    "0000006,张女士,邮件,客户本人,2026-09-02 09:00\n0000007,,邮件,客户经理,\n"
)

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(survey.app, name="survey")
app.add_typer(follow_ups.app, name="follow-ups")
app.add_typer(preferences.app, name="preferences")
app.add_typer(consent.app, name="consent")
app.add_typer(clients.clients, name="clients")
for command in (campaigns.plan, campaigns.approve, campaigns.preview, run.run, explain.explain):
    app.command()(command)


def phone(n: int) -> str:
    return f"+861381234{n:04}"


def typed(door: Door, *words: str, as_json: bool = False) -> Result:
    """Run a command as if it were typed."""
    door.json = as_json
    return CliRunner().invoke(app, list(words), obj=door)


def document(door: Door, *words: str) -> Any:
    done = typed(door, *words, as_json=True)
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def surveyed(folder: Path, database: Database) -> Door:
    """Seven holders who agreed to surveys, an approval by li.m, and run 1 of the survey."""
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "config.toml", folder / "config.toml")
    (folder / "pref.csv").write_text(PREFERENCES, encoding="gb18030")
    door = Door(folder / "config.toml", json=False, _database=database)
    with database.begin() as tx:
        client_book.add(tx, [_client(n) for n in range(1, 8)])
        grants = [NewEvent(n, None, "survey", "grant", "app", AGREED) for n in range(1, 8)]
        covered = ledger.add(tx, grants, recorded_at=AGREED, actor="app")
        audit.append(tx, [Entry(AGREED, "consent.imported", "app", "consent", {}, covered)])
    import_shipped(door)
    document(door, "preferences", "import", str(folder / "pref.csv"))
    for words in (
        ("approve", "satisfaction-survey", "--as", "li.m"),
        ("run", "satisfaction-survey"),
    ):
        done = typed(door, *words)
        assert done.exit_code == 0, done.output
    return door


def _client(n: int) -> dict[str, Any]:
    return client_book.row(
        n, name="张三", country="CN", zone="Asia/Shanghai", holdings_value=100_000, branch="上海",
        adviser="A100", phone=phone(n), phone_state="ok", phone_country="CN",
        email=f"client{n}@example.com", email_state="ok", salutation=None,
        preferred_channel=None, wanted_risk=None, own_hours=None,
    )  # fmt: skip


def replies(folder: Path, *rows: tuple[int, str, str], name: str = "replies.csv") -> str:
    """A file of inbound texts: (client, text, moment); its path."""
    lines = [f'{phone(n)},"{text}",{at}' for n, text, at in rows]
    path = folder / name
    path.write_text("\n".join(["手机号,内容,时间", *lines]) + "\n", encoding="utf-8")
    return str(path)
