"""A sender or a database that fails for a while: told once, nothing is lost, and it goes on."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from outreach import plan
from outreach.channels import ChannelUnavailable
from outreach.core.model import Message, Outcome
from outreach.core.rate import Why
from outreach.core.words import State
from outreach.store.database import Database
from outreach.store.tables import sender_rate
from tests.fired_project import Fires, at, put_schedule
from tests.small_run import client
from tests.store.client_book import add
from tests.test_service import DAILY, Served


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Served:
    """A daily notice at 10:00 for three clients, followed since 9:00."""
    fires = Fires(database, tmp_path)
    put_schedule(tmp_path, DAILY)
    fires.approve("2026-03-02 08:00")
    with database.begin() as tx:
        add(tx, [client(n) for n in (1, 2, 3)])
    found = Served(fires)
    found.at("2026-03-02 09:00")
    return found


def test_a_sender_that_stands_still_is_told_once_and_its_run_goes_on_when_it_is_back(
    served: Served,
) -> None:
    def full(_message: Message) -> Outcome | None:
        raise ChannelUnavailable("var/outbox: No space left on device")

    served.gateways["sms-file"].answer = full

    assert served.at("2026-03-02 10:00") == ["opened", "sender_stopped", "worked"]
    assert served.said[-2][1]["why"] == "var/outbox: No space left on device"
    assert served.at("2026-03-02 10:00:05") == []  # it is left alone for a minute
    assert served.at("2026-03-02 10:01:10") == []  # tried again; no news
    served.gateways["sms-file"].answer = lambda _message: None
    assert served.at("2026-03-02 10:02:20") == []  # the second rest is twice as long
    assert served.at("2026-03-02 10:03:20") == ["sender_back", "worked"]

    assert served.said[-1][1]["messages"] == {State.ACCEPTED: 3}
    assert served.fires.rows() == [("2026-03-02", "finished", None)]


def test_a_sender_that_fails_in_another_way_is_told_of_again(served: Served) -> None:
    why = ["No space left on device"]

    def fails(_message: Message) -> Outcome | None:
        raise ChannelUnavailable(why[0])

    served.gateways["sms-file"].answer = fails
    served.at("2026-03-02 10:00")
    why[0] = "Read-only file system"

    assert served.at("2026-03-02 10:01:10") == ["sender_stopped"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_under_the_database_is_told_once_and_what_was_due_fires_later(
    served: Served,
) -> None:
    def pages(most: str) -> None:
        with (
            served.fires.database.write_engine.connect() as conn
        ):  # the pool has one, so it stays set
            conn.execute(text(f"PRAGMA max_page_count = {most}"))

    pages("1")  # no more than there are

    assert served.at("2026-03-02 10:00") == ["database_trouble"]
    assert "the disk is full" in served.said[-1][1]["problem"]
    assert served.at("2026-03-02 10:05") == []
    pages("1000000")

    assert served.at("2026-03-02 10:10") == ["opened", "worked", "database_back"]
    assert served.fires.rows() == [("2026-03-02", "finished", None)]
    assert served.sent() == 3


def test_a_campaign_that_cannot_be_fired_is_told_once_and_again_when_it_breaks_anew(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = plan.fire_due  # of two campaigns

    def fails(*_given: object) -> None:
        raise KeyError("no such value")

    monkeypatch.setattr(plan, "fire_due", fails)
    assert served.at("2026-03-02 09:10") == ["campaign_failed"] * 2
    assert served.at("2026-03-02 09:11") == []
    monkeypatch.setattr(plan, "fire_due", sound)
    assert served.at("2026-03-02 09:12") == ["campaign_back"] * 2
    assert served.at("2026-03-02 09:13") == []
    monkeypatch.setattr(plan, "fire_due", fails)
    assert served.at("2026-03-02 09:14") == ["campaign_failed"] * 2


def test_a_clock_that_jumped_fires_nothing_until_it_is_right_or_believed(served: Served) -> None:
    doubt: list[timedelta | None] = [timedelta(days=1)]
    served.service.jumped = lambda: doubt[0]

    assert served.at("2026-03-02 10:00") == ["clock_jumped"]
    assert served.said[-1][1] == {"seconds": 86_400}
    assert served.at("2026-03-02 10:00:05") == []
    assert served.fires.rows() == []
    doubt[0] = None
    assert served.at("2026-03-02 10:10") == ["clock_steady", "opened", "worked"]


def test_a_limit_whose_day_is_over_is_asked_again_when_config_toml_changes(served: Served) -> None:
    served.at("2026-03-02 09:30")
    over = {"not_before": at("2026-03-03 00:00"), "since_at": served.now, "why": Why.DAY.value}
    unused = {"clock": 0, "urgent_until": 0, "used": 0}
    with served.fires.database.begin() as tx:
        tx.execute(insert(sender_rate).values(name="sms-file", **unused, **over))
    served.at("2026-03-02 10:00")
    assert served.said[-1][1]["messages"] == {State.READY: 3}
    assert served.at("2026-03-02 10:05") == []

    with (served.fires.folder / "config.toml").open("a", encoding="utf-8") as file:
        file.write("\n[engine]\nsenders = 1\n")

    assert served.at("2026-03-02 10:06") == ["worked"]
    assert served.said[-1][1]["messages"] == {State.ACCEPTED: 3}
