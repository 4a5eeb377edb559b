"""Events by the kind of occurrence they give rise to: a new kind is one file and one line here."""

from collections.abc import Mapping
from typing import Final

from outreach.plan.event import Event
from outreach.plan.halted import Halts
from outreach.plan.incident import Incidents
from outreach.plan.moved import MarketMoves

EVENTS: Final[Mapping[str, Event]] = {
    "halt": Halts(),
    "incident": Incidents(),
    "market_move": MarketMoves(),
}
