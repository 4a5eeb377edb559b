"""When a round has something to do again."""

from datetime import datetime, timedelta


def is_due(at: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether a moment has come; None: there is nothing to wait for. One that is further ahead than
    `longest`, the most it was ever set to, was set by a clock that has been put back since."""
    return at is None or not now < at <= now + longest
