"""What connections to PostgreSQL keep: statements that are used often, except behind a pooler."""

import pytest
from sqlalchemy import text

from outreach.store import database as store
from outreach.store import facts
from outreach.store.database import Database

KEPT = text("SELECT custom_plans, generic_plans FROM pg_prepared_statements")


@pytest.fixture
def postgres(database: Database) -> Database:
    if database.sqlite:
        pytest.skip("about connections to PostgreSQL")
    return database


def ask(database: Database, times: int) -> list[tuple[int, int]]:
    """The same statement in as many transactions; what the server keeps for the connection."""
    for _ in range(times):
        with database.reading() as conn:
            facts.marks(conn)
    with database.reading() as conn:
        return [tuple(row) for row in conn.execute(KEPT)]


def test_a_statement_sent_often_is_kept_and_planned_for_its_values(postgres: Database) -> None:
    assert ask(postgres, store.PREPARED_AFTER) == []
    assert ask(postgres, 10) == [(10, 0)]


def test_nothing_is_kept_behind_a_pooler(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "pooled", lambda raw: True)
    postgres.close()
    assert ask(postgres, 10) == []


def test_a_transaction_that_failed_only_begins_the_count_anew(postgres: Database) -> None:
    ask(postgres, 10)
    with pytest.raises(ZeroDivisionError), postgres.reading() as conn:
        facts.marks(conn)
        raise ZeroDivisionError
    assert ask(postgres, 10) == [(10 - store.PREPARED_AFTER, 0)]
