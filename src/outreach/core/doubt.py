"""Messages in doubt, settled by people: one proposes what became of them, another confirms it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from outreach.core.model import Outcome
from outreach.core.words import Sentence, State

Action = Literal["propose", "confirm", "withdraw"]
Standing = Literal["proposed", "confirmed", "withdrawn"]


class Verdict(StrEnum):
    """What people found out about messages in doubt, or want done about them."""

    WENT = "went"  # they went out: the provider's list or the client says so
    RESEND = "resend"  # they are to be tried again, at the risk of a second copy
    ABANDON = "abandon"  # they are given up, whether or not they went out


_OUTCOMES: Final = {
    Verdict.WENT: (State.ACCEPTED, "settled_by_person"),
    Verdict.RESEND: (State.READY, "resend_approved"),
    Verdict.ABANDON: (State.FAILED, "abandoned"),
}
# What the codes of doubts say; `sender_gone` is how most begin.
CODES: Final = {
    "sender_gone": Sentence("its sender ended without a word of it", "发送进程中断，结果不明"),
    "settled_by_person": Sentence("people found out that it went", "经人工核实已发出"),
    "resend_approved": Sentence("people approved that it goes again", "经人工批准重新发送"),
    "abandoned": Sentence("people gave it up", "经人工确认放弃"),
}
_STANDINGS: Final[dict[Action, Standing]] = {
    "propose": "proposed",
    "confirm": "confirmed",
    "withdraw": "withdrawn",
}


def outcome_of(verdict: Verdict, detail: str) -> Outcome:
    """The outcome that stands beside the doubt once a verdict is confirmed."""
    state, code = _OUTCOMES[verdict]
    return Outcome(state, code, detail)


class Step(NamedTuple):
    """What somebody did about a proposal."""

    action: Action
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A verdict on some messages of a run, with the steps taken so far, in their order."""

    id: int
    run: int
    verdict: Verdict
    messages: tuple[int, ...]
    why: str
    steps: tuple[Step, ...]

    @property
    def standing(self) -> Standing:
        return _STANDINGS[self.steps[-1].action]

    @property
    def proposed_by(self) -> str:
        return self.steps[0].actor


def refusal(proposal: Proposal, action: Action, actor: str) -> Sentence | None:
    """Why `actor` may not confirm or withdraw a proposal; None when he may."""
    if proposal.standing == "confirmed":
        return Sentence("it is confirmed already", "该提议已确认")
    if proposal.standing == "withdrawn":
        return Sentence("it has been withdrawn", "该提议已撤回")
    if action == "withdraw" or _name(proposal.proposed_by) != _name(actor):
        return None
    return Sentence(
        f"{actor} proposed it, so somebody else must confirm it (--as another user)",
        f"{actor} 是提议人，须由他人确认（--as 另一用户）",
    )


def no_resend(run_state: str, open_states: Sequence[str]) -> Sentence | None:
    """Why nothing of a run can be sent again; None when it can."""
    if run_state in open_states:
        return None
    return Sentence(
        f"the run is {run_state}, so nothing of it is sent again; choose --went or --abandon",
        f"该批次状态为 {run_state}，不再发送：请选 --went 或 --abandon",
    )


def _name(actor: str) -> str:
    return actor.strip().casefold()
