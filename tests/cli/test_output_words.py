"""Numbers and lengths of time as people say them."""

import pytest

from outreach.cli.output import lasting, number_of, some_of


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"), (40, "40 s"), (89, "89 s"), (91, "2 min"), (300, "5 min"), (5_280, "88 min"),
        (7_200, "2 h"), (23_446, "6 h 31 min"), (180_000, "2 days 2 h"), (604_800, "7 days"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_said_in_the_unit_people_would_use(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_one_is_not_several_and_many_names_are_cut_short() -> None:
    assert [number_of(n, "message") for n in (0, 1, 3052)] == [
        "0 messages", "1 message", "3,052 messages",
    ]  # fmt: skip
    assert number_of(1, "batch", "batches") == "1 batch"
    assert number_of(2, "batch", "batches") == "2 batches"
    assert some_of([]) is None
    assert some_of(["7", "9"]) == "7, 9"
    assert some_of([str(n) for n in range(1003)]) == "0, 1, 2 and 1,000 more"
