"""`outreach audit event`: what came in from a provider or a client, and what was made of it."""

import re
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, USAGE, Door, Failure
from outreach.cli.output import emit_json, moment, next_step, say
from outreach.core.masking import masked_text

if TYPE_CHECKING:
    from outreach.store.event_record import Recorded

SHOWN: Final = 4_000  # characters of its content on a screen
# The token in the address of a gateway is a secret, and stands in the paths it asked for.
_TOKEN: Final = re.compile(r"(/gateway/[^/\"]+/)[^/\"]+")


def event(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The event's number, as `explain` names it.")],
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show numbers and addresses in full; goes on record.")
    ] = False,
    why: Annotated[str, typer.Option(help="Why they must be seen; goes on record.")] = "",
) -> None:
    """One event as it came in, and what was made of it: receipts, replies, consent."""
    from outreach.store import audit
    from outreach.store.event_record import recorded

    door: Door = context.obj
    if bool(why.strip()) != unmask:
        raise Failure(USAGE, "--unmask and --why TEXT belong together: say why addresses are shown")
    with door.database.reading() as conn:
        found = recorded(conn, number)
    if found is None:
        raise Failure(BAD_DATA, f"there is no event {number}")
    if unmask:
        detail = {"why": why.strip()[:400], "asked": {"event": number}, "export": None}
        with door.database.begin() as tx:
            entry = audit.Entry(door.now(), "log.unmasked", door.actor, f"event {number}", detail)
            audit.append(tx, [entry])
    shown = _document(found, unmask)
    if door.json:
        emit_json(shown)
        return
    zone = ZoneInfo(door.config.firm.zone)
    shown["received_at"] = moment(found.received_at, zone)
    for name, value in shown.items():
        if name != "content" and value:
            say(door, f"{name.replace('_', ' '):<15} {_listed(value)}")
    say(door, "", shown["content"][:SHOWN])
    next_step(door, f'outreach audit entries --about "event {number}"')


def _document(found: "Recorded", unmask: bool) -> dict[str, Any]:
    content = _TOKEN.sub(r"\1...", found.content.decode("utf-8", "replace"))
    return {**found._asdict(), "content": content if unmask else masked_text(content)}


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
