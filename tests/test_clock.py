"""A clock that is set while a process runs: followed a little, believed late, and never twice."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from outreach.clock import BELIEVED, LEAST, Steady

NOON = datetime(2026, 9, 28, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
JUMPS = pytest.mark.parametrize("by", [HOUR, DAY, -HOUR, -DAY])


@dataclass
class Machine:
    """A machine that was started an hour before noon."""

    wall: datetime = NOON
    up: float = 3600.0

    def clock(self) -> Steady:
        return Steady(lambda: self.wall, lambda: self.up)

    def pass_time(self, length: timedelta) -> None:
        self.wall += length
        self.up += length.total_seconds()


def test_time_passes() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(DAY)

    assert clock.now() == NOON + DAY
    assert clock.jumped() is None


@pytest.mark.parametrize("by", [LEAST - SECOND, SECOND - LEAST])
def test_a_clock_that_is_set_a_little_is_followed_at_once_and_as_often_as_it_is(
    by: timedelta,
) -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(5):
        machine.wall += by
        assert clock.now() == machine.wall
        assert clock.jumped() is None


@JUMPS
def test_a_clock_that_is_back_in_time_has_changed_nothing(by: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += by
    machine.pass_time(BELIEVED - SECOND)

    assert clock.jumped() == by
    assert clock.now() == NOON + BELIEVED - SECOND
    machine.wall -= by
    assert clock.now() == machine.wall
    assert clock.jumped() is None


@JUMPS
def test_a_clock_that_stays_is_believed_after_a_while(by: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += by
    assert clock.jumped() == by
    machine.pass_time(BELIEVED)

    assert clock.jumped() is None
    assert clock.now() == machine.wall


def test_a_clock_that_jumps_again_is_doubted_anew() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += DAY
    assert clock.jumped() == DAY
    machine.pass_time(BELIEVED - SECOND)
    machine.wall += DAY
    assert clock.jumped() == 2 * DAY
    machine.pass_time(2 * SECOND)

    assert clock.jumped() == 2 * DAY
    assert clock.now() == NOON + BELIEVED + SECOND
