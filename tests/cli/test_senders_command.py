"""`outreach senders`: what is used of each limit, who waits and why, and people who stop them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import select, update
from typer.testing import CliRunner, Result

from outreach.cli import campaigns, run, runs, senders
from outreach.cli.delivery_health import Seen, sender_findings
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.core.rate import Why
from outreach.store import breakers, rates
from outreach.store.database import Database
from outreach.store.tables import audit_entry, batch, sender_rate
from outreach.store.tables import run as table_of_runs
from tests.cli.sent_project import CLOCK, sent

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(senders.app, name="senders")
app.add_typer(runs.app, name="runs")
app.command()(run.run)
app.command()(campaigns.plan)


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A project whose closure notice has run once, its SMS sender limited to two a day."""
    monkeypatch.setenv("OUTREACH_CLOCK", CLOCK)
    made = sent(tmp_path, database)
    path = made.config_path
    limits = '[senders.sms-file]\nper_second = 50\nper_day = 2\naccount = "main"\n'
    shared = "[accounts.main]\nper_second = 60\n\n[senders.sms-file]"
    text = path.read_text(encoding="utf-8").replace("[senders.sms-file]\n", limits, 1)
    path.write_text(text.replace("[senders.sms-file]", shared, 1), encoding="utf-8")
    return Door(path, json=False, _database=database)


def outreach(door: Door, *words: str, as_json: bool = False) -> Result:
    door.json = as_json
    return CliRunner().invoke(app, list(words), obj=door)


def listed(door: Door, name: str = "sms-file") -> dict[str, object]:
    rows = json.loads(outreach(door, "senders", as_json=True).stdout)
    found: dict[str, object] = next(row for row in rows if row["sender"] == name)
    return found


def refused(result: Result, code: int) -> str:
    assert isinstance(result.exception, Failure), result.exception
    assert result.exception.code == code
    return " ".join(result.exception.lines)


def test_the_list_shows_limits_and_what_is_used_of_them(door: Door) -> None:
    with door.database.begin() as tx:
        rates.throttle(tx, "sms-file", 30, door.now())

    row = listed(door)

    assert {key: row[key] for key in ("state", "per_second", "cap", "account")} == {
        "state": "waits", "per_second": 50.0, "cap": 2, "account": "main",
    }  # fmt: skip
    assert row["why"] == "服务商要求降速"
    assert isinstance(row["last_minute"], int)
    assert row["last_minute"] > 0
    assert listed(door, "mail-file")["state"] == "sends"
    assert "sms-file" in outreach(door, "senders").output


def test_a_person_stops_a_sender_and_lets_it_go_on_both_on_record(door: Door) -> None:
    assert "--why" in refused(outreach(door, "senders", "stop", "sms-file"), USAGE)
    assert "no such sender" in refused(
        outreach(door, "senders", "stop", "x", "--why", "y"), BAD_DATA
    )
    assert "nothing held it" in refused(outreach(door, "senders", "open", "sms-file"), PROBLEMS)

    assert outreach(door, "senders", "stop", "sms-file", "--why", "contract ended").exit_code == 0
    row = listed(door)
    assert row["state"] == "stopped"
    assert str(row["why"]).endswith("contract ended")
    done = json.loads(outreach(door, "senders", "open", "sms-file", as_json=True).stdout)
    assert done["state"] == "sends"
    with door.database.reading() as conn:
        kinds = list(conn.execute(select(audit_entry.c.kind)).scalars())
    assert kinds[-2:] == ["sender.stopped", "sender.opened"]


def test_who_runs_a_campaign_by_hand_tries_a_sender_at_rest_at_once(door: Door) -> None:
    with door.database.begin() as tx:
        breakers.rest(tx, "sms-file", "the key is refused", door.now())
    assert listed(door)["state"] == "rests"

    with door.database.begin() as tx:
        breakers.knock(tx, door.now())
        trial = breakers.enter(tx, "sms-file", door.now(), timedelta(minutes=1))

    assert trial is None, "the one who came first tries it"


def test_hours_and_caps_that_config_no_longer_has_hold_nobody_who_runs_by_hand(door: Door) -> None:
    later = door.now() + timedelta(hours=9)
    with door.database.begin() as tx:
        tx.execute(sender_rate.delete())
        for name, why in (("mail-file", Why.HOURS), ("sms-file", Why.THROTTLED)):
            rates.hold(tx, name, later, why, door.now())
    assert listed(door, "mail-file")["state"] == "waits"

    outreach(door, "run", "closure-notice")

    assert listed(door, "mail-file")["state"] == "sends"
    assert listed(door, "sms-file")["state"] == "waits", "a provider's word is no limit of ours"


def test_a_run_says_what_it_waits_for_and_when_it_will_be_through(door: Door) -> None:
    planned = json.loads(outreach(door, "plan", "closure-notice", as_json=True).stdout)
    shown = json.loads(outreach(door, "runs", "show", "1", as_json=True).stdout)

    # Two of its SMS go today, the others after the firm's midnight, eight hours and a half away.
    assert planned["senders"]["sms-file"] > 2
    assert planned["eta_seconds"] == pytest.approx(8.5 * 3600, abs=120)
    for row in shown["waiting"]:
        assert {"sender", "messages", "until", "why", "done_at", "eta_seconds"} <= row.keys()


def test_the_limit_of_a_country_counts_in_a_plan_and_a_run_planned_before_it_says_so(
    door: Door,
) -> None:
    slow = 'per_second = 50\ncountries = { "+86" = { per_second = 0.01 } }\n'
    path = door.config_path
    text = path.read_text(encoding="utf-8")
    assert "per_second = 50\nper_day = 2\n" in text
    path.write_text(text.replace("per_second = 50\nper_day = 2\n", slow), encoding="utf-8")
    now = Door(path, json=False, _database=door.database)
    with door.database.begin() as tx:
        tx.execute(update(batch).values(state="ready", next_id=batch.c.first_id))
        tx.execute(update(table_of_runs).values(state="sending"))

    planned = json.loads(outreach(now, "plan", "closure-notice", as_json=True).stdout)
    shown = json.loads(outreach(now, "runs", "show", "1", as_json=True).stdout)
    told = outreach(now, "runs", "show", "1").stdout

    assert planned["eta_seconds"] == pytest.approx(100 * planned["senders"]["sms-file"], abs=1)
    assert shown["limits_added"] == ["sms-file +86"]
    assert "which do not hold for it: sms-file +86." in told


def test_a_throttled_run_says_so(door: Door) -> None:
    from outreach.engine.waiting import throttled, waiting_rows

    with door.database.begin() as tx:
        tx.execute(batch.update().values(state="ready", next_id=batch.c.first_id))
        tx.execute(sender_rate.delete())
    with door.database.reading() as conn:
        rows = waiting_rows(door.config, conn, 1, door.now())

    said = throttled(rows, "Asia/Shanghai")
    assert said.startswith("sms-file: 50 a second, done about ")
    assert throttled([], "Asia/Shanghai") == ""


def test_doctor_tells_of_senders_at_rest_and_batches_set_aside(door: Door) -> None:
    def found() -> list[Seen]:
        with door.database.reading() as conn:
            return list(sender_findings(conn, door.project, door.now()))

    assert [one.level for one in found()] == ["ok"]
    with door.database.begin() as tx:
        breakers.stop(tx, "sms-file", "contract ended", "li.na", door.now())
    with door.database.begin() as tx:
        tx.execute(batch.update().where(batch.c.id == 1).values(state="ready", takeovers=5))

    stopped, aside = found()
    assert stopped.says == "sms-file: stopped by li.na: contract ended"
    assert stopped.write == "outreach senders open sms-file"
    assert aside.says == "run 1: 1 batch set aside, for every sender ended by it"
