"""What a run fixed when it was opened, beside its definition: occurrence, constants, snapshots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

import orjson

Securities = Mapping[str, Mapping[str, Mapping[str, str]]]  # "XSHG:600519" -> locale -> line


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
    holdings_book: int | None = None  # the snapshot that says who holds a halted security
    securities: Securities = field(default_factory=dict)
    day: date | None = None  # after a client event: the day whose clients the run is for

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
        return cls(**values)

    def halted(self) -> Sequence[tuple[str, str]]:
        """(market, symbol) of the securities this run tells about."""
        return [tuple(key.split(":", 1)) for key in self.securities]  # type: ignore[misc]
