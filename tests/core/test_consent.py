"""The ledger folded: what a client's own word lifts, and what no import can."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.consent import (
    NO_CONSENT,
    Action,
    ConsentEvent,
    ConsentState,
    Source,
    fold,
    until,
)

DAY0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def on(day: int) -> datetime:
    return DAY0 + timedelta(days=day)


def event(day: int, line: str, until: int | None = None) -> ConsentEvent:
    """`line` reads: action source channel purpose, with * for every one."""
    action, source, channel, purpose = line.split()
    return ConsentEvent(
        None if channel == "*" else channel,
        None if purpose == "*" else purpose,
        action,
        source,
        on(day),
        on(day),
        None if until is None else on(until),
    )


STOP = event(5, "withdraw sms_mo sms *")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        pytest.param([], NO_CONSENT, id="no events, no consent"),
        pytest.param(
            [event(1, "grant app sms marketing", until=400)],
            ConsentState(granted_on=on(1), granted_until=on(400)),
            id="a grant with its term",
        ),
        pytest.param(
            [event(1, "grant app email marketing")], NO_CONSENT, id="a grant for another channel"
        ),
        pytest.param(
            [event(1, "grant app sms education")], NO_CONSENT, id="a grant for another purpose"
        ),
        pytest.param(
            [event(1, "grant account_opening_form * marketing")],
            ConsentState(granted_on=on(1)),
            id="a grant for every channel",
        ),
        pytest.param(
            [STOP, event(6, "grant batch_import sms marketing")],
            ConsentState(stopped_on=on(5), granted_on=on(6)),
            id="a grant imported in bulk after STOP does not re-subscribe",
        ),
        pytest.param(
            [STOP, event(6, "grant staff sms marketing")],
            ConsentState(stopped_on=on(5), granted_on=on(6)),
            id="nor does one by a member of staff",
        ),
        pytest.param(
            [event(1, "grant app sms marketing"), STOP, event(6, "grant sms_mo sms *")],
            ConsentState(granted_on=on(1)),
            id="START from the handset lifts STOP and brings the old grant back",
        ),
        pytest.param(
            [STOP, event(6, "grant sms_mo sms *")],
            NO_CONSENT,
            id="START grants nothing that was not granted",
        ),
        pytest.param(
            [STOP, event(6, "grant web sms marketing")],
            ConsentState(granted_on=on(6)),
            id="a newer form of the client lifts STOP for its purpose",
        ),
        pytest.param(
            [event(6, "grant web sms marketing"), event(8, "withdraw one_click * marketing")],
            ConsentState(purpose_stopped_on=on(8)),
            id="one click ends the consent",
        ),
        pytest.param(
            [event(1, "grant web sms marketing"), event(1, "withdraw web sms marketing")],
            ConsentState(purpose_stopped_on=on(1)),
            id="at the same moment the opt-out wins",
        ),
        pytest.param(
            [event(1, "object provider_sync * *"), event(9, "grant web sms marketing")],
            ConsentState(objected_on=on(1), granted_on=on(9)),
            id="a complaint outlives a narrower grant",
        ),
        pytest.param(
            [event(1, "object provider_sync * *"), event(9, "grant branch_paper * *")],
            NO_CONSENT,
            id="and ends with the client's grant of everything",
        ),
        pytest.param(
            [event(1, "grant web sms marketing"), event(3, "expire batch_import sms marketing")],
            ConsentState(granted_on=on(1), granted_until=on(3)),
            id="an expiry ends the term and is no opt-out",
        ),
        pytest.param(
            [
                event(1, "grant web sms marketing", until=9),
                event(8, "grant batch_import sms marketing"),
            ],
            ConsentState(granted_on=on(1), granted_until=on(9)),
            id="a claim in bulk does not extend the client's term",
        ),
        pytest.param(
            [event(9, "grant sms_mo sms *"), STOP],
            NO_CONSENT,
            id="events count in the order they were captured, not recorded",
        ),
        pytest.param(
            [event(30, "grant web sms marketing")], NO_CONSENT, id="a later grant is not yet given"
        ),
        pytest.param(
            [event(30, "withdraw sms_mo sms *")],
            ConsentState(stopped_on=on(30)),
            id="an opt-out counts even when its clock ran ahead",
        ),
    ],
)
def test_the_ledger_adds_up(events: list[ConsentEvent], state: ConsentState) -> None:
    assert fold(events, "sms", "marketing", on(20)) == state


ANY_EVENT = st.builds(
    ConsentEvent,
    st.sampled_from([None, "sms", "email"]),
    st.sampled_from([None, "marketing", "education"]),
    st.sampled_from([action.value for action in Action]),
    st.sampled_from([source.value for source in Source]),
    st.integers(0, 9).map(on),
    st.just(on(10)),
    st.none(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_EVENT, max_size=8))
def test_no_import_ever_lifts_an_opt_out(events: list[ConsentEvent]) -> None:
    before = fold(events, "sms", "marketing", on(20))
    imported = ConsentEvent(None, None, "grant", "batch_import", on(15), on(15))
    after = fold(
        [*events, imported, imported._replace(purpose="marketing")], "sms", "marketing", on(20)
    )

    assert before[:3] == after[:3]


def test_the_past_does_not_know_what_came_later() -> None:
    assert until([STOP, event(9, "grant web sms marketing")], on(5)) == [STOP]
