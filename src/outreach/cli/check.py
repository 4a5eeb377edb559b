"""`outreach check` and `outreach schema`: the files of a project, before anything is run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, next_step, say

if TYPE_CHECKING:
    from outreach.core.problem import Problem
    from outreach.project.load import Project

CONFIG = "config.toml"


def check(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Project folders, or files and folders to report on. Default: all."),
    ] = None,
) -> None:
    """Report every problem in config, segments, campaigns and templates at once."""
    from outreach.cli.almanac import almanac, coverage_warnings
    from outreach.project.check import check as read_and_check
    from outreach.project.config import Config
    from outreach.project.load import load_config

    door: Door = context.obj
    configs, places = _sorted_out(paths or [], door.config_path)
    problems: list[Problem] = []
    projects: list[Project] = []
    for config in configs:
        given = load_config(config)
        if not isinstance(given, Config):
            _report(door, given)
            raise typer.Exit(BAD_DATA)
        known = almanac(Door(config, door.json, _config=given))
        project, found = read_and_check(config, known)
        if project is None:
            _report(door, found)
            raise typer.Exit(BAD_DATA)
        found = sorted({*found, *coverage_warnings(project, known)})
        projects.append(project)
        problems += (
            found if config.resolve() not in places else _within(found, places[config.resolve()])
        )
    _report(door, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(PROBLEMS)
    campaigns = [name for project in projects for name in project.campaigns]
    templates = sum(len(project.templates) for project in projects)
    segments = sum(len(project.segments.models) for project in projects)
    say(
        door,
        f"{len(campaigns)} campaigns, {templates} templates, {segments} segments: no errors"
        + (f", {len(problems)} warning{'s' if len(problems) > 1 else ''}." if problems else "."),
    )
    if campaigns:
        next_step(door, f"outreach plan {campaigns[0]}")


def _sorted_out(paths: list[Path], default: Path) -> tuple[list[Path], dict[Path, list[Path]]]:
    """The configs to check, and for a config the places its report is limited to."""
    configs: list[Path] = []
    places: dict[Path, list[Path]] = {}
    for path in paths:
        if not path.exists():
            raise Failure(USAGE, f"{path}: there is no such file or folder, name one that exists")
        if path.is_dir() and (path / CONFIG).is_file():
            configs.append(path / CONFIG)
        elif path.name == CONFIG:
            configs.append(path)
        else:
            places.setdefault(default.resolve(), []).append(path.resolve())
    if places and default not in configs:
        configs.append(default)
    return configs or [default], places


def _within(problems: list["Problem"], places: list[Path]) -> list["Problem"]:
    return [
        problem
        for problem in problems
        if any(Path(problem.file).resolve().is_relative_to(place) for place in places)
    ]


def _report(door: Door, problems: list["Problem"]) -> None:
    if door.json:
        from dataclasses import asdict

        emit_json([asdict(problem) for problem in problems])
        return
    for problem in problems:
        mark = " (warning)" if problem.severity == "warning" else ""
        typer.echo(f"{problem}{mark}", err=True)


def schema(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where the schemas are kept. Default: schemas/.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a schema is out of date.")
    ] = False,
) -> None:
    """Write the JSON Schemas by which an editor completes and checks the project's files."""
    from outreach.project.schema import SCHEMAS, stale_schemas, write_schemas

    door: Door = context.obj
    folder = folder or door.root / "schemas"
    changed = stale_schemas(folder) if check else write_schemas(folder)
    if door.json:
        emit_json({"folder": str(folder), "changed": [path.name for path in changed]})
    if check and changed:
        raise Failure(
            PROBLEMS, [f"{path}: is out of date, write it with outreach schema" for path in changed]
        )
    say(door, f"{len(SCHEMAS)} schemas in {folder} are current.")
