"""`outreach runs`: look after runs."""

import sys
from typing import Annotated

import typer

from outreach.cli import run_doubts
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, number_of, say
from outreach.cli.run_words import cannot, to_do

app = typer.Typer(help="List runs, and look after them.", invoke_without_command=True)
app.command()(run_doubts.doubts)
app.command()(run_doubts.settle)
RunId = Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")]


@app.callback()
def listing(context: typer.Context) -> None:
    """The latest runs, newest first."""
    if context.invoked_subcommand is not None:
        return
    from outreach.store import runs

    door: Door = context.obj
    with door.database.reading() as conn:
        rows = [dict(row) for row in runs.listing(conn)]
    columns: tuple[str, ...] = ("id", "campaign", "occurrence", "state", "audience", "opened_at")
    if any(row["reason"] for row in rows):
        columns = (*columns, "reason")  # of the missed ones
    extra = tuple(one for one in ("finished_at", "opened_by", "reason") if one not in columns)
    emit_rows(door, "Runs", rows, columns, extra=extra)


@app.command()
def show(context: typer.Context, run: RunId) -> None:
    """One run: decisions, message states, what is open."""
    from outreach.cli.run import run_document, show_run

    door: Door = context.obj
    document = run_document(door, run)
    if door.json:
        emit_json(document)
        return
    show_run(door, document)
    if document["messages"].get("in_doubt"):
        say(door, "Messages in doubt may have gone out and are never sent again by themselves.")
    next_step(door, *to_do(document))


@app.command()
def pause(context: typer.Context, run: RunId) -> None:
    """Stop sending within one window; nothing is lost."""
    _move(context, run, "paused", ["planning", "sending"])
    _state(context, run)


@app.command()
def resume(context: typer.Context, run: RunId) -> None:
    """Let a paused run go on, and work it."""
    from outreach.cli.run import work_run
    from outreach.store import runs

    door: Door = context.obj
    with door.database.reading() as conn:
        found = runs.load(conn, run)
    planned = found is not None and found["planned_at"] is not None
    _move(context, run, "sending" if planned else "planning", ["paused"])
    work_run(door, run)


@app.command()
def cancel(
    context: typer.Context,
    run: RunId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Cancel what has not gone out. This cannot be undone."""
    from outreach.store import takeover

    door: Door = context.obj
    if not yes:
        _ask(door, run)
    # The run first, by itself: from then on senders cancel what they give back. A run cancelled
    # before may be cancelled again, to finish what was cut short.
    _move(context, run, "cancelled", ["planning", "sending", "paused", "cancelled"])
    with door.database.begin() as tx:
        total = takeover.cancel_rest(tx, run, door.now(), door.actor)
    say(door, f"{number_of(total, 'message')} cancelled.")
    if handed := _unsent(door, run):
        say(door, f"{number_of(handed, 'message')} in the hands of a sender: what it has not begun"
            f" is cancelled within one window; see `outreach runs show {run}`.")  # fmt: skip
    _state(context, run)


def _ask(door: Door, run: int) -> None:
    """Name what would be cancelled, and have it confirmed by somebody who is there."""
    from outreach.cli.run import run_document

    document = run_document(door, run)
    if door.json or not sys.stdin.isatty():
        raise Failure(USAGE, f"runs cancel {run}: nobody is there to ask; add --yes")
    what = f"run {run}, {document['campaign']} {document['occurrence']}"
    unsent = number_of(_unsent(door, run), "message")
    typer.confirm(f"Cancel {what}: {unsent} not sent yet? This cannot be undone", abort=True)


def _unsent(door: Door, run: int) -> int:
    from outreach.cli.run import run_document

    states = run_document(door, run)["messages"]
    return sum(states.get(state, 0) for state in ("ready", "held", "sending"))


@app.command()
def retry(context: typer.Context, run: RunId) -> None:
    """Try again now what was certainly not taken. Messages in doubt are left alone."""
    from outreach.cli.run import run_document, work_run
    from outreach.store import left, retries

    door: Door = context.obj
    run_document(door, run)  # refuses a run that is not there
    with door.database.begin() as tx:
        batches = left.take_up_again(tx, run, door.now(), door.actor)
    with door.database.begin() as tx:
        total = retries.retry_now(tx, run, door.now(), door.actor)
    say(door, f"Given another try: {number_of(total, 'message')}.")
    if batches:
        say(door, f"Set aside before and given to senders again: {batches:,} of its batches.")
    work_run(door, run)


def _move(context: typer.Context, run: int, to: str, since: list[str]) -> None:
    from outreach.store import runs

    door: Door = context.obj
    with door.database.begin() as tx:
        found = runs.load(tx, run)
        if found is None:
            raise Failure(BAD_DATA, f"there is no run {run}; see `outreach runs`")
        if not runs.move(tx, run, to, door.now(), door.actor, since=since):
            raise Failure(PROBLEMS, cannot(run, found["state"], to))
    say(door, f"Run {run} is {to}.")


def _state(context: typer.Context, run: int) -> None:
    """The run's document, for scripts."""
    from outreach.cli.run import run_document

    door: Door = context.obj
    if door.json:
        emit_json(run_document(door, run))
