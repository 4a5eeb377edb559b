"""`outreach segment`: who a campaign may speak to, in a sentence, a number and a masked sample."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import console, emit_json, emit_rows, next_step, table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.core.segment import Segment
    from outreach.store.audience import Asked

app = typer.Typer(no_args_is_help=True, help="Segments: list them, show who belongs to one.")
_SAMPLE: Final = ("client_no", "name", "status", "branch", "phone", "email")


@app.command("list")
def list_(context: typer.Context) -> None:
    """Every segment with its sentence and how many clients belong to it today."""
    from outreach.core.segment import describe
    from outreach.store import audience

    door: Door = context.obj
    language = door.config.language
    with door.database.reading() as conn:
        rows = [
            {
                "segment": name,
                "name": segment.name.in_(language),
                "clients": audience.count(conn, segment, asked_today(door, conn, segment)),
                "sentence": describe(segment, language),
            }
            for name, segment in door.project.segments.models.items()
        ]
    emit_rows(door, "Segments", rows)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A segment of segments.toml.")],
    sample: Annotated[int, typer.Option(min=0, max=100, help="Clients shown, masked.")] = 5,
) -> None:
    """One segment: its sentence, how many clients belong to it today, and some of them, masked."""
    from outreach.core.segment import describe

    door: Door = context.obj
    segment = _named(door, name)
    with door.database.reading() as conn:
        found = _found(door, conn, segment, sample)
    document = {
        "segment": name,
        "name": segment.name.model_dump(),
        "sentence": {language: describe(segment, language) for language in ("en", "zh")},
        "as_of": door.now(),
        **found,
    }
    if door.json:
        emit_json(document)
        return
    _print(door, segment, document)
    next_step(door, *_campaigns_of(door, name))


def asked_today(door: Door, conn: "Connection", segment: "Segment") -> "Asked":
    """What a segment is asked against at this moment, outside any run."""
    from outreach import agenda

    return agenda.asked(conn, door.project, segment, door.now())


def _named(door: Door, name: str) -> "Segment":
    from difflib import get_close_matches

    known = door.project.segments.models
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    remedy = f"write {near[0]}" if near else f"write one of {', '.join(known)}"
    raise Failure(BAD_DATA, f"{name}: there is no such segment; {remedy}")


def _found(door: Door, conn: "Connection", segment: "Segment", sample: int) -> dict[str, Any]:
    from outreach.store import audience
    from outreach.store.tables import client

    asked = asked_today(door, conn, segment)
    columns = [client.c[name] for name in _SAMPLE]
    rows = audience.page(conn, segment, asked, after=0, limit=sample, columns=columns)
    unknown = {file: audience.not_in_book(conn, asked.lists[file]) for file in asked.lists}
    return {
        "clients": audience.count(conn, segment, asked),
        "halted_securities": len(asked.halted) if segment.asks_for_halts else None,
        "not_in_client_book": {file: sorted(numbers) for file, numbers in unknown.items()},
        "sample": [_masked(row) for row in rows],
    }


def _masked(row: tuple[Any, ...]) -> dict[str, Any]:
    from outreach.core.masking import masked_email, masked_name, masked_phone

    facts = dict(zip(_SAMPLE, row, strict=True))
    facts["name"] = masked_name(facts["name"])
    facts["phone"] = masked_phone(facts["phone"])
    facts["email"] = masked_email(facts["email"])
    return facts


def _print(door: Door, segment: "Segment", document: dict[str, Any]) -> None:
    from outreach.core.segment.sentence import CHOICES

    out, language = console(), door.config.language
    out.print(f"[bold]{segment.name.in_(language)}[/]  {document['segment']}")
    out.print(document["sentence"][language], markup=False)
    out.print(f"{document['clients']:,} clients")
    if document["halted_securities"] == 0:
        out.print("No security is halted today, so nobody holds one; a run asks for its own day.")
    for file, numbers in document["not_in_client_book"].items():
        if numbers:
            some = ", ".join(numbers[:5])
            out.print(f"{file}: {len(numbers):,} numbers are not in the client book: {some}")
    if document["sample"]:
        sample = [
            {**facts, "status": CHOICES[facts["status"]].in_(language)}
            for facts in document["sample"]
        ]
        rows = [[facts[name] for name in _SAMPLE] for facts in sample]
        out.print(table("Sample", _SAMPLE, rows))


def _campaigns_of(door: Door, name: str) -> list[str]:
    campaigns = door.project.campaigns.items()
    return [f"outreach plan {one}" for one, campaign in campaigns if campaign.segment == name]
