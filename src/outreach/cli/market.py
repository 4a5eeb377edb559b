"""`outreach market`: take index levels and margin ratios in, and show where they stand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As, AsOf, moment_of, report, run_import
from outreach.cli.door import Door
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.core.market_moves import Level
    from outreach.store.market import MarginCount

app = typer.Typer(
    no_args_is_help=True, help="Index levels and margin ratios: import feeds, show where they are."
)
COLUMNS = ("index", "name", "at", "level", "prev_close", "day_percent")


@app.command("import")
def import_market(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, JSON, XLSX or Parquet.")],
    as_of: AsOf = "",
    actor: As = "",
) -> None:
    """Add index levels, or a snapshot of margin ratios; the header tells which. What is known
    already stays as it is."""
    from outreach import ingest

    door: Door = context.obj
    moment = moment_of(door, as_of)
    done = run_import(
        door,
        file,
        actor,
        lambda desk: ingest.import_market(desk, file, as_of=moment, keep=kept_in(door)),
    )
    report(door, done)
    next_step(door, "outreach market show", "outreach schedule")


@app.command()
def show(context: typer.Context) -> None:
    """Where each index stands, and how many clients are below a line of their margin ratio."""
    from outreach.store import market

    door: Door = context.obj
    with door.database.reading() as conn:
        levels, margin = market.newest_levels(conn), market.margin_count(conn)
    rows = [_shown(door, one) for one in levels]
    if door.json:
        emit_json({"levels": rows, "margin": margin._asdict()})
        return
    emit_rows(door, "Index levels", rows, COLUMNS)
    say(door, _margin(door, margin))


def kept_in(door: Door) -> Path:
    """Where raw market files are kept under their digest."""
    return door.var / "feeds" / "market"


def _margin(door: Door, margin: "MarginCount") -> str:
    if margin.as_of is None:
        return "No margin ratio is on record: outreach market import FILE"
    at = margin.as_of.astimezone(ZoneInfo(door.config.firm.zone))
    return (
        f"{margin.clients:,} clients on margin, the newest as of {at:%Y-%m-%d %H:%M}:"
        f" {margin.below_warn:,} below the warn line, {margin.below_close:,} of them"
        " below the close line"
    )


def _shown(door: Door, one: "Level") -> dict[str, Any]:
    from outreach.core.market_moves import POINT

    zone = ZoneInfo(door.config.firm.zone)
    return {
        "index": one.code,
        "name": one.name_zh if door.config.language == "zh" else one.name_en or one.name_zh,
        "at": f"{one.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "level": f"{one.level / POINT:.2f}",
        "prev_close": f"{one.prev_close / POINT:.2f}",
        "day_percent": f"{100 * (one.level - one.prev_close) / one.prev_close:+.2f}",
    }
