"""The policy: every gate in one visible order, and how their verdicts combine.

All gates run and all verdicts but `Allow` are kept. Suppress wins over defer, defer over allow; the
first gate that suppresses gives the reason, and the latest opening among the deferrals counts.
"""

from typing import Final, NamedTuple

from outreach.core.model import (
    ALLOW,
    Allow,
    CampaignFacts,
    Defer,
    Facts,
    GateVerdict,
    Suppress,
    Verdict,
)
from outreach.core.policy import (
    address,
    channel_opt_out,
    client_closed,
    consent,
    duplicate_address,
    frequency_cap,
    global_objection,
    halt_feed_stale,
    hard_bounce,
    legal_hold,
    no_route,
    not_approved,
    provider_country,
    purpose_opt_out,
    quiet_hours,
    regulator_list,
    soft_bounces,
    stale,
    suitability,
    superseded,
)
from outreach.core.policy.gate import Gate
from outreach.core.words import Purpose

GATES: Final[tuple[Gate, ...]] = (
    # 1. The client may not be written to at all.
    legal_hold.GATE,
    client_closed.GATE,
    # 2. Lists that bind the firm.
    regulator_list.GATE,
    # 3. The address can be reached. An address that no sender may serve is as good as none, and
    #    the firm has to mend that whatever the client wishes, so the two stand here.
    address.GATE,
    hard_bounce.GATE,
    soft_bounces.GATE,
    no_route.GATE,
    provider_country.GATE,
    # 4 to 7. What the client wants, from the widest refusal to the narrowest.
    global_objection.GATE,
    channel_opt_out.GATE,
    purpose_opt_out.GATE,
    consent.GATE,
    # 8. What the client may be offered.
    suitability.GATE,
    # 9. How much is enough: over some days, and within one run.
    frequency_cap.GATE,
    duplicate_address.GATE,
    # What is true of the whole run stands behind the client's own reasons: "why did this client get
    # nothing" is then answered by the reason that lasts, and the run's only where it decided.
    not_approved.GATE,
    superseded.GATE,
    stale.GATE,
    # 10. Not now. Deferrals come last, since any suppression overrides them.
    halt_feed_stale.GATE,
    quiet_hours.GATE,
)

_BY_PURPOSE: Final = {
    purpose: tuple(gate for gate in GATES if purpose in gate.purposes) for purpose in Purpose
}


class Hit(NamedTuple):
    """A gate that did not allow, and what it said."""

    gate: str
    verdict: Defer | Suppress


class Decision(NamedTuple):
    """What the gates came to together. `hits` stand in the order of the gates."""

    verdict: Verdict
    hits: tuple[Hit, ...]


ALLOWED: Final = Decision(ALLOW, ())


def gates_for(purpose: Purpose) -> tuple[Gate, ...]:
    """The gates a message of this purpose has to pass, in order."""
    return _BY_PURPOSE[purpose]


def concerned(gates: tuple[Gate, ...], campaign: CampaignFacts) -> tuple[Gate, ...]:
    """Those gates that could stop anybody, as this campaign is. The others allow everybody."""
    return tuple(gate for gate in gates if gate.concerns(campaign))


def decide(facts: Facts, gates: tuple[Gate, ...]) -> Decision:
    """Run every gate; the strictest verdict wins. `gates` comes from `gates_for`, once a run, and
    may be cut to those that are `concerned`: the decision is the same."""
    # Rules return the one ALLOW, so that the usual answer costs an identity test a gate.
    hits: list[Hit] | None = None
    for gate in gates:
        verdict = gate.rule(facts)
        if verdict is not ALLOW and not isinstance(verdict, Allow):
            hits = [] if hits is None else hits
            hits.append(Hit(gate.name, verdict))
    return ALLOWED if hits is None else Decision(_strictest(hits), tuple(hits))


def _strictest(hits: list[Hit]) -> Verdict:
    for hit in hits:
        if isinstance(hit.verdict, Suppress):
            return hit.verdict
    return max(
        (hit.verdict for hit in hits if isinstance(hit.verdict, Defer)),
        key=lambda defer: defer.until,
    )


def explain(facts: Facts, gates: tuple[Gate, ...]) -> list[GateVerdict]:
    """Every gate's answer, allowed or not, with the facts it saw and a plain sentence."""
    return [
        GateVerdict(gate.name, gate.rule(facts), gate.saw(facts), gate.says(facts))
        for gate in gates
    ]
