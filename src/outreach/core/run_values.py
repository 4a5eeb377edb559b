"""What a run fixed when it was opened, beside its definition: occurrence, constants, snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

import orjson

from outreach.core.alert import Alert
from outreach.core.closure_told import ClosureDates
from outreach.core.sources import Source, source_of

Securities = Mapping[str, Mapping[str, Mapping[str, str]]]  # halt -> locale -> line


@dataclass(frozen=True, slots=True)
class RunValues:
    """Stored once with the run, so that its plan, its bytes and its reasons can be made again."""

    key: str
    due_at: datetime
    expires_at: datetime
    year: int  # dates of this year are written without it
    approved: bool
    constants: Mapping[str, Mapping[str, Any]]  # by locale, as the texts take them
    halts_as_of: datetime | None = None
    securities: Securities = field(default_factory=dict)  # by the halt of an alert
    only: tuple[Source, ...] = ()  # whose clients alone it is for; none: everybody's
    alerts: tuple[Alert, ...] = ()  # what it tells of halts, and to whom
    day: date | None = None  # after a client event: the day whose clients the run is for
    closure: ClosureDates | None = None  # of a closure: what it tells, to know when that is untrue

    @property
    def markets(self) -> tuple[str, ...]:
        """The markets (MIC) whose halt data the run relies on."""
        return tuple(sorted({one.market for one in self.alerts}))

    def dump(self) -> bytes:
        """Canonical JSON."""
        names = type(self).__dataclass_fields__
        return orjson.dumps(
            {name: getattr(self, name) for name in names},
            option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z,
        )

    @classmethod
    def load(cls, content: bytes) -> Self:
        """What `dump` wrote."""
        values = orjson.loads(content)
        for name in ("due_at", "expires_at", "halts_as_of"):
            if values[name] is not None:
                values[name] = datetime.fromisoformat(values[name])
        if values.get("day") is not None:  # runs of before it was known have none
            values["day"] = date.fromisoformat(values["day"])
        if values.get("closure") is not None:
            values["closure"] = ClosureDates.read(values["closure"])
        values["only"] = tuple(source_of(one) for one in values.get("only", ()))
        alerts = values["alerts"] if "alerts" in values else _alerts_of_before(values)
        values["alerts"] = tuple(map(Alert.of, alerts))
        values.pop("holdings_book", None)
        return cls(**values)


def _alerts_of_before(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a run told of halts when it named one snapshot, and its securities by their symbols."""
    told: list[dict[str, Any]] = []
    for key in values["securities"]:
        market, symbol = key.split(":", 1)
        reach = [{"via": "holds", "book": values["holdings_book"]}]
        told.append({"halt_id": key, "version": 1, "event": "halted", "market": market,
                     "symbol": symbol, "reach": reach, "besides": []})  # fmt: skip
    return told
