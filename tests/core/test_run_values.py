"""What a run fixed at its opening comes back from the database exactly as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson

from outreach.core.alert import Alert, Reach
from outreach.core.run_values import RunValues
from outreach.core.sources import Got

SNAPSHOT = datetime(2026, 9, 23, 10, tzinfo=UTC)
VALUES = RunValues(
    key="2026-10-01",
    due_at=datetime(2026, 9, 17, 1, 0, tzinfo=UTC),
    expires_at=datetime(2026, 10, 1, 1, 30, 15, 250_000, tzinfo=UTC),
    year=2026,
    approved=False,
    constants={
        "zh-CN": {"holiday": "国庆节", "weekend_closed": ["10月10日(星期六)"], "close_days": "8"},
        "en": {"holiday": "National Day", "weekend_closed": [], "close_days": "8"},
    },
    halts_as_of=datetime(2026, 9, 28, 7, 0, tzinfo=UTC),
    alerts=(
        Alert(
            "XSHG-600519-20260928-1",
            2,
            "extended",
            "XSHG",
            "600519",
            (
                Reach("holds", 7, as_of=datetime(2026, 9, 23, 10, tzinfo=UTC)),
                Reach("watches", 9, run=3),
            ),
            besides=(3, 4),
        ),
    ),
    only=(Got((3, 4)),),
    securities={"XSHG-600519-20260928-1": {"zh-CN": {"name": "示例"}, "en": {"name": "Example"}}},
)


def test_values_come_back_as_they_were() -> None:
    assert RunValues.load(VALUES.dump()) == VALUES


def test_the_moment_of_a_snapshot_comes_back() -> None:
    (alert,) = RunValues.load(VALUES.dump()).alerts

    assert [by.as_of for by in alert.reach] == [SNAPSHOT, None]


def test_values_without_halts_come_back_as_they_were() -> None:
    plain = replace(VALUES, halts_as_of=None, alerts=(), only=(), securities={})

    assert RunValues.load(plain.dump()) == plain


def test_equal_values_are_equal_bytes_whatever_their_order_or_offset() -> None:
    turned = {key: dict(reversed(list(value.items()))) for key, value in VALUES.constants.items()}
    shanghai = VALUES.due_at.astimezone(timezone(timedelta(hours=8)))
    same = replace(VALUES, constants=dict(reversed(turned.items())), due_at=shanghai)

    assert RunValues.load(same.dump()) == VALUES
    assert replace(same, due_at=VALUES.due_at).dump() == VALUES.dump()


def test_a_run_of_when_alerts_were_not_known_tells_the_halts_of_its_snapshot() -> None:
    stored = orjson.loads(VALUES.dump())
    del stored["alerts"], stored["only"]
    stored |= {"securities": {"XSHG:600519": {}}, "holdings_book": 7}

    found = RunValues.load(orjson.dumps(stored))

    holders = (Reach("holds", 7),)
    assert found.alerts == (Alert("XSHG:600519", 1, "halted", "XSHG", "600519", holders),)
    assert found.only == ()
