"""`outreach runs doubts` and `outreach runs settle`: what became of messages in doubt."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, number_of, say
from outreach.core.masking import masked_address, masked_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.core.doubt import Proposal, Verdict
    from outreach.store.doubts import Doubt

SHOWN: Final = 50  # lines a person reads; --json has them all
_COLUMNS: Final = ("run", "message", "client", "address", "sender", "handed_at", "said")


def doubts(
    context: typer.Context,
    run: Annotated[int | None, typer.Argument(metavar="RUN", help="Of one run only.")] = None,
) -> None:
    """Messages that may or may not have gone out, and what people proposed about them."""
    from outreach.store import checkup
    from outreach.store import doubts as stored

    door: Door = context.obj
    if run is not None:
        known(door, run)
    take_over(door, run)
    with door.database.reading() as conn:
        runs = [run] if run is not None else list(checkup.in_doubt(conn))
        found = [one for number in runs for one in stored.listed(conn, number)]
        waiting = [one for number in runs for one in _open(conn, number)]
    rows = [_row(one) for one in found]
    counts = Counter(one.run for one in found)
    if door.json:
        emit_json({"runs": counts, "messages": rows, "proposals": [_said(one) for one in waiting]})
        return
    emit_rows(door, "In doubt", rows[:SHOWN], _COLUMNS, extra=("campaign", "code"))
    if len(rows) > SHOWN:
        say(door, f"... and {len(rows) - SHOWN:,} more; --json shows them all.")
    for number, total in counts.items():
        say(door, f"Run {number}: {total:,} in doubt.")
    for one in waiting:
        say(door, _waits(one))
    next_step(door, *(_confirm(one) for one in waiting), *map(_propose, _unsaid(found, waiting)))


def settle(
    context: typer.Context,
    run: Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")],
    user: Annotated[str, typer.Option("--as", help="Who does it.")],
    message: Annotated[
        list[int] | None, typer.Option(help="One message; may be repeated. Default: all in doubt.")
    ] = None,
    went: Annotated[bool, typer.Option("--went", help="They went out.")] = False,
    resend: Annotated[bool, typer.Option("--resend", help="Try them again.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give them up.")] = False,
    why: Annotated[str, typer.Option(help="How that is known; kept with it.")] = "",
    confirm: Annotated[bool, typer.Option("--confirm", help="Let a proposal count.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take a proposal back.")] = False,
    proposal: Annotated[
        int | None, typer.Option(help="Which one, where several wait; see `runs doubts`.")
    ] = None,
) -> None:
    """Say what became of messages in doubt. Counts once somebody else has confirmed it."""
    from outreach.core.doubt import Verdict

    door: Door = context.obj
    given = {"--went": went, "--resend": resend, "--abandon": abandon}
    chosen = [name for name, on in given.items() if on]
    chosen += [name for name, on in (("--confirm", confirm), ("--withdraw", withdraw)) if on]
    if len(chosen) != 1:
        raise Failure(USAGE, f"write one of {', '.join(given)}, --confirm and --withdraw")
    if not user.strip():
        raise Failure(USAGE, "--as: write who does it")
    known(door, run)
    if confirm or withdraw:
        if message or why:
            raise Failure(USAGE, f"{chosen[0]} takes a proposal as it is: leave out --message and"
                          " --why")  # fmt: skip
        (_do_confirm if confirm else _do_withdraw)(door, run, proposal, user)
        return
    if not why.strip():
        raise Failure(USAGE, f"{chosen[0]}: add --why; it is kept with the messages")
    if proposal is not None:
        raise Failure(USAGE, "--proposal goes with --confirm or --withdraw")
    _do_propose(door, run, Verdict(chosen[0].removeprefix("--")), message or [], why, user)


# --- the three steps -------------------------------------------------------------------------


def _do_propose(
    door: Door, run: int, verdict: "Verdict", messages: Sequence[int], why: str, user: str
) -> None:
    from outreach.store import doubts as stored

    take_over(door, run)
    with door.database.begin() as tx:
        _allowed(run, stored.hold(tx, run), verdict)
        doubted = [one.message for one in stored.listed(tx, run)]
        taken = {number: one.id for one in _open(tx, run) for number in one.messages}
        for number in messages:
            if number not in doubted:
                raise Failure(BAD_DATA, f"message {number} of run {run} is not in doubt; see"
                              f" `outreach runs doubts {run}`")  # fmt: skip
            if number in taken:
                raise Failure(BAD_DATA, f"message {number} is in proposal {taken[number]} already;"
                              " confirm or withdraw that first")  # fmt: skip
        about = sorted(set(messages)) or [one for one in doubted if one not in taken]
        if not about:
            more = "; proposals wait to be confirmed" if taken else ""
            raise Failure(BAD_DATA, f"run {run}: nothing in doubt is left to propose for{more}")
        made = stored.propose(tx, run, verdict, about, why, user, door.now())
    if door.json:
        emit_json(_said(made))
        return
    say(door, f"{_waits(made)} Nothing changes until somebody else confirms it.")
    next_step(door, _confirm(made))


def _do_confirm(door: Door, run: int, number: int | None, user: str) -> None:
    from outreach.store import doubts as stored

    with door.database.begin() as tx:
        state = stored.hold(tx, run)
        found = _one(tx, run, number)
        _may(found, "confirm", user)
        _allowed(run, state, found.verdict)
        settled = stored.confirm(tx, found, user, door.now())
    left = sorted(set(found.messages) - set(settled))
    if door.json:
        document = {**_said(found), "standing": "confirmed", "confirmed_by": user}
        emit_json({**document, "settled": settled, "left_alone": left})
        return
    say(door, f"Proposal {found.id} is confirmed: {number_of(len(settled), 'message')} of run {run}"
        f" settled as {found.verdict}.")  # fmt: skip
    if left:
        numbers = ", ".join(map(str, left[:SHOWN]))
        say(door, f"{len(left):,} were no longer in doubt and are left alone: {numbers}.")
    again = found.verdict == "resend" and settled
    next_step(door, f"outreach runs {'retry' if again else 'show'} {run}")


def _do_withdraw(door: Door, run: int, number: int | None, user: str) -> None:
    from outreach.store import doubts as stored

    with door.database.begin() as tx:
        stored.hold(tx, run)
        found = _one(tx, run, number)
        _may(found, "withdraw", user)
        stored.withdraw(tx, found, user, door.now())
    if door.json:
        emit_json({**_said(found), "standing": "withdrawn", "withdrawn_by": user})
        return
    say(door, f"Proposal {found.id} is withdrawn; its messages stay in doubt.")
    next_step(door, f"outreach runs doubts {run}")


def _one(conn: "Connection", run: int, number: int | None) -> "Proposal":
    """The proposal with this number; without one, the only one that waits."""
    from outreach.store import doubts as stored

    if number is not None:
        named = [one for one in stored.proposals(conn, run) if one.id == number]
        if not named:
            raise Failure(BAD_DATA, f"run {run} has no proposal {number}; see `outreach runs"
                          f" doubts {run}`")  # fmt: skip
        return named[0]
    waiting = _open(conn, run)
    if not waiting:
        raise Failure(BAD_DATA, f"run {run}: no proposal waits; see `outreach runs doubts {run}`")
    if len(waiting) > 1:
        numbers = ", ".join(str(one.id) for one in waiting)
        raise Failure(USAGE, f"run {run}: proposals {numbers} wait; name one with --proposal")
    return waiting[0]


def _may(found: "Proposal", action: Any, user: str) -> None:
    from outreach.core.doubt import refusal

    if (why := refusal(found, action, user)) is not None:
        raise Failure(NOT_ALLOWED, f"proposal {found.id}: {why.in_('en')}")


def _allowed(run: int, state: str | None, verdict: "Verdict") -> None:
    from outreach.core.doubt import Verdict, no_resend
    from outreach.store import runs

    if verdict is Verdict.RESEND and (why := no_resend(state or "gone", runs.OPEN)) is not None:
        raise Failure(NOT_ALLOWED, f"run {run}: {why.in_('en')}")


def _open(conn: "Connection", run: int) -> "list[Proposal]":
    from outreach.store import doubts as stored

    return [one for one in stored.proposals(conn, run) if one.standing == "proposed"]


def known(door: Door, run: int) -> None:
    from outreach.store import runs

    with door.database.reading() as conn:
        if runs.load(conn, run) is None:
            raise Failure(BAD_DATA, f"there is no run {run}; see `outreach runs`")


def take_over(door: Door, run: int | None) -> None:
    """What a dead sender left open is in doubt, though nobody has run anything since."""
    from outreach.engine.local import gone
    from outreach.store import takeover

    with door.database.reading() as conn:
        ended = gone(takeover.owners(conn, run))
    takeover.sweep(door.database, door.now(), ended, run)


# --- how it is said --------------------------------------------------------------------------


def _row(one: "Doubt") -> dict[str, Any]:
    row = one._asdict()
    del row["window"]
    said = masked_text(one.said) if one.said else ""
    return {**row, "address": masked_address(one.channel, one.address), "said": said}


def _said(one: "Proposal") -> dict[str, Any]:
    return {
        "proposal": one.id,
        "run": one.run,
        "verdict": one.verdict,
        "standing": one.standing,
        "messages": one.messages,
        "why": masked_text(one.why),
        "proposed_by": one.proposed_by,
        "proposed_at": one.steps[0].at,
    }


def _waits(one: "Proposal") -> str:
    return (
        f"Proposal {one.id} of {one.proposed_by}: {number_of(len(one.messages), 'message')} of run"
        f" {one.run}, {one.verdict} ({masked_text(one.why)})."
    )


def _confirm(one: "Proposal") -> str:
    return (
        f"outreach runs settle {one.run} --confirm --proposal {one.id} --as USER"
        f" (not {one.proposed_by})"
    )


def _unsaid(found: "Sequence[Doubt]", waiting: "Sequence[Proposal]") -> list[int]:
    """Runs with a doubt that nobody has proposed anything about."""
    said = {number for one in waiting for number in one.messages}
    return sorted({one.run for one in found if one.message not in said})


def _propose(run: int) -> str:
    return f"outreach runs settle {run} --went|--resend|--abandon --why TEXT --as USER"
