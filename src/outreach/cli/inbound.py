"""`outreach inbound`: what a client's reply means, tried by hand with the code the program uses."""

from typing import Annotated

import typer

from outreach.cli.door import Door
from outreach.cli.output import emit_json, say

app = typer.Typer(no_args_is_help=True, help="Replies of clients: what they mean.")


@app.callback()
def only() -> None:
    """Replies of clients: what they mean."""


@app.command()
def classify(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The reply, as it came.")],
    sender: Annotated[
        str, typer.Option(help="Our number or id it came to, or a sender of config.toml.")
    ] = "",
) -> None:
    """Say what a reply means: opt_out, opt_in, help, complaint or other, and whether somebody
    should read it. Writes nothing."""
    from outreach.core.inbound import classify as read

    door: Door = context.obj
    said = read(text, _address(door, sender))
    if door.json:
        emit_json({"intent": said.intent.value, "review": said.review})
        return
    more = "; somebody should read it" if said.review else ""
    say(door, f"{said.intent.value}: {said.intent.sentence.en}{more}")


def _address(door: Door, sender: str) -> str:
    """The number of a sender that is named as in config.toml; anything else is taken as it is."""
    if not sender or not door.config_path.exists():
        return sender
    found = door.config.senders.get(sender)
    return found.address if found else sender
