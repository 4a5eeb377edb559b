"""`outreach replies`: what clients wrote back, what was made of it, and what a person sees to."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, number_of, say, some_of

if TYPE_CHECKING:
    from outreach.store.replies import Stored

app = typer.Typer(help="What clients wrote back, and who sees to it.", invoke_without_command=True)


@app.callback()
def waiting(context: typer.Context) -> None:
    """Without a command, the list of those a person has to see to."""
    if context.invoked_subcommand is None:
        list_replies(context)


@app.command("list")
def list_replies(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Those nobody has to see to as well.")
    ] = False,
) -> None:
    """Replies a person has to see to: help, complaints, doubtful opt-outs, numbers nobody has."""
    from outreach.store import holders, replies

    door: Door = context.obj
    with door.database.reading() as conn:
        found = replies.listed(conn, every=every)
        whose = holders.numbers(conn, [(one.channel, one.address) for one in found])
    rows = [_row(one, whose) for one in found]
    columns = ("id", "from", "client", "text", "intent", "said", "state")
    emit_rows(door, "Replies", rows, columns, extra=("made", "to"))
    if open_ := sum(one.open for one in found):
        say(door, f"For a person to see to: {number_of(open_, 'reply', 'replies')}.")
        next_step(door, "outreach replies seen ID --as USER --note TEXT")


@app.command()
def seen(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number; see `outreach replies list`.")],
    user: Annotated[str, typer.Option("--as", help="Who has seen to it.")],
    note: Annotated[str, typer.Option("--note", help="What was done; kept with it.")] = "",
) -> None:
    """Say that somebody has seen to a reply, and what was done."""
    from outreach.store import holders, replies

    door: Door = context.obj
    if not user.strip():
        raise Failure(USAGE, "--as: name who has seen to it")
    if not note.strip():
        raise Failure(USAGE, "--note: write what was done")
    try:
        with door.database.begin() as tx:
            replies.see_to(tx, number, user.strip(), note.strip(), door.now())
    except LookupError as error:
        raise Failure(BAD_DATA, f"{error.args[0]}; see `outreach replies list --all`") from error
    except ValueError as error:
        raise Failure(NOT_ALLOWED, f"reply {number}: {error}") from error
    with door.database.reading() as conn:
        (found,) = replies.listed(conn, number=number)
        whose = holders.numbers(conn, [(found.channel, found.address)])
    if door.json:
        emit_json(_row(found, whose))
    say(door, f"Reply {number} was seen to by {user.strip()}.")


def _row(one: "Stored", whose: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    """A reply as it is shown: who wrote, and numbers in what was written, are masked; the client's
    number says whom to call. `clients` is how many had the address when it came."""
    from outreach.core.masking import masked_address, masked_text

    return {
        "id": one.id,
        "channel": one.channel,
        "from": masked_address(one.channel, one.address),
        "client": some_of(whose.get((one.channel, one.address), [])),
        "to": one.sender,
        "text": masked_text(one.text),
        "intent": one.intent,
        "made": one.made,
        "clients": one.clients,
        "said": one.said_at,
        "state": "open" if one.open else "seen" if one.by else "done",
        "by": one.by,
        "note": one.note,
        "seen": one.seen_at,
    }
