"""Which of Twilio's messages is one of ours: its list, asked by number, matched by text and time.

The list names no number of ours: what was handed over is known by whom it went to, by its text and
by when. https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from outreach.core.receipt import Receipt
from outreach.core.render import content_digest
from outreach.core.twilio_codes import CODES
from outreach.core.twilio_form import STATES

# How far Twilio's clock and ours may be apart.
SKEW: Final = timedelta(minutes=1)


class Wanted(NamedTuple):
    """A message in doubt: what it is known by."""

    id: int
    to: str
    since: datetime
    until: datetime
    content_digest: bytes
    held: frozenset[str] = frozenset()  # SIDs known to be other messages


class Listed(NamedTuple):
    """A message as Twilio lists it."""

    sid: str
    to: str
    sender: str  # a number, or its messaging service
    content_digest: bytes
    created_at: datetime
    said: Receipt | None  # what its status says; None: nothing that is known


class Page(NamedTuple):
    """One page of the list, and where the next is; none: empty."""

    messages: tuple[Listed, ...]
    next_target: str
    oldest_at: datetime | None


def read_page(said: Mapping[str, Any], at: datetime) -> Page:
    """A page as it came. Raises ValueError where it is none."""
    entries, further = said.get("messages"), said.get("next_page_uri")
    if not isinstance(entries, list) or not isinstance(further, str | None):
        raise ValueError("it holds no list of messages")
    moments = [moment for entry in entries if (moment := _moment(entry, "date_created"))]
    found = tuple(listed for entry in entries if (listed := _listed(entry, at)))
    if further and not further.startswith("/"):
        raise ValueError("its next page is no path")
    return Page(found, further or "", min(moments, default=None))


def matched(
    wanted: Sequence[Wanted], listed: Iterable[Listed], senders: frozenset[str]
) -> dict[int, Receipt | None]:
    """What became of each message, by the one entry that can only be its own; None where there is
    no such entry, which proves nothing."""
    ours = {one.sid: one for one in listed if one.sender in senders}
    found = {one.id: [entry for entry in ours.values() if _fits(one, entry)] for one in wanted}
    claims = Counter(entry.sid for entries in found.values() for entry in entries)
    return {
        id_: _receipt(id_, entries[0])
        if len(entries) == 1 and claims[entries[0].sid] == 1
        else None
        for id_, entries in found.items()
    }


def _fits(wanted: Wanted, entry: Listed) -> bool:
    return (
        entry.to == wanted.to
        and entry.sid not in wanted.held
        and entry.content_digest == wanted.content_digest
        and wanted.since - SKEW <= entry.created_at <= wanted.until + SKEW
    )


def _receipt(id_: int, entry: Listed) -> Receipt | None:
    if entry.said is None:
        return None
    said = entry.said
    return Receipt(
        said.state, said.said_at, message_id=id_, reference=entry.sid, address=entry.to,
        code=said.code, detail=said.detail,
    )  # fmt: skip


def _listed(entry: Any, at: datetime) -> Listed | None:
    """An entry that went out and can be read."""
    created = _moment(entry, "date_created")
    if created is None or not str(entry.get("direction", "")).startswith("outbound"):
        return None
    sid, to, body = (entry.get(name) for name in ("sid", "to", "body"))
    if not (isinstance(sid, str) and sid and isinstance(to, str) and isinstance(body, str)):
        return None
    service = entry.get("messaging_service_sid") or entry.get("from")
    state, number = STATES.get(str(entry.get("status"))), entry.get("error_code")
    row = CODES.get(number) if isinstance(number, int) else None
    said = None
    if state is not None:
        said = Receipt(
            state, _moment(entry, "date_updated") or at, reference=sid,
            code=str(number) if number else "", detail=row.words if row else str(entry["status"]),
        )  # fmt: skip
    return Listed(sid, to, str(service), content_digest((body,)), created, said)


def _moment(entry: Any, name: str) -> datetime | None:
    """A moment as RFC 2822 writes it: `Thu, 24 Aug 2023 05:01:45 +0000`."""
    if not isinstance(entry, dict):
        return None
    try:
        found = parsedate_to_datetime(str(entry.get(name)))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
