"""`outreach call-backs base`, `draw`, `draws` and `coverage`: the tenth of each year."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import console, emit_json, emit_rows, next_step, progress, say, table

if TYPE_CHECKING:
    from outreach.call_backs import Coverage
    from outreach.store.call_back_years import Base, Draw

Year = Annotated[
    int | None, typer.Option(min=2000, max=2199, help="The year of the calls; else this one.")
]


def base(
    context: typer.Context,
    year: Year = None,
    again: Annotated[bool, typer.Option("--again", help="Take it anew.")] = False,
    actor: As = "",
) -> None:
    """Keep who the clients at the end of last year were: a tenth of them is to be called. Import
    the client book of that day first."""
    from outreach import call_backs
    from outreach.core.words import Sentence
    from outreach.store import call_back_years

    door: Door = context.obj
    wanted = _year(door, year)
    with door.database.reading() as conn:
        there = call_back_years.base_of(conn, wanted)
    if there.id is not None and not again:
        raise Failure(
            PROBLEMS, f"the base of {wanted} was taken already ({there.clients:,} clients);"
            " --again takes it anew from the client book as it is now",
        )  # fmt: skip
    with progress(door, "keeping the base") as tick:
        taken = call_backs.take_base(
            door.database, wanted, at=door.now(), actor=actor or door.actor, zone=_zone(door),
            progress=tick,
        )  # fmt: skip
    if isinstance(taken, Sentence):
        raise Failure(BAD_DATA, f"base of {wanted}: {taken.en}")
    if door.json:
        emit_json(_base(door, taken))
    say(door, *_sentences(door, taken))
    next_step(door, f"outreach call-backs draw --year {wanted} --share 12%")


def draw(
    context: typer.Context,
    share: Annotated[
        str, typer.Option(help="Of the clients at the end of last year, such as 12%.")
    ],
    year: Year = None,
    seed: Annotated[str, typer.Option(help="The same seed draws the same clients again.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    actor: As = "",
) -> None:
    """Draw clients for the yearly tenth, without those who were called or drawn already."""
    from secrets import token_hex

    from outreach import call_backs

    door: Door = context.obj
    wanted, part = _year(door, year), _share(share)
    if wanted != door.now().astimezone(_zone(door)).year:
        raise Failure(USAGE, f"--year {wanted}: only the current year is drawn for")
    made = call_backs.draw(
        door.database, wanted, part, seed or token_hex(8), at=door.now(),
        actor=actor or door.actor, dry_run=dry_run,
    )  # fmt: skip
    if door.json:
        emit_json({**made._asdict(), "drawn_at": made.drawn_at.isoformat(), "dry_run": dry_run})
        return
    say(
        door,
        f"{made.clients:,} clients at the end of {wanted - 1}; {share} of them, less"
        f" {made.called:,} called in {wanted} and {made.waiting:,} drawn before:",
        _drew(made, dry_run),
    )
    next_step(door, "outreach call-backs due", f"outreach call-backs coverage --year {wanted}")


def _drew(made: "Draw", dry_run: bool) -> str:
    if dry_run:
        return f"{made.drawn:,} would be drawn; nothing was written."
    if not made.drawn:
        return "nobody is left to draw; nothing was written."
    return f"draw {made.id} drew {made.drawn:,} with the seed {made.seed}."


def draws(context: typer.Context, year: Year = None) -> None:
    """The draws for a year: by whom, with which seed, from how many."""
    from outreach.store import call_back_years

    door: Door = context.obj
    with door.database.reading() as conn:
        found = call_back_years.draws(conn, _year(door, year))
    emit_rows(
        door, "Draws", [{**one._asdict(), "year": str(one.year)} for one in found],
        ("id", "year", "drawn_at", "actor", "share", "seed", "clients", "called", "waiting",
         "drawn"),
    )  # fmt: skip


def coverage(context: typer.Context, year: Year = None) -> None:
    """How many of the clients at the end of last year were called back, and how many are left."""
    from outreach import call_backs

    door: Door = context.obj
    wanted = _year(door, year)
    with door.database.reading() as conn:
        found = call_backs.coverage(conn, wanted)
    if door.json:
        emit_json(_document(door, found))
        return
    say(door, *_sentences(door, found.base))
    say(
        door,
        f"Called back in {wanted}: {found.done:,} of them, {found.share:.2%}. A tenth is"
        f" {found.required:,}; {found.needed:,} are left to call, {found.waiting:,} of those drawn"
        " have not been reached.",
    )
    rows = [
        (one.branch or "(none)", one.clients, one.done, _percent(one.done, one.clients))
        for one in found.branches
    ]
    console().print(table(f"By branch, {wanted}", ("branch", "clients", "done", "share"), rows))
    if found.base.id is None:
        next_step(door, f"outreach call-backs base --year {wanted}")
    elif found.needed > found.waiting:
        next_step(door, f"outreach call-backs draw --year {wanted} --share 12%")


# --- in words ---------------------------------------------------------------------------------


def _sentences(door: Door, found: "Base") -> list[str]:
    """What is counted and what is not, and as of when."""
    end = f"{found.year - 1}-12-31"
    as_of = _as_of(door, found)
    if found.id is None:
        how = (
            f"No base of {end} was kept, so this is worked out from the client book as of {as_of}:"
            " an account whose state changed since then is counted by its state now."
        )
    elif as_of == end:
        how = f"The base of {end}, kept from the client book as of that day."
    else:
        how = (
            f"The base of {end}, kept from the client book as of {as_of}: an account whose state"
            " changed in between is counted by its state on that day."
        )
    return [
        how,
        f"{found.clients:,} clients are counted. Left out: {found.dormant:,} dormant,"
        f" {found.suspended:,} suspended (frozen), {found.closed:,} closed or deceased,"
        f" {found.opened_later:,} opened after {end}.",
    ]


def _base(door: Door, found: "Base") -> dict[str, Any]:
    left_out = {
        name: getattr(found, name) for name in ("dormant", "suspended", "closed", "opened_later")
    }
    return {
        "year": found.year,
        "base": found.id,
        "base_from": "client_book" if found.id is None else "kept",
        "as_of": found.as_of.isoformat() if found.as_of else None,
        "clients": found.clients,
        "left_out": left_out,
        "sentences": _sentences(door, found),
    }


def _document(door: Door, found: "Coverage") -> dict[str, Any]:
    return {
        **_base(door, found.base),
        "done": found.done,
        "share": round(found.share, 6),
        "required": found.required,
        "needed": found.needed,
        "waiting": found.waiting,
        "by_rule": found.by_rule,
        "branches": [one._asdict() for one in found.branches],
    }


def _as_of(door: Door, found: "Base") -> str:
    return str(found.as_of.astimezone(_zone(door)).date()) if found.as_of else "an unknown day"


def _percent(done: int, clients: int) -> str:
    return f"{done / clients:.2%}" if clients else ""


def _zone(door: Door) -> ZoneInfo:
    return ZoneInfo(door.config.firm.zone)


def _year(door: Door, year: int | None) -> int:
    """The year that is meant. Raises Failure(2) for one that is yet to come."""
    this = door.now().astimezone(_zone(door)).year
    if year is not None and year > this:
        raise Failure(USAGE, f"--year {year}: is yet to come")
    return year or this


def _share(written: str) -> Fraction:
    try:
        percent = Fraction(written.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        percent = Fraction(-1)
    share = percent / 100 if written.endswith("%") else percent
    if not 0 < share <= 1:
        raise Failure(USAGE, f"--share {written}: is no share; write 12% or 0.12")
    return share
