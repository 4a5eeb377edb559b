"""Preferences on a page: read only where the run asks for them, and stored under their names."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from outreach.core.model import CampaignFacts
from outreach.core.page_plan import Sheet
from outreach.core.page_rows import CANDIDATE_WIDTH, PREFERENCES
from outreach.core.policy import gates_for
from outreach.core.recorded import recorded
from outreach.core.words import Channel, Purpose
from tests.core.test_page_plan import (
    EMAIL,
    SMS,
    channels_of,
    client,
    no_phone,
    opted_out_of,
    planned,
    sheet,
    verdicts,
)

BASE = [
    "client_id", "status", "legal_hold", "country", "zone", "risk_level", "lowest_tolerance",
    "assessment_expires_on", "professional",
]  # fmt: skip
DIGEST = CampaignFacts(Purpose.EDUCATION, risk_level=3)


def preferring(channel: Channel | None, row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row, channel and channel.value)


def by_preference(channels: tuple[Channel, ...] = (SMS, EMAIL), **more: Any) -> Sheet:
    made = sheet(channels, **more)
    return replace(made, preferences=("preferred_channel",), by_preference=True)


@pytest.mark.parametrize(
    ("wanted", "got"),
    [(None, "sms"), (SMS, "sms"), (EMAIL, "email")],
)
def test_the_channel_a_client_prefers_goes_first(wanted: Channel | None, got: str) -> None:
    assert channels_of(planned([preferring(wanted, client())], by_preference())) == [(1, got)]


def test_a_preferred_channel_that_is_closed_leaves_the_others() -> None:
    plan = planned([preferring(SMS, no_phone(1)), preferring(EMAIL, client(2))],
                   by_preference((EMAIL, SMS)), opted_out_of(EMAIL, 2))  # fmt: skip

    assert channels_of(plan) == [(1, "email"), (2, "sms")]


def test_a_preference_adds_no_channel_to_a_campaign() -> None:
    assert channels_of(planned([preferring(EMAIL, client())], by_preference((SMS,)))) == [
        (1, "sms")
    ]


def test_without_the_campaigns_wish_a_preference_changes_nothing() -> None:
    plain = replace(by_preference(), by_preference=False)

    assert channels_of(planned([preferring(EMAIL, client())], plain)) == [(1, "sms")]


def test_the_reason_told_is_that_of_the_channel_the_client_prefers() -> None:
    row = preferring(EMAIL, no_phone())

    assert verdicts(planned([row], by_preference(), opted_out_of(EMAIL, 1))) == [
        ("suppress", "channel_opt_out")
    ]


def of_risk(wanted: int | None) -> tuple[Any, ...]:
    return (*client(risk_level=5), wanted)


RISKY = replace(
    sheet((SMS,), campaign=DIGEST),
    gates=tuple(one for one in gates_for(DIGEST.purpose) if one.name == "suitability"),
    preferences=("wanted_risk",),
)


def test_a_wanted_risk_is_judged_stored_and_read_back() -> None:
    plan = planned([of_risk(2)], RISKY)
    (decided,) = plan.decided

    assert (decided.verdict, decided.reason) == ("suppress", "suitability_exceeded")
    found = recorded(decided.facts, {"candidate": [*BASE, "wanted_risk"], "route": _ROUTE})
    assert found.candidate.wanted_risk == 2
    assert found.candidate.preferred_channel is None


def test_a_run_that_asks_for_nothing_stores_what_it_always_stored() -> None:
    (decided,) = planned([client()], sheet((SMS,))).decided

    _, candidate, _ = orjson.loads(decided.facts)
    assert len(candidate) == CANDIDATE_WIDTH == len(BASE)


def test_a_candidate_knows_what_its_row_brings_and_nothing_else() -> None:
    on = replace(sheet(), preferences=("wanted_risk", "preferred_channel"))
    candidate = on.candidate((*client(), 2, "email"))

    assert (candidate.wanted_risk, candidate.own_hours) == (2, None)
    assert candidate.preferred_channel == "email"
    assert sheet().candidate(client())[-len(PREFERENCES) :] == (None, None, None)


_ROUTE = [
    "channel", "address", "country", "provider", "listed", "objected_on", "stopped_on",
    "purpose_stopped_on", "granted_on", "granted_until", "recent", "shared_with",
]  # fmt: skip
