"""`outreach audit entries`: what is on record about a run, a sender, a client or anything else."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import Door
from outreach.cli.log import Since, Until, typed_moment
from outreach.cli.output import console, emit_stream, next_step, say, table
from outreach.core.masking import masked_text

if TYPE_CHECKING:
    from outreach.store.audit import Stored

ON_SCREEN: Final = 50


def entries(
    context: typer.Context,
    about: Annotated[
        list[str] | None,
        typer.Option(help='What it is about, such as "run 3" or mail-relay; may be repeated.'),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="A kind, such as run.cancelled, or run for all of them; repeatable."),
    ] = None,
    actor: Annotated[str | None, typer.Option("--by", help="Who did it.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"At most; {ON_SCREEN} on a screen without it.")
    ] = None,
) -> None:
    """What is on record, newest first: who did what, when, and to what."""
    from outreach.store import audit

    door: Door = context.obj
    zone = ZoneInfo(door.config.firm.zone)
    asked = audit.Asked(
        tuple(about or ()), tuple(kind or ()), actor,
        typed_moment("--since", since, zone, timedelta()) if since else None,
        typed_moment("--until", until, zone, timedelta(days=1)) if until else None,
    )  # fmt: skip
    with door.database.reading() as conn:
        if door.json:
            emit_stream(_document(one) for one in audit.asked_for(conn, asked, limit))
            return
        found = list(audit.asked_for(conn, asked, (limit or ON_SCREEN) + 1))
    shown = found[: limit or ON_SCREEN]
    if not shown:
        say(door, "No entry of the log is like that.")
        return
    columns = ("entry", "at", "kind", "actor", "about", "detail", "rows")
    rows = [_line(one) for one in shown]
    console().print(table("On record", columns, rows, zone=door.config.firm.zone))
    if len(found) > len(shown):
        say(door, f"{len(shown):,} entries shown, and there are more: --limit N, or --json.")
    next_step(door, f"outreach audit prove {shown[0].seq}")


def _document(entry: "Stored") -> dict[str, Any]:
    """An entry as scripts read it; `covers` says which rows it answers for."""
    import orjson

    covers = None
    if entry.covers_table is not None:
        covers = {
            "table": entry.covers_table,
            "from": orjson.loads(entry.covers_from or "[]"),
            "to": orjson.loads(entry.covers_to or "[]"),
            "rows": entry.covers_count,
        }
    return {
        "entry": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "actor": entry.actor,
        "about": entry.subject,
        "detail": orjson.loads(entry.detail),
        "covers": covers,
    }


def _line(entry: "Stored") -> Sequence[Any]:
    one = _document(entry)
    said = "; ".join(f"{name} {_plain(value)}" for name, value in one["detail"].items())
    detail = masked_text(said if len(said) <= 200 else said[:200] + "…")
    return (one["entry"], one["at"], one["kind"], one["actor"], one["about"], detail,
            entry.covers_count)  # fmt: skip


def _plain(value: Any) -> str:
    if isinstance(value, list | dict):
        import orjson

        return orjson.dumps(value).decode()
    return "" if value is None else str(value)
