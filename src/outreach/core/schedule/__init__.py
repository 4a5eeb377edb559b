"""Schedule rules: pure functions from an instant to the instants before and after it, in UTC."""

from outreach.core.schedule.sessions import (
    EverySessions,
    FirstSessionOfMonth,
    LastSessionOfMonth,
    SessionClose,
    SessionOpen,
    SessionsAfterClosure,
    SessionsBeforeClosure,
)
from outreach.core.schedule.wall import Daily, Monthly, Once, Rule, Timing, Weekly, wall_clock

__all__ = [
    "Daily",
    "EverySessions",
    "FirstSessionOfMonth",
    "LastSessionOfMonth",
    "Monthly",
    "Once",
    "Rule",
    "SessionClose",
    "SessionOpen",
    "SessionsAfterClosure",
    "SessionsBeforeClosure",
    "Timing",
    "Weekly",
    "wall_clock",
]
