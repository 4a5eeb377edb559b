"""A kind of event is known everywhere, or `check` and `serve` would each know other ones."""

from collections.abc import Collection
from typing import get_args

import pytest

from outreach.core.campaign import OccurrenceRule, OnMarketEvent
from outreach.core.sources import SOURCES
from outreach.plan.events import EVENTS
from outreach.project.check_schedule import EVENT_WORDS
from outreach.project.template_names import OF_KIND
from outreach.store.sources import SELECTIONS

OTHERS = {"closure", "day"}  # occurrences that are no events
RULES = [
    get_args(one.model_fields["kind"].annotation)[0]
    for one in get_args(get_args(OccurrenceRule)[0])
]


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(set(RULES) - OTHERS, id="rules of campaigns"),
        pytest.param(get_args(OnMarketEvent.model_fields["event"].annotation), id="schedules"),
        pytest.param(EVENT_WORDS, id="problems of schedules"),
        pytest.param(OF_KIND.keys() - OTHERS, id="names for texts"),
    ],
)
def test_every_kind_of_event_is_known_here(kinds: Collection[str]) -> None:
    assert set(kinds) == set(EVENTS)


def test_every_source_of_clients_can_be_selected() -> None:
    assert set(SOURCES.values()) == set(SELECTIONS)
