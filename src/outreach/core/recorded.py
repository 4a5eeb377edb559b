"""A stored decision read back: what the rules saw then, and what they said on each channel."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import orjson

from outreach.core.model import Candidate, Route
from outreach.core.words import Channel

_EXPIRES: Final = Candidate._fields.index("assessment_expires_on")
_MOMENTS: Final = [
    at for at, name in enumerate(Route._fields) if name.endswith("_on") or name == "granted_until"
]


class RecordedHit(NamedTuple):
    """A gate that did not allow, as it was stored."""

    gate: str
    verdict: str  # defer | suppress
    reason: str
    until: str | None  # ISO 8601; of a deferral


class Asked(NamedTuple):
    """What the rules came to on one channel."""

    channel: str
    verdict: str  # allow | defer | suppress
    reason: str


class RecordedChannel(NamedTuple):
    route: Route
    hits: tuple[RecordedHit, ...]


class Recorded(NamedTuple):
    """A decision with every fact it was made from."""

    at: datetime
    candidate: Candidate
    channels: tuple[RecordedChannel, ...]


def asked(facts: bytes) -> tuple[float, list[Asked]]:
    """When the rules were asked (seconds since 1970), and what they came to on each channel."""
    stamp, _, channels = orjson.loads(facts)
    return stamp, [
        Asked(route[0], *_strictest(hits)) if hits else Asked(route[0], "allow", "")
        for route, hits in channels
    ]


def _strictest(hits: Sequence[Sequence[Any]]) -> tuple[str, str]:
    """As the policy combines them: the first suppression, else the latest deferral."""
    for hit in hits:
        if hit[1] == "suppress":
            return "suppress", hit[2]
    latest = max(hits, key=lambda hit: datetime.fromisoformat(hit[3]))
    return "defer", latest[2]


def recorded(facts: bytes) -> Recorded:
    """The whole record, for `explain`."""
    stamp, candidate, channels = orjson.loads(facts)
    if candidate[_EXPIRES]:
        candidate[_EXPIRES] = date.fromisoformat(candidate[_EXPIRES])
    return Recorded(
        datetime.fromtimestamp(stamp, UTC),
        Candidate._make(candidate),
        tuple(
            RecordedChannel(_route(route), tuple(RecordedHit(*hit) for hit in hits))
            for route, hits in channels
        ),
    )


def _route(stored: list[Any]) -> Route:
    values = list(stored)
    for at in _MOMENTS:
        values[at] = datetime.fromisoformat(values[at]) if values[at] else None
    return Route(Channel(values[0]), *values[1:])
