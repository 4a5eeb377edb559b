"""`outreach survey`: take answers in, say what they came to, hand cases to departments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.clients import As, AsOf, document, lines, moment_of, refuse_empty, run_import
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.core.survey_report import Group
    from outreach.survey import Reported

app = typer.Typer(no_args_is_help=True, help="Surveys: answers, reports, cases for departments.")
answers = typer.Typer(no_args_is_help=True, help="Answers to surveys: import them, list them.")
app.add_typer(answers, name="answers")

Which = Annotated[
    str, typer.Argument(metavar="CAMPAIGN|RUN", help="A campaign, or a run's number.")
]


@answers.command("import")
def import_answers(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Inbound SMS: CSV, XLSX, Parquet or JSON.")],
    as_of: AsOf = "",
    actor: As = "",
) -> None:
    """Record what clients wrote back. An opt-out goes to the consent ledger; a row that came before
    counts once."""
    from outreach import ingest

    door: Door = context.obj
    when, country = moment_of(door, as_of), door.config.clients.default_country
    kinds: dict[str, int] = {}

    def verb(desk: ingest.Desk) -> ingest.Imported:
        done = ingest.import_answers(desk, file, country=country, as_of=when)
        kinds.update(done.kinds)
        return done.imported

    done = run_import(door, file, actor, verb)
    told = {name: kinds.get(name, 0) for name in _TOLD}
    if door.json:
        emit_json({**document(done), "taken": told})
    say(door, *lines(door, done))
    said = ", ".join(f"{count} {_TOLD[name]}" for name, count in told.items() if count)
    say(door, f"  {said or 'nothing new'}")
    refuse_empty(done)
    next_step(door, "outreach survey report CAMPAIGN", "outreach survey forward")


_TOLD = {
    "answer": "answers",
    "late": "too late to count",
    "review": "to be read by a person",
    "opt_out": "opt-outs recorded",
    "follow_up": "cases opened",
}


@answers.command("list")
def list_answers(
    context: typer.Context,
    which: Which,
    kind: Annotated[str, typer.Option(help="Only answer, late or review.")] = "",
) -> None:
    """Every answer, oldest first; addresses and numbers in comments are masked."""
    from outreach.core.masking import masked_text

    door: Door = context.obj
    rows = [
        {
            "id": one.id,
            "run": one.run_id,
            "client": one.client_no,
            "received at": one.received_at,
            "kind": one.kind,
            "score": one.score,
            "comment": masked_text(one.comment),
            "source": one.source,
        }
        for one in _reported(door, which).given
        if not kind or one.kind == kind
    ]
    emit_rows(door, f"Answers to {which}", rows)


@app.command()
def answer(
    context: typer.Context,
    token: Annotated[str, typer.Option(help="The last part of the client's link.")],
    score: Annotated[int | None, typer.Option(help="A number of the scale.")] = None,
    comment: Annotated[str, typer.Option(help="What the client adds in words.")] = "",
    actor: As = "",
) -> None:
    """Record one answer by a client's link, as the web page does."""
    from outreach import survey
    from outreach.cli.engine import unsubscribe_key

    door: Door = context.obj
    key, zone = unsubscribe_key(door), ZoneInfo(door.config.firm.zone)
    who = actor or door.actor
    done = survey.answer(
        door.database, key, token, score, comment, now=door.now(), zone=zone, source="staff",
        actor=who,
    )  # fmt: skip
    if isinstance(done, survey.Refused):
        code = PROBLEMS if done.code == "unknown_link" else USAGE
        raise Failure(code, done.why.in_("en"))
    if door.json:
        emit_json(done._asdict())
    again = " It had come before." if done.again else ""
    say(door, f"Recorded for run {done.run_id}: {done.kind.sentence.en}.{again}")
    if done.follow_ups:
        say(door, f"{done.follow_ups} case(s) opened for departments.")
        next_step(door, "outreach survey forward")


@app.command()
def report(
    context: typer.Context,
    which: Which,
    out: Annotated[
        Path | None, typer.Option(help="Also write every answer to FILE.csv, .xlsx or .parquet.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """How many answered and how: of each client the last answer counts. Branches and advisers with
    fewer than five answers are not shown by themselves."""
    door: Door = context.obj
    made = _reported(door, which)
    if out is not None:
        _write(out, made, force)
    if door.json:
        emit_json(_document(which, made))
        return
    _show(door, which, made)
    if out is not None:
        say(door, f"{len(made.given)} answers are in {out}.")


def _reported(door: Door, which: str) -> "Reported":
    from outreach import survey

    run = int(which) if which.isdecimal() else None
    with door.database.reading() as conn:
        made = survey.report(conn, campaign=None if run is not None else which, run_id=run)
    if isinstance(made, str):
        raise Failure(PROBLEMS, f"{made}; see `outreach runs`")
    return made


def _document(which: str, made: "Reported") -> dict[str, Any]:
    found = made.report
    return {
        "survey": which,
        "runs": [one.run_id for one in made.runs],
        "question": made.question.model_dump(),
        "sent": found.sent,
        "answered": found.answered,
        "rate": found.rate,
        "mean": found.mean,
        "distribution": found.distribution,
        "replaced": found.replaced,
        "late": found.late,
        "review": found.review,
        "by_branch": [group._asdict() for group in found.by_branch],
        "by_adviser": [group._asdict() for group in found.by_adviser],
    }


def _show(door: Door, which: str, made: "Reported") -> None:
    found, language = made.report, door.config.language
    runs = ", ".join(str(one.run_id) for one in made.runs)
    say(door, f"{which}: {made.question.in_(language)} (run {runs})")
    rate = "" if found.rate is None else f" ({found.rate:.1%})"
    say(door, f"  sent to {found.sent:,} clients, answered by {found.answered:,}{rate}")
    if found.mean is not None:
        say(door, f"  mean {found.mean:.2f} of {found.answered:,} answers")
    more = {
        "replaced by a later answer": found.replaced,
        "too late to count": found.late,
        "could not be read": found.review,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in more.items() if count)
    if said:
        say(door, f"  besides: {said}")
    rows = [
        {
            "score": score,
            "means": made.words[score].in_(language) if score in made.words else "",
            "answers": count,
            "share": f"{count / found.answered:.0%}" if found.answered else "",
        }
        for score, count in sorted(found.distribution.items(), reverse=True)
    ]
    emit_rows(door, "Scores", rows)
    for title, groups in (("Branches", found.by_branch), ("Advisers", found.by_adviser)):
        if any(group.name for group in groups):
            emit_rows(door, title, [_group(group) for group in groups])


def _group(group: "Group") -> dict[str, Any]:
    mean = "" if group.mean is None else f"{group.mean:.2f}"
    return {"name": group.name or "all others", "answers": group.answers, "mean": mean}


def _write(path: Path, made: "Reported", force: bool) -> None:
    from outreach.cli.export import Column, write_table

    columns = (
        Column("answer", "id"), Column("run", "id"), Column("client", width=16),
        Column("received_at", "moment", 22), Column("kind"), Column("score", "number"),
        Column("comment", width=60), Column("source"), Column("branch", width=24),
        Column("adviser", width=12),
    )  # fmt: skip
    rows = (
        (
            one.id, one.run_id, one.client_no, one.received_at, one.kind, one.score, one.comment,
            one.source, one.branch, one.adviser,
        )
        for one in made.given
    )  # fmt: skip
    write_table(path, "answers", columns, rows, force=force)


@app.command()
def forward(
    context: typer.Context,
    again: Annotated[
        bool, typer.Option("--again", help="Also what waits for its next try, or was given up.")
    ] = False,
) -> None:
    """Hand cases that are due to their departments. What is not taken is tried again later."""
    from outreach import survey
    from outreach.cli.departments import departments

    door: Door = context.obj
    ways, problems = departments(door)
    done = list(survey.forward(door.database, ways, door.now(), failed_too=again))
    rows = [{**one._asdict(), "action": one.action.value} for one in done]
    if door.json:
        emit_json(rows)
    else:
        emit_rows(door, "Handed over", rows)
    lost = sum(one.action != "forwarded" for one in done)
    if problems:
        raise Failure(BAD_DATA, problems)
    if lost:
        raise Failure(PROBLEMS, f"{lost} of {len(done)} cases were not taken; see why above")
    next_step(door, "outreach follow-ups list")
