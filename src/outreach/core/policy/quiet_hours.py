"""Quiet hours: a client is written to only inside contact hours, on the client's own clock.

47 CFR 64.1200(c)(1) asks for the recipient's local time. A client whose zone is unknown is written
to only when it is contact hours in every zone the client may live in.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

from outreach.core.model import ALLOW, CampaignFacts, ContactHours, Defer, Facts, Verdict
from outreach.core.policy.gate import EVERY, Gate
from outreach.core.policy.wall_clock import clocks_for, clocks_of, narrowed, next_open
from outreach.core.words import Reason, Sentence


def quiet_hours(facts: Facts) -> Verdict:
    """Defer to the next opening; never suppress, because the hour alone loses no message."""
    candidate = facts.candidate
    return _asked(candidate.zone, candidate.own_hours, facts.campaign, facts.now)


# A page of candidates shares one moment and a few zones.
@lru_cache(maxsize=1024)
def _asked(zone: str | None, own: str | None, campaign: CampaignFacts, now: datetime) -> Verdict:
    hours = campaign.contact_hours
    if hours is None:
        return ALLOW
    until = next_open(narrowed(hours, own), clocks_for(zone, campaign), now)
    return ALLOW if until == now else Defer(until, Reason.QUIET_HOURS)


def says(facts: Facts) -> Sentence:
    hours = facts.campaign.contact_hours
    if hours is None:
        return Sentence("The message may be sent at any hour.", "该信息可在任何时段发送。")
    if (own := narrowed(hours, facts.candidate.own_hours)) != hours:
        return _own(facts, own)
    span = f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"
    times = ", ".join(_local_times(facts))
    if quiet_hours(facts) is ALLOW:
        return Sentence(
            f"It is {times}, within contact hours {span}.",
            f"当地时间 {times}，在可联系时段 {span} 内。",
        )
    return Sentence(
        f"It is {times}, outside contact hours {span}.",
        f"当地时间 {times}，不在可联系时段 {span} 内。",
    )


def _own(facts: Facts, hours: ContactHours) -> Sentence:
    span, times = f"{hours.opens:%H:%M}-{hours.closes:%H:%M}", ", ".join(_local_times(facts))
    where = Sentence("within", "在") if quiet_hours(facts) is ALLOW else Sentence("outside", "不在")
    return Sentence(
        f"It is {times}, {where.en} the hours {span} that the client asked for.",
        f"当地时间 {times}，{where.zh}客户指定的联系时段 {span} 内。",
    )


def _local_times(facts: Facts) -> list[str]:
    return [f"{facts.now.astimezone(clock):%H:%M} {clock.key}" for clock in clocks_of(facts)]


def saw(facts: Facts) -> dict[str, object]:
    hours = facts.campaign.contact_hours
    return {
        "opens": hours.opens if hours else None,
        "closes": hours.closes if hours else None,
        "own_hours": facts.candidate.own_hours,
        "zone": facts.candidate.zone,
        "local_times": _local_times(facts),
        "now": facts.now,
    }


def concerns(campaign: CampaignFacts) -> bool:
    return campaign.contact_hours is not None


GATE: Final = Gate("quiet_hours", quiet_hours, says, saw, EVERY, concerns)
