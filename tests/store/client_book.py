"""A client book for tests: facts spread so that every bound is met, missed and unknown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert

from outreach.store.tables import client, holding

TODAY: Final = date(2026, 8, 31)  # six months earlier there is no such day
_AT = datetime(2026, 8, 31, 2, 0, tzinfo=UTC)

_DATES = (
    None, TODAY, TODAY + timedelta(days=1), TODAY - timedelta(days=30), TODAY - timedelta(days=31),
    date(2026, 2, 28), date(2026, 3, 1), date(2023, 8, 31), date(2023, 9, 1), date(2031, 1, 1),
    date(2019, 12, 31),
)  # fmt: skip
_MONEY = (None, 0, 1, 9_999, 10_000, 10_001, 600_000_000, 599_999_999, -500)
VALUES: Final[dict[str, Sequence[Any]]] = {
    "kind": ("person", "institution", "product"),
    "status": ("normal", "dormant", "closed", "frozen"),
    "legal_hold": (False, False, True),
    "country": (None, "CN", "HK"),
    "locale": ("zh-CN", "en"),
    "zone": (None, "Asia/Shanghai"),
    "branch": (None, "上海静安", "BRANCH", "branch"),
    "adviser": (None, "A100"),
    "opened_on": _DATES,
    "reactivated_on": _DATES[:5],
    "document_expires_on": _DATES,
    "risk_level": (None, 1, 2, 3, 4, 5),
    "lowest_tolerance": (False, True),
    "assessed_on": _DATES[:7],
    "assessment_expires_on": _DATES[:4],
    "professional": (False, True, False),
    "total_assets": _MONEY,
    "average_daily_assets": _MONEY[:7],
    "assets_window_days": (None, 19, 20, 21),
    "assets_as_of": _DATES[:5],
    "cash": _MONEY,
    "holdings_value": _MONEY[:4],
    "last_trade_on": _DATES,
    "permissions": ("", ",融资融券,", ",期权,融资融券,", ",融资融券B,", ",abc,", ",ABC,a_c,"),
    "topics": ("", ",医药,", ",50%,100%,"),
}
NOBODY: Final = {"name": "张三", "phone_state": "missing", "email_state": "missing"}


def row(id_: int, **facts: Any) -> dict[str, Any]:
    """A client with these facts; what is not given is unknown, or the plainest value."""
    plain = {name: values[0] for name, values in VALUES.items()}
    required = {"id": id_, "client_no": f"{id_:07}", "book_id": 1, "updated_at": _AT}
    return {**plain, **NOBODY, **required, **facts}


def spread(count: int) -> list[dict[str, Any]]:
    """Clients whose facts walk through all values at different paces."""
    paces = (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31)
    return [
        row(
            id_,
            **{
                name: values[(id_ * paces[at % len(paces)] + id_ // 7) % len(values)]
                for at, (name, values) in enumerate(VALUES.items())
            },
        )
        for id_ in range(1, count + 1)
    ]


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    tx.execute(insert(client), list(rows))


def hold(
    tx: Connection, book: int, client_id: int, market: str, symbol: str, quantity: int
) -> None:
    tx.execute(
        insert(holding).values(
            book_id=book, market=market, symbol=symbol, client_id=client_id, quantity=quantity
        )
    )
