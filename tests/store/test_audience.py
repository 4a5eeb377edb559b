"""Segments asked of both databases: every operator, every bound, and what is not known."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.core.client import CLIENT_FIELDS
from outreach.core.segment import Segment
from outreach.core.segment.question import OPERATORS
from outreach.store import audience
from outreach.store.audience import Asked
from outreach.store.database import Database
from outreach.store.tables import client

from .client_book import TODAY, VALUES, add, hold, row, spread
from .plain_segment import holds

ASKED = Asked(TODAY)


def segment(where: dict[str, Any]) -> Segment:
    return Segment.model_validate({"name": {"zh": "客户", "en": "Clients"}, "where": where})


def chosen(database: Database, where: dict[str, Any], asked: Asked = ASKED) -> list[int]:
    with database.reading() as conn:
        rows = audience.page(conn, segment(where), asked, after=0, limit=1000)
        assert audience.count(conn, segment(where), asked) == len(rows)
    return [found[0] for found in rows]


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


OPENED = "opened_on"
BOUNDS: list[tuple[str, list[Any], dict[str, Any], list[Any]]] = [
    ("status", ["normal", "closed", "frozen"], {"is": "closed"}, ["closed"]),
    ("status", ["normal", "closed", "frozen"], {"in": ["normal", "frozen"]}, ["normal", "frozen"]),
    ("branch", ["Branch", "branch", None], {"is": "branch"}, ["branch"]),
    ("professional", [True, False], {"is": True}, [True]),
    ("professional", [True, False], {"is": False}, [False]),
    ("risk_level", [1, 2, 3, None], {"at_least": 2}, [2, 3]),
    ("risk_level", [1, 2, 3, None], {"at_most": 2}, [1, 2]),
    ("risk_level", [1, 2, 3, None], {"above": 2}, [3]),
    ("risk_level", [1, 2, 3, None], {"below": 2}, [1]),
    ("risk_level", [1, 2, 3, None], {"at_least": 2, "below": 3}, [2]),
    ("cash", [9_998, 9_999, 10_000, None], {"at_least": 99.99}, [9_999, 10_000]),
    ("cash", [9_999, 10_000, -1, None], {"below": 100}, [9_999, -1]),
    ("holdings_value", [0, 1, None], {"is": 0}, [0]),
    ("total_assets", [6 * 10**13, None], {"at_least": 600_000_000_000}, [6 * 10**13]),
    (OPENED, [day(1), day(0), None], {"before": TODAY}, [day(1)]),
    (OPENED, [day(1), day(0), day(-1)], {"after": TODAY}, [day(-1)]),
    (OPENED, [day(1), day(0), day(-1)], {"on": TODAY}, [day(0)]),
    (OPENED, [day(30), day(31), day(0), None], {"days_since": {"at_most": 30}}, [day(30), day(0)]),
    (OPENED, [day(-1), day(0)], {"days_since": {"at_most": 30}}, [day(0)]),
    (OPENED, [day(29), day(30), day(31)], {"days_since": {"at_least": 30}}, [day(30), day(31)]),
    (
        "last_trade_on", [date(2026, 2, 28), date(2026, 3, 1)],
        {"months_since": {"at_least": 6}}, [date(2026, 2, 28)],
    ),
    (
        "last_trade_on", [date(2023, 8, 31), date(2023, 9, 1)],
        {"years_since": {"at_least": 3}}, [date(2023, 8, 31)],
    ),
    (
        "document_expires_on", [day(1), day(0), day(-60), day(-61)],
        {"days_until": {"at_most": 60}}, [day(0), day(-60)],
    ),
    ("permissions", ["", ",期权,", ",股票期权,", ",a,期权,"], {"contains": "期权"},
     [",期权,", ",a,期权,"]),
    ("permissions", [",abc,", ",ABC,"], {"contains": "abc"}, [",abc,"]),
    ("permissions", [",abc,", ",a_c,"], {"contains": "a_c"}, [",a_c,"]),
    ("topics", [",100%,", ",1000,"], {"contains": "100%"}, [",100%,"]),
    ("topics", ["", ",医药,"], {"is_set": False}, [""]),
    ("topics", ["", ",医药,"], {"is_set": True}, [",医药,"]),
    ("zone", [None, "Asia/Shanghai"], {"is_set": False}, [None]),
    ("zone", [None, "Asia/Shanghai"], {"is_set": True}, ["Asia/Shanghai"]),
]  # fmt: skip


def test_every_operator_meets_its_bounds(database: Database) -> None:
    """One book with all the cases, each told apart by its branch of clients (the adviser)."""
    rows: list[dict[str, Any]] = []
    expected: dict[int, list[int]] = {}
    for number, (name, facts, _asked, fitting) in enumerate(BOUNDS):
        for fact in facts:
            rows.append(row(len(rows) + 1, **{"adviser": f"case {number}", name: fact}))
            if fact in fitting and type(fact) in {type(one) for one in fitting}:
                expected.setdefault(number, []).append(len(rows))
    with database.begin() as tx:
        add(tx, rows)

    for number, (name, _facts, asked, _fitting) in enumerate(BOUNDS):
        mine = {"field": "adviser", "is": f"case {number}"}
        where = {"all": [mine, {"field": name, **asked}]}
        assert chosen(database, where) == expected[number], (name, asked)


UNKNOWN = {"field": "risk_level", "at_least": 3}
FALSE = {"field": "status", "is": "closed"}
TRUE = {"field": "status", "is": "normal"}


@pytest.mark.parametrize(
    ("where", "belongs"),
    [
        pytest.param(UNKNOWN, False, id="an unknown fact does not match"),
        pytest.param({"not": UNKNOWN}, False, id="and neither does its not"),
        pytest.param({"any": [UNKNOWN, TRUE]}, True, id="unknown or true"),
        pytest.param({"all": [UNKNOWN, TRUE]}, False, id="unknown and true"),
        pytest.param({"not": {"all": [UNKNOWN, FALSE]}}, True, id="not (unknown and false)"),
        pytest.param({"not": {"any": [UNKNOWN, FALSE]}}, False, id="not (unknown or false)"),
        pytest.param({"field": "risk_level", "is_set": False}, True, id="the gap itself"),
    ],
)
def test_what_is_not_known_puts_nobody_into_an_audience(
    database: Database, where: dict[str, Any], belongs: bool
) -> None:
    with database.begin() as tx:
        add(tx, [row(1, risk_level=None)])

    assert chosen(database, where) == ([1] if belongs else [])


def test_pages_follow_each_other_by_client_id(database: Database) -> None:
    with database.begin() as tx:
        add(tx, [row(id_, status="normal" if id_ % 2 else "closed") for id_ in range(1, 12)])
    after, pages = 0, []
    with database.reading() as conn:
        while found := audience.page(
            conn, segment(TRUE), ASKED, after=after, limit=4,
            columns=[client.c.id, client.c.client_no], also=[client.c.id != 3],
        ):  # fmt: skip
            pages.append(found)
            assert found[0][0] > after  # else this would never end
            after = found[-1][0]
        assert audience.count(conn, segment(TRUE), ASKED, also=[client.c.id != 3]) == 5

    assert pages == [
        [(1, "0000001"), (5, "0000005"), (7, "0000007"), (9, "0000009")],
        [(11, "0000011")],
    ]


def test_clients_are_counted_by_a_day_of_theirs(database: Database) -> None:
    opened = [day(0), day(0), day(1), day(3), day(4), None]
    with database.begin() as tx:
        rows = [row(n, opened_on=on) for n, on in enumerate(opened, start=1)]
        add(tx, [*rows, row(7, opened_on=day(1), status="closed")])
    normal = segment({"field": "status", "is": "normal"})
    with database.reading() as conn:
        found = audience.count_by_day(conn, normal, ASKED, OPENED, day(3), day(0))

    assert found == {day(0): 2, day(1): 1, day(3): 1}


def test_one_client_is_asked_about(database: Database) -> None:
    with database.begin() as tx:
        add(tx, [row(1), row(2, status="closed")])

    with database.reading() as conn:
        assert audience.belongs(conn, segment(TRUE), ASKED, 1)
        assert not audience.belongs(conn, segment(TRUE), ASKED, 2)
        assert not audience.belongs(conn, segment(TRUE), ASKED, 3)


def test_a_list_of_any_length_serves_in_a_transaction_that_only_reads(database: Database) -> None:
    numbers = frozenset(f"{number:07}" for number in range(2, 50_002))
    asked = Asked(TODAY, lists={"vip.txt": numbers, "empty.txt": frozenset()})
    with database.begin() as tx:
        add(tx, [row(id_) for id_ in (1, 2, 3)])

    assert chosen(database, {"list_file": "vip.txt"}, asked) == [2, 3]
    assert chosen(database, {"not": {"list_file": "vip.txt"}}, asked) == [1]
    assert chosen(database, {"list_file": "empty.txt"}, asked) == []
    with database.reading() as conn:
        assert audience.not_in_book(conn, {"0000003", "9999999"}) == {"9999999"}


HALTED = [("XSHE", "300096"), ("XSHG", "600519"), ("XSHG", "300096")]


def test_holders_of_a_halted_security_by_the_book_that_counts(database: Database) -> None:
    with database.begin() as tx:
        add(tx, [row(id_) for id_ in range(1, 7)])
        hold(tx, 7, 1, "XSHE", "300096", 100)
        hold(tx, 7, 1, "XSHG", "600519", 100)
        hold(tx, 7, 2, "XSHE", "600519", 100)  # the same number on another market
        hold(tx, 7, 3, "XSHG", "600519", 0)  # sold
        hold(tx, 6, 4, "XSHG", "600519", 100)  # in an older book
        hold(tx, 7, 5, "XSHG", "600519", 1)

    where = {"holds_halted": True}
    assert chosen(database, where, Asked(TODAY, halted=HALTED, holdings=7)) == [1, 5]
    assert chosen(database, {"not": where}, Asked(TODAY, halted=HALTED, holdings=7)) == [2, 3, 4, 6]
    assert chosen(database, where, Asked(TODAY, holdings=7)) == []


def test_without_a_holdings_book_nobody_knows_who_holds_and_who_does_not(
    database: Database,
) -> None:
    with database.begin() as tx:
        add(tx, [row(1)])

    asked = Asked(TODAY, halted=HALTED)
    assert chosen(database, {"holds_halted": True}, asked) == []
    assert chosen(database, {"not": {"holds_halted": True}}, asked) == []


# --- against the plain reading of the same condition -------------------------------------------


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(VALUES)))
    type_ = CLIENT_FIELDS[name].type
    operator = draw(st.sampled_from(OPERATORS[type_]))
    if operator == "is_set":
        return {"field": name, operator: draw(st.booleans())}
    if operator.endswith(("_since", "_until")):
        bounds = sorted(
            draw(st.lists(st.sampled_from([0, 1, 3, 6, 30, 31]), min_size=2, max_size=2))
        )
        count = dict(zip(("at_least", "at_most"), bounds, strict=True))
        left_out = draw(st.sampled_from(["at_least", "at_most", None]))
        return {"field": name, operator: {k: v for k, v in count.items() if k != left_out}}
    known = [value for value in VALUES[name] if value not in (None, "")]
    value = st.sampled_from(known)
    if type_ == "money":
        value = value.map(lambda fen: fen / 100)
    if type_ == "list":
        value = value.map(lambda written: written.split(",")[1])
    if operator == "in":
        return {"field": name, operator: draw(st.lists(value, min_size=1, max_size=3))}
    return {"field": name, operator: draw(value)}


def joined(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    parts = st.lists(part, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"all": parts}),
        st.fixed_dictionaries({"any": parts}),
        st.fixed_dictionaries({"not": part}),
    )


LEAVES = st.one_of(
    questions(),
    questions(),
    questions(),
    st.just({"list_file": "vip.txt"}),
    st.just({"holds_halted": True}),
)


def test_both_databases_choose_whom_the_plain_reading_chooses(database: Database) -> None:
    rows = spread(90)
    numbers = frozenset(one["client_no"] for one in rows[::3])
    asked = Asked(TODAY, lists={"vip.txt": numbers}, halted=[("XSHG", "600519")], holdings=1)
    holders = {one["id"] for one in rows[::4]}
    with database.begin() as tx:
        add(tx, rows)
        for id_ in holders:
            hold(tx, 1, id_, "XSHG", "600519", 100)

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(where=st.recursive(LEAVES, joined, max_leaves=6))
    def agrees(where: dict[str, Any]) -> None:
        expected = [one["id"] for one in rows if holds(where, one, TODAY, asked.lists, holders)]
        assert chosen(database, where, asked) == expected

    agrees()
