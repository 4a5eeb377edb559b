"""What became of an answer that a department is to look at: handed over, taken up, closed.

Two stories of one case, folded from the same appended steps: whether the department got it (that is
the program's work, tried again until it is taken), and what the department does with it.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from outreach.core.words import Sentence, Spoken


class Action(StrEnum):
    """A step. The first three are the program's, the others a person's."""

    FORWARDED = "forwarded"
    RETRY = "retry"  # not taken; tried again later
    FAILED = "failed"  # given up, until somebody asks for another try
    TAKE = "take"
    NOTE = "note"
    CLOSE = "close"
    REOPEN = "reopen"


class Delivery(Spoken):
    """Whether the department has the case."""

    WAITING = "waiting", "not handed over yet", "待转交"
    RETRY = "retry", "was not taken and is tried again", "转交未成功，将重试"
    FORWARDED = "forwarded", "is with the department", "已转交"
    FAILED = "failed", "could not be handed over", "转交失败"


class Work(Spoken):
    """What the department does with it."""

    OPEN = "open", "nobody has taken it up", "待处理"
    IN_PROGRESS = "in_progress", "somebody works on it", "处理中"
    DONE = "done", "is closed", "已办结"


class Step(NamedTuple):
    action: str
    actor: str
    note: str
    at: datetime


class Standing(NamedTuple):
    """Where a case stands."""

    delivery: Delivery
    tries: int  # since it was last asked for
    next_try_at: datetime | None  # None: now, or never
    work: Work
    actor: str  # who has it, or closed it


# Between tries. A department that is away over a night or a weekend still gets it.
WAITS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440, 1440, 1440)
)
_WORK: Final = {
    Action.TAKE: Work.IN_PROGRESS, Action.CLOSE: Work.DONE, Action.REOPEN: Work.OPEN,
}  # fmt: skip


def standing(steps: Sequence[Step]) -> Standing:
    """Where a case stands after these steps, given in the order they were recorded."""
    delivery, tries, again = Delivery.WAITING, 0, None
    work, actor = Work.OPEN, ""
    for step in steps:
        action = Action(step.action)
        if action is Action.FORWARDED:
            delivery, again = Delivery.FORWARDED, None
        elif action is Action.RETRY:
            delivery, again = Delivery.RETRY, step.at + WAITS[min(tries, len(WAITS) - 1)]
            tries += 1
        elif action is Action.FAILED:
            delivery, tries, again = Delivery.FAILED, 0, None
        elif action in _WORK:
            work = _WORK[action]
            actor = "" if action is Action.REOPEN else step.actor
    return Standing(delivery, tries, again, work, actor)


def after_refusal(now_is: Standing) -> Action:
    """What a try that was not taken is recorded as: one more is made, or none."""
    return Action.RETRY if now_is.tries < len(WAITS) else Action.FAILED


def to_try(now_is: Standing, now: datetime, *, failed_too: bool = False) -> bool:
    """Whether a case is to be handed over now."""
    if now_is.delivery is Delivery.FAILED:
        return failed_too
    if now_is.delivery is Delivery.FORWARDED:
        return False
    return failed_too or now_is.next_try_at is None or now_is.next_try_at <= now


def refusal(now_is: Standing, action: Action) -> Sentence | None:
    """Why a person may not take a step now; None where it may be taken."""
    done = now_is.work is Work.DONE
    if action is Action.REOPEN and not done:
        return Sentence("it is not closed", "尚未办结")
    if action in (Action.TAKE, Action.CLOSE) and done:
        return Sentence("it is closed already; reopen it first", "已办结，请先重新打开")
    return None


def due_on(opened_on: date, days: int, is_working_day: Callable[[date], bool]) -> date:
    """The last day of the time a department has: so many working days after the first."""
    day = opened_on
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day


def overdue(now_is: Standing, due: date, today: date) -> bool:
    """Whether the time is over and the case is not closed."""
    return now_is.work is not Work.DONE and today > due
