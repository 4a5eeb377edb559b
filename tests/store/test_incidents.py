"""Incidents as they are stored: numbered by year, step by step, and covered by the audit log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from outreach.core.incident import Facts, Incident, Kind, Said
from outreach.store import audit, incidents
from outreach.store.database import Database
from outreach.store.tables import run

AT = datetime(2026, 9, 28, 1, 45, tzinfo=UTC)
FIRST = Facts(
    ("login", "orders"), AT - timedelta(minutes=4), Said("登录较慢", "Slow"), Said("电话", "Phone"),
    AT + timedelta(minutes=30),
)  # fmt: skip


def opened(database: Database, at: datetime = AT, campaign: str = "incident-notice") -> Incident:
    with database.begin() as tx:
        return incidents.open_incident(
            tx, "active-clients", FIRST, campaign, at, "li.na", year=at.year, narrowed=b"{}"
        )


def test_an_incident_comes_back_as_it_was_told(database: Database) -> None:
    one = opened(database)
    resolved = replace(FIRST, next_update_by=None, resolved_at=AT + timedelta(hours=1), to_all=True)
    with database.begin() as tx:
        later = AT + timedelta(hours=2)
        both = incidents.add_step(
            tx, one, Kind.RESOLVE, resolved, "incident-notice", later, "wang.l"
        )
    with database.reading() as conn:
        assert incidents.find(conn, "INC-2026-0001") == both
        assert incidents.recorded(conn) == [both]
        assert incidents.find(conn, "INC-2026-0002") is None

    assert [step.sequence for step in both.steps] == [1, 2]
    assert both.state == "resolved"


def test_numbers_begin_anew_with_the_year(database: Database) -> None:
    days = (AT, AT, AT + timedelta(days=120))

    assert [opened(database, at).id for at in days] == [
        "INC-2026-0001", "INC-2026-0002", "INC-2027-0001",
    ]  # fmt: skip


def test_each_row_is_answered_for_by_an_entry_of_its_transaction(database: Database) -> None:
    one = opened(database)
    with database.begin() as tx:
        incidents.add_step(tx, one, Kind.WITHDRAW, FIRST, "incident-notice", AT, "li.na")
    with database.reading() as conn:
        entries = [e for e in audit.entries(conn) if e.kind.startswith("incident.")]

    assert [(e.kind, e.subject, e.actor) for e in entries] == [
        ("incident.opened", "INC-2026-0001", "li.na"),
        ("incident.step", "INC-2026-0001", "li.na"),
        ("incident.step", "INC-2026-0001", "li.na"),
    ]


def test_a_step_is_untold_until_its_run_is_opened(database: Database) -> None:
    one = opened(database)
    opened(database, campaign="another-notice")
    with database.reading() as conn:
        assert incidents.untold(conn, "incident-notice") == ["INC-2026-0001.1"]
    with database.begin() as tx:
        tx.execute(
            run.insert().values(
                campaign="incident-notice", occurrence=one.key(1), purpose="service",
                state="planning", campaign_digest="c", segment_digest="s", template_digest="t",
                policy_digest="p", values=b"{}", opened_at=AT, opened_by="li.na", cursor=0,
                audience=0,
            )
        )  # fmt: skip
    with database.reading() as conn:
        assert incidents.untold(conn, "incident-notice") == []
        assert incidents.told(conn, one) == [(1, 1, "planning")]
