"""A stored decision is read by the names its run was frozen with, whatever the rules see today."""

from datetime import UTC, date, datetime

import orjson

from outreach.core.recorded import recorded

# As decisions were stored in November 2026, with the names the policy of their runs holds. These
# never change: whoever adds a fact gives it a default, or decisions on record cannot be explained.
CANDIDATE = [
    "client_id", "status", "legal_hold", "country", "zone", "risk_level", "lowest_tolerance",
    "assessment_expires_on", "professional",
]  # fmt: skip
ROUTE = [
    "channel", "address", "country", "provider", "listed", "objected_on", "stopped_on",
    "purpose_stopped_on", "granted_on", "granted_until", "recent", "shared_with",
]  # fmt: skip
LI = [7, "normal", False, "CN", "Asia/Shanghai", 3, False, "2027-06-30", False]
BY_SMS = [
    "sms", "ok", "CN", "file", False, None, "2026-09-01T02:00:00+00:00", None, None, None, 1, None,
]  # fmt: skip
HIT = ["channel_opt_out", "suppress", "channel_opt_out", None]


def _stored(candidate: list[object], route: list[object]) -> bytes:
    return orjson.dumps([1_790_580_600, candidate, [[route, [HIT]]]])


def test_a_decision_of_november_2026_can_be_read() -> None:
    found = recorded(_stored(LI, BY_SMS), {"candidate": CANDIDATE, "route": ROUTE})

    route, hits = found.channels[0]
    assert found.at == datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
    assert found.candidate.assessment_expires_on == date(2027, 6, 30)
    assert (route.channel, route.recent) == ("sms", 1)
    assert route.stopped_on == datetime(2026, 9, 1, 2, tzinfo=UTC)
    assert hits[0].reason == "channel_opt_out"


def test_facts_that_moved_or_are_no_longer_looked_at_do_not_shift_the_others() -> None:
    policy = {"candidate": ["shoe_size", *CANDIDATE], "route": [*ROUTE[1:], "moon", "channel"]}
    found = recorded(_stored([43, *LI], [*BY_SMS[1:], "full", "sms"]), policy)

    assert found == recorded(_stored(LI, BY_SMS), {"candidate": CANDIDATE, "route": ROUTE})
