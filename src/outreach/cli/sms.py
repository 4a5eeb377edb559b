"""`outreach sms`: what a text costs, tried by hand with the code the program uses."""

from typing import Annotated

import typer

from outreach.cli.door import Door
from outreach.cli.output import emit_json, say

app = typer.Typer(no_args_is_help=True, help="SMS texts: how they are counted.")


@app.callback()
def only() -> None:
    """SMS texts: how they are counted."""


@app.command()
def measure(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The whole text: signature, opt-out wording, all.")],
) -> None:
    """Count a text as the networks bill it: alphabet, units, parts."""
    from outreach.core import sms_text

    door: Door = context.obj
    found = sms_text.measure(text)
    if door.json:
        emit_json(found._asdict())
        return
    unit = "septets" if found.encoding == "GSM-7" else "16-bit units"
    parts = "1 part" if found.parts == 1 else f"{found.parts} parts"
    say(door, f"{found.encoding}: {found.units} {unit}, {parts}")
