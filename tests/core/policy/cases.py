"""A candidate whom every gate allows; each case changes only what it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from outreach.core.model import CampaignFacts, Candidate, Facts, Route
from outreach.core.words import Channel, Purpose

# Sunday 2026-11-22, 10:00 in Shanghai.
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

_CANDIDATE = Candidate(
    client_id=1,
    status="normal",
    legal_hold=False,
    country="CN",
    zone="Asia/Shanghai",
    risk_level=3,
    lowest_tolerance=False,
    assessment_expires_on=date(2027, 6, 30),
    professional=False,
)
_ROUTE = Route(
    channel=Channel.SMS,
    address="ok",
    country="CN",
    provider="file",
    listed=False,
    objected_on=None,
    stopped_on=None,
    purpose_stopped_on=None,
    granted_on=datetime(2026, 1, 5, 1, 30, tzinfo=UTC),
    granted_until=None,
    recent=0,
    shared_with=None,
)
_CAMPAIGN = CampaignFacts(Purpose.MARKETING)


def facts(now: datetime = NOW, **changes: Any) -> Facts:
    """Facts with some fields changed, whichever of candidate, route or campaign has them.

    `country` is the route's (of the address), `risk_level` the candidate's and `product_risk` the
    campaign's.
    """
    candidate, route, campaign = _CANDIDATE, _ROUTE, _CAMPAIGN
    for name, value in changes.items():
        if name == "product_risk":
            campaign = replace(campaign, risk_level=value)
        elif name in Route._fields:
            route = route._replace(**{name: value})
        elif name in Candidate._fields:
            candidate = candidate._replace(**{name: value})
        else:
            campaign = replace(campaign, **{name: value})
    return Facts(candidate, route, campaign, now)
