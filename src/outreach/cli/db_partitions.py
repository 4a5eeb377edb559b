"""`outreach db partitions`: the months of the tables that grow with every message."""

from typing import Annotated

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import emit_json, emit_rows, say


def partitions(
    context: typer.Context,
    detach: Annotated[
        str, typer.Option(metavar="NAME", help="Take a month out of its table; it is not dropped.")
    ] = "",
    actor: Annotated[str, typer.Option("--as", help="Who detaches it.")] = "",
) -> None:
    """List the partitions on PostgreSQL, after making those of the coming months."""
    from outreach.store import partitions as store

    door: Door = context.obj
    if door.database.sqlite:
        says = "SQLite keeps each table in one piece; partitions are for PostgreSQL"
        raise Failure(BAD_DATA, f"{door.database.name}: {says} (docs/growing.md)")
    if detach:
        _detach(door, detach, actor or door.actor)
        return
    kept = store.keep(door.database, door.now())
    with door.database.reading() as conn:
        rows = [
            {
                "table": part.table,
                "partition": part.name,
                "month": part.month,
                "from": part.low,
                "to": part.high,
                "rows": max(part.rows, 0),
                "MB": round(part.size / 1024**2, 1),
            }
            for one in store.DIVIDED
            for part in store.listed(conn, one.table)
        ]
        wrong = store.warnings(conn, door.now())
    emit_rows(door, "Partitions", rows)
    for name in kept.made:
        say(door, f"Made {name}.")
    for name in kept.begun:
        say(door, f"Begun {name}: new ids belong to it.")
    for line in wrong:
        say(door, line)
    say(door, "Rows are the server's estimate.")


def _detach(door: Door, name: str, actor: str) -> None:
    from outreach.store import audit
    from outreach.store import partitions as store
    from outreach.store.audit import Entry

    now = door.now()
    with door.database.begin() as tx:
        part = store.detach(tx, name, now)
        detail = {"table": part.table, "from": part.low, "to": part.high}
        audit.append(tx, [Entry(now, "partition.detached", actor, name, detail)])
    if door.json:
        emit_json({"detached": name, **detail})
    say(
        door,
        f"{name} is a table of its own now; nothing was deleted.",
        "`outreach audit verify` will name its rows as missing; keep a checkpoint from before.",
    )
