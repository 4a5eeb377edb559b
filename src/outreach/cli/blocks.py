"""`outreach blocks`: addresses nobody may write to, why, and letting one go."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from outreach.cli.door import NOT_ALLOWED, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.store.blocks import Block

app = typer.Typer(no_args_is_help=True, help="Blocked addresses: list them, let one go.")

# What a person of the firm may take back; a list and an objection are not the firm's.
LIFTED: Final = ("hard_bounce", "soft_bounces")


@app.command("list")
def listed(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="Only the addresses of this client's number.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 200,
) -> None:
    """The addresses that are blocked, the newest first."""
    from outreach.core.masking import masked_address
    from outreach.store import blocks

    door: Door = context.obj
    now = door.now()
    with door.database.reading() as conn:
        if client:
            own = _addresses(conn, client)
            found = [
                one for channel, address in own
                for one in blocks.standing(conn, now, channel=channel, address=address)
            ]  # fmt: skip
        else:
            found = blocks.standing(conn, now, limit=limit)
    rows = [
        {
            "channel": one.channel,
            "address": masked_address(one.channel, one.address),
            "reason": one.reason,
            "since": one.since_at,
            "until": one.until_at,
            "why": one.why or None,
            "source": one.source,
        }
        for one in found
    ]
    emit_rows(door, "Blocked addresses", rows)
    next_step(door, "outreach blocks lift ADDRESS --why REASON")


@app.command()
def lift(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The address in full; or give --client.")] = "",
    why: Annotated[
        str, typer.Option(help="Such as: the client confirmed it by phone. Kept on record.")
    ] = "",
    client: Annotated[str, typer.Option(help="Every address of this client's number.")] = "",
    actor: Annotated[str, typer.Option("--as", help="Who says so; without it, you.")] = "",
) -> None:
    """Let an address go that mail came back from, because the client says that it works. The next
    hard bounce blocks it again."""
    from outreach.store import audit, blocks

    door: Door = context.obj
    if bool(address) == bool(client):
        raise Failure(USAGE, "give either the address or --client")
    if not why.strip():
        raise Failure(USAGE, "--why: write why; it is kept on record")
    now = door.now()
    with door.database.reading() as conn:
        wanted = _addresses(conn, client) if client else [_of(address)]
        found = [
            one for channel, of in wanted
            for one in blocks.standing(conn, now, channel=channel, address=of)
        ]  # fmt: skip
    _refuse_unless_liftable(found)
    who = actor or door.actor
    with door.database.begin() as tx:
        entries = [
            entry for one in found if one.reason in LIFTED
            for entry in blocks.lift(
                tx, one.channel, one.address, one.reason, why.strip(), who, now
            )
        ]  # fmt: skip
        audit.append(tx, entries)
    lifted = [{"channel": one.channel, "reason": one.reason} for one in found
              if one.reason in LIFTED]  # fmt: skip
    if door.json:
        emit_json({"lifted": lifted})
        return
    say(door, *(f"Let go: {one['channel']} ({one['reason']})." for one in lifted))


def _refuse_unless_liftable(found: "list[Block]") -> None:
    if not found:
        raise Failure(PROBLEMS, "it is not blocked; see `outreach blocks list`")
    if not any(one.reason in LIFTED for one in found):
        lines = {
            "regulator_list": "it is on a regulator's or do-not-contact list, which is binding",
            "global_objection": "its holder objected to everything, and only he can take it back",
        }
        raise Failure(NOT_ALLOWED, [lines.get(one.reason, one.reason) for one in found])


def _of(address: str) -> tuple[str, str]:
    return ("email" if "@" in address else "sms", address)


def _addresses(conn: "Connection", client: str) -> list[tuple[str, str]]:
    """(channel, address) of a client."""
    from outreach.store import facts

    row = facts.client_numbered(conn, client, ("phone", "email"))
    if row is None:
        raise Failure(PROBLEMS, f"{client}: no client has this number")
    return [(channel, of) for channel, of in zip(("sms", "email"), row, strict=True) if of]
