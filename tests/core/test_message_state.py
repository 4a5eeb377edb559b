"""A message's state from its facts: what happened, and where its batch and its retry stand."""

from datetime import UTC, datetime, timedelta

import pytest

from outreach.core.message_state import Happened, Standing, derive

NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
SOON, JUST_NOW = NOW + timedelta(minutes=5), NOW - timedelta(seconds=1)
READY = Standing(in_window=False, batch="ready", not_before=NOW)
TRIED = Standing(in_window=True, batch="done", not_before=NOW)


def happened(*states: str) -> list[Happened]:
    return [Happened(n, state, "", "", "", b"", NOW) for n, state in enumerate(states, start=1)]


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        pytest.param(READY, "ready", id="an unclaimed batch waits"),
        pytest.param(READY._replace(not_before=SOON), "held", id="until its hour comes"),
        pytest.param(READY._replace(batch="leased"), "ready", id="the cursor is not there yet"),
        pytest.param(READY._replace(batch="cancelled"), "cancelled", id="a cancelled batch"),
        pytest.param(TRIED._replace(lease_until=SOON), "sending", id="a window without an outcome"),
        pytest.param(
            TRIED._replace(lease_until=NOW), "in_doubt", id="whose lease runs out this moment"
        ),
        pytest.param(
            TRIED._replace(batch="cancelled", lease_until=SOON),
            "sending",
            id="what is in a sender's hands cannot be cancelled",
        ),
    ],
)
def test_before_the_first_outcome(standing: Standing, state: str) -> None:
    assert derive([], standing, NOW) == state


@pytest.mark.parametrize(
    ("states", "standing", "state"),
    [
        pytest.param(["accepted"], TRIED, "accepted", id="taken"),
        pytest.param(["accepted", "in_doubt"], TRIED, "accepted", id="taken stays taken"),
        pytest.param(["failed"], TRIED, "failed", id="refused for good"),
        pytest.param(["suppressed"], TRIED, "suppressed", id="stopped by the second look"),
        pytest.param(["ready", "in_doubt"], TRIED, "in_doubt", id="the latest try counts"),
        pytest.param(["ready"], TRIED._replace(retry_at=SOON), "held", id="tries again later"),
        pytest.param(["ready"], TRIED._replace(retry_at=JUST_NOW), "ready", id="tries again now"),
        pytest.param(["ready"], TRIED, "cancelled", id="its retry was cancelled"),
        pytest.param(
            ["ready"],
            TRIED._replace(retry_at=JUST_NOW, retry_open=True, lease_until=SOON),
            "sending",
            id="is being tried again",
        ),
        pytest.param(
            ["ready"],
            TRIED._replace(retry_at=JUST_NOW, retry_open=True, lease_until=JUST_NOW),
            "in_doubt",
            id="the sender of the retry is gone",
        ),
    ],
)
def test_after_an_outcome(states: list[str], standing: Standing, state: str) -> None:
    assert derive(happened(*states), standing, NOW) == state
