"""Who belongs to the segments we ship, on 2026-08-31, by the definitions their comments cite."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from outreach.core.segment import Segments
from outreach.store import audience
from outreach.store.audience import Asked
from outreach.store.database import Database

from .client_book import TODAY, add, hold, row

FILE: Final = Path(__file__).parents[2] / "campaigns" / "segments.toml"
SHIPPED: Final = Segments.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8"))).root

EMPTY: dict[str, Any] = {"holdings_value": 0, "cash": 9_999, "opened_on": date(2015, 5, 4)}
ASLEEP: dict[str, Any] = {**EMPTY, "last_trade_on": date(2023, 8, 31)}
WEALTHY: dict[str, Any] = {
    "average_daily_assets": 600_000_000,
    "assets_window_days": 20,
    "assets_as_of": date(2026, 7, 31),
}

CASES: list[tuple[str, str, dict[str, Any], bool]] = [
    ("active-clients", "a normal account", {}, True),
    ("active-clients", "a frozen account is open", {"status": "frozen"}, True),
    ("active-clients", "a dormant account is open", {"status": "dormant"}, True),
    ("active-clients", "a defective account is open", {"status": "defective"}, True),
    ("active-clients", "a closed account", {"status": "closed"}, False),
    ("active-clients", "the dead", {"status": "deceased"}, False),
    ("margin-or-equity-holders", "one fen of holdings", {"holdings_value": 1}, True),
    ("margin-or-equity-holders", "no holdings", {"holdings_value": 0}, False),
    (
        "margin-or-equity-holders", "no holdings, but may trade on credit",
        {"holdings_value": 0, "permissions": ",创业板,融资融券,"}, True,
    ),
    (
        "margin-or-equity-holders", "holdings unknown, but may trade on credit",
        {"holdings_value": None, "permissions": ",融资融券,"}, True,
    ),
    (
        "margin-or-equity-holders", "a closed account",
        {"holdings_value": 1, "status": "closed"}, False,
    ),
    ("dormant-accounts", "three years to the day", ASLEEP, True),
    ("dormant-accounts", "a day less", {**ASLEEP, "last_trade_on": date(2023, 9, 1)}, False),
    ("dormant-accounts", "99.99 yuan", {**ASLEEP, "cash": 9_999}, True),
    ("dormant-accounts", "100 yuan", {**ASLEEP, "cash": 10_000}, False),
    ("dormant-accounts", "a holding left", {**ASLEEP, "holdings_value": 1}, False),
    ("dormant-accounts", "cash unknown", {**ASLEEP, "cash": None}, False),
    ("dormant-accounts", "marked dormant already", {**ASLEEP, "status": "dormant"}, True),
    ("dormant-accounts", "closed", {**ASLEEP, "status": "closed"}, False),
    (
        "dormant-accounts", "never traded, opened three years ago",
        {**EMPTY, "last_trade_on": None, "opened_on": date(2023, 8, 31)}, True,
    ),
    (
        "dormant-accounts", "never traded, opened a day later",
        {**EMPTY, "last_trade_on": None, "opened_on": date(2023, 9, 1)}, False,
    ),
    (
        "dormant-accounts", "brought back to life last year",
        {**ASLEEP, "reactivated_on": date(2025, 6, 2)}, False,
    ),
    (
        "inactive-clients", "six months back there was no 31st",
        {"holdings_value": 5, "cash": 0, "last_trade_on": date(2026, 2, 28)}, True,
    ),
    (
        "inactive-clients", "a day less than six months",
        {"holdings_value": 5, "cash": 0, "last_trade_on": date(2026, 3, 1)}, False,
    ),
    ("inactive-clients", "dormant is another thing", ASLEEP, False),
    ("inactive-clients", "as long, but with money", {**ASLEEP, "cash": 10_000}, True),
    (
        "inactive-clients", "nothing left, but traded within three years",
        {**EMPTY, "last_trade_on": date(2025, 1, 6)}, True,
    ),
    ("new-investors-30", "30 days ago", {"opened_on": date(2026, 8, 1)}, True),
    ("new-investors-30", "31 days ago", {"opened_on": date(2026, 7, 31)}, False),
    ("new-investors-30", "today", {"opened_on": TODAY}, True),
    ("new-investors-30", "tomorrow", {"opened_on": date(2026, 9, 1)}, False),
    (
        "new-investors-30", "reactivated, not new",
        {"opened_on": TODAY, "reactivated_on": TODAY}, False,
    ),
    ("new-investors-90", "90 days ago", {"opened_on": date(2026, 6, 2)}, True),
    ("new-investors-90", "91 days ago", {"opened_on": date(2026, 6, 1)}, False),
    ("high-net-worth", "six million over 20 days", WEALTHY, True),
    ("high-net-worth", "a fen less", {**WEALTHY, "average_daily_assets": 599_999_999}, False),
    ("high-net-worth", "over 19 days", {**WEALTHY, "assets_window_days": 19}, False),
    ("high-net-worth", "the window is unknown", {**WEALTHY, "assets_window_days": None}, False),
    ("high-net-worth", "32 days old", {**WEALTHY, "assets_as_of": date(2026, 7, 30)}, False),
    ("high-net-worth", "wealthy today only", {"total_assets": 10**12}, False),
]  # fmt: skip


def test_each_definition_holds_at_its_bounds(database: Database) -> None:
    with database.begin() as tx:
        add(tx, [row(id_, **facts) for id_, (_n, _t, facts, _b) in enumerate(CASES, start=1)])

    with database.reading() as conn:
        for id_, (name, told, _facts, belongs) in enumerate(CASES, start=1):
            found = audience.belongs(conn, SHIPPED[name], Asked(TODAY), id_)
            assert found is belongs, f"{name}: {told}"


def test_holders_of_halted_securities_leave_out_closed_accounts(database: Database) -> None:
    with database.begin() as tx:
        add(tx, [row(1), row(2, status="closed"), row(3)])
        for client_id in (1, 2):
            hold(tx, 4, client_id, "XSHE", "300096", 200)
    asked = Asked(TODAY, halted=[("XSHE", "300096")], holdings=4)

    with database.reading() as conn:
        found = audience.page(conn, SHIPPED["holders-of-halted"], asked, after=0, limit=10)

    assert found == [(1,)]


@pytest.mark.parametrize("name", list(SHIPPED))
def test_every_shipped_segment_has_a_case(name: str) -> None:
    assert name == "holders-of-halted" or name in {case[0] for case in CASES}
