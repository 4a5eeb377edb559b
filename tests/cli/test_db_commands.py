"""`outreach db`: the months of the large tables, and how the commands refuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from outreach.store.database import Database
from outreach.store.partitions import DIVIDED
from tests.conftest import empty_postgres
from tests.journeys.house import House, shipped


@pytest.fixture
def house(tmp_path: Path, postgres_url: str) -> Iterator[House]:
    """The shipped project on PostgreSQL, at the end of September."""
    with empty_postgres(postgres_url) as url:
        yield shipped(tmp_path / "house", url)


def test_setting_up_makes_the_coming_months(house: House) -> None:
    rows = house.asked("db", "partitions")

    assert {row["table"] for row in rows} == {one.table for one in DIVIDED}
    messages = [row for row in rows if row["table"] == "message"]
    assert [(row["partition"], row["from"], row["to"]) for row in messages] == [
        ("message_first", None, 10_000_000),
        ("message_202610", 10_000_000, 20_000_000),
        ("message_202611", 20_000_000, 30_000_000),
        ("message_202612", 30_000_000, 40_000_000),
        ("message_rest", None, None),
    ]  # fmt: skip


def test_the_next_month_is_made_and_this_one_begun_by_looking(house: House) -> None:
    house.clock = "2026-10-03T09:00+08:00"
    said = house.must("db", "partitions").out

    assert "Made decision_202701." in said
    assert "Begun message_202610: new ids belong to it." in said
    assert "message_202701" in said
    assert "Made" not in house.must("db", "partitions").out


def test_what_is_kept_for_twenty_years_is_not_detached_before(house: House) -> None:
    refused = house.type("db", "partitions", "--detach", "outcome_202610")
    assert refused.code == 3
    assert "kept for 20 years, until 2046-11-01" in refused.err

    house.clock = "2046-11-01T09:00+08:00"
    house.must("db", "partitions", "--detach", "outcome_202610", "--as", "li.na")
    database = Database(house.url)
    with database.reading() as conn:
        last = text("SELECT actor, kind, subject FROM audit_entry ORDER BY seq DESC LIMIT 1")
        assert tuple(conn.execute(last).one()) == ("li.na", "partition.detached", "outcome_202610")
        assert conn.execute(text("SELECT count(*) FROM outcome_202610")).scalar_one() == 0
    database.close()


def test_sqlite_has_no_partitions(tmp_path: Path) -> None:
    said = shipped(tmp_path / "house").type("db", "partitions")

    assert said.code == 3
    assert "SQLite keeps each table in one piece" in said.err
