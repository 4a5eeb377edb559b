"""A stored decision read back: what the rules saw then, and what they said on each channel."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

import orjson

from outreach.core.model import Candidate, Route
from outreach.core.words import Channel

_MOMENTS: Final = frozenset(
    name for name in Route._fields if name.endswith("_on") or name == "granted_until"
)


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
    because: tuple[tuple[Any, ...], ...] = ()  # of an alert: core.alert.Concern.because


def asked(facts: bytes) -> tuple[float, list[Asked]]:
    """When the rules were asked (seconds since 1970), and what they came to on each channel."""
    stamp, _, channels, *_because = orjson.loads(facts)
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


def recorded(facts: bytes, policy: Mapping[str, Any]) -> Recorded:
    """The whole record, for `explain`. `policy` is the one the run was frozen with: it names the
    facts in the order they are stored in.

    A fact the rules no longer know is left out, and one they did not know yet has its default; so
    a new field of Candidate or Route needs one.
    """
    stamp, candidate, channels, *because = orjson.loads(facts)
    return Recorded(
        datetime.fromtimestamp(stamp, UTC),
        _candidate(_known(Candidate._fields, policy["candidate"], candidate)),
        tuple(
            RecordedChannel(
                _route(_known(Route._fields, policy["route"], route)),
                tuple(RecordedHit(*hit) for hit in hits),
            )
            for route, hits in channels
        ),
        tuple(tuple(one) for some in because for one in some),
    )


def _known(fields: Sequence[str], names: Sequence[str], stored: Sequence[Any]) -> dict[str, Any]:
    return {
        name: value for name, value in zip(names, stored, strict=True) if name in frozenset(fields)
    }


def _candidate(values: dict[str, Any]) -> Candidate:
    if values["assessment_expires_on"]:
        values["assessment_expires_on"] = date.fromisoformat(values["assessment_expires_on"])
    return Candidate(**values)


def _route(values: dict[str, Any]) -> Route:
    for name in _MOMENTS & values.keys():
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Route(**{**values, "channel": Channel(values["channel"])})
