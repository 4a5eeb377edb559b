"""Overrides and settlement days in the database, on record and in the calendars that are read."""

from datetime import UTC, date, datetime, time

import pytest

from outreach.core.calendar_override import Override
from outreach.core.market import Coverage, Settlement
from outreach.feeds import calendar_file
from outreach.store import audit, calendars, overrides, settlements
from outreach.store.database import Database
from outreach.verify import verify

SHIPPED = calendar_file.shipped()
MAINLAND = SHIPPED.of("CN_A")
AT = datetime(2026, 9, 20, 7, 30, tzinfo=UTC)
EXTENDED = Override(
    "CN_A", date(2026, 10, 8), "closed", None, None, "国庆节", "National Day", "extended", "SSE 99"
)
MORNING = Override(
    "HK", date(2026, 9, 8), "half", None, time(12), "台风", "typhoon", "signal 8", "HKEX"
)
HONG_KONG = Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX")


@pytest.fixture
def imported(database: Database) -> Database:
    """The shipped A-shares and a Hong Kong year without holidays."""
    with database.begin() as tx:
        calendars.save(
            tx, (*MAINLAND.coverage, HONG_KONG), MAINLAND.days, entered_by="lin", entered_at=AT
        )
    return database


def step(
    database: Database, override: Override, action: str, actor: str, number: int | None = None
) -> int:
    with database.begin() as tx:
        overrides.hold(tx)
        return overrides.add_step(tx, override, action, actor, AT, number)  # type: ignore[arg-type]


def trades(database: Database, market: str, on: date) -> bool:
    with database.reading() as conn:
        return calendars.load(conn, market).is_session(on)


def test_an_override_counts_from_its_approval_to_the_approval_of_its_end(
    imported: Database,
) -> None:
    day = EXTENDED.on
    number = step(imported, EXTENDED, "propose", "li")
    assert trades(imported, "CN_A", day)

    step(imported, EXTENDED, "approve", "wang", number)
    assert not trades(imported, "CN_A", day)

    step(imported, EXTENDED, "withdraw", "li", number)
    assert not trades(imported, "CN_A", day)

    step(imported, EXTENDED, "approve", "wang", number)
    assert trades(imported, "CN_A", day)


def test_stock_connect_follows_an_override_of_either_side(imported: Database) -> None:
    for override in (EXTENDED, MORNING):
        number = step(imported, override, "propose", "li")
        step(imported, override, "approve", "wang", number)

    with imported.reading() as conn:
        south = calendars.load(conn, "SB")
    assert not south.is_session(EXTENDED.on)
    assert south.hours(MORNING.on).closes == time(12)


def test_an_override_comes_back_with_its_steps(imported: Database) -> None:
    number = step(imported, MORNING, "propose", "li")
    step(imported, MORNING, "approve", "wang", number)

    with imported.reading() as conn:
        (found,) = overrides.recorded(conn, "HK")
        assert overrides.recorded(conn, "US") == []
        assert overrides.find(conn, number) == found
        assert overrides.find(conn, 99) is None
        assert overrides.pending(conn, "HK", MORNING.on) == found
        assert overrides.pending(conn, "HK", date(2026, 9, 9)) is None
    assert found.override == MORNING
    assert [(one.action, one.actor) for one in found.steps] == [
        ("propose", "li"),
        ("approve", "wang"),
    ]
    assert (found.standing, found.moments) == ("in_force", (AT, AT))


def test_a_withdrawn_proposal_leaves_room_for_another(imported: Database) -> None:
    number = step(imported, MORNING, "propose", "li")
    step(imported, MORNING, "withdraw", "li", number)

    with imported.reading() as conn:
        assert overrides.pending(conn, "HK", MORNING.on) is None
        assert overrides.in_force(conn, "HK") == []


def test_every_step_is_in_the_log_and_answered_for(imported: Database) -> None:
    number = step(imported, EXTENDED, "propose", "li")
    step(imported, EXTENDED, "approve", "wang", number)

    with imported.reading() as conn:
        logged = [
            (entry.kind, entry.actor, entry.subject)
            for entry in audit.entries(conn)
            if entry.kind.startswith("override.")
        ]
    assert logged == [
        ("override.proposed", "li", f"calendar CN_A override {number}"),
        ("override.approved", "wang", f"calendar CN_A override {number}"),
    ]
    assert verify(imported).ok
    assert verify(imported).rows == 2


# --- settlement days ---------------------------------------------------------------------------


def test_shipped_settlement_days_are_stored_once_and_answered(imported: Database) -> None:
    with imported.begin() as tx:
        first = settlements.save(tx, SHIPPED.settlements, entered_by="lin", entered_at=AT)
    with imported.begin() as tx:
        again = settlements.save(tx, SHIPPED.settlements, entered_by="lin", entered_at=AT)

    assert (first, again) == (3, 0)
    with imported.reading() as conn:
        mainland, south = calendars.load(conn, "CN_A"), calendars.load(conn, "SB")
    assert mainland.settlement_day(date(2026, 2, 13)) == date(2026, 2, 24)
    assert south.settlement_day(date(2026, 2, 13)) == date(2026, 2, 25)


def test_another_day_for_the_same_trades_is_a_contradiction(imported: Database) -> None:
    wrong = Settlement("CN_A", date(2026, 2, 13), date(2026, 2, 14), "a question and answer page")
    with imported.begin() as tx:
        settlements.save(tx, SHIPPED.settlements, entered_by="lin", entered_at=AT)

    with imported.reading() as conn:
        (told,) = settlements.contradictions(conn, [wrong])
        assert settlements.contradictions(conn, SHIPPED.settlements) == []
    assert told.startswith("CN_A 2026-02-13: stored as paid on 2026-02-24 (ChinaClear")
