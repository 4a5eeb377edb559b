"""What a clerk is told at the end of a run: what is left, why, and the command that comes next."""

from collections.abc import Mapping
from typing import Any

from outreach.cli.output import number_of


def left(document: Mapping[str, Any], *, stopped: bool) -> list[str]:
    """What did not go out, and what each kind of it waits for. `document` is the run's; `stopped`
    says that a sender refused to work."""
    run, states = document["run"], document["messages"]
    open_ = states.get("ready", 0) + states.get("sending", 0)
    lines = []
    if document["state"] == "paused":
        lines.append(
            f"run {run} is paused: {number_of(open_, 'message')} wait until somebody says"
            f" `outreach runs resume {run}`"
        )
    elif open_ or (stopped and not states.get("in_doubt")):
        waits = f"{number_of(open_, 'message')} not sent yet" if open_ else "a sender stopped"
        lines.append(
            f"run {run}: {waits}; nothing is lost: `outreach serve` goes on by itself, or run it"
            f" again; `outreach runs show {run}` says what they wait for"
        )
    if failed := states.get("failed", 0):
        lines.append(
            f"run {run}: {number_of(failed, 'message')} refused for good;"
            f" `outreach log --run {run} --state failed` says why"
        )
    if doubt := states.get("in_doubt", 0):
        lines.append(
            f"run {run}: {number_of(doubt, 'message')} may or may not have gone out, and will not"
            f" be sent again; settle with `outreach runs doubts {run}`"
        )
    return lines


def to_do(document: Mapping[str, Any]) -> list[str]:
    """The commands that lead on from where a run stands."""
    run, states = document["run"], document["messages"]
    doubts = [f"outreach runs doubts {run}"] if states.get("in_doubt") else []
    on = {
        "paused": [f"outreach runs resume {run}"],
        "planning": [f"outreach run {document['campaign']}"],
        "sending": [f"outreach run {document['campaign']}"],
    }
    return [*on.get(document["state"], []), *doubts, f"outreach log --run {run}"]


def in_hands(document: Mapping[str, Any]) -> int:
    """How many messages of a run senders have claimed and not worked yet: what is open and waits
    for nobody."""
    states: Mapping[str, int] = document["messages"]
    open_ = sum(states.get(state, 0) for state in ("ready", "held", "sending"))
    waiting: int = sum(row["messages"] for row in document["waiting"])
    return max(0, open_ - waiting)


def cannot(run: int, state: str, to: str) -> str:
    """Why a run in `state` is not paused, resumed or cancelled, in one line."""
    if to in ("sending", "planning"):
        hint = {"planning": "nothing holds it", "sending": "nothing holds it"}.get(
            state, "what was not sent stays unsent" if state != "finished" else "nothing is left"
        )
        return f"run {run} is {state}, not paused: {hint}"
    if to == "paused":
        done = "it is already" if state == "paused" else "nothing of it is under way"
        return f"run {run} is {state}: {done}"
    return f"run {run} is {state}: there is nothing left to cancel"
