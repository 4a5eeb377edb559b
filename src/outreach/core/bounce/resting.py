"""When an address that keeps failing for reasons that may pass is left alone for a while."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo


class SoftRule(NamedTuple):
    """`limit` days with a soft bounce within `days` days, and the address rests `block_days`."""

    limit: int = 5
    days: int = 30
    block_days: int = 30
    zone: str = "Asia/Shanghai"  # whose days they are: the firm's


USUAL: Final = SoftRule()


def rests_until(
    failed_at: Iterable[datetime], cleared_at: datetime | None, now: datetime, rule: SoftRule
) -> datetime | None:
    """Until when an address rests, given the moments it failed; None when it need not.

    Only failures on different days count: a campaign that is sent five times in an hour meets one
    full mailbox. What was before `cleared_at` (a delivery, or a person who let the address go) is
    forgotten.
    """
    since = now - timedelta(days=rule.days)
    if cleared_at is not None and cleared_at > since:
        since = cleared_at
    zone = ZoneInfo(rule.zone)
    days = {moment.astimezone(zone).date() for moment in failed_at if since < moment <= now}
    return now + timedelta(days=rule.block_days) if len(days) >= rule.limit else None
