"""What a run tells of one halt, and where the clients it concerns are found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

Via = Literal["holds", "watches"]


@dataclass(frozen=True, slots=True)
class Reach:
    """The clients who hold, or watch, the security by one snapshot; with a run, only those of them
    who got that run's message, or may have."""

    via: Via
    book: int
    run: int | None = None
    as_of: datetime | None = field(default=None, compare=False)  # of the snapshot

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Self:
        """What stands in the values of a run; runs of before it was kept have no moment."""
        as_of = values.get("as_of")
        return cls(**{**values, "as_of": datetime.fromisoformat(as_of) if as_of else None})


@dataclass(frozen=True, slots=True)
class Alert:
    """One halt as a run tells it: the version and event of its alert key, and whom it concerns."""

    halt_id: str
    version: int
    event: str
    market: str
    symbol: str
    reach: tuple[Reach, ...]
    besides: tuple[int, ...] = ()  # whoever got one of these runs has been told already

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """What stands in the values of a run."""
        reach = tuple(map(Reach.stored, stored["reach"]))
        return cls(**{**stored, "reach": reach, "besides": tuple(stored["besides"])})


@dataclass(frozen=True, slots=True)
class Concern:
    """Why an alert concerns one client: the number of the alert in its run, and the snapshot."""

    alert: int
    reach: Reach

    def because(self, alerts: tuple[Alert, ...]) -> list[object]:
        """As it stands in the stored decision: alert key, how the client is concerned, by which
        book, and of which run he got an earlier alert."""
        one, reach = alerts[self.alert], self.reach
        return [one.halt_id, one.version, one.event, reach.via, reach.book, reach.run]
