"""Permits of senders, on both databases: one row a limit, reserved from by all workers in turn."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.core.rate import Ask, Limit, RampUp, Why, midnight, today
from outreach.store import rates
from outreach.store.database import Database
from tests.small_run import NOW, SHANGHAI

FIFTY = Ask("sms", Limit(per_second=50))


def moment(at: datetime) -> rates.Moment:
    return rates.Moment(at, today(at, SHANGHAI), midnight(at, SHANGHAI))


class Row:
    """One limit, and a clock of its own."""

    def __init__(self, database: Database, ask: Ask = FIFTY) -> None:
        self.database, self.ask, self.now = database, ask, NOW
        with database.begin() as tx:
            rates.prepare(tx, [ask.name])
            rates.prepare(tx, [ask.name])  # two workers may begin at once

    def reserve(self, n: int = 10, *, urgent: bool = False, ask: Ask | None = None) -> float | None:
        with self.database.begin() as tx:
            return rates.reserve(
                tx, ask or self.ask, n, moment(self.now), urgent=urgent, first_on=None
            )

    def denied(self, n: int = 10, *, urgent: bool = False) -> rates.Denied | None:
        with self.database.reading() as conn:
            return rates.denied(conn, self.ask, n, moment(self.now), urgent=urgent)

    def pass_time(self, **length: float) -> None:
        self.now += timedelta(**length)


@pytest.fixture
def row(database: Database) -> Row:
    return Row(database)


def test_windows_get_their_turns_one_after_the_other(row: Row) -> None:
    turns = [row.reserve() for _ in range(5)]

    # The first may catch up on a fifth of a second, as a worker that comes late.
    assert turns == [0, 0, 0.2, 0.4, 0.6]


def test_nobody_gets_permits_far_ahead_and_is_told_when_there_are_some(row: Row) -> None:
    while row.reserve(50) is not None:
        pass

    denied = row.denied(50)

    assert denied is not None
    assert (denied.why, denied.until) == (Why.RATE, row.now + timedelta(seconds=0.82))
    row.now = denied.until
    assert row.denied() is None
    assert row.reserve() == pytest.approx(4.98)


def test_a_sender_that_rested_gets_no_more_than_one_that_did_not(row: Row) -> None:
    row.reserve()
    row.pass_time(hours=3)

    assert [row.reserve(), row.reserve(), row.reserve()] == [0, 0, 0.2]


def test_a_worker_whose_clock_jumped_a_day_holds_nobody(row: Row) -> None:
    row.pass_time(days=1)
    row.reserve()
    with row.database.begin() as tx:
        rates.hold(tx, "sms", row.now + timedelta(hours=1), Why.THROTTLED, row.now)
    row.pass_time(days=-1)

    assert row.reserve() == 0
    with row.database.reading() as conn:
        assert rates.holds(conn, row.now) == {}


def test_the_days_cap_is_shared_and_begins_anew_at_the_firms_midnight(database: Database) -> None:
    row = Row(database, Ask("sms", Limit(per_day=25)))

    assert [row.reserve(), row.reserve(), row.reserve()] == [0, 0, None]
    denied = row.denied()
    assert denied is not None
    assert (denied.why, denied.left, denied.until) == (Why.DAY, 5, midnight(NOW, SHANGHAI))
    assert row.reserve(5) == 0
    row.now = denied.until
    assert row.reserve(25) == 0


def test_a_ramp_up_counts_from_the_first_day_of_use(database: Database) -> None:
    ask = Ask("sms", Limit(per_day=1000, ramp_up=RampUp(days=4, share=0.001)))
    row = Row(database, ask)
    assert (row.reserve(1), row.reserve(1)) == (0, None)
    with database.reading() as conn:
        first = rates.first_days(conn, ["sms"])["sms"]

    assert first == today(NOW, SHANGHAI)
    row.pass_time(days=1)
    with database.begin() as tx:
        assert rates.reserve(tx, ask, 10, moment(row.now), urgent=False, first_on=first) == 0
        assert rates.reserve(tx, ask, 1, moment(row.now), urgent=False, first_on=first) is None


def test_bulk_leaves_the_sender_to_urgent_messages_while_there_are_some(row: Row) -> None:
    assert row.reserve() == 0
    assert row.reserve(urgent=True) == 0
    assert row.reserve() is None
    denied = row.denied()
    assert denied is not None
    assert denied.why is Why.URGENT
    row.pass_time(seconds=0.5)
    assert row.reserve(urgent=True) is not None

    row.pass_time(seconds=1)
    assert row.reserve() is None, "the next urgent window put it off"
    row.pass_time(seconds=0.2)
    assert row.reserve() == 0


def test_who_is_asked_for_less_holds_the_sender_for_everybody(row: Row) -> None:
    with row.database.begin() as tx:
        until = rates.throttle(tx, "sms", 30.0, row.now)

    assert until == row.now + timedelta(seconds=30)
    assert row.reserve(urgent=True) is None
    denied = row.denied()
    assert denied is not None
    assert (denied.until, denied.why) == (until, Why.THROTTLED)
    row.now = until
    assert row.reserve() == 0


def test_a_provider_that_names_no_time_is_left_alone_twice_as_long_each_time(row: Row) -> None:
    pauses = []
    for _ in range(8):
        with row.database.begin() as tx:
            until = rates.throttle(tx, "sms", 0, row.now)
            assert rates.throttle(tx, "sms", 0, row.now) == until, "two workers heard the same"
        pauses.append((until - row.now).total_seconds())
        row.now = until

    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    row.pass_time(hours=1)
    with row.database.begin() as tx:
        assert rates.throttle(tx, "sms", 0, row.now) == row.now + timedelta(seconds=5)


def test_a_limit_that_is_raised_counts_from_the_next_window(row: Row) -> None:
    row.reserve(), row.reserve()
    fast = Ask("sms", Limit(per_second=500))

    assert [row.reserve(ask=fast), row.reserve(ask=fast)] == [0.2, 0.22]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 20)), min_size=5, max_size=40))
def test_whoever_asks_when_and_for_how_many_the_rate_is_kept(
    database: Database, steps: list[tuple[int, int]]
) -> None:
    if not database.sqlite:
        return  # the sums are the same; the statement is tried above
    row = Row(database, Ask(f"sms {steps}", Limit(per_second=50)))
    given_at: list[tuple[float, int]] = []
    for milliseconds, n in steps:
        row.pass_time(milliseconds=milliseconds)
        if (wait := row.reserve(n)) is not None:
            given_at.append(((row.now - NOW).total_seconds() + wait, n))

    given_at.sort()
    totals = list(accumulate(n for _, n in given_at))
    for i, (begins, first) in enumerate(given_at):
        for j in range(i, len(given_at)):
            sent = totals[j] - totals[i] + first
            length = given_at[j][0] - begins
            # A window, and what a late worker may catch up, are beside the rate.
            assert sent <= 50 * (length + 0.2) + 20 + 1e-6


def test_postgresql_keeps_time_for_workers_of_many_machines(database: Database) -> None:
    if database.sqlite:
        return
    with database.begin() as tx:
        rates.prepare(tx, ["sms"])
    wrong = moment(datetime(2020, 1, 1, tzinfo=UTC))._replace(by_database=True)
    turns = []
    for _ in range(3):
        with database.begin() as tx:
            turns.append(rates.reserve(tx, FIFTY, 50, wrong, urgent=False, first_on=None))

    assert turns[0] == 0
    assert all(turn is not None for turn in turns)
    assert 0.5 < (turns[2] or 0) <= 1.8
