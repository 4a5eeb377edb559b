"""`outreach reconcile`: ask providers what became of messages in doubt, and what else is new."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import PROBLEMS, Door, Failure
from outreach.cli.output import emit_json, emit_rows, moment, next_step, number_of, say

if TYPE_CHECKING:
    from outreach.receive.reconcile import Question, Reconciled


def reconcile(
    context: typer.Context,
    run: Annotated[int | None, typer.Argument(metavar="RUN", help="Of one run only.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked of whom, and ask nothing.")
    ] = False,
    older_than: Annotated[
        int, typer.Option(min=0, metavar="MINUTES", help="In doubt for at least so long.")
    ] = 15,
) -> None:
    """Ask providers about messages in doubt, and fetch receipts and replies they keep for us.

    Nothing is sent by it. What no provider knows stays in doubt: see `outreach runs doubts`.
    """
    from outreach import receive
    from outreach.cli.engine import Adapters
    from outreach.cli.run_doubts import known, take_over
    from outreach.receive import reconcile as asking

    door: Door = context.obj
    if run is not None:
        known(door, run)
    take_over(door, run)
    adapters = Adapters(door)
    try:
        now = door.now()
        asked = asking.questions(
            door.database, adapters, now, patience=timedelta(minutes=older_than), run_id=run
        )
        if dry_run:
            _would_ask(door, asked)
            return
        done = asking.ask(door.database, adapters, asked, now)
        if run is None:
            news = asking.pull(door.database, adapters, door.config.senders, now)
            done = asking.merged(done, news)
    finally:
        adapters.close()
    zone = ZoneInfo(door.config.firm.zone)
    while receive.apply(door.database, {}, door.now, zone=zone).events:
        pass
    _tell(door, asked, done)


def _would_ask(door: Door, asked: Sequence["Question"]) -> None:
    zone = ZoneInfo(door.config.firm.zone)
    rows: list[dict[str, Any]] = [
        {
            "sender": one.sender,
            "in doubt": len(one.doubts),
            "since": moment(min(doubt.since for doubt in one.doubts), zone),
            "would be asked": not one.why_not,
            "why not": one.why_not,
        }
        for one in asked
    ]
    if door.json:
        emit_json(rows)
        return
    emit_rows(door, "Would be asked", rows, ("sender", "in doubt", "since", "would be asked"),
              extra=("why not",))  # fmt: skip


def _tell(door: Door, asked: Sequence["Question"], done: "Reconciled") -> None:
    from outreach.receive.reconcile import tally

    numbers = tally(done)
    left = sum(len(one.doubts) for one in asked) - numbers["found"]
    if door.json:
        emit_json({
            **numbers, "left": left, "messages": done.unknown, "not_asked": done.not_asked,
            "troubles": done.troubles,
        })  # fmt: skip
    else:
        why = {**done.not_asked, **done.troubles}
        names = sorted({*done.asked, *done.pulled, *why})
        rows = [
            {
                "sender": name,
                "asked": done.asked.get(name, 0),
                "found": done.found.get(name, 0),
                "new": done.pulled.get(name, 0),
                "why not": why.get(name, ""),
            }
            for name in names
        ]
        emit_rows(door, "Reconciled", rows, ("sender", "asked", "found", "new", "why not"))
    if left:
        doubted = number_of(left, "message")
        say(door, f"Still in doubt: {doubted}. What no provider knows, a person looks for.")
        next_step(door, "outreach runs doubts")
    if done.troubles:
        raise Failure(PROBLEMS, [f"{name}: {said}" for name, said in done.troubles.items()])
