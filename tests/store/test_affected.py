"""Whom alerts concern, asked of both databases: holders, watchers, and who got an earlier one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from outreach.core.alert import Alert, Reach
from outreach.core.model import Outcome, accepted, in_doubt, refused
from outreach.core.segment import Segment
from outreach.core.sources import Got
from outreach.store import audience, windows
from outreach.store.affected import affected
from outreach.store.audience import Asked
from outreach.store.database import Database
from outreach.store.sources import Span
from outreach.store.tables import holding, watching
from tests.store import client_book
from tests.store.test_sendlog import RUN, add_batch, add_run, claim, intend, settle

EVERYBODY = Span(0, 100)
HELD = {(1, "600519"): (1, 2, 3), (1, "300096"): (2, 4), (2, "600519"): (3, 5)}


@pytest.fixture
def market(database: Database) -> Database:
    """Six clients; book 1 and 2 say who holds 600519 and 300096, book 9 that 6 watches 300096."""
    with database.begin() as tx:
        client_book.add(tx, [client_book.row(n) for n in range(1, 7)])
        for (book, symbol), clients in HELD.items():
            for client in clients:
                tx.execute(insert(holding).values(
                    book_id=book, market="XSHG", symbol=symbol, client_id=client, quantity=100,
                ))  # fmt: skip
        tx.execute(insert(holding).values(
            book_id=1, market="XSHG", symbol="600519", client_id=6, quantity=0,
        ))  # fmt: skip
        tx.execute(insert(watching).values(
            book_id=9, market="XSHG", symbol="300096", client_id=6,
        ))  # fmt: skip
    return database


def alert(symbol: str, *reach: Reach, besides: tuple[int, ...] = ()) -> Alert:
    return Alert(f"XSHG-{symbol}-1", 1, "halted", "XSHG", symbol, reach, besides)


def found(database: Database, *alerts: Alert, span: Span = EVERYBODY) -> dict[int, list[str]]:
    """By client, the symbols of the alerts that concern him."""
    with database.reading() as conn:
        one = affected(conn, alerts, span)
        return {
            client: [alerts[concern.alert].symbol for concern in one.of(client)]
            for client in sorted(one.clients)
        }


BOTH = (
    alert("600519", Reach("holds", 1)),
    alert("300096", Reach("holds", 1), Reach("watches", 9)),
)


def test_holders_and_watchers_are_found_with_what_concerns_them(market: Database) -> None:
    assert found(market, *BOTH) == {
        1: ["600519"], 2: ["600519", "300096"], 3: ["600519"], 4: ["300096"], 6: ["300096"],
    }  # fmt: skip


def test_a_snapshot_speaks_for_its_own_moment_only(market: Database) -> None:
    assert found(market, alert("600519", Reach("holds", 2))) == {3: ["600519"], 5: ["600519"]}


def test_a_client_who_holds_nothing_of_it_any_more_is_no_holder(market: Database) -> None:
    assert 6 not in found(market, alert("600519", Reach("holds", 1)))


def test_a_client_whom_an_alert_concerns_twice_is_told_once(market: Database) -> None:
    twice = alert("600519", Reach("holds", 1), Reach("holds", 2))

    assert found(market, twice)[3] == ["600519"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sets(st.integers(1, 6)))
def test_spans_together_find_what_one_finds(market: Database, cuts: set[int]) -> None:
    ends = [*sorted(cuts), 100]
    parts = [
        found(market, *BOTH, span=Span(after, last))
        for after, last in zip([0, *ends], ends, strict=False)
    ]

    assert {client: some for part in parts for client, some in part.items()} == found(market, *BOTH)


@pytest.fixture
def told(market: Database) -> Database:
    """Run 3 told 1, 2, 3 and 4: taken, refused, in doubt, and not yet sent."""
    with market.begin() as tx:
        add_run(tx)
        add_batch(tx, 1, "sms", {1: 1, 2: 2, 3: 3, 4: 4})
        lease = claim(tx)
        outcomes: dict[int, Outcome] = {1: accepted(), 2: refused("550"), 3: in_doubt("cut")}
        settle(tx, lease, intend(tx, lease, 3), outcomes)
        windows.give_back(tx, lease)
    return market


def test_who_got_an_earlier_alert_is_whoever_may_have_read_it(told: Database) -> None:
    later = alert("600519", Reach("holds", 2), Reach("holds", 1, RUN))

    # 3 and 5 hold it by the later book; of the holders of before, 1 got it and 3 may have.
    assert found(told, later).keys() == {1, 3, 5}


def test_who_was_told_by_a_run_that_is_overtaken_is_not_told_again(told: Database) -> None:
    again = alert("600519", Reach("holds", 1), besides=(RUN,))

    assert found(told, again).keys() == {2}


def test_a_message_in_a_senders_hands_may_have_gone(told: Database) -> None:
    with told.begin() as tx:
        lease = claim(tx)
        assert intend(tx, lease, 4) is not None
    again = alert("300096", Reach("holds", 1), besides=(RUN,))

    assert found(told, again).keys() == {2}


def test_an_audience_is_limited_to_who_got_a_run(told: Database) -> None:
    everybody = Segment.model_validate(
        {"name": {"zh": "客户", "en": "Clients"}, "where": {"field": "status", "is_set": True}}
    )
    with told.reading() as conn:
        asked = Asked(client_book.TODAY, only=(Got((RUN,)),), span=EVERYBODY)
        rows = audience.page(conn, everybody, asked, after=0, limit=10)
    assert [row[0] for row in rows] == [1, 3]
