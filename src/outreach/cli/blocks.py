"""`outreach blocks`: addresses nobody may write to: list them, add one, let one go."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from outreach.cli.door import NOT_ALLOWED, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say, some_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.store.blocks import Block

app = typer.Typer(
    help="Blocked addresses: list them, add one, let one go.", invoke_without_command=True
)

# What one person of the firm may take back; an objection is not the firm's.
LIFTED: Final = ("hard_bounce", "soft_bounces")
LISTED: Final = "regulator_list"  # two people may, where people put it there
CHANNELS: Final = {"sms": "phone number", "email": "e-mail address"}


@app.callback()
def standing(context: typer.Context) -> None:
    """Without a command, the list."""
    if context.invoked_subcommand is None:
        listed(context, "", 200)


@app.command("list")
def listed(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="Only the addresses of this client's number.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 200,
) -> None:
    """The addresses that are blocked, the newest first."""
    from outreach.core.masking import masked_address
    from outreach.store import blocks, holders

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
        whose = holders.numbers(conn, [(one.channel, one.address) for one in found])
        asked = [blocks.asked(conn, one) if _by_hand(one) else None for one in found]
    rows = [
        {
            "channel": one.channel,
            "address": masked_address(one.channel, one.address),
            "client": some_of(whose.get((one.channel, one.address), [])),
            "reason": one.reason,
            "since": one.since_at,
            "until": one.until_at,
            "why": one.why or None,
            "source": one.source,
            "asked": f"to let it go, by {ask.actor}: {ask.why}" if ask else None,
        }
        for one, ask in zip(found, asked, strict=True)
    ]
    columns = ("channel", "address", "client", "reason", "since", "until", "why", "source")
    told = ("asked",) if any(asked) else ()
    emit_rows(door, "Blocked addresses", rows, (*columns, *told))
    lift = ["outreach blocks lift ADDRESS --why REASON"] if rows else []
    next_step(door, *lift, "outreach blocks add ADDRESS --why REASON")


@app.command()
def add(
    context: typer.Context,
    addresses: Annotated[
        list[str], typer.Argument(metavar="ADDRESS...", help="Phone numbers, e-mail addresses.")
    ],
    why: Annotated[
        str, typer.Option(help="Such as: list 7 of 2026-11-20; wrong number. Kept on record.")
    ] = "",
    actor: Annotated[str, typer.Option("--as", help="Who says so; without it, you.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show whose they are, and block nothing.")
    ] = False,
) -> None:
    """Put addresses on the do-not-contact list: nobody writes to them any more, whatever the
    purpose and whoever has them. Two people can take one off again."""
    from outreach.core.masking import masked_address
    from outreach.store import audit, blocks, holders

    door: Door = context.obj
    if not why.strip():
        raise Failure(USAGE, "--why: write why; it is kept on record")
    wanted = list(dict.fromkeys(_read(door, address) for address in addresses))
    now, who = door.now(), actor.strip() or door.actor
    with door.database.begin() as tx:
        whose = holders.numbers(tx, wanted)
        before = {
            (channel, address)
            for channel, address in wanted
            for one in blocks.standing(tx, now, channel=channel, address=address)
            if one.reason == LISTED
        }
        if not dry_run:
            new = [
                blocks.Block(channel, address, LISTED, why.strip(), blocks.BY_HAND)
                for channel, address in wanted
            ]
            audit.append(tx, blocks.block(tx, new, who, now))
    rows = [
        {
            "channel": channel,
            "address": masked_address(channel, address),
            "client": some_of(whose.get((channel, address), [])),
            "was_blocked": (channel, address) in before,
        }
        for channel, address in wanted
    ]
    emit_rows(door, "Would be blocked" if dry_run else "Blocked", rows)
    if dry_run:
        say(door, "Nothing was blocked.")
        return
    say(door, "What waits for them is stopped before it goes.")
    next_step(door, "outreach blocks list")


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
    hard bounce blocks it again. What was blocked by hand takes two people."""
    from outreach.store import audit, blocks

    door: Door = context.obj
    if bool(address) == bool(client):
        raise Failure(USAGE, "give either the address or --client")
    if not why.strip():
        raise Failure(USAGE, "--why: write why; it is kept on record")
    now = door.now()
    with door.database.reading() as conn:
        wanted = _addresses(conn, client) if client else [_read(door, address)]
        found = [
            one for channel, of in wanted
            for one in blocks.standing(conn, now, channel=channel, address=of)
        ]  # fmt: skip
    _refuse_unless_liftable(found)
    who = actor.strip() or door.actor
    lifted, waits = [], []
    with door.database.begin() as tx:
        entries = []
        for one in found:
            if one.reason in LIFTED or (_by_hand(one) and _second(tx, one, who)):
                entries += blocks.lift(
                    tx, one.channel, one.address, one.reason, why.strip(), who, now
                )
                lifted.append({"channel": one.channel, "reason": one.reason})
            elif _by_hand(one):
                entries += blocks.ask_to_lift(tx, one, why.strip(), who, now)
                waits.append({"channel": one.channel, "reason": one.reason, "asked_by": who})
        audit.append(tx, entries)
    if door.json:
        emit_json({"lifted": lifted, **({"asked": waits} if waits else {})})
        return
    say(door, *(f"Let go: {one['channel']} ({one['reason']})." for one in lifted))
    if waits:
        say(door, f"Asked by {who}; it stays blocked until somebody else asks the same.")
        given = f"--client {client}" if client else "ADDRESS"
        next_step(door, f"outreach blocks lift {given} --why REASON --as USER (not {who})")


def _by_hand(one: "Block") -> bool:
    from outreach.store.blocks import BY_HAND

    return one.reason == LISTED and one.source == BY_HAND


def _second(conn: "Connection", one: "Block", who: str) -> bool:
    """Whether somebody else has asked for the same before. Refuses who asks twice."""
    from outreach.store import blocks

    before = blocks.asked(conn, one)
    if before is not None and before.actor == who:
        raise Failure(NOT_ALLOWED, f"{who} asked for it already; somebody else must say the same"
                      " (--as another user)")  # fmt: skip
    return before is not None


def _refuse_unless_liftable(found: "list[Block]") -> None:
    if not found:
        raise Failure(PROBLEMS, "it is not blocked; see `outreach blocks list`")
    if not any(one.reason in LIFTED or _by_hand(one) for one in found):
        lines = {
            "regulator_list": "it is on a regulator's or do-not-contact list, which is binding",
            "global_objection": "its holder objected to everything, and only he can take it back",
        }
        raise Failure(NOT_ALLOWED, [lines.get(one.reason, one.reason) for one in found])


def _read(door: Door, written: str) -> tuple[str, str]:
    """(channel, address) as the client book has it, however it was typed."""
    from outreach.core.addresses import OK, Address, email, phone

    channel = "email" if "@" in written else "sms"
    country = door.config.clients.default_country
    found = email(written) if channel == "email" else phone(written, country)
    if not isinstance(found, Address) or found.state != OK or found.value is None:
        raise Failure(USAGE, f"{written}: this is no {CHANNELS[channel]}; write one such as"
                      " 13812345678, +85291234567 or name@example.com")  # fmt: skip
    return channel, found.value


def _addresses(conn: "Connection", client: str) -> list[tuple[str, str]]:
    """(channel, address) of a client."""
    from outreach.store import facts

    row = facts.client_numbered(conn, client, ("phone", "email"))
    if row is None:
        raise Failure(PROBLEMS, f"{client}: no client has this number")
    return [(channel, of) for channel, of in zip(("sms", "email"), row, strict=True) if of]
