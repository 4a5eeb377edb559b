"""What answers come to: how many, how good, and where; no group so small that it shows a client."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from outreach.core.survey import Kind

FEWEST: Final = 5  # answers a group must have to be shown


class Given(Protocol):
    """The part of an answer that a report needs."""

    @property
    def run_id(self) -> int: ...
    @property
    def client_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def score(self) -> int | None: ...
    @property
    def branch(self) -> str | None: ...
    @property
    def adviser(self) -> str | None: ...


class Group(NamedTuple):
    """Some answers and their mean. Without a name: those of groups too small to be shown."""

    name: str | None
    answers: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """What one or several runs of a survey came to."""

    sent: int  # clients
    answered: int  # clients; of each the last answer counts
    replaced: int  # answers that a later one of the same client took the place of
    late: int
    review: int  # clients whose text nobody could read, and who gave no other answer
    mean: float | None
    distribution: Mapping[int, int]
    by_branch: Sequence[Group]
    by_adviser: Sequence[Group]

    @property
    def rate(self) -> float | None:
        """Answered of sent, 0 to 1."""
        return self.answered / self.sent if self.sent else None


def survey_report(sent: int, scale: Sequence[int], given: Sequence[Given]) -> SurveyReport:
    """The report of answers in the order they were received; `scale` are the scores there are."""
    counting = [one for one in given if one.kind == Kind.ANSWER and one.score is not None]
    last = {(one.run_id, one.client_id): one for one in counting}
    unread = {(one.run_id, one.client_id) for one in given if one.kind == Kind.REVIEW}
    taken = list(last.values())
    scores = [one.score for one in taken if one.score is not None]
    told = Counter(scores)
    return SurveyReport(
        sent=sent,
        answered=len(taken),
        replaced=len(counting) - len(taken),
        late=sum(one.kind == Kind.LATE for one in given),
        review=len(unread - last.keys()),
        mean=_mean(scores),
        distribution={score: told.get(score, 0) for score in scale},
        by_branch=groups((one.branch, one.score) for one in taken),
        by_adviser=groups((one.adviser, one.score) for one in taken),
    )


def groups(answers: Iterable[tuple[str | None, int | None]]) -> list[Group]:
    """Groups of at least `FEWEST` answers, best first; the others together, without a mean.

    Where those others are fewer than `FEWEST` in all, what they said could be worked out from the
    total; the smallest group that is shown joins them then.
    """
    found: dict[str | None, list[int]] = {}
    for name, score in answers:
        if score is not None:
            found.setdefault(name or None, []).append(score)
    shown = {n: s for n, s in found.items() if n is not None and len(s) >= FEWEST}
    rest = sum(len(scores) for name, scores in found.items() if name not in shown)
    if 0 < rest < FEWEST and shown:
        smallest = min(shown, key=lambda name: (len(shown[name]), name or ""))
        rest += len(shown.pop(smallest))
    listed = [Group(name, len(scores), _mean(scores)) for name, scores in shown.items()]
    listed.sort(key=lambda group: (-(group.mean or 0), -group.answers, group.name or ""))
    return [*listed, Group(None, rest, None)] if rest else listed


def _mean(scores: Sequence[int]) -> float | None:
    return sum(scores) / len(scores) if scores else None
