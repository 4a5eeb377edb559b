"""Events by the kind of occurrence they give rise to: a new kind is one file and one line here."""

from collections.abc import Mapping
from typing import Final

from outreach.plan.event import Event

EVENTS: Final[Mapping[str, Event]] = {}
