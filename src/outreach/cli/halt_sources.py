"""`outreach halts sources` and `halts fetch`: the feeds that are fetched, and how each is doing."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As, desk_of
from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.ingest.book import Desk
    from outreach.project.feed_config import HaltSource
    from outreach.store.feeds import SourceState

COLUMNS = ("name", "form", "state", "last_fetched", "last_changed", "failures", "last_error")


def sources(context: typer.Context) -> None:
    """List the feeds that are fetched: when each answered last, and which have gone stale."""
    door: Door = context.obj
    if not door.config.feeds.halts.sources and not door.json:
        say(door, "No source is fetched; add [[feeds.halts.sources]] to config.toml.")
        return
    emit_rows(door, "Sources of halts", standing(door, desk_of(door, "")), COLUMNS)


def fetch(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources of config.toml. Default: all.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask nobody; show what would be asked.")
    ] = False,
    actor: As = "",
) -> None:
    """Fetch sources once, now, whatever their hours; what is new is put into the inbox."""
    from outreach.ingest.fetch import Place, fetch_sources

    door: Door = context.obj
    chosen = _chosen(door, names or [])
    desk = desk_of(door, actor)
    if dry_run:
        _plan(door, desk, chosen)
        return
    inbox = door.root / door.config.feeds.halts.inbox
    kept = door.var / "feeds" / "halts"
    done = fetch_sources(Place(desk, inbox, kept, door.root), chosen)
    if door.json:
        emit_json([{**one._asdict(), "file": one.file and str(one.file)} for one in done])
    for one in done:
        say(door, f"{one.name}: {one.outcome}{f', {one.why}' if one.why else ''}")
        if one.file is not None:
            say(door, f"  {one.file}")
    if any(one.file for one in done):
        next_step(door, "outreach halts inbox")
    failed = sum(one.outcome == "failed" for one in done)
    if failed:
        raise Failure(PROBLEMS, f"{failed} of {len(done)} sources could not be fetched")


def standing(door: Door, desk: "Desk") -> list[dict[str, Any]]:
    """Every source with its state, moments on the firm's clock."""
    from outreach.ingest.fetch import seen, states_of, watch_of
    from outreach.ingest.halts import calendars_of

    known, states, now = calendars_of(desk), states_of(desk), door.now()
    return [
        _row(door, one, states.get(one.name), watch_of(one, known).standing(
            seen(states.get(one.name)), now
        ))
        for one in door.config.feeds.halts.sources
    ]  # fmt: skip


def _row(
    door: Door, source: "HaltSource", state: "SourceState | None", stands: str
) -> dict[str, Any]:
    return {
        "name": source.name,
        "form": source.form,
        "state": stands,
        "last_fetched": _at(door, state.fetched_at if state else None),
        "last_changed": _at(door, state.changed_at if state else None),
        "failures": state.failures if state else 0,
        "last_error": state.error if state else "",
        "every_minutes": source.every_minutes,
    }


def _at(door: Door, moment: datetime | None) -> str | None:
    zone = ZoneInfo(door.config.firm.zone)
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else None


def _chosen(door: Door, names: list[str]) -> list["HaltSource"]:
    known = {one.name: one for one in door.config.feeds.halts.sources}
    if not known:
        wrong = "config.toml names no source to fetch; add [[feeds.halts.sources]]"
        raise Failure(USAGE, wrong)
    for name in names:
        if name not in known:
            raise Failure(USAGE, f"there is no source {name}; there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def _plan(door: Door, desk: "Desk", chosen: list["HaltSource"]) -> None:
    from outreach.ingest.fetch import due_sources, shown_address

    due = {one.name for one in due_sources(desk, chosen, door.now())}
    rows = [
        {
            "name": one.name,
            "form": one.form,
            "address": shown_address(one),
            "due": "now" if one.name in due else "later",
        }
        for one in chosen
    ]
    emit_rows(door, "What would be asked", rows, ("name", "form", "address", "due"))
