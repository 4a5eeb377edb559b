"""When an answer goes to a department: a small closed vocabulary, read without running anything.

    score <= 2                  also <, =, >=, >
    complaint                   the words speak of a complaint (投诉, 举报)
    comment contains "柜台"      the words hold these
    unclear                     the answer could not be read

Conditions may be joined by `and`; several rules mean `or`.
"""

import operator
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from outreach.core.inbound_words import complains, plain

_COMPARED: Final[dict[str, Callable[[int, int], bool]]] = {
    "<=": operator.le, "<": operator.lt, "=": operator.eq, "==": operator.eq,
    ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
_SCORE: Final = re.compile(r"score\s*(<=|>=|==|<|>|=)\s*(\d{1,2})")
_CONTAINS: Final = re.compile(r"comment\s+contains\s+[\"'“]([^\"'“”]{1,40})[\"'”]")
_AND: Final = re.compile(r"\s+and\s+(?=score|complaint|comment|unclear)")
WRITE: Final = 'write score <= 2, complaint, comment contains "WORD", unclear, or some with `and`'


class Test(NamedTuple):
    """One condition: of the score (compared, bound), of the words, or of nothing more."""

    kind: str  # score | complaint | contains | unclear
    compared: str = ""
    bound: int = 0
    words: str = ""


def tests_of(when: str) -> tuple[Test, ...]:
    """The conditions of a rule; all must hold. Raises ValueError("wrong, what to write")."""
    return tuple(_test(part.strip()) for part in _AND.split(when.strip()))


def _test(part: str) -> Test:
    if part in ("complaint", "unclear"):
        return Test(part)
    if found := _SCORE.fullmatch(part):
        return Test("score", found[1], int(found[2]))
    if found := _CONTAINS.fullmatch(part):
        return Test("contains", words=found[1])
    raise ValueError(f"`{part}` is no condition, {WRITE}")


def holds(when: str, score: int | None, words: str) -> bool:
    """Whether a rule holds for an answer; one without a score (None) is unclear."""
    return all(_holds(test, score, words) for test in tests_of(when))


def _holds(test: Test, score: int | None, words: str) -> bool:
    match test.kind:
        case "score":
            return score is not None and _COMPARED[test.compared](score, test.bound)
        case "complaint":
            return complains(words)
        case "contains":
            return plain(test.words) in plain(words)
        case _:
            return score is None
