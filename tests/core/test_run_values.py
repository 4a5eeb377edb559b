"""What a run fixed at its opening comes back from the database exactly as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from outreach.core.run_values import RunValues

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
    holdings_book=7,
    securities={"XSHG:600519": {"zh-CN": {"name": "示例"}, "en": {"name": "Example"}}},
)


def test_values_come_back_as_they_were() -> None:
    assert RunValues.load(VALUES.dump()) == VALUES


def test_values_without_halts_come_back_as_they_were() -> None:
    plain = replace(VALUES, halts_as_of=None, holdings_book=None, securities={})

    assert RunValues.load(plain.dump()) == plain
    assert plain.halted() == []


def test_equal_values_are_equal_bytes_whatever_their_order_or_offset() -> None:
    turned = {key: dict(reversed(list(value.items()))) for key, value in VALUES.constants.items()}
    shanghai = VALUES.due_at.astimezone(timezone(timedelta(hours=8)))
    same = replace(VALUES, constants=dict(reversed(turned.items())), due_at=shanghai)

    assert RunValues.load(same.dump()) == VALUES
    assert replace(same, due_at=VALUES.due_at).dump() == VALUES.dump()


def test_halted_names_market_and_symbol_of_each_security() -> None:
    assert VALUES.halted() == [("XSHG", "600519")]
