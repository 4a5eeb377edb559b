"""What a push service reports of notifications: `{"type": "outreach.receipt", "data": {...}}`.

`data` is one report or a list of them: `message` as it was handed over, `status`, and where the
service has them `code`, `detail`, `id` (its own name for it) and `at` (RFC 3339).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from outreach.core.receipt import Receipt
from outreach.core.words import State

TYPE: Final = "outreach.receipt"
STATES: Final = {
    "sent": State.ACCEPTED,
    "delivered": State.DELIVERED,
    "opened": State.DELIVERED,
    "failed": State.UNDELIVERED,
}


def receipts(content: bytes, received_at: datetime) -> Sequence[Receipt]:
    """The receipts in a report; what names no message or no known status says nothing. Raises
    ValueError for what is no JSON."""
    document = orjson.loads(content)
    if not isinstance(document, dict) or document.get("type") != TYPE:
        return []
    data = document.get("data")
    reports = data if isinstance(data, list) else [data]
    found = (_receipt(one, received_at) for one in reports if isinstance(one, dict))
    return [one for one in found if one is not None]


def _receipt(said: dict[str, Any], received_at: datetime) -> Receipt | None:
    state, message = STATES.get(str(said.get("status"))), said.get("message")
    if state is None or type(message) is not int or not 0 < message < 2**63:
        return None
    return Receipt(
        state,
        _moment(said.get("at")) or received_at,
        message_id=message,
        reference=str(said.get("id") or "")[:200],
        code=str(said.get("code") or "")[:48],
        detail=str(said.get("detail") or "")[:200],
    )


def _moment(said: object) -> datetime | None:
    """A moment with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(str(said))
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
