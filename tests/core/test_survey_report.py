"""What answers come to: of each client the last counts, and no small group shows anybody."""

from typing import NamedTuple

import pytest

from outreach.core.survey_report import Group, groups, survey_report


class Given(NamedTuple):
    run_id: int
    client_id: int
    kind: str
    score: int | None
    branch: str | None = None
    adviser: str | None = None


def test_the_last_answer_of_a_client_counts_and_the_others_are_told() -> None:
    given = [
        Given(1, 1, "answer", 1), Given(1, 2, "answer", 4), Given(1, 1, "answer", 5),
        Given(1, 3, "review", None), Given(1, 4, "late", 2), Given(1, 2, "review", None),
    ]  # fmt: skip

    made = survey_report(10, range(1, 6), given)

    assert (made.sent, made.answered, made.rate, made.mean) == (10, 2, 0.2, 4.5)
    assert (made.replaced, made.late, made.review) == (1, 1, 1)
    assert made.distribution == {1: 0, 2: 0, 3: 0, 4: 1, 5: 1}


def test_the_same_client_answers_each_run_for_itself() -> None:
    made = survey_report(2, range(1, 6), [Given(1, 1, "answer", 1), Given(2, 1, "answer", 5)])

    assert (made.answered, made.mean) == (2, 3.0)


def test_without_an_answer_there_is_no_mean() -> None:
    made = survey_report(0, range(1, 6), [])

    assert (made.rate, made.mean, made.by_branch) == (None, None, [])


def answers(**scores: list[int]) -> list[tuple[str | None, int | None]]:
    return [(name, score) for name, told in scores.items() for score in told]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param(answers(a=[5] * 5), [Group("a", 5, 5.0)], id="five are enough"),
        pytest.param(answers(a=[5] * 4), [Group(None, 4, None)], id="four are not"),
        pytest.param(
            answers(a=[5] * 6, b=[3] * 5, c=[1] * 4, d=[1]),
            [Group("a", 6, 5.0), Group("b", 5, 3.0), Group(None, 5, None)],
            id="small ones hide in each other",
        ),
        pytest.param(
            answers(a=[5] * 6, b=[3] * 5, c=[1]),
            [Group("a", 6, 5.0), Group(None, 6, None)],
            id="one alone is hidden by the smallest that could be shown",
        ),
        pytest.param(
            [(None, 5)] * 5 + answers(a=[4] * 5),
            [Group("a", 5, 4.0), Group(None, 5, None)],
            id="no branch on record",
        ),
    ],
)
def test_a_group_is_shown_when_it_cannot_tell_on_anybody(
    given: list[tuple[str | None, int | None]], shown: list[Group]
) -> None:
    assert groups(given) == shown
