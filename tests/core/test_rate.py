"""Limits of senders: windows of permits, days, hours, ramp-up, and how long a run takes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from outreach.core.rate import Ask, Limit, Limits, RampUp, ends_at, midnight, pace_of, window_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)  # Monday 15:30 in Shanghai
DAY = (time(9), time(21))


@pytest.mark.parametrize(
    ("rates", "most", "expected"),
    [
        pytest.param([50.0], 500, 10, id="a fifth of a second's worth"),
        pytest.param([1.0], 500, 1, id="at least one"),
        pytest.param([0.1], 500, 1, id="also of a slow sender"),
        pytest.param([10_000.0], 500, 500, id="at most what the channel takes"),
        pytest.param([50.0, 20.0], 500, 4, id="the slowest of several counts"),
        pytest.param([None], 500, 500, id="a day's cap alone does not cut the window"),
    ],
)
def test_a_window_holds_what_may_go_in_a_moment(
    rates: list[float | None], most: int, expected: int
) -> None:
    asks = tuple(Ask(f"s{n}", Limit(per_second=rate)) for n, rate in enumerate(rates))

    assert window_of(asks, 0.2, most) == expected


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        pytest.param("2026-09-28T09:00+08:00", None, id="the opening minute is open"),
        pytest.param("2026-09-28T08:59+08:00", "2026-09-28T09:00+08:00", id="early waits"),
        pytest.param("2026-09-28T21:00+08:00", "2026-09-29T09:00+08:00", id="the end is shut"),
        pytest.param("2026-12-31T22:00+08:00", "2027-01-01T09:00+08:00", id="over the year"),
    ],
)
def test_a_sender_keeps_to_its_hours_on_the_firms_clock(now: str, opens: str | None) -> None:
    found = Limit(between=DAY).opens_at(datetime.fromisoformat(now).astimezone(UTC), SHANGHAI)

    assert found == (datetime.fromisoformat(opens) if opens else None)


def test_a_ramp_up_begins_with_its_share_and_grows_by_the_same_factor_each_day() -> None:
    limit = Limit(per_day=10_000, ramp_up=RampUp(days=5, share=0.0001))
    first = date(2026, 9, 28)

    caps = [limit.cap(first, first + timedelta(days=n)) for n in range(7)]

    assert caps == [1, 10, 100, 1000, 10_000, 10_000, 10_000]
    assert limit.cap(None, first) == 1


def test_a_country_goes_by_its_longest_prefix() -> None:
    prefixes = ("+1", "+1242", "+852")

    assert pace_of("abroad", prefixes, "+12425550100") == "abroad +1242"
    assert pace_of("abroad", prefixes, "+14155550100") == "abroad +1"
    assert pace_of("abroad", prefixes, "+8613800000000") is None


def test_the_rows_of_a_message_stand_in_one_order() -> None:
    limits = Limits(
        "abroad", Limit(per_second=50), Ask("account AC1", Limit(per_second=100)),
        {"+852": Limit(per_second=5)},
    )  # fmt: skip

    assert [one.name for one in limits.asks("abroad +852")] == [
        "abroad", "abroad +852", "account AC1",
    ]  # fmt: skip
    assert [one.name for one in limits.asks(None)] == ["abroad", "account AC1"]
    # A limit that was planned with and is gone from config.toml limits nothing.
    assert [one.name for one in limits.asks("abroad +44")] == ["abroad", "account AC1"]
    assert Limits("free").asks(None) == ()


@pytest.mark.parametrize(
    ("messages", "limit", "used", "expected"),
    [
        pytest.param(3000, Limit(per_second=50), 0, NOW + timedelta(minutes=1), id="its rate"),
        pytest.param(
            1500, Limit(per_second=50, per_day=1000), 0,
            midnight(NOW, SHANGHAI) + timedelta(seconds=10), id="the rest on the next day",
        ),
        pytest.param(
            500, Limit(per_second=50, per_day=1000), 800,
            midnight(NOW, SHANGHAI) + timedelta(seconds=6), id="what is used today is used",
        ),
        pytest.param(
            50 * 3600 * 6, Limit(per_second=50, between=DAY), 0,
            datetime(2026, 9, 29, 1, 30, tzinfo=UTC), id="half an hour is left for tomorrow",
        ),
        pytest.param(0, Limit(per_second=50), 0, NOW, id="nothing takes no time"),
    ],
)  # fmt: skip
def test_how_long_it_will_take(messages: int, limit: Limit, used: int, expected: datetime) -> None:
    assert ends_at(messages, limit, NOW, SHANGHAI, used=used) == expected
