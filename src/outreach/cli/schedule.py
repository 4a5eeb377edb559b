"""`outreach schedule`: what will fire, when, for how many clients, and what stands in its way."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import Marked, console, emit_json, next_step, say, table

if TYPE_CHECKING:
    from outreach.agenda import Coming
    from outreach.core.icalendar import Event
    from outreach.core.market_words import Watched

SHOWN_EACH: Final = 5  # firings of one campaign in the table, unless --all


def schedule(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=400, help="How far ahead.")] = 60,
    ics: Annotated[
        Path | None, typer.Option(help="Write a calendar file (.ics) for calendar programs.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every firing, however many.")] = False,
) -> None:
    """What will fire in the coming days, for how many clients, and what blocks it."""
    from outreach import agenda

    door: Door = context.obj
    now = door.now()
    with door.database.reading() as conn:
        coming = agenda.coming(conn, door.project, now, now + timedelta(days=days))
    if ics is not None:
        _write(door, ics, coming)
    if door.json:
        emit_json([_row(door, one) for one in coming])
        return
    _print(door, coming, days, None if all_ else SHOWN_EACH)
    if ics is not None:
        events = sum(one.fires_at is not None for one in coming)
        say(door, f"{events:,} events written to {ics}.")
    next_step(door, *_remedies(coming))


def _row(door: Door, one: "Coming") -> dict[str, Any]:
    """The row a script reads; a firing that `blocked_by` leaves empty will go out."""
    language = door.config.language
    return {
        "fires_at": one.fires_at,
        "campaign": one.campaign,
        "name": _name(door, one),
        "waits_for": one.waits_for,
        "day": one.day,
        "occurrence": one.occurrence,
        "event": _event(door, one),
        "clients": one.clients,
        "run": one.run,
        "conditions": [watched_row(each, language) for each in one.watched],
        "blocked_by": [
            {"code": each.code, "sentence": each.sentence.in_(language)} for each in one.obstacles
        ],
    }


def watched_row(one: "Watched", language: str) -> dict[str, Any]:
    """One condition of a market move, for scripts."""
    return {
        "condition": one.condition,
        "state": one.state,
        "sentence": one.sentence.in_(language),
        "triggered_at": one.triggered_at,
        "until": one.until,
        "percent": one.percent,
        "as_of": one.as_of,
        "clients_below": one.clients_below,
    }


def _event(door: Door, one: "Coming") -> str | None:
    """What happened to the clients of a firing, where that is why it is for them."""
    from outreach.core.client_event import client_event

    campaign = door.project.campaigns.get(one.campaign)
    event = client_event(campaign, one.day) if campaign else None
    return event.sentence.in_(door.config.language) if event else None


def _name(door: Door, one: "Coming") -> str:
    return door.project.campaigns[one.campaign].name.in_(door.config.language)


# --- the table -------------------------------------------------------------------------------

_WAITING: Final = {
    "time": "not in this time",
    "market_event": "on a market event",
    "hand": "by hand",
    "calendar": "calendar ends",
}


def _print(door: Door, coming: "Sequence[Coming]", days: int, limit: int | None) -> None:
    out, zone = console(), door.config.firm.zone
    timed = [one for one in coming if one.fires_at is not None]
    shown = list(_first_of_each(timed, limit))
    columns = ("fires at", "campaign", "occurrence", "clients", "blocked by")
    if timed:
        rows = [
            (one.fires_at, one.campaign, one.occurrence, one.clients, _blocked(one))
            for one in shown
        ]
        title = f"The next {days} days, on the clock of {zone}"
        out.print(table(title, columns, rows, zone=zone))
    else:
        out.print(f"Nothing fires by the clock in the next {days} days.")
    left = Counter(one.campaign for one in timed) - Counter(one.campaign for one in shown)
    for campaign, n in sorted(left.items()):
        say(door, f"{campaign}: {n:,} more; --all shows them.")
    rest = [one for one in coming if one.fires_at is None]
    if rest:
        waiting = ("fires", "campaign", "clients", "blocked by")
        rest_rows = [
            (_WAITING[one.waits_for], one.campaign, one.clients, _blocked(one)) for one in rest
        ]
        out.print(table("Without a time", waiting, rest_rows))
    for sentence in _sentences(door, coming):
        out.print(sentence, markup=False)
    for one in coming:
        for each in one.watched:
            said = each.sentence.in_(door.config.language)
            out.print(f"{one.campaign}: {said}", markup=False)


def _first_of_each(timed: "Sequence[Coming]", limit: int | None) -> "Iterator[Coming]":
    """A campaign that fires daily would hide all others: only its first few firings."""
    seen: Counter[str] = Counter()
    for one in timed:
        seen[one.campaign] += 1
        if limit is None or seen[one.campaign] <= limit:
            yield one


def _blocked(one: "Coming") -> Marked | str:
    codes = ", ".join(dict.fromkeys(each.code for each in one.obstacles))
    if codes:
        return Marked(codes, "red")
    return f"no; run {one.run} has it already" if one.run else ""


def _sentences(door: Door, coming: "Sequence[Coming]") -> list[str]:
    """Each obstacle once, in words."""
    language = door.config.language
    return list(
        dict.fromkeys(
            f"{one.campaign}: {each.code}: {each.sentence.in_(language)}"
            for one in coming
            for each in one.obstacles
        )
    )


def _remedies(coming: "Sequence[Coming]") -> list[str]:
    unapproved = dict.fromkeys(
        one.campaign for one in coming if any(each.code == "not_approved" for each in one.obstacles)
    )
    return [f"outreach approve {name} --as USER" for name in unapproved][:1]


# --- the calendar file -----------------------------------------------------------------------


def _write(door: Door, path: Path, coming: "Sequence[Coming]") -> None:
    """All at once, so that a calendar program never reads half a file."""
    from outreach.core.icalendar import calendar_file

    name = f"{door.config.firm.name.in_(door.config.language)} outreach"
    made = calendar_file(name, _events(door, coming), door.now())
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(made)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Failure(BAD_DATA, f"{path}: cannot be written: {error.strerror}") from None


def _events(door: Door, coming: "Sequence[Coming]") -> "Iterator[Event]":
    from outreach.core.icalendar import Event

    language, host = door.config.language, door.config.firm.website
    for one in coming:
        if one.fires_at is None:
            continue
        known = f"{one.clients:,}" if one.clients is not None else "?"
        lines = [f"{one.campaign} {one.occurrence or ''}".strip(), f"clients: {known}"]
        if event := _event(door, one):
            lines.append(event)
        lines += [f"{each.code}: {each.sentence.in_(language)}" for each in one.obstacles]
        yield Event(
            # The occurrence, not the moment: when the hour is changed, the entry moves.
            uid=f"{one.campaign}.{one.occurrence or one.day}@{host}",
            starts_at=one.fires_at,
            summary=_name(door, one),
            description="\n".join(lines),
            certain=not one.obstacles,
        )
