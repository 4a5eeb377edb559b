"""The importers take the sample files as their README says they do."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach import ingest
from outreach.core.consent import fold
from outreach.core.words import Channel, Purpose
from outreach.project.config import Import
from outreach.samples.bad_rows import FAULTS
from outreach.store import facts, migrate
from outreach.store.database import Database
from outreach.store.tables import client

SAMPLES = Path(__file__).parents[2] / "samples"
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> ingest.Desk:
    """The desk of a database that holds the sample clients."""
    database = Database(f"sqlite:///{tmp_path / 'outreach.db'}")
    migrate.upgrade(database)
    return ingest.Desk(database, tmp_path, "test", lambda: NOW)


def test_every_file_comes_in_and_only_the_bad_rows_stay_out(desk: ingest.Desk) -> None:
    clients = ingest.import_clients(desk, SAMPLES / "clients.csv", Import(), as_of=NOW)
    holdings = ingest.import_holdings(desk, SAMPLES / "holdings.csv", as_of=NOW)
    consents = ingest.import_consents(desk, SAMPLES / "consents.csv")
    halts = ingest.import_halts(desk, SAMPLES / "halts.csv")

    assert clients.rejects_file is not None
    with clients.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        rejected = {int(row["line"]) for row in csv.DictReader(file) if row["taken"] == "no"}
    assert rejected == {fault.row + 2 for fault in FAULTS}
    taken = [(book.counts.added, book.counts.rejected) for book in (holdings, consents, halts)]
    assert (clients.encoding, clients.counts.added, clients.counts.rejected) == (
        "gb18030", 4_975, 25,
    )  # fmt: skip
    assert taken == [(11_943, 0), (5_558, 0), (6, 0)]


def test_the_market_files_come_in_whole(desk: ingest.Desk) -> None:
    ingest.import_clients(desk, SAMPLES / "clients.csv", Import(), as_of=NOW)
    levels = ingest.import_market(desk, SAMPLES / "levels.csv")
    ratios = ingest.import_market(desk, SAMPLES / "margin-ratios.csv")

    assert (levels.kind, levels.counts.added, levels.counts.rejected) == ("levels", 10, 0)
    assert (ratios.kind, ratios.counts.added, ratios.counts.rejected) == ("margins", 442, 0)
    assert dict(ratios.alerts)["below close"] == 22
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert "`levels.csv` | GB18030 | 10 |" in text
    assert "`margin-ratios.csv` | GB18030 | 442 |" in text


def test_a_batch_import_brings_nobody_back_and_a_message_of_their_own_does(
    desk: ingest.Desk,
) -> None:
    ingest.import_clients(desk, SAMPLES / "clients.csv", Import(), as_of=NOW)
    ingest.import_consents(desk, SAMPLES / "consents.csv")
    with (SAMPLES / "consents.csv").open(encoding="utf-8-sig", newline="") as file:
        events = list(csv.DictReader(file))
    left = {e["客户号"] for e in events if (e["来源"], e["动作"]) == ("短信回复", "退订")}
    back = {e["客户号"] for e in events if (e["来源"], e["动作"]) == ("短信回复", "同意")}
    with desk.database.reading() as conn:
        numbers = {row.id: row.client_no for row in conn.execute(select(client))}
        gathered = facts.gather(
            conn,
            sorted(numbers),
            channels=[Channel.SMS],
            purpose=Purpose.SERVICE,
            cap=None,
            now=NOW,
            grants=False,
        )
    stopped = {
        numbers[id_]
        for id_, said in gathered.consents.items()
        if fold(said, "sms", "service", NOW).stopped_on
    }

    assert back
    assert stopped == left - back


def test_the_readme_counts_what_comes_in() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")

    for row in ("`holdings.csv` | GB18030 | 11,943 |", "mark | 5,558 |", "mark | 6 |"):
        assert row in text
