"""A message's state is what its facts say: outcomes first, then where its batch and retry stand."""

from datetime import UTC, datetime, timedelta

import pytest

from outreach.core.message_state import Happened, Standing, derive
from outreach.core.words import State

NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)


def outcome(window: int, state: State) -> Happened:
    return Happened(window, state, "", "", "", b"", EARLIER)


def standing(
    in_window: bool = False, batch: str = "ready", not_before: datetime = EARLIER, **more: object
) -> Standing:
    return Standing(in_window, batch, not_before, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        pytest.param(standing(), State.READY, id="a due batch nobody took is ready"),
        pytest.param(standing(not_before=NOW), State.READY, id="due at this very moment is ready"),
        pytest.param(standing(not_before=LATER), State.HELD, id="before its hour it is held"),
        pytest.param(standing(batch="leased"), State.READY, id="claimed but in no window is ready"),
        pytest.param(standing(batch="cancelled"), State.CANCELLED, id="cancelled before a window"),
        pytest.param(
            standing(batch="cancelled", not_before=LATER),
            State.CANCELLED,
            id="cancelled while held",
        ),
        pytest.param(
            standing(True, "leased", lease_until=LATER),
            State.SENDING,
            id="in a window it is sending",
        ),
        pytest.param(
            standing(True, "leased", lease_until=NOW),
            State.IN_DOUBT,
            id="a lease over now is doubt",
        ),
        pytest.param(
            standing(True, "cancelled", lease_until=EARLIER),
            State.IN_DOUBT,
            id="cancelling the rest does not settle a window",
        ),
    ],
)
def test_a_message_without_an_outcome_is_where_its_batch_is(
    stands: Standing, expected: State
) -> None:
    assert derive([], stands, NOW) is expected


@pytest.mark.parametrize(
    "final", [s for s in State if s not in (State.READY, State.ACCEPTED)], ids=str
)
def test_the_newest_outcome_counts(final: State) -> None:
    happened = [outcome(9, final), outcome(2, State.READY)]

    assert derive(happened, standing(True, "done"), NOW) is final


@pytest.mark.parametrize("other", [State.IN_DOUBT, State.FAILED, State.READY], ids=str)
def test_an_accepted_message_stays_accepted_whatever_came_before_or_after(other: State) -> None:
    for windows in ((1, 2), (2, 1)):
        happened = [outcome(windows[0], State.ACCEPTED), outcome(windows[1], other)]

        assert derive(happened, standing(True, "done"), NOW) is State.ACCEPTED


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"retry_at": LATER}, State.HELD, id="waits for its next try"),
        pytest.param({"retry_at": NOW}, State.READY, id="its next try is due"),
        pytest.param({}, State.CANCELLED, id="its retry was dropped by cancelling"),
        pytest.param(
            {"retry_at": EARLIER, "retry_open": True, "lease_until": LATER},
            State.SENDING,
            id="being tried again",
        ),
        pytest.param(
            {"retry_at": EARLIER, "retry_open": True, "lease_until": EARLIER},
            State.IN_DOUBT,
            id="whoever tried again is gone",
        ),
    ],
)
def test_a_message_not_taken_is_where_its_retry_is(
    more: dict[str, object], expected: State
) -> None:
    stands = standing(True, "done", **more)

    assert derive([outcome(1, State.READY)], stands, NOW) is expected
