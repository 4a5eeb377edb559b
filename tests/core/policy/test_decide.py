"""How the gates' verdicts combine: deny wins, and nothing stricter ever makes it milder."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.model import ALLOW, Allow, ContactHours, Defer, Suppress, Verdict
from outreach.core.policy import ALLOWED, GATES, Hit, decide, explain, gates_for
from outreach.core.policy.gate import Gate
from outreach.core.words import Purpose, Reason

from .cases import facts

MARKETING = gates_for(Purpose.MARKETING)
ON = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai
DAYTIME = ContactHours(time(9), time(20))
OPENING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def test_a_candidate_nothing_stands_against_is_allowed() -> None:
    assert decide(facts(), MARKETING) is ALLOWED


def test_a_verdict_that_equals_allow_is_allow() -> None:
    gate = MARKETING[0]._replace(rule=lambda _facts: Allow())

    assert decide(facts(), (gate,)) is ALLOWED


def test_the_first_gate_in_order_gives_the_reason_and_all_are_kept() -> None:
    seen = facts(now=NIGHT, granted_on=None, stopped_on=ON, status="closed", contact_hours=DAYTIME)

    decision = decide(seen, MARKETING)

    assert decision.verdict == Suppress(Reason.CLIENT_CLOSED)
    assert decision.hits == (
        Hit("client_closed", Suppress(Reason.CLIENT_CLOSED)),
        Hit("channel_opt_out", Suppress(Reason.CHANNEL_OPT_OUT)),
        Hit("consent", Suppress(Reason.CONSENT_MISSING)),
        Hit("quiet_hours", Defer(OPENING, Reason.QUIET_HOURS)),
    )


@pytest.mark.parametrize("gates", [MARKETING, MARKETING[::-1]], ids=["in order", "reversed"])
def test_the_latest_of_two_deferrals_counts(gates: tuple[Gate, ...]) -> None:
    """At 08:50 the hours open in ten minutes, and the feed is looked at again in fifteen."""
    morning = datetime(2026, 11, 23, 0, 50, tzinfo=UTC)
    seen = facts(now=morning, contact_hours=DAYTIME, halts_as_of=ON, halts_max_age_hours=24)

    decision = decide(seen, gates)

    assert decision.verdict == Defer(OPENING + timedelta(minutes=5), Reason.HALT_FEED_STALE)
    assert Hit("quiet_hours", Defer(OPENING, Reason.QUIET_HOURS)) in decision.hits


def test_a_look_at_a_stale_feed_falls_inside_contact_hours() -> None:
    """At 19:50 a quarter of an hour later is past closing: looked at again in the morning."""
    evening = datetime(2026, 11, 22, 11, 50, tzinfo=UTC)
    seen = facts(now=evening, contact_hours=DAYTIME, halts_as_of=ON, halts_max_age_hours=24)

    assert decide(seen, MARKETING).verdict == Defer(OPENING, Reason.HALT_FEED_STALE)


@pytest.mark.parametrize(
    "refusal",
    [
        {"objected_on": ON},
        {"purpose_stopped_on": ON},
        {"granted_on": None},
        {"shared_with": 7},
        {"product_risk": 5},
    ],
)
def test_no_wish_stops_what_the_law_obliges_the_firm_to_tell(refusal: dict[str, Any]) -> None:
    seen = facts(purpose=Purpose.REGULATORY, **refusal)

    assert decide(seen, gates_for(Purpose.REGULATORY)) is ALLOWED
    assert isinstance(decide(seen, MARKETING).verdict, Suppress)


def test_a_stop_sends_what_the_law_demands_to_the_other_channel() -> None:
    stopped = facts(purpose=Purpose.REGULATORY, stopped_on=ON)

    verdict = decide(stopped, gates_for(Purpose.REGULATORY)).verdict

    assert verdict == Suppress(Reason.CHANNEL_OPT_OUT)


def test_the_order_is_that_of_the_consent_model() -> None:
    """Hold, lists, address, objection, channel, purpose, consent, suitability, caps, hours."""
    names = [gate.name for gate in GATES]
    order = [
        "legal_hold", "regulator_list", "address", "hard_bounce", "soft_bounces",
        "global_objection",
        "channel_opt_out", "purpose_opt_out", "consent", "suitability", "frequency_cap",
        "quiet_hours",
    ]  # fmt: skip

    assert sorted(order, key=names.index) == order
    assert len(set(names)) == len(names)


def test_explain_lists_every_gate_with_the_verdict_the_decision_used() -> None:
    seen = facts(now=NIGHT, granted_on=None, contact_hours=DAYTIME)

    told = explain(seen, MARKETING)

    assert [entry.gate for entry in told] == [gate.name for gate in MARKETING]
    against = tuple((entry.gate, entry.verdict) for entry in told if entry.verdict != ALLOW)
    assert against == decide(seen, MARKETING).hits


# Each makes the facts stricter in one respect and milder in none.
STRICTER: list[dict[str, Any]] = [
    {"status": "closed"},
    {"legal_hold": True},
    {"listed": True},
    {"address": "missing"},
    {"address": "hard_bounced"},
    {"address": "soft_bounced"},
    {"provider": None},
    {"provider": "twilio_sms"},
    {"objected_on": ON},
    {"stopped_on": ON},
    {"purpose_stopped_on": ON},
    {"granted_on": None},
    {"granted_until": ON},
    {"product_risk": 5},
    {"recent": 100},
    {"shared_with": 7},
    {"approved": False},
    {"superseded_by": "a newer one"},
    {"expires_at": ON},
    {"halts_as_of": ON, "halts_max_age_hours": 1},
    {"contact_hours": ContactHours(time(3), time(4))},
]
CHANGES = st.lists(st.sampled_from(STRICTER), max_size=4)
PURPOSES = st.sampled_from(list(Purpose))


def _strictness(verdict: Verdict) -> int:
    return {Allow: 0, Defer: 1, Suppress: 2}[type(verdict)]


def _changed(changes: list[dict[str, Any]], purpose: Purpose) -> Any:
    merged: dict[str, Any] = {}
    for change in changes:
        merged |= {name: value for name, value in change.items() if name not in merged}
    return facts(purpose=purpose, **merged)


@settings(max_examples=300, deadline=None)
@given(changes=CHANGES, purpose=PURPOSES)
def test_the_strictest_verdict_of_any_gate_wins(
    changes: list[dict[str, Any]], purpose: Purpose
) -> None:
    seen, gates = _changed(changes, purpose), gates_for(purpose)

    decision = decide(seen, gates)

    worst = max(_strictness(gate.rule(seen)) for gate in gates)
    assert _strictness(decision.verdict) == worst
    assert len(decision.hits) == sum(gate.rule(seen) != ALLOW for gate in gates)


@settings(max_examples=300, deadline=None)
@given(changes=CHANGES, further=st.sampled_from(STRICTER), purpose=PURPOSES)
def test_one_more_fact_against_never_makes_it_milder(
    changes: list[dict[str, Any]], further: dict[str, Any], purpose: Purpose
) -> None:
    gates = gates_for(purpose)

    before = decide(_changed(changes, purpose), gates).verdict
    after = decide(_changed([*changes, further], purpose), gates).verdict

    assert _strictness(after) >= _strictness(before)
